#!/usr/bin/env python3
"""`maildird imap`: each operation against the embedded server, and how it ends."""

import json
import os
import pty
import re
import select
import subprocess
import time
import unittest

import support
import tools
from dovecot import Dovecot
from embedded import Imapd
from maildird import Maildird

MESSAGE = (b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: bob@example.org\r\n"
           b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= %d\r\nDate: Sat, 31 Jan 2026 12:00:00 +0000\r\n"
           b"Message-ID: <%d@example.org>\r\nReferences: <1@example.org>\r\n\r\nAt noon?\r\n")


class Case(unittest.TestCase):
    """A server with three messages in INBOX, and an account that reaches it."""

    maxDiff = None
    words = ()

    def make_server(self):
        return Imapd("off", list(self.words))

    def setUp(self):
        self.server = self.make_server()
        self.server.__enter__()
        self.addCleanup(self.server.close)
        self.client = Maildird(self.server.account("off"), support.binary())
        self.addCleanup(self.client.close)
        connection = self.server.connect()
        for number in (1, 2, 3):
            connection.append("INBOX", None, None, MESSAGE % (number, number))
        connection.logout()

    def imap(self, *words, **options):
        return self.client.run("imap", "work", *words, **options)

    def document(self, *words, code=0):
        result = self.imap("--json", *words)
        self.assertEqual((result.code, result.err), (code, ""), result)
        document = json.loads(result.out)
        self.assertEqual(list(document), ["op", "status", "code", "text", "untagged", "result"])
        return document

    def result(self, *words):
        document = self.document(*words)
        self.assertEqual(document["status"], "OK", document)
        return document["result"]

    def file(self, number):
        path = os.path.join(self.client.folder, "message-%d" % number)
        with open(path, "wb") as stream:
            stream.write(MESSAGE % (number, number))
        return path


class Session(Case):
    def test_login_capability_noop_check(self):
        self.assertIn("IDLE", self.result("login")["capabilities"])
        self.assertIn("UIDPLUS", self.result("capability"))
        self.assertIsNone(self.result("noop"))
        self.result("check", "INBOX")

    def test_id_namespace_enable_compress(self):
        names = [field["value"] for field in self.result("id") if field["name"] == "name"]
        self.assertIn(names, (["maildird"], ["Dovecot"]))
        self.assertEqual(self.result("namespace")["personal"], [{"prefix": "", "delimiter": "/"}])
        self.assertEqual(self.result("enable", "CONDSTORE"), {"CONDSTORE": True})
        self.result("compress")

    def test_idle_ends_at_its_deadline_or_an_event(self):
        self.assertEqual(self.result("idle", "INBOX", "0"), {"ended": "deadline"})
        command = self.client.command("imap", "work", "--json", "idle", "INBOX", "60")
        child = subprocess.Popen(command, stdout=subprocess.PIPE, env=self.client.environment())
        other = self.server.connect()
        deadline = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < deadline:
            other.append("INBOX", None, None, MESSAGE % (9, 9))
            select.select([child.stdout], [], [], 0.1)
        document = json.loads(child.stdout.read())
        child.stdout.close()
        self.assertEqual((child.wait(), document["result"]), (0, {"ended": "event"}))
        self.assertIn("exists", [event["kind"] for event in document["untagged"]])
        other.logout()

    def test_notify(self):
        self.result("notify", "none")
        self.result("notify", "set (personal (MailboxName SubscriptionChange))")
        self.result("notify", "wait", "0", "set (inboxes (MessageNew MessageExpunge))")

    def test_raw(self):
        self.assertEqual(self.result("raw", "NOOP")[-1].split()[1], "OK")
        lines = self.result("raw", "STATUS INBOX (MESSAGES)")
        self.assertEqual(lines[0], "* STATUS INBOX (MESSAGES 3)")
        document = self.document("raw", "XYZZY", code=76)
        self.assertEqual(document["status"], "BAD")


class Mailboxes(Case):
    def test_create_list_status_rename_delete(self):
        self.result("create", "Entwürfe")
        self.result("create", "A/B")
        listed = {mailbox["name"]: mailbox for mailbox in
                  self.result("list", "*", "return", "status", "children")}
        self.assertLessEqual({"INBOX", "Entwürfe", "A", "A/B"}, set(listed))
        self.assertEqual(listed["INBOX"]["status"]["messages"], 3)
        self.assertIn("\\HasChildren", listed["A"]["attributes"])
        self.assertEqual({mailbox["name"] for mailbox in self.result("list", "INBOX", "or", "A")},
                         {"INBOX", "A"})
        self.result("rename", "Entwürfe", "Später")
        self.assertEqual(self.result("status", "Später", "messages", "uidnext"),
                         {"mailbox": "Später", "messages": 0, "uidnext": 1})
        self.result("delete", "Später")
        document = self.document("delete", "Später", code=1)
        self.assertEqual((document["status"], document["code"]), ("NO", "NONEXISTENT"))

    def test_subscriptions(self):
        self.result("subscribe", "INBOX")
        self.assertEqual([mailbox["name"] for mailbox in self.result("lsub")], ["INBOX"])
        self.result("unsubscribe", "INBOX")
        self.assertEqual(self.result("lsub"), [])
        self.assertEqual([mailbox["name"] for mailbox in self.result("xlist")], ["INBOX"])

    def test_select_examine_close_unselect(self):
        selected = self.result("select", "INBOX")
        self.assertEqual((selected["exists"], selected["uidnext"], selected["read_only"]),
                         (3, 4, False))
        self.assertIs(self.result("examine", "INBOX")["read_only"], True)
        self.result("store", "INBOX", "2", "+seen")
        changed = self.result("select", "INBOX", str(selected["uidvalidity"]),
                              str(selected["highestmodseq"]))["changed"]
        self.assertEqual([message["uid"] for message in changed], [2])
        self.result("store", "INBOX", "2", "+deleted")
        self.result("unselect", "INBOX")
        self.assertEqual(self.result("status", "INBOX")["messages"], 3)
        self.result("close", "INBOX")
        self.assertEqual(self.result("status", "INBOX")["messages"], 2)

    def test_acl(self):
        self.result("acl", "INBOX", "set", "bob", "+lr")
        self.result("acl", "INBOX", "set", "bob", "-r")
        entries = self.result("acl", "INBOX")["entries"]
        self.assertIn({"identifier": "bob", "rights": "l"}, entries)
        self.assertIn("a", self.result("acl", "INBOX", "mine")["rights"])
        self.assertEqual(self.result("acl", "INBOX", "rights", "bob")["identifier"], "bob")
        self.result("acl", "INBOX", "delete", "bob")
        self.assertNotIn("bob", [entry["identifier"] for entry in
                                 self.result("acl", "INBOX", "get")["entries"]])

    def test_quota(self):
        roots = self.result("quota")["roots"]
        self.assertEqual(len(roots), 1)
        self.assertEqual(self.result("getquota", roots[0])["root"], roots[0])

    def test_metadata(self):
        self.result("setmetadata", "INBOX", "/private/comment", "mine")
        for words in ((), ("maxsize", "100"), ("depth", "infinity")):
            self.assertEqual(self.result("getmetadata", "INBOX", "/private/comment", *words),
                             {"mailbox": "INBOX", "entries":
                              [{"name": "/private/comment", "value": "mine"}]})
        self.result("setmetadata", "INBOX", "/private/comment", "nil")


class Messages(Case):
    def uids(self, *words):
        return self.result("search", "INBOX", *words)["all"]

    def test_fetch(self):
        messages = self.result("fetch", "INBOX", "1:2", "envelope", "flags", "size")["messages"]
        self.assertEqual([message["uid"] for message in messages], [1, 2])
        self.assertEqual(messages[0]["envelope"]["message_id"], "<1@example.org>")
        self.assertEqual(messages[0]["size"], len(MESSAGE % (1, 1)))
        one = self.result("fetch", "INBOX", "3", "header", "text", "structure")["messages"][0]
        self.assertEqual([section["section"] for section in one["sections"]],
                         ["BODY[HEADER]", "BODY[TEXT]"])
        self.assertEqual(one["sections"][1]["data"], "At noon?\r\n")
        self.assertEqual(one["bodystructure"]["subtype"].lower(), "plain")
        self.assertEqual(len(self.result("fetch", "INBOX", "1:*", "all")["messages"]), 3)

    def test_a_message_alone_is_printed_as_it_is(self):
        self.assertEqual(self.imap("fetch", "INBOX", "2", "message").out.encode(),
                         MESSAGE % (2, 2))
        self.assertEqual(self.uids("seen"), "")

    def test_fetch_for_people(self):
        out = self.imap("fetch", "INBOX", "1", "envelope", "structure").out
        self.assertIn("subject: Grüße 1", out)
        self.assertIn('"Jürgen <j@example.org>"', out)
        self.assertRegex(out, r"1 text/plain [\w-]+, 10 bytes")

    def test_fetch_of_what_changed(self):
        mark = self.result("status", "INBOX")["highestmodseq"]
        self.result("store", "INBOX", "1", "+flagged")
        self.result("expunge", "INBOX")
        fetched = self.result("fetch", "INBOX", "1:*", "flags", "changedsince", str(mark), "vanished")
        self.assertEqual([message["uid"] for message in fetched["messages"]], [1])

    def test_search_sort_thread(self):
        self.assertEqual(self.uids("from j@example.org since 2026-01-01"), "1:3")
        self.assertEqual(self.uids('subject "Grüße 2"'), "2")
        found = self.result("search", "INBOX", "return", "count,max", "all")
        self.assertEqual((found["count"], found["max"]), (3, 3))
        self.assertEqual(self.result("sort", "INBOX", "reverse subject", "all")["numbers"],
                         [3, 2, 1])
        self.assertEqual(self.result("thread", "INBOX", "references", "all"), [[1, [2], [3]]])

    def test_store(self):
        changed = self.result("store", "INBOX", "1:2", "+seen", "+$Forwarded")["changed"]
        self.assertEqual(set(changed[0]["flags"]) - {"\\Recent"}, {"$Forwarded", "\\Seen"})
        self.result("store", "INBOX", "1", "-\\Seen")
        self.assertEqual(self.uids("seen"), "2")
        self.result("store", "INBOX", "1", "flagged", "silent")
        self.assertEqual(self.uids("flagged"), "1")
        self.assertEqual(self.result("store", "INBOX", "1:3", "+seen", "unchangedsince", "1")
                         ["modified"], "1:3")

    def test_append(self):
        told = self.result("append", "INBOX", self.file(4), "flags", "seen")
        self.assertEqual(told["uids"], "4")
        self.assertEqual(self.uids("seen"), "4")
        self.assertEqual(self.result("append", "INBOX", self.file(5), self.file(6), "date",
                                     "31-Jan-2026 12:00:00 +0000")["uids"], "5:6")
        document = self.document("append", "Missing", self.file(4), code=1)
        self.assertEqual(document["code"], "TRYCREATE")

    def test_copy_move_expunge(self):
        self.result("create", "Work")
        copied = self.result("copy", "INBOX", "1:2", "Work")
        self.assertEqual((copied["source"], copied["dest"]), ("1:2", "1:2"))
        moved = self.result("move", "INBOX", "3", "Work")
        self.assertEqual((moved["source"], moved["dest"]), ("3", "3"))
        self.result("store", "INBOX", "1:2", "+deleted")
        self.result("expunge", "INBOX", "2")
        self.assertEqual(self.uids("all"), "1")
        self.result("expunge", "INBOX", "1", "steps")
        self.assertEqual(self.uids("all"), "")

    def test_sequence_numbers(self):
        self.result("store", "INBOX", "1", "+deleted")
        self.result("expunge", "INBOX")
        fetched = self.result("--seq", "fetch", "INBOX", "1", "flags")["messages"]
        self.assertEqual([message["uid"] for message in fetched], [2])
        self.assertEqual(self.result("--seq", "search", "INBOX", "all")["all"], "1:2")
        self.result("create", "Work")
        for operation in ("copy", "move"):
            self.result("--seq", operation, "INBOX", "1", "Work")
        self.assertEqual(self.uids("all"), "3")


class Rare(Case):
    """What Dovecot does not have, or not for users."""

    def test_unauthenticate(self):
        self.assertIn("AUTH=PLAIN", self.result("unauthenticate")["capabilities"])

    def test_replace(self):
        self.result("replace", "INBOX", "3", self.file(7))
        self.assertEqual(self.result("search", "INBOX", "all")["all"], "1:2,4")

    def test_partial(self):
        self.assertEqual(self.result("fetch", "INBOX", "1:*", "flags", "partial", "-1:-1")
                         ["messages"][0]["uid"], 3)
        self.assertEqual(self.result("search", "INBOX", "return", "partial=1:2", "all")["partial"],
                         {"range": "1:2", "set": "1:2"})

    def test_setquota(self):
        root = self.result("quota")["roots"][0]
        self.result("setquota", root, "STORAGE", "1024")
        resource = self.result("getquota", root)["resources"][0]
        self.assertEqual((resource["name"], resource["limit"]), ("STORAGE", 1024))

    def test_metadata_of_the_server(self):
        self.result("setmetadata", "", "/shared/admin", "mailto:a@example.org")
        self.assertEqual(self.result("getmetadata", "", "/shared/admin")["entries"][0]["value"],
                         "mailto:a@example.org")

    def test_special_use(self):
        self.result("create", "Entwürfe", "drafts")
        found = self.result("list", "*", "special-use", "return", "status", "children", "myrights")
        self.assertEqual([mailbox["name"] for mailbox in found], ["Entwürfe"])
        self.assertEqual(found[0]["status"]["messages"], 0)
        self.assertIn("\\Drafts", found[0]["attributes"])
        self.assertIn("l", found[0]["rights"])


class Endings(Case):
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


class Prompt(Case):
    """On a pseudo terminal."""

    def begin(self, *words):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            env = dict(self.client.environment(), TERM="xterm")
            command = self.client.command("imap", "work", *words)
            os.execve(command[0], command, env)
        self.addCleanup(self.finish)

    def finish(self):
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def read_until(self, wanted, seconds=30):
        text = b""
        deadline = time.monotonic() + seconds
        while not re.search(wanted, text):
            self.assertLess(time.monotonic(), deadline, text)
            if select.select([self.terminal], [], [], 1)[0]:
                try:
                    text += os.read(self.terminal, 4096)
                except OSError:
                    break
        return text.decode(errors="replace")

    def read_prompt(self):
        if "libedit" in self.read_until(rb"work> |libedit"):
            self.skipTest("built without libedit")

    def say(self, text, wanted):
        os.write(self.terminal, text.encode())
        return self.read_until(wanted)

    def end(self):
        told = self.read_until(rb"(?!)")
        pid, self.pid = self.pid, None
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, told)

    def test_it_keeps_the_connection_and_completes(self):
        self.begin()
        self.read_prompt()
        self.assertIn("exists: 3", self.say("select INBOX\n", rb"changed:.*\n(.|\n)*work> "))
        self.assertIn("all: 1:3", self.say("search INBOX all\n", rb"all: .*\n(.|\n)*work> "))
        self.assertIn("uidnext: 4", self.say("stat\tIN\tuidnext\n", rb"uidnext: \d+\r\n"))
        self.assertIn("There is no operation", self.say("fecth\n", rb"help lists them.*\n"))
        os.write(self.terminal, b"quit\n")
        self.end()
        folder = os.path.join(self.client.state, "maildird")
        path = os.path.join(folder, "imap-history")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, encoding="utf-8") as stream:
            self.assertIn("INBOX", stream.read())

    def test_an_interrupt_ends_the_operation_not_the_prompt(self):
        trace = os.path.join(self.client.folder, "trace")

        def idles():
            with open(trace, encoding="utf-8") as stream:
                return "S: + " in stream.read()
        self.client.write_config(auth=["login"])
        self.begin("--trace", trace)
        self.read_prompt()
        os.write(self.terminal, b"idle INBOX 600\n")
        tools.wait_until(idles, 30, "IDLE")
        self.say("\x03", rb"ended: interrupted(.|\n)*work> ")
        self.assertIn("all: 1:3", self.say("search INBOX all\n", rb"all: .*\n"))
        self.say("noop \x03", rb"\n(.|\n)*work> ")
        os.write(self.terminal, b"\x04")
        self.end()


DOVECOT = """
mail_attribute_dict = file:%h/attributes
protocol imap {
  mail_plugins = $mail_plugins acl quota imap_acl imap_quota imap_zlib
  imap_metadata = yes
}
plugin {
  acl = vfile
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=1M
}
"""


class OnDovecot:
    """The same, against Dovecot."""

    def make_server(self):
        return Dovecot(extra=DOVECOT)


class DovecotSession(OnDovecot, Session):
    pass


class DovecotMailboxes(OnDovecot, Mailboxes):
    pass


class DovecotMessages(OnDovecot, Messages):
    pass


if __name__ == "__main__":
    tools.main()
