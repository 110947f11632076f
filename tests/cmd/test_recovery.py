#!/usr/bin/env python3
"""adopt, verify, explain, undo and held against the embedded server."""

import glob
import json
import os
import unittest

import maildird
import oracle
from embedded import Imapd


def message(subject):
    return ("Subject: %s\r\n\r\nThis is %s.\r\n" % (subject, subject)).encode()


class Recovery(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Imapd())
        self.client = maildird.Maildird(dict(self.server.account("off"), sync={"guard": "off"}))
        self.addCleanup(self.client.close)

    def append(self, subject, flags=""):
        connection = self.server.connect()
        oracle.append(connection, "INBOX", message(subject), flags)
        connection.logout()

    def expunge(self, uid):
        connection = self.server.connect()
        oracle.check(connection.select("INBOX"))
        oracle.check(connection.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)"))
        oracle.check(connection.expunge())
        connection.logout()

    def count(self):
        connection = self.server.connect()
        found = int(oracle.check(connection.select("INBOX", readonly=True))[0])
        connection.logout()
        return found

    def files(self):
        return sorted(glob.glob(os.path.join(self.client.maildir, "INBOX", "*", "*")))

    def file_of(self, subject):
        for path in self.files():
            with open(path, encoding="utf-8") as stream:
                if stream.readline() == "Subject: %s\n" % subject:
                    return path
        raise AssertionError("no file of %s" % subject)

    def run_verb(self, code, verb, *words):
        result = self.client.run(verb, *words)
        self.assertEqual(result.code, code, str(result))
        return result

    def synced(self, *subjects):
        for subject in subjects:
            self.append(subject)
        self.run_verb(0, "sync")
        self.run_verb(0, "sync")

    def test_adopt_accepts_a_maildir_without_its_marker(self):
        self.synced("one", "two")
        marker = os.path.join(self.client.maildir, ".maildird")
        os.unlink(marker)
        self.run_verb(74, "sync")
        self.run_verb(0, "adopt", "-n", "work")
        self.assertFalse(os.path.exists(marker))
        self.assertEqual(self.run_verb(0, "adopt", "work").out, "work: 2 messages paired\n")
        self.assertTrue(os.path.exists(marker))
        moved = self.run_verb(0, "sync", "--json").account()["messages"]
        self.assertEqual([name for name, number in moved.items() if number], [])
        self.run_verb(64, "adopt")
        self.run_verb(64, "adopt", "nobody")

    def test_adopt_carries_nothing_over(self):
        self.append("here and there")
        self.append("there")
        folder = os.path.join(self.client.maildir, "INBOX")
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(folder, part))
        for name in ("here and there", "here"):
            with open(os.path.join(folder, "cur", name.replace(" ", "") + ".host:2,F"), "wb") as file:
                file.write(message(name).replace(b"\r\n", b"\n"))
        self.assertEqual(self.run_verb(0, "adopt", "work").out, "work: 1 message paired\n")
        self.assertEqual((len(self.files()), self.count()), (2, 2))
        moved = self.run_verb(0, "sync", "--json").account()["messages"]
        self.assertEqual((moved["downloaded"], moved["uploaded"], moved["flags_to_remote"]), (1, 1, 1))
        self.assertEqual((len(self.files()), self.count()), (3, 3))

    def test_verify(self):
        self.synced("one", "two")
        self.assertEqual(self.run_verb(0, "verify").out, "work: 2 files read, 0 differences\n")
        self.append("three")
        found = json.loads(self.run_verb(1, "verify", "--json").out)["accounts"][0]
        self.assertEqual(set(found), {"name", "complete", "files", "differences", "left"})
        self.assertEqual((found["name"], found["complete"], found["files"]), ("work", True, 2))
        self.assertEqual([row["operation"] for row in found["differences"]], ["download"])
        self.assertEqual(set(found["differences"][0]), {"mailbox", "operation", "subject", "why"})
        self.assertEqual(len(self.files()), 2)
        self.assertIn("1 difference, 0 left", self.run_verb(0, "verify", "--repair").out)
        self.assertEqual(len(self.files()), 3)

    def test_verify_tells_a_failure_once(self):
        self.synced("one")
        os.unlink(os.path.join(self.client.maildir, ".maildird"))
        for words in ([], ["--repair"]):
            told = self.run_verb(74, "verify", *words).err.strip().splitlines()
            self.assertEqual(len(told), 1, told)
            self.assertIn(".maildird", told[0])

    def test_verify_finds_a_file_that_changed_and_leaves_it(self):
        self.synced("one", "two")
        path = self.file_of("one")
        with open(path, "ab") as file:
            file.write(b"more\n")
        for words in ([], ["--repair"]):
            told = self.run_verb(1, "verify", *words).out
            self.assertIn("work: differences\n  INBOX\n    differs UID 1 ", told)
            self.assertIn("the file is not what was synced", told)
        self.append("three")
        told = self.run_verb(1, "verify", "--repair").out
        self.assertIn("work: left\n  INBOX\n    differs UID 1 ", told)
        self.assertNotIn("download", told[told.index("work: left"):])
        self.assertIn("work: 3 files read, 2 differences, 1 left\n", told)
        with open(path, "rb") as file:
            self.assertTrue(file.read().endswith(b"more\n"))

    def test_explain(self):
        self.append("one", "\\Seen later $work")
        self.synced()
        path = self.file_of("one")
        told = self.run_verb(0, "explain", path).out
        self.assertTrue(told.startswith("work:INBOX UID 1\n  file: " + path), told)
        self.assertIn('index: synced, flags "S", keywords ', told)
        self.assertIn("the next pass: nothing", told)
        known = json.loads(self.run_verb(0, "explain", "--json", "work:INBOX/1").out)
        self.assertEqual(set(known), {"account", "mailbox", "uid", "file", "index", "held",
                                      "events", "next"})
        self.assertEqual(set(known["index"]), {"state", "flags", "keywords", "size", "received", "raw",
                                               "header_digest", "body_digest"})
        self.assertEqual((known["account"], known["mailbox"], known["uid"], known["file"]),
                         ("work", "INBOX", 1, path))
        self.assertEqual(sorted(known["index"]["keywords"]), ["$work", "later"])
        self.assertEqual((known["held"], known["next"]), (None, []))
        os.unlink(path)
        known = json.loads(self.run_verb(0, "explain", "--json", "work:INBOX/1").out)
        self.assertEqual(known["file"], None)
        self.assertEqual(known["next"], [{"operation": "delete on the server",
                                          "why": "deleted here"}])
        self.append("two")
        known = json.loads(self.run_verb(0, "explain", "--json", "work:INBOX/2").out)
        self.assertEqual((known["index"], known["next"][0]["operation"]), (None, "download"))
        self.run_verb(64, "explain")
        self.run_verb(64, "explain", "nowhere")

    def test_undo_brings_back_what_was_removed(self):
        self.synced("one", "two", "three")
        self.expunge(2)
        self.run_verb(0, "sync")
        self.assertEqual(len(self.files()), 2)
        self.assertIn("work:INBOX: deleted here UID 2", self.run_verb(0, "log").out)
        self.assertIn("1 message would be back", self.run_verb(0, "undo", "-n").out)
        self.assertEqual(len(self.files()), 2)
        self.assertIn("0 messages back", self.run_verb(0, "undo", "--since", "0", "work").out)
        self.assertIn("1 message back", self.run_verb(0, "undo", "--since", "1h", "work").out)
        self.assertEqual(len(self.files()), 3)
        self.assertIn("0 messages back", self.run_verb(0, "undo").out)
        self.run_verb(0, "sync")
        self.run_verb(0, "sync")
        self.assertEqual((len(self.files()), self.count()), (3, 3))
        self.run_verb(64, "undo", "--since", "x")

    def move(self, source, target, uids="1:*"):
        connection = self.server.connect()
        oracle.check(connection.select(source))
        oracle.check(connection.uid("MOVE", uids, target))
        connection.logout()

    def subjects(self, mailbox):
        """(here, on the server)"""
        connection = self.server.connect()
        there = []
        oracle.check(connection.select(mailbox, readonly=True))
        found = oracle.check(connection.search(None, "ALL"))[0].split()
        for number in found:
            answer = oracle.check(connection.fetch(number, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
            there.append(answer[0][1].decode().split(":")[1].strip())
        connection.logout()
        here = []
        for path in glob.glob(os.path.join(self.client.maildir, mailbox, "[cn]*", "*")):
            with open(path, encoding="utf-8") as stream:
                here.append(stream.readline().split(":")[1].strip())
        return sorted(here), sorted(there)

    def assert_both(self, **mailboxes):
        for mailbox, subjects in mailboxes.items():
            self.assertEqual(self.subjects(mailbox), (subjects.split(), subjects.split()), mailbox)

    def synced_with(self, *mailboxes):
        connection = self.server.connect()
        for mailbox in mailboxes:
            oracle.check(connection.create(mailbox))
        connection.logout()
        self.synced("one", "two", "three")

    def settle(self):
        """Nothing is sent or fetched for what was moved back."""
        for _ in range(2):
            messages = self.run_verb(0, "sync", "--json").account()["messages"]
            self.assertEqual((messages["uploaded"], messages["downloaded"]), (0, 0), messages)

    def test_undo_moves_back_what_was_moved(self):
        self.synced_with("Archive")
        names = [os.path.basename(path) for path in self.files()]
        self.move("INBOX", "Archive", "1:2")
        self.run_verb(0, "sync")
        self.assert_both(INBOX="three", Archive="one two")
        told = self.run_verb(0, "undo", "-n").out
        self.assertIn("work:Archive: would move back ", told)
        self.assertIn("2 messages would be back", told)
        self.assert_both(INBOX="three", Archive="one two")
        # By the mailbox that they are in, as by the one that they were in.
        self.assertIn("0 messages back", self.run_verb(0, "undo", "work:Nowhere*").out)
        self.assertIn("2 messages would be back", self.run_verb(0, "undo", "-n", "work:INBOX").out)
        self.assertIn("2 messages back", self.run_verb(0, "undo", "work:Archive").out)
        self.assertEqual(sorted(os.path.basename(path) for path in self.files()), sorted(names))
        self.settle()
        self.assert_both(INBOX="one three two", Archive="")
        self.assertIn("0 messages back", self.run_verb(0, "undo").out)

    def test_undo_of_moves_on_and_on(self):
        self.synced_with("A", "B")
        for source, target in (("INBOX", "A"), ("A", "B")):
            self.move(source, target)
            self.run_verb(0, "sync")
        self.expunge_all("B")
        self.run_verb(0, "sync")
        self.assert_both(INBOX="", A="", B="")
        told = self.run_verb(0, "undo", "-n").out
        self.assertIn("9 messages would be back", told)
        self.assertIn("9 messages back", self.run_verb(0, "undo").out)
        self.assertEqual(self.subjects("INBOX")[0], ["one", "three", "two"])
        self.run_verb(0, "sync")
        self.run_verb(0, "sync")
        self.assert_both(INBOX="one three two", A="", B="")

    def test_undo_of_a_move_that_was_made_back(self):
        self.synced_with("A")
        for source, target in (("INBOX", "A"), ("A", "INBOX")):
            self.move(source, target)
            self.run_verb(0, "sync")
        self.run_verb(0, "undo")
        self.settle()
        self.assert_both(INBOX="one three two", A="")

    def test_undo_brings_the_folder_back(self):
        self.client.write_config(sync={"guard": "off", "remove": "both"})
        self.synced_with("A", "B")
        self.move("INBOX", "A")
        self.run_verb(0, "sync")
        self.move("A", "B")
        connection = self.server.connect()
        oracle.check(connection.delete("A"))
        connection.logout()
        self.run_verb(0, "sync")
        self.run_verb(0, "sync")
        self.assertFalse(os.path.exists(os.path.join(self.client.maildir, "A")))
        self.assertIn("3 messages back", self.run_verb(0, "undo", "work:B").out)
        self.settle()
        self.assert_both(INBOX="", A="one three two", B="")

    def expunge_all(self, mailbox):
        connection = self.server.connect()
        oracle.check(connection.select(mailbox))
        oracle.check(connection.store("1:*", "+FLAGS", "(\\Deleted)"))
        oracle.check(connection.expunge())
        connection.logout()

    def test_what_is_held_is_done_or_brought_back(self):
        for answer, here, there in (("approve", 0, 0), ("keep", 12, 12)):
            with self.subTest(answer=answer):
                self.tearDown()
                self.doCleanups()
                self.server = self.enterContext(Imapd())
                self.client = maildird.Maildird(self.server.account("off"))
                self.addCleanup(self.client.close)
                self.synced(*("m%d" % number for number in range(12)))
                for path in self.files():
                    os.unlink(path)
                self.run_verb(1, "sync")
                self.assertEqual(self.count(), 12)
                told = self.run_verb(0, "held", answer, "work").out
                self.assertTrue(told.startswith("12 held messages"), told)
                self.run_verb(0, "sync")
                self.run_verb(0, "sync")
                self.assertEqual((len(self.files()), self.count()), (here, there))
                self.assertEqual(json.loads(self.run_verb(0, "held", "--json").out)["held"], [])

    def test_deletions_of_the_server_are_brought_back_there(self):
        self.client.write_config(sync={})
        self.synced(*("m%d" % number for number in range(12)))
        connection = self.server.connect()
        oracle.check(connection.select("INBOX"))
        oracle.check(connection.uid("STORE", "1:12", "+FLAGS", "(\\Deleted)"))
        oracle.check(connection.expunge())
        connection.logout()
        self.run_verb(1, "sync")
        self.run_verb(0, "held", "keep", "work:INBOX")
        for _ in range(3):
            self.client.run("sync")
        self.assertEqual((len(self.files()), self.count()), (12, 12))


if __name__ == "__main__":
    unittest.main()
