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

MESSAGES = large.count(1000)
A_SECOND = 3000
PASSES_AFTER = 3
EACH_MOVE = 10  # messages in one command


class Remover(threading.Thread):
    """Does `act` to each, so many a second."""

    def __init__(self, act, subjects):
        super().__init__(daemon=True)
        self.act, self.subjects = act, subjects

    def run(self):
        begin = time.monotonic()
        for number, subject in enumerate(self.subjects):
            self.act(subject)
            ahead = begin + number / A_SECOND - time.monotonic()
            if ahead > 0.01:
                time.sleep(ahead)


class Removal(unittest.TestCase):
    def start(self, mailbox):
        self.server = large.full_server(mailbox, MESSAGES)
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

    def begin(self, mailbox):
        self.client.take()
        self.client.take()
        files = sorted(self.client.files(mailbox))
        self.assertEqual(len(files), MESSAGES)
        return files

    def test_law11_rm_r_of_a_folder_is_stopped_and_stays_so(self):
        self.start("Lists")
        files = self.begin("Lists")
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

    def begin_with_two(self, source, target):
        self.start(source)
        connection = self.server.connect()
        connection.create(target)
        connection.logout()
        files = self.begin(source)
        return files, self.relay.bodies

    def check_moves(self, source, target, bodies, remover, allowed):
        """No body goes either way, and nothing is deleted."""

        def check(report):
            self.assertEqual(set(large.carried(report)) - allowed, set(), report)

        # A folder that changes faster than it can be read is left to the next pass (75).
        number = self.passes_meanwhile(remover, (0, 75), check)
        for _ in range(PASSES_AFTER):
            _, report = self.client.take()
            check(report)
        self.assertEqual(large.carried(report), {})
        self.assertEqual(self.relay.bodies, bodies)
        self.assertEqual((self.on_server(source), self.on_server(target)), (0, MESSAGES))
        self.assertEqual(len(list(self.client.files(source))), 0)
        self.assertEqual(len(list(self.client.files(target))), MESSAGES)
        print("%d messages moved from %s to %s beside %d passes" % (MESSAGES, source, target, number),
              flush=True)

    def move_here(self, source, target):
        files, bodies = self.begin_with_two(source, target)
        there = os.path.join(self.client.mailbox_path(target), "cur")

        def move(path):
            os.rename(path, os.path.join(there, os.path.basename(path)))

        # What was seen here and there by turns is a copy at first, and its original goes by the next pass.
        self.check_moves(source, target, bodies, Remover(move, files), {"moved_remote", "deleted_remote"})

    def move_there(self, source, target):
        _, bodies = self.begin_with_two(source, target)
        connection = self.server.connect()
        connection.select(source)

        def move(number):
            if number % EACH_MOVE == 0:
                connection.uid("MOVE", "%d:%d" % (number + 1, number + EACH_MOVE), target)

        self.check_moves(source, target, bodies, Remover(move, range(MESSAGES)), {"moved_local"})
        connection.logout()

    # Mailboxes are looked at in the order of their names: once the source first, once the target.
    def test_law1_files_moved_to_a_folder_that_is_read_before(self):
        self.move_here("Lists", "Archive")

    def test_law1_files_moved_to_a_folder_that_is_read_after(self):
        self.move_here("Archive", "Lists")

    def test_law1_messages_moved_on_the_server_to_a_mailbox_that_is_read_before(self):
        self.move_there("Lists", "Archive")

    def test_law1_messages_moved_on_the_server_to_a_mailbox_that_is_read_after(self):
        self.move_there("Archive", "Lists")


if __name__ == "__main__":
    tools.main()
