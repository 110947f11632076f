#!/usr/bin/env python3
"""The fixtures themselves: each server holds what it was given, and the oracle reads it back."""

import collections
import contextlib
import gc
import socket
import subprocess
import threading
import time
import unittest
import warnings

import courier
import cyrus
import dovecot
import hoodiecrow
import messages
import oracle
import relay
import tools
import twisted_server

NAMES = ["Archive/2024", "Reisen & Büro/日本", "Sent"]


class ServerCase(unittest.TestCase):
    def fill_and_compare(self, fixture):
        expected = collections.defaultdict(collections.Counter, {"INBOX": collections.Counter()})
        connection = fixture.connect()
        for number, name in enumerate(["INBOX"] + NAMES):
            wire = oracle.wire_name(name, fixture.prefix, fixture.delimiter)
            if name != "INBOX":
                oracle.check(connection.create(oracle.quoted(wire)))
            for message in messages.batch(number, 3):
                flags = "(\\Seen \\Flagged)" if number else "()"
                oracle.check(connection.append(oracle.quoted(wire), flags, None, message))
                expected[name][oracle.digest(message), "FS" if number else ""] += 1
        connection.logout()
        found = {name: counter for name, counter in oracle.read_server(fixture).items() if counter}
        self.assertEqual(found, dict(expected))

    def delete_one(self, fixture):
        connection = fixture.connect()
        connection.select("INBOX")
        connection.uid("STORE", "2", "+FLAGS", "(\\Deleted)")
        oracle.check(connection.expunge())
        oracle.check(connection.uid("COPY", "1", oracle.quoted(
            oracle.wire_name("Sent", fixture.prefix, fixture.delimiter))))
        connection.logout()
        state = oracle.read_server(fixture)
        self.assertEqual((sum(state["INBOX"].values()), sum(state["Sent"].values())), (2, 4))

    def try_server(self, fixture):
        with fixture:
            self.fill_and_compare(fixture)
            self.delete_one(fixture)

    def test_dovecot(self):
        for storage in dovecot.LOCATIONS:
            with self.subTest(storage):
                self.try_server(dovecot.Dovecot(storage))

    def test_dovecot_tunnel_and_hidden_capabilities(self):
        with dovecot.Dovecot(disable=("QRESYNC", "CONDSTORE", "UIDPLUS")) as fixture:
            answer = subprocess.run(fixture.tunnel(), shell=True, capture_output=True,
                                    input=b"a CAPABILITY\r\nb LOGOUT\r\n").stdout.decode()
        self.assertIn("PREAUTH", answer)
        self.assertIn("b OK", answer)
        self.assertNotIn("CONDSTORE", answer)

    def test_courier(self):
        self.try_server(courier.Courier())

    def test_cyrus(self):
        self.try_server(cyrus.Cyrus())

    def test_one_cyrus_ends_without_another(self):
        with cyrus.Cyrus() as kept:
            connection = kept.connect()
            with cyrus.Cyrus():
                pass
            time.sleep(1)
            oracle.check(connection.noop())
            connection.logout()
            kept.connect().logout()

    def test_twisted(self):
        self.try_server(twisted_server.TwistedServer())

    def test_hoodiecrow(self):
        self.try_server(hoodiecrow.Hoodiecrow())


class RelayCase(unittest.TestCase):
    def test_delay_and_counters(self):
        with twisted_server.TwistedServer() as fixture, relay.Relay(fixture.port, 50) as distant:
            near, fixture.port = fixture.port, distant.port
            begin = time.monotonic()
            connection = fixture.connect()
            connection.noop()
            taken = time.monotonic() - begin
            connection.logout()
            self.assertNotEqual(near, distant.port)
            # One way for the greeting, both for each of CAPABILITY, LOGIN, NOOP.
            self.assertGreater(taken, 0.349)
            self.assertLess(taken, 0.9)
            self.assertEqual(distant.connections, 1)
            self.assertGreater(distant.bytes_in, distant.bytes_out)
            self.assertGreaterEqual(distant.turns, 3)

    def test_bandwidth_is_not_limited(self):
        with twisted_server.TwistedServer() as fixture, relay.Relay(fixture.port, 20) as distant:
            fixture.port = distant.port
            connection = fixture.connect()
            begin = time.monotonic()
            oracle.check(connection.append("INBOX", "()", None, b"Subject: x\r\n\r\n" + b"y" * 4_000_000))
            self.assertLess(time.monotonic() - begin, 2)
            connection.logout()


    def test_a_failure_leaves_nothing_open(self):
        distant = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(distant.close)
        for stall in (lambda _: None, relay.Relay.cut, relay.Relay.freeze, relay.Relay.forget):
            threads = threading.active_count()
            with (warnings.catch_warnings(record=True) as warned,
                  contextlib.suppress(AssertionError),
                  relay.Relay(distant.getsockname()[1]) as between,
                  socket.create_connection(("127.0.0.1", between.port)) as near):
                warnings.simplefilter("always")
                far, _ = distant.accept()
                with far:
                    far.sendall(b"x")
                    self.assertEqual(near.recv(1), b"x")
                    stall(between)
                    near.sendall(b"y")
                    self.fail("as a test does")
            self.assertEqual(threading.active_count(), threads)
            del between
            gc.collect()
            self.assertEqual(warned, [])


class OracleCase(unittest.TestCase):
    def test_names(self):
        for name, wire in (("a&b", "a&-b"), ("Büro", "B&APw-ro"), ("日本", "&ZeVnLA-"),
                           ("😀", "&2D3eAA-"), ("plain", "plain")):
            self.assertEqual(oracle.encode_name(name), wire)
            self.assertEqual(oracle.decode_name(wire), name)

    def test_digest_ignores_line_ends_only(self):
        self.assertEqual(oracle.digest(b"a\r\nb\r\n"), oracle.digest(b"a\nb\n"))
        self.assertNotEqual(oracle.digest(b"a\rb"), oracle.digest(b"a\nb"))

    def test_differences(self):
        one, two = collections.Counter([("d", "S")]), collections.Counter([("d", "")])
        self.assertEqual(oracle.differences({"A": one}, {"A": one}), [])
        self.assertEqual(len(oracle.differences({"A": one}, {"A": two})), 2)
        self.assertEqual(len(oracle.differences({"A": one}, {"B": one})), 2)

    def test_messages_repeat_and_have_their_size(self):
        batch = list(messages.batch(3, 20, 1000, 20000))
        self.assertEqual(batch, list(messages.batch(3, 20, 1000, 20000)))
        self.assertEqual(len(set(batch)), 20)
        for message in batch:
            self.assertNotIn(b"\n", message.replace(b"\r\n", b""))
            self.assertTrue(900 <= len(message) <= 20200, len(message))


if __name__ == "__main__":
    tools.main()
