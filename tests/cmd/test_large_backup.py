#!/usr/bin/env python3
"""A Maildir two weeks older with one in a hundred missing, then a server two weeks older, UIDVALIDITY unchanged:
nothing is deleted, nothing doubled, and no body crosses that both sides have, though messages moved since.

MAILDIRD_LARGE_MESSAGES says how many.
"""

import collections
import os
import re
import shutil
import unittest

import dovecot
import large
import oracle
import tools
from embedded import Imapd

MESSAGES = large.count(300)
HALF = MESSAGES // 2
MOVED = MESSAGES // 20  # each way, by each side
NEW = MESSAGES // 100  # in each mailbox, since the backup
MAILBOXES = ("INBOX", "Archive")
NUMBER = re.compile(rb"Message-ID: <(\d+)@")


class Backup(unittest.TestCase):
    def begin(self, server):
        self.server = server
        connection = server.connect()
        connection.create("Archive")
        connection.logout()
        large.fill(server, "INBOX", HALF)
        large.fill(server, "Archive", HALF, HALF)
        self.relay = self.enterContext(large.Cutter(server.port))
        self.client = large.Client(server, self.relay, sync={"guard": "off"})
        self.addCleanup(self.client.close)
        self.client.take()
        self.client.take()

    def on_server(self):
        """{mailbox: how often each message is there}"""
        connection = self.server.connect()
        found = {}
        for mailbox in MAILBOXES:
            oracle.check(connection.select(mailbox, readonly=True))
            _, data = connection.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
            found[mailbox] = collections.Counter(
                int(NUMBER.search(item[1]).group(1)) for item in data if isinstance(item, tuple))
        connection.logout()
        return found

    def here(self):
        found = {}
        for mailbox in MAILBOXES:
            numbers = collections.Counter()
            for path in self.client.files(mailbox):
                with open(path, "rb") as stream:
                    numbers[int(NUMBER.search(stream.read()).group(1))] += 1
            found[mailbox] = numbers
        return found

    def two_weeks(self):
        """Moves both ways on both sides, and new messages. Returns the numbers of these."""
        connection = self.server.connect()
        for source, target in (MAILBOXES, MAILBOXES[::-1]):
            oracle.check(connection.select(source))
            oracle.check(connection.uid("MOVE", "1:%d" % MOVED, target))
        connection.logout()
        self.client.take()
        for source, target in (MAILBOXES, MAILBOXES[::-1]):
            there = os.path.join(self.client.mailbox_path(target), "cur")
            files = sorted(self.client.files(source))
            for path in files[HALF // 2:HALF // 2 + MOVED]:
                os.rename(path, os.path.join(there, os.path.basename(path)))
        for position, mailbox in enumerate(MAILBOXES):
            large.fill(self.server, mailbox, NEW, MESSAGES + position * NEW)
        for _ in range(2):
            self.client.take()
        return set(range(MESSAGES, MESSAGES + 2 * NEW))

    def passes(self, codes):
        """What they carried, together. The last of them carries nothing."""
        carried = collections.Counter()
        for _ in range(4):
            _, report = self.client.take(codes=codes)
            last = large.carried(report)
            carried.update(last)
        last.pop("held", None)
        self.assertEqual(last, {})
        return carried

    def older_maildir(self, server):
        self.begin(server)
        copy = self.client.maildir + ".copy"
        shutil.copytree(self.client.maildir, copy, symlinks=True)
        new = self.two_weeks()
        before = self.on_server()
        self.assertEqual(self.here(), before)
        shutil.rmtree(self.client.maildir)
        os.rename(copy, self.client.maildir)
        missing = 0
        for mailbox in MAILBOXES:
            for path in sorted(self.client.files(mailbox))[::100]:
                os.unlink(path)
                missing += 1
        bodies = self.relay.bodies
        carried = self.passes((0,))
        self.assertEqual(self.on_server(), before)
        self.assertEqual(self.here(), before)
        self.assertEqual(carried["uploaded"] + carried["deleted_local"] + carried["deleted_remote"], 0, carried)
        self.assertEqual(self.relay.bodies - bodies, missing + len(new))
        print("an older Maildir of %d messages: %s" % (MESSAGES, dict(carried)), flush=True)

    def test_law6_an_older_maildir_beside_the_embedded_server(self):
        self.older_maildir(self.enterContext(Imapd()))

    def test_law6_an_older_maildir_beside_dovecot(self):
        self.older_maildir(self.enterContext(dovecot.Dovecot()))

    def test_law6_an_older_server(self):
        server = self.enterContext(dovecot.Dovecot())
        self.begin(server)
        before = self.on_server()
        server.stop()
        tools.run_checked(["cp", "-a", server.path("mail"), server.path("copy")])
        server.launch()
        new = self.two_weeks()
        server.stop()
        shutil.rmtree(server.path("mail"))
        os.rename(server.path("copy"), server.path("mail"))
        server.launch()
        bodies = self.relay.bodies
        carried = self.passes((1,))
        self.assertEqual(self.on_server(), before)
        here = self.here()
        held = collections.Counter(number for numbers in here.values() for number in numbers.elements()
                                   if number in new)
        self.assertEqual(held, collections.Counter(new))
        self.assertEqual({mailbox: collections.Counter(n for n in numbers.elements() if n not in new)
                          for mailbox, numbers in here.items()}, before)
        self.assertEqual(carried["uploaded"] + carried["downloaded"] + carried["deleted_local"]
                         + carried["deleted_remote"], 0, carried)
        self.assertEqual(self.relay.bodies, bodies)
        print("an older server of %d messages: %s" % (MESSAGES, dict(carried)), flush=True)


if __name__ == "__main__":
    tools.main()
