#!/usr/bin/env python3
"""One mailbox of very many messages: what passes over it take, and a first download that is cut again and again.

MAILDIRD_LARGE_MESSAGES says how many, MAILDIRD_LARGE_CUTS how often the download is cut. The figures are
printed; those of memory are held to their budget where the program has no sanitizer, and those of the index
where there are enough messages for an average.
"""

import os
import unittest

import large
import tools
from relay import Relay

MESSAGES = large.count(4000)
CUTS = int(os.environ.get("MAILDIRD_LARGE_CUTS", "4"))

IDLE_MIB = 16
FIRST_MIB = 48
INDEX_BYTES = 256
INDEX_BYTES_EMAILID = 352
ENOUGH_FOR_AN_AVERAGE = 50000
CONNECTIONS = 4
# What a cut costs at most: messages asked for, and logins. Of very many messages it is little.
IN_FLIGHT = 1280
LOGINS_BYTES = CONNECTIONS * 6000
CUT_SHARE = 0.05
ENOUGH_FOR_A_CUT = 20000

# After the first download: what is not used of the server, words for `sync`, and the budget.
NOTHING_CHANGED = (
    ("right after it", [], (), IDLE_MIB),
    ("the folder's times not settled yet", [], (), IDLE_MIB),
    ("nothing changed", [], (), IDLE_MIB),
    ("nothing changed, without CONDSTORE", ["QRESYNC", "CONDSTORE"], (), IDLE_MIB),
    ("nothing changed, all looked through", [], ("--full",), IDLE_MIB),
)


class Large(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = large.full_server("INBOX", MESSAGES)
        cls.addClassCleanup(cls.server.close)

    def client(self, relay, **account):
        client = large.Client(self.server, relay, **account)
        self.addCleanup(client.close)
        return client

    def tell(self, what, taken, report):
        print("%d messages, %s: %.1f s, RssAnon %.1f MiB, %d commands, %d bytes in" % (
            MESSAGES, what, taken["wall_s"], taken["anon_mib"], report["wire"]["commands"],
            report["wire"]["bytes_in"]), flush=True)

    def assert_memory(self, what, mib, budget_mib):
        if large.PLAIN:
            self.assertLessEqual(mib, budget_mib, what)

    def assert_index(self, client, budget):
        size = client.index_bytes() / MESSAGES
        print("%d messages: %.1f bytes each in the index" % (MESSAGES, size), flush=True)
        if MESSAGES >= ENOUGH_FOR_AN_AVERAGE:
            self.assertLessEqual(size, budget)

    def test_memory_and_index(self):
        with Relay(self.server.port) as relay:
            client = self.client(relay, disable=["OBJECTID"])
            taken, report = client.take()
            self.tell("first download", taken, report)
            self.assertEqual(large.carried(report), {"downloaded": MESSAGES})
            self.assert_index(client, INDEX_BYTES)
            peaks = [("first download", taken["anon_mib"], FIRST_MIB)]
            for what, disable, words, budget in NOTHING_CHANGED:
                client.write_config(disable=["OBJECTID"] + disable)
                taken, report = client.take(*words)
                self.tell(what, taken, report)
                self.assertEqual(large.carried(report), {}, what)
                peaks.append((what, taken["anon_mib"], budget))
            for peak in peaks:
                self.assert_memory(*peak)

    def assert_bytes(self, cut):
        with Relay(self.server.port) as relay:
            self.client(relay).take()
            uncut = relay.bytes_in
        print("%d bytes in with %d cuts, %d without: %.3f times" % (cut, CUTS, uncut, cut / uncut), flush=True)
        share = CUT_SHARE * uncut
        if MESSAGES < CUTS * ENOUGH_FOR_A_CUT:
            share += CUTS * (IN_FLIGHT * uncut / MESSAGES + LOGINS_BYTES)
        self.assertLessEqual(cut, uncut + share)

    def test_a_first_download_goes_on_after_cuts(self):
        with large.Cutter(self.server.port) as relay:
            client = self.client(relay)
            peak_mib = 0
            for number in range(1, CUTS + 1):
                relay.cut_at = MESSAGES * number // (CUTS + 1)
                taken, _ = client.take(codes=(69, 75, 76))
                peak_mib = max(peak_mib, taken["anon_mib"])
            # Each cut casts doubt on what was due just then; that is tried again after a while.
            taken, report = client.take(codes=(0, 1))
            self.tell("the rest after %d cuts" % CUTS, taken, report)
            print("%d bodies sent for %d, %d bytes; RssAnon of the passes that were cut: %.1f MiB" % (
                relay.bodies, MESSAGES, relay.bytes_in, peak_mib), flush=True)
            held = report["messages"]["held"]
            self.assertLessEqual(held, CUTS * CONNECTIONS)
            self.assertEqual(sum(1 for _ in client.files("INBOX")), MESSAGES - held)
            # What was on its way is sent again, and nothing else.
            self.assertLessEqual(relay.bodies, MESSAGES + CUTS * IN_FLIGHT)
            self.assert_bytes(relay.bytes_in)
            self.assert_index(client, INDEX_BYTES_EMAILID)
            self.assert_memory("cut", peak_mib, FIRST_MIB)
            self.assert_memory("the rest", taken["anon_mib"], FIRST_MIB)


if __name__ == "__main__":
    tools.main()
