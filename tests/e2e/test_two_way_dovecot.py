#!/usr/bin/env python3
"""Dovecot, over each transport, with and without its extensions."""

import dovecot
import passes
import tools

STEPS_DOWN = (("QRESYNC",), ("QRESYNC", "CONDSTORE"),
              ("QRESYNC", "CONDSTORE", "LIST-STATUS", "MOVE", "LITERAL+", "ESEARCH"))


class TwoWayDovecot(passes.PassCase):
    def check(self, fixture, transport, count=None):
        self.started(fixture)
        self.fill(fixture, count or passes.message_count())
        self.check_two_way(fixture, self.client(fixture, transport))

    def test_tls(self):
        self.check(dovecot.Dovecot(), "tls")

    def test_starttls(self):
        self.check(dovecot.Dovecot("sdbox"), "starttls", passes.message_count(100))

    def test_tunnel(self):
        self.check(dovecot.Dovecot("maildir"), "tunnel", passes.message_count(100))

    def test_namespace_prefix_and_dot(self):
        self.check(dovecot.Dovecot("maildir", prefix="INBOX.", separator="."), "tls", 100)

    def test_fewer_extensions(self):
        for disabled in STEPS_DOWN:
            with self.subTest(without=disabled):
                self.check(dovecot.Dovecot(disable=disabled), "off", 100)

    def test_compress(self):
        fixture = self.started(dovecot.Dovecot())
        self.fill(fixture, 60)
        client = self.client(fixture, "tls", compress="on")
        self.check_two_way(fixture, client, rounds=1)
        self.assertTrue(self.assert_sync(client).account()["wire"]["compressed"])


if __name__ == "__main__":
    tools.main()
