#!/usr/bin/env python3
"""Maildirs that other sync tools made are adopted: no body is fetched, none sent, nothing doubled.

500 messages in CI; MAILDIRD_E2E_MESSAGES=20000 for a long run.
"""

import collections
import hashlib
import os
import re
import unittest

import dovecot
import messages
import oracle
import passes
import tools

NAMES = ["INBOX", "Archive/2024"]
# What mbsync and OfflineIMAP add to the messages they write.
ADDED = re.compile(rb"^(X-TUID|X-OfflineIMAP):[^\n]*\n", re.IGNORECASE | re.MULTILINE)

MBSYNCRC = """IMAPAccount far
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account far

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Sync Pull
Expunge None
SyncState *
"""


def contents(client):
    """Every message here, without what tools add, however often."""
    counter = collections.Counter()
    for folder in oracle.maildir_folders(client.maildir).values():
        for path, _ in oracle.maildir_files(folder):
            with open(path, "rb") as stream:
                counter[hashlib.sha256(ADDED.sub(b"", stream.read())).hexdigest()] += 1
    return counter


class Adopt(passes.PassCase):
    mailboxes = NAMES

    def setUp(self):
        self.fixture = self.started(dovecot.Dovecot())
        self.count = passes.message_count(500)
        self.create(self.fixture, NAMES)
        connection = self.fixture.connect()
        for number, message in enumerate(messages.batch(1, self.count)):
            flags = ("", "\\Seen", "\\Seen \\Flagged", "\\Answered")[number % 4]
            oracle.append(connection, self.wire(self.fixture, NAMES[number % 2]), message, flags)
        # One and the same message several times.
        for _ in range(3):
            oracle.append(connection, "INBOX", b"Subject: same\r\n\r\nsame\r\n", "\\Seen")
        self.count += 3
        connection.logout()

    def uids(self):
        """Per mailbox, [(UID, flags, message)]."""
        connection = self.fixture.connect()
        found = {}
        for name in NAMES:
            oracle.check(connection.select(oracle.quoted(self.wire(self.fixture, name)), True))
            rows = list(oracle.parse_fetch(connection.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")[1]))
            found[name] = rows
        connection.logout()
        return found

    def check_adopted(self, client):
        before = contents(client)
        files = sorted(path for folder in oracle.maildir_folders(client.maildir).values()
                       for path, _ in oracle.maildir_files(folder))
        self.assertEqual(sum(before.values()), self.count)
        there = oracle.read_server(self.fixture)

        told = client.run("adopt", "-n", "work")
        self.assertEqual(told.code, 0, str(told))
        self.assertIn("found again by content", told.out)
        self.assertFalse(os.path.exists(os.path.join(client.maildir, ".maildird")))

        result = client.run("adopt", "work")
        self.assertEqual(result.code, 0, str(result))
        self.assertIn("work: %d messages paired" % self.count, result.out)

        for _ in range(2):
            trace = os.path.join(client.folder, "trace")
            result = self.assert_sync(client, "--trace", trace)
            moved = {name: number for name, number in result.account()["messages"].items() if number}
            self.assertEqual(moved, {})
            with open(trace, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
            self.assertNotIn("BODY.PEEK[]", text)
            self.assertEqual(passes.CHANGING.findall(text), [])
        self.assertEqual(contents(client), before)
        self.assertEqual(sorted(path for folder in oracle.maildir_folders(client.maildir).values()
                                for path, _ in oracle.maildir_files(folder)), files)
        self.assertEqual(oracle.read_server(self.fixture), there)

    def test_mbsync(self):
        mbsync = tools.need_program("mbsync")
        client = self.client(self.fixture)
        os.makedirs(client.maildir)
        account = self.fixture.account("off")
        settings = os.path.join(client.folder, "mbsyncrc")
        with open(settings, "w", encoding="utf-8") as stream:
            stream.write(MBSYNCRC.format(port=account["port"], user=account["user"],
                                         password=account["password"], maildir=client.maildir))
        tools.run_checked([mbsync, "-q", "-c", settings, "-a"],
                          env=dict(os.environ, HOME=client.folder))
        self.check_adopted(client)

    def test_offlineimap(self):
        """As OfflineIMAP makes it by default: flat, a UID and the digest of the folder's name in
        each file name, LF line ends."""
        client = self.client(self.fixture, layout="flat")
        for name, rows in self.uids().items():
            folder = name.replace("/", ".")
            path = os.path.join(client.maildir, folder)
            passes.make_folder(path)
            digest = hashlib.md5(folder.encode()).hexdigest()
            for uid, flags, message in rows:
                letters = oracle.letters(flags)
                file = "1700000000_%d.77.host,U=%d,FMD5=%s" % (uid, uid, digest)
                part = "cur" if letters else "new"
                with open(os.path.join(path, part, file + ":2," + letters), "wb") as stream:
                    stream.write(message.replace(b"\r\n", b"\n"))
        self.check_adopted(client)

    def test_once_synced_and_gone(self):
        """What the tool knew and the server has no more is held, not sent again."""
        client = self.client(self.fixture, layout="flat")
        path = os.path.join(client.maildir, "INBOX")
        passes.make_folder(path)
        gone = os.path.join(path, "cur", "1700000000_1.77.host,U=9999,FMD5=%s:2,S"
                            % hashlib.md5(b"INBOX").hexdigest())
        with open(gone, "wb") as stream:
            stream.write(b"Subject: gone\n\ngone\n")
        result = self.assert_sync(client, codes=(1,))
        self.assertEqual(result.account()["messages"]["uploaded"], 0)
        self.assertEqual(result.account()["messages"]["held"], 1)
        self.assertTrue(os.path.exists(gone))
        answer = client.run("held", "approve", "work")
        self.assertEqual(answer.code, 0, str(answer))
        self.assertEqual(self.assert_sync(client).account()["messages"]["uploaded"], 1)
        self.assertIn("uploaded", client.run("log").out)


if __name__ == "__main__":
    unittest.main()
