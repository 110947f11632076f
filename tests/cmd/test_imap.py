#!/usr/bin/env python3
"""`maildird imap`: each operation against the embedded server, and how it ends."""

import os
import unittest

import operation_cases
import operations
import tools
from embedded import Imapd
from operations import needs, on


class Embedded:
    """Without a user for each test: it begins fast enough."""

    own_server = True
    words = ()

    @classmethod
    def make_server(cls):
        return Imapd("off", list(cls.words))


@on("IMAP4rev1", "IMAP4rev2", "LITERAL+", "ID", "ENABLE", "NAMESPACE", "CHILDREN", "LIST-EXTENDED",
    "LIST-STATUS", "SPECIAL-USE", "CREATE-SPECIAL-USE", "IDLE", "CONDSTORE", "QRESYNC", "UIDPLUS",
    "MOVE", "UNSELECT", "COMPRESS=DEFLATE", "OBJECTID", "STATUS=SIZE", "MULTIAPPEND",
    "APPENDLIMIT", "UIDONLY", "UTF8=ACCEPT", "ACL", "RIGHTS=texk", "LIST-MYRIGHTS", "QUOTA",
    "QUOTASET", "METADATA", "METADATA-SERVER", "LIST-METADATA", "UNAUTHENTICATE", "REPLACE",
    "INPROGRESS", "XLIST", "NOTIFY", "ESEARCH", "SEARCHRES", "WITHIN", "SORT", "SORT=DISPLAY",
    "ESORT", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES", "SEARCH=FUZZY", "BINARY", "PREVIEW",
    "SAVEDATE", "PARTIAL", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE", "QUOTA=RES-MAILBOX",
    "QUOTA=RES-ANNOTATION-STORAGE")
class Operations(Embedded, operation_cases.All):
    @needs("QUOTA", "QUOTASET", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE", "QUOTA=RES-MAILBOX",
           "QUOTA=RES-ANNOTATION-STORAGE")
    def test_quota(self):
        limits = {"STORAGE": 1024, "MESSAGE": 5, "MAILBOX": 20, "ANNOTATION-STORAGE": 10}
        root = self.result("quota")["roots"][0]
        self.result("setquota", root, *[str(word) for pair in limits.items() for word in pair])
        found = {resource["name"]: resource for resource in
                 self.result("getquota", root)["resources"]}
        self.assertEqual({name: found[name]["limit"] for name in found}, limits)
        self.assertEqual(found["MESSAGE"]["usage"], 3)
        self.assertEqual(self.refused("append", "INBOX", *[self.file(4)] * 3)["code"], "OVERQUOTA")

    @needs("METADATA-SERVER")
    def test_metadata_of_the_server(self):
        self.result("setmetadata", "", "/shared/admin", "mailto:a@example.org")
        self.assertEqual(self.result("getmetadata", "", "/shared/admin")["entries"][0]["value"],
                         "mailto:a@example.org")

    @needs("INPROGRESS")
    def test_progress_is_told(self):
        files = [self.file(0)] * 250
        for _ in range(4):
            self.result("append", "INBOX", *files)
        told = self.document("search", "INBOX", "body evening")["untagged"]
        self.assertIn("progress", [event["kind"] for event in told])

    @needs("ENABLE", "IMAP4rev2")
    def test_enable_rev2(self):
        self.assertEqual(self.result("enable", "IMAP4rev2"), {"IMAP4rev2": True})
        told = self.at_prompt("enable IMAP4rev2", 'create "Entwürfe"', "list", "status INBOX")
        self.assertIn("Entwürfe", told[2])
        self.assertIn("messages: 3", told[3])

    @needs("ENABLE", "UIDONLY")
    def test_enable_uidonly(self):
        told = self.at_prompt("enable UIDONLY", "fetch INBOX 2 flags", "store INBOX 2 +flagged",
                              "search INBOX flagged")
        self.assertIn("uid: 2", told[1])
        self.assertIn("all: 2", told[3])


class Endings(Embedded, operations.Case):
    words = ("--disable", "QUOTA,IDLE,XLIST")

    def test_a_missing_capability_is_named_before_anything_is_sent(self):
        trace = os.path.join(self.client.folder, "trace")
        document = self.document("--trace", trace, "quota", code=64)
        self.assertEqual((document["status"], document["result"]), ("capability", None))
        self.assertIn("QUOTA", document["text"])
        with open(trace, encoding="utf-8") as stream:
            self.assertNotIn("GETQUOTA", stream.read())
        result = self.imap("quota")
        self.assertEqual((result.code, result.out), (64, ""))
        self.assertIn("QUOTA", result.err)

    def test_no_is_told_with_its_words(self):
        result = self.imap("status", "Missing")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertIn("[NONEXISTENT]", result.err)

    def test_words_that_are_wrong(self):
        for words, told in (
                (["fetch", "INBOX"], "usage: fetch"),
                (["fetch", "INBOX", "x"], "the set of messages"),
                (["search", "INBOX", "since tuesday"], "tuesday"),
                (["store", "INBOX", "1", "+a", "-b"], "one store"),
                (["append", "INBOX", "/nonexistent/file"], "/nonexistent/file"),
                (["create", "X", "lunch"], "no special use")):
            result = self.imap(*words)
            self.assertIn(result.code, (64, 74), words)
            self.assertIn(told, result.err, words)

    def test_an_unknown_operation_account_or_none(self):
        result = self.imap("fecth")
        self.assertEqual((result.code, result.out), (64, ""))
        self.assertIn("did you mean 'fetch'", result.err)
        self.assertEqual(self.client.run("imap", "home", "noop").code, 64)
        self.assertEqual(self.client.run("imap").code, 64)
        self.assertIn("which operation?", self.imap().err)

    def test_a_server_that_is_not_there(self):
        self.server.stop()
        document = self.document("noop", code=69)
        self.assertEqual((document["op"], document["status"]), ("noop", "network"))

    def test_a_wrong_password(self):
        self.client.write_config(password="wrong")
        document = self.document("noop", code=77)
        self.assertEqual(document["status"], "auth")

    def test_law10_the_trace_holds_no_password(self):
        trace = os.path.join(self.client.folder, "trace")
        self.result("--trace", trace, "noop")
        with open(trace, encoding="utf-8") as stream:
            text = stream.read()
        self.assertIn("NOOP", text)
        self.assertNotIn(self.server.password, text)


class Prompt(Embedded, operations.Case):
    """On a pseudo terminal."""

    def begin(self, *words):
        terminal = operations.Terminal(self.client, "imap", "work", *words)
        self.addCleanup(terminal.close)
        terminal.read_prompt()
        return terminal

    def history(self):
        return os.path.join(self.client.state, "maildird", "imap-history")

    def test_it_keeps_the_connection_and_completes(self):
        terminal = self.begin()
        self.assertIn("exists: 3", terminal.say("select INBOX\n", r"changed:.*\n(.|\n)*work> "))
        self.assertIn("all: 1:3", terminal.say("search INBOX all\n", r"all: .*\n(.|\n)*work> "))
        self.assertIn("uidnext: 4", terminal.say("stat\tIN\tuidnext\n", r"uidnext: \d+\r\n"))
        self.assertIn("There is no operation", terminal.say("fecth\n", r"help lists them.*\n"))
        terminal.write("quit\n")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(os.stat(self.history()).st_mode & 0o777, 0o600)
        with open(self.history(), encoding="utf-8") as stream:
            self.assertIn("INBOX", stream.read())

    def test_it_remembers_what_was_typed_before(self):
        self.at_prompt("status INBOX messages")
        terminal = self.begin()
        terminal.write("\x10")  # what precedes: quit
        self.assertIn("messages: 3", terminal.say("\x10\n", r"messages: \d\r\n"))

    def test_an_interrupt_ends_the_operation_not_the_prompt(self):
        trace = os.path.join(self.client.folder, "trace")

        def idles():
            with open(trace, encoding="utf-8") as stream:
                return "S: + " in stream.read()
        self.client.write_config(auth=["login"])
        terminal = self.begin("--trace", trace)
        terminal.write("idle INBOX 600\n")
        tools.wait_until(idles, 30, "IDLE")
        terminal.say("\x03", r"ended: interrupted(.|\n)*work> ")
        self.assertIn("all: 1:3", terminal.say("search INBOX all\n",
                                               r"all: .*\n(.|\n)*work> "))
        terminal.say("noop \x03", r"\n(.|\n)*work> ")
        self.assertEqual(terminal.end_input(), 0)


if __name__ == "__main__":
    tools.main()
