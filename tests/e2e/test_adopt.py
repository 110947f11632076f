#!/usr/bin/env python3
"""Maildirs that other sync tools made are adopted: no body is fetched, none sent, nothing doubled.

500 messages in CI; MAILDIRD_E2E_MESSAGES=20000 for a long run.
"""

import collections
import hashlib
import os
import re
import shutil
import unittest

import diskshim
import dovecot
import maildird
import messages
import oracle
import passes
import tools

NAMES = ["INBOX", "Archive/2024"]
# What mbsync and OfflineIMAP add to the messages they write.
ADDED = re.compile(rb"^(X-TUID|X-OfflineIMAP):[^\n]*\n", re.IGNORECASE | re.MULTILINE)

# What is configured of mbsync, and of the account that takes its Maildir over.
FORMS = (
    ("AltMap yes", {}),
    ("SyncState {folder}/state/", {}),
    ("SubFolders Maildir++", {"layout": "maildir++"}),
    ("Flatten .", {"layout": "flat"}),
    ("InfoDelimiter !", {"info_separator": "!"}),
)
OF_THE_STORE = ("AltMap", "SubFolders", "Flatten", "InfoDelimiter")

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
{store}

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Sync {sync}
Expunge None
SyncState {state}
"""


def files(client):
    """Of every layout, and of mbsync's separators."""
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(client.maildir)
                  for name in names if os.path.basename(folder) in ("cur", "new"))


def contents(client):
    """Every message here, without what tools add, however often."""
    counter = collections.Counter()
    for path in files(client):
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
        paths = files(client)
        self.assertEqual(sum(before.values()), self.count)
        there = oracle.read_server(self.fixture)

        told = client.run("adopt", "-n", "work")
        self.assertEqual(told.code, 0, str(told))
        self.assertIn("found again by content", told.out)
        self.assertFalse(os.path.exists(os.path.join(client.maildir, ".maildird")))

        result = client.run("adopt", "work")
        self.assertEqual(result.code, 0, str(result))
        self.assertIn("work: %d messages paired" % self.count, result.out)
        result = client.run("adopt", "work")
        self.assertIn("work: %d messages paired" % self.count, result.out, "a second time")

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
        self.assertEqual(files(client), paths)
        self.assertEqual(oracle.read_server(self.fixture), there)

    def mbsync(self, client, form="", sync="Pull"):
        """A run of mbsync, configured with `form` besides."""
        program = tools.need_program("mbsync")
        account = self.fixture.account("off")
        store = ["Inbox " + client.maildir]
        if "Maildir++" not in form:
            store = ["Path %s/" % client.maildir, "Inbox %s/INBOX" % client.maildir]
        if "SubFolders" not in form:
            store.append("SubFolders Verbatim")
        if form.startswith(OF_THE_STORE):
            store.append(form)
        state = "*"
        if form.startswith("SyncState"):
            state = form.split()[1].format(folder=client.folder)
            os.makedirs(state, exist_ok=True)
        os.makedirs(client.maildir, exist_ok=True)
        settings = os.path.join(client.folder, "mbsyncrc")
        with open(settings, "w", encoding="utf-8") as stream:
            stream.write(MBSYNCRC.format(port=account["port"], user=account["user"], sync=sync,
                                         password=account["password"], state=state,
                                         store="\n".join(store)))
        tools.run_checked([program, "-q", "-c", settings, "-a"],
                          env=dict(os.environ, HOME=client.folder))

    def test_mbsync(self):
        client = self.client(self.fixture)
        self.mbsync(client)
        self.check_adopted(client)

    def test_mbsync_in_its_other_forms(self):
        for form, account in FORMS:
            with self.subTest(form=form):
                client = self.client(self.fixture, **account)
                self.mbsync(client, form)
                self.check_adopted(client)

    def leave_work_undone(self, client):
        """Since mbsync's last run: 3 new here, 2 removed here; 3 expunged there, 1 new there."""
        folder = os.path.join(client.maildir, "INBOX")
        passes.make_folder(folder)
        passes.add_file(folder, b"Subject: sent by mbsync\n\nsent\n", "S")
        self.mbsync(client, sync="All")
        for number in range(3):
            passes.add_file(folder, b"Subject: new %d\n\nnew\n" % number, "S")
        for path in files(client):
            if "/INBOX/" in path and re.search(r",U=[79]:", path):
                os.unlink(path)
        connection = self.fixture.connect()
        oracle.check(connection.select("INBOX"))
        self.remove_on_server(connection, [b"20:22"])
        oracle.append(connection, "INBOX", b"Subject: there\r\n\r\nthere\r\n")
        connection.logout()

    def check_work_is_done(self, client, there):
        self.assertEqual(oracle.read_server(self.fixture), there, "adopt changes nothing there")
        moved = self.assert_sync(client, codes=(1,)).account()["messages"]
        self.assertEqual({name: number for name, number in moved.items() if number},
                         {"uploaded": 3, "downloaded": 3, "held": 3})
        moved = self.assert_sync(client, codes=(1,)).account()["messages"]
        self.assertEqual({name: number for name, number in moved.items() if number}, {"held": 3})
        self.assertEqual(sum(sum(counter.values()) for counter in oracle.read_server(self.fixture).values()),
                         self.count + 1 - 3 + 1 + 3)

    def test_mbsync_left_work_and_the_adoption_is_interrupted(self):
        """Ended at some of its calls, run again: as if it had not been."""
        client = self.client(self.fixture, program=maildird.release_binary())
        self.leave_work_undone(client)
        there = oracle.read_server(self.fixture)
        count_file = os.path.join(client.folder, "count")
        root = os.path.join(client.folder, "root")
        aside = root + ".before"
        shutil.copytree(root, aside, symlinks=True)

        def adopt(**settings):
            env = diskshim.environment(root, os.path.basename(client.program), client.program,
                                       client.environment(), **settings)
            return client.run("adopt", "work", env=env)

        self.assertEqual(adopt(count_file=count_file).code, 1)
        with open(count_file, encoding="ascii") as stream:
            calls = int(stream.read().split()[0])
        self.assertGreater(calls, 20)
        for kill_at in range(1, calls + 1, max(1, calls // 12)):
            with self.subTest(kill_at=kill_at, calls=calls):
                shutil.rmtree(root)
                shutil.copytree(aside, root, symlinks=True)
                adopt(kill_at=kill_at)
                self.assertEqual(oracle.read_server(self.fixture), there)
                result = client.run("adopt", "work")
                self.assertEqual(result.code, 1, str(result))
                self.assertIn("work: %d messages paired, 3 held" % (self.count - 4), result.out)
        self.check_work_is_done(client, there)

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
