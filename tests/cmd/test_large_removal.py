#!/usr/bin/env python3
"""`rm -r` of a folder of very many messages while passes run one after the other, and the same messages moved.

MAILDIRD_LARGE_MESSAGES says how many.
"""

import os
import shutil
import threading
import time
import unittest

import large
import tools

MESSAGES = large.count(2000)
A_SECOND = 3000
PASSES_AFTER = 3


class Remover(threading.Thread):
    """Does `act` to each, so many a second."""

    def __init__(self, act, paths):
        super().__init__(daemon=True)
        self.act, self.paths = act, paths

    def run(self):
        begin = time.monotonic()
        for number, path in enumerate(self.paths):
            self.act(path)
            ahead = begin + number / A_SECOND - time.monotonic()
            if ahead > 0.01:
                time.sleep(ahead)


class Removal(unittest.TestCase):
    def setUp(self):
        self.server = large.full_server("Lists", MESSAGES)
        self.addCleanup(self.server.close)
        self.relay = self.enterContext(large.Cutter(self.server.port))
        self.client = large.Client(self.server, self.relay)
        self.addCleanup(self.client.close)

    def on_server(self, mailbox):
        connection = self.server.connect()
        state, found = connection.select(mailbox, readonly=True)
        connection.logout()
        return int(found[0]) if state == "OK" else 0

    def passes_meanwhile(self, remover, codes, check):
        """How many passes ran beside it."""
        remover.start()
        number = 0
        while remover.is_alive():
            _, report = self.client.take(codes=codes)
            check(report)
            number += 1
        remover.join()
        return number

    def begin(self):
        self.client.take()
        self.client.take()
        files = sorted(self.client.files("Lists"))
        self.assertEqual(len(files), MESSAGES)
        return files

    def test_law11_rm_r_of_a_folder_is_stopped_and_stays_so(self):
        files = self.begin()
        folder = self.client.mailbox_path("Lists")
        least = MESSAGES - MESSAGES // 4

        def check(report):
            self.assertGreaterEqual(self.on_server("Lists"), least, report)

        number = self.passes_meanwhile(Remover(os.unlink, files), (0, 1, 75), check)
        _, report = self.client.take(codes=(0, 1))
        check(report)
        left = self.on_server("Lists")
        shutil.rmtree(folder)
        for _ in range(PASSES_AFTER):
            _, report = self.client.take(codes=(1,))
            self.assertEqual(large.carried(report), {"held": left})
            self.assertEqual(self.on_server("Lists"), left)
        held = self.client.run("held", "--json", timeout=large.TIMEOUT_S).report["held"]
        self.assertEqual({(each["kind"], each["mailbox"]) for each in held}, {("delete_remote", "Lists")})
        self.assertEqual(len(held), left)
        print("%d files removed beside %d passes: %d messages left on the server, all held" % (
            MESSAGES, number, left), flush=True)

    def test_the_same_messages_moved_are_no_deletion(self):
        connection = self.server.connect()
        connection.create("Archive")
        connection.logout()
        files = self.begin()
        there = os.path.join(self.client.mailbox_path("Archive"), "cur")
        bodies = self.relay.bodies
        # What was seen here and there by turns is a copy at first, and its original goes by the next pass. A file
        # that moved while its own folder was read may be sent, too: more than is needed, and nothing lost by it.
        allowed = {"moved_remote", "deleted_remote", "uploaded"}

        def move(path):
            os.rename(path, os.path.join(there, os.path.basename(path)))

        def check(report):
            self.assertEqual(set(large.carried(report)) - allowed, set(), report)

        # A folder that changes faster than it can be read is left to the next pass (75).
        number = self.passes_meanwhile(Remover(move, files), (0, 75), check)
        for _ in range(PASSES_AFTER):
            _, report = self.client.take()
            check(report)
        self.assertEqual(report["messages"]["moved_remote"], 0)
        self.assertEqual(self.relay.bodies, bodies)
        self.assertEqual((self.on_server("Lists"), self.on_server("Archive")), (0, MESSAGES))
        print("%d files moved beside %d passes" % (MESSAGES, number), flush=True)


if __name__ == "__main__":
    tools.main()
