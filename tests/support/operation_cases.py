"""What every server is put to, operation by operation, as far as it announces what that needs."""

import json
import os
import subprocess

import operations
from operations import MESSAGE, PARTS, known_capabilities, needs

# Announced, and of use to other operations or to the connection alone: nothing to call by itself.
NO_OPERATION = {"IMAP4rev1", "LITERAL+", "SASL-IR", "LOGINDISABLED", "CATENATE", "CHILDREN",
                "RIGHTS=texk", "CONTEXT=SEARCH", "QUOTASET"}


def numbers(text):
    """[1, 2, 3, 7] of "1:3,7"."""
    out = []
    for part in text.split(",") if text else ():
        first, _, last = part.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


class Session:
    def test_login_and_capability(self):
        told = self.result("login")["capabilities"]
        self.assertEqual(known_capabilities(self.result("capability")), known_capabilities(told))

    def test_all_that_is_announced_is_driven(self):
        announced = known_capabilities(self.result("capability"))
        self.assertEqual(announced, set(self.announced))
        driven = set(NO_OPERATION)
        for name in dir(self):
            if name.startswith("test_"):
                driven |= getattr(getattr(self, name), "needs", set())
        left = {name for name in announced - driven if not name.startswith("AUTH=")}
        self.assertEqual(left, set())

    def test_what_it_lacks_is_named_before_anything_is_sent(self):
        file = self.file(4)
        for capability, words in (
                ("ID", ["id"]), ("NAMESPACE", ["namespace"]), ("ENABLE", ["enable", "CONDSTORE"]),
                ("COMPRESS=DEFLATE", ["compress"]), ("IDLE", ["idle", "INBOX", "0"]),
                ("NOTIFY", ["notify", "none"]), ("UNAUTHENTICATE", ["unauthenticate"]),
                ("ACL", ["acl", "INBOX"]), ("QUOTA", ["quota"]), ("SORT", ["sort", "INBOX", "date"]),
                ("METADATA", ["getmetadata", "INBOX", "/private/comment"]),
                ("THREAD=REFERENCES", ["thread", "INBOX", "references"]),
                ("LIST-STATUS", ["list", "*", "return", "status"]),
                ("LIST-EXTENDED", ["list", "*", "subscribed"]),
                ("CREATE-SPECIAL-USE", ["create", "x", "drafts"]),
                ("STATUS=SIZE", ["status", "INBOX", "size"]),
                ("OBJECTID", ["status", "INBOX", "mailboxid"]),
                ("MULTIAPPEND", ["append", "INBOX", file, file]),
                ("BINARY", ["append", "INBOX", file, "binary"]),
                ("REPLACE", ["replace", "INBOX", "1", file]),
                ("CONDSTORE", ["store", "INBOX", "1", "+seen", "unchangedsince", "1"]),
                ("QRESYNC", ["select", "INBOX", "1", "1"]),
                ("PREVIEW", ["fetch", "INBOX", "1", "preview"]),
                ("SAVEDATE", ["fetch", "INBOX", "1", "savedate"]),
                ("OBJECTID", ["fetch", "INBOX", "1", "emailid"]),
                ("X-GM-EXT-1", ["fetch", "INBOX", "1", "x-gm-msgid"]),
                ("PARTIAL", ["fetch", "INBOX", "1", "flags", "partial", "1:1"]),
                ("ESEARCH", ["search", "INBOX", "return", "count", "all"]),
                ("WITHIN", ["search", "INBOX", "older 60"]),
                ("SEARCH=FUZZY", ["search", "INBOX", "fuzzy subject x"]),
                ("UIDPLUS", ["expunge", "INBOX", "1"])):
            if capability in self.announced:
                continue
            with self.subTest(capability, words=words[:1]):
                document = self.document(*words, code=64)
                self.assertEqual((document["op"], document["status"]), (words[0], "capability"))
                self.assertIn(capability, document["text"])

    def test_its_trace_can_be_taken_apart(self):
        self.append(PARTS + b"x" * 5000 + b"\r\n")
        trace = os.path.join(self.client.folder, "trace")
        for words in (["list"], ["status", "INBOX"], ["store", "INBOX", "1", "+flagged"],
                      ["append", "INBOX", self.file(4)], ["search", "INBOX", "flagged"],
                      ["fetch", "INBOX", "1:4", "full", "structure", "message"]):
            self.result("--trace", trace, *words)
            told = subprocess.run([self.client.program, "wire", "--json", trace],
                                  capture_output=True, text=True)
            units = [json.loads(line) for line in told.stdout.splitlines()]
            self.assertEqual([unit for unit in units if unit["kind"] == "error"], [], words)
            self.assertEqual(told.returncode, 0)
            self.assertGreater(len(units), 5)

    def test_noop_and_check(self):
        self.assertIsNone(self.result("noop"))
        self.result("check", "INBOX")

    @needs("ID")
    def test_id(self):
        self.assertIn("name", [field["name"] for field in self.result("id")])
        self.result("id", "name", "somebody", "version", "1")

    @needs("NAMESPACE")
    def test_namespace(self):
        own = {"prefix": self.server.prefix, "delimiter": self.server.delimiter}
        self.assertIn(own, self.result("namespace")["personal"])

    @needs("ENABLE", "CONDSTORE")
    def test_enable_condstore(self):
        self.assertEqual(self.result("enable", "CONDSTORE"), {"CONDSTORE": True})

    @needs("ENABLE", "QRESYNC")
    def test_enable_qresync(self):
        self.assertEqual(self.result("enable", "QRESYNC"), {"QRESYNC": True})

    @needs("ENABLE", "UTF8=ACCEPT")
    def test_enable_utf8(self):
        self.assertEqual(self.result("enable", "UTF8=ACCEPT"), {"UTF8=ACCEPT": True})
        name = self.name("Entwürfe & mehr")
        told = self.at_prompt("enable UTF8=ACCEPT", 'create "%s"' % name, "list")
        self.assertIn(name, told[-1])
        self.assertIn(name, [mailbox["name"] for mailbox in self.result("list")])

    @needs("COMPRESS=DEFLATE")
    def test_compress(self):
        self.result("compress")
        told = self.at_prompt("compress", "fetch INBOX 1 message", "status INBOX")
        self.assertIn("At noon?", told[1])
        self.assertIn("messages: 3", told[2])
        self.client.write_config(compress="on")
        self.assertIs(self.result("login")["compressed"], True)
        self.assertEqual(self.imap("fetch", "INBOX", "2", "message").out.encode(), MESSAGE % (2, 2))

    @needs("IDLE")
    def test_idle_ends_at_its_deadline_or_an_event(self):
        self.assertEqual(self.result("idle", "INBOX", "0"), {"ended": "deadline"})
        document = self.wait_in("idle", "INBOX", "60")
        self.assertEqual(document["result"], {"ended": "event"})
        self.assertIn("exists", [event["kind"] for event in document["untagged"]])

    @needs("NOTIFY")
    def test_notify(self):
        self.result("notify", "none")
        self.result("notify", "set (personal (MailboxName SubscriptionChange))")
        self.result("notify", "wait", "0", "set (inboxes (MessageNew MessageExpunge))")
        document = self.wait_in("notify", "wait", "60",
                                "set (personal (MessageNew MessageExpunge))")
        self.assertEqual((document["result"]["kind"], document["result"]["mailbox"]),
                         ("status", "INBOX"))
        self.assertGreater(document["result"]["data"]["messages"], 3)

    @needs("UNAUTHENTICATE")
    def test_unauthenticate(self):
        self.assertIn("capabilities", self.result("unauthenticate"))

    def test_raw(self):
        self.assertEqual(self.result("raw", "NOOP")[-1].split()[1], "OK")
        lines = self.result("raw", "STATUS INBOX (MESSAGES)")
        self.assertRegex(lines[0], r'^\* STATUS "?INBOX"? \(MESSAGES 3\)$')
        self.refused("raw", "XYZZY")


class Mailboxes:
    odd_name = "Später & 日本"

    def names(self, *words):
        return {mailbox["name"] for mailbox in self.result("list", *words)}

    def test_create_list_status_rename_delete(self):
        drafts, later = self.name("Entwürfe"), self.name(self.odd_name)
        self.result("create", drafts)
        self.result("create", self.name("A/B"))
        self.assertLessEqual({"INBOX", drafts, self.name("A/B")}, self.names())
        self.assertEqual(self.names(drafts), {drafts})
        self.assertNotIn(self.name("A/B"), self.names(self.server.prefix + "%"))
        self.result("rename", drafts, later)
        self.assertEqual(self.result("status", later, "messages", "uidnext"),
                         {"mailbox": later, "messages": 0, "uidnext": 1})
        self.assertIn(later, self.names())
        self.result("delete", later)
        self.assertNotIn(later, self.names())
        self.refused("status", later)
        self.refused("delete", later)

    def test_inbox_stays(self):
        for words in (["create", "inbox"], ["delete", "INBOX"], ["rename", "x", "Inbox"]):
            self.assertEqual(self.document(*words, code=64)["status"], "state")

    @needs("LIST-STATUS", "LIST-EXTENDED", "CHILDREN")
    def test_list_status(self):
        self.result("create", self.name("A/B"))
        listed = {mailbox["name"]: mailbox for mailbox in
                  self.result("list", "*", "return", "status", "children")}
        self.assertEqual(listed["INBOX"]["status"]["messages"], 3)
        self.assertEqual(listed[self.name("A/B")]["status"]["messages"], 0)
        self.assertIn("\\HasNoChildren", listed[self.name("A/B")]["attributes"])

    @needs("LIST-EXTENDED")
    def test_list_extended(self):
        self.result("create", self.name("A"))
        self.result("create", self.name("A/B"))
        self.result("subscribe", self.name("A/B"))
        self.assertEqual(self.names("INBOX", "or", self.name("A")), {"INBOX", self.name("A")})
        self.assertIn(self.name("A/B"), self.names("*", "subscribed"))
        self.assertNotIn(self.name("A"), self.names("*", "subscribed"))
        parents = self.result("list", self.name("A"), "subscribed", "recursivematch")
        self.assertEqual(parents[0]["child_info"], ["SUBSCRIBED"])
        marked = self.result("list", self.name("A/B"), "return", "subscribed")
        self.assertIn("\\Subscribed", marked[0]["attributes"])

    @needs("SPECIAL-USE", "LIST-EXTENDED")
    def test_special_uses_are_told(self):
        self.result("list", "*", "special-use")
        self.result("list", "*", "return", "special-use")
        self.result("xlist")

    @needs("SPECIAL-USE", "CREATE-SPECIAL-USE")
    def test_create_with_a_special_use(self):
        self.result("create", self.name("Entwürfe"), "drafts")
        found = [mailbox for mailbox in self.result("xlist")
                 if "\\Drafts" in mailbox["attributes"]]
        self.assertEqual([mailbox["name"] for mailbox in found], [self.name("Entwürfe")])

    @needs("XLIST")
    def test_xlist(self):
        lines = self.result("raw", 'XLIST "" "*"')
        self.assertTrue(lines[0].startswith("* XLIST"), lines)
        self.client.write_config(disable=["SPECIAL-USE"])
        self.assertIn("INBOX", [mailbox["name"] for mailbox in self.result("xlist")])

    @needs("LIST-MYRIGHTS", "LIST-EXTENDED")
    def test_list_with_rights(self):
        found = self.result("list", "INBOX", "return", "myrights")
        self.assertIn("l", found[0]["rights"])

    @needs("LIST-METADATA", "LIST-EXTENDED")
    def test_list_with_metadata(self):
        self.result("setmetadata", "INBOX", "/private/comment", "mine")
        found = self.result("list", "INBOX", "return", "/private/comment")
        self.assertEqual(found[0]["metadata"]["entries"],
                         [{"name": "/private/comment", "value": "mine"}])

    def test_subscriptions(self):
        self.result("create", self.name("Work"))
        for name in ("INBOX", self.name("Work")):
            self.result("subscribe", name)
        self.assertLessEqual({"INBOX", self.name("Work")},
                             {mailbox["name"] for mailbox in self.result("lsub")})
        self.result("unsubscribe", self.name("Work"))
        self.assertNotIn(self.name("Work"), [mailbox["name"] for mailbox in self.result("lsub")])

    def test_status(self):
        self.assertEqual(self.result("status", "INBOX", "messages", "uidnext", "unseen"),
                         {"mailbox": "INBOX", "messages": 3, "uidnext": 4, "unseen": 3})
        self.assertIn("recent", self.result("status", "INBOX", "recent", "messages"))

    @needs("STATUS=SIZE")
    def test_status_of_size(self):
        size = sum(len(MESSAGE % (number, number)) for number in (1, 2, 3))
        self.assertEqual(self.result("status", "INBOX", "size")["size"], size)

    @needs("OBJECTID")
    def test_object_ids(self):
        told = self.result("status", "INBOX", "mailboxid")["mailboxid"]
        self.assertEqual(self.result("select", "INBOX")["mailboxid"], told)
        created = self.result("create", self.name("Work"))
        self.assertNotIn(created["mailboxid"], ("", told))
        found = self.result("fetch", "INBOX", "1:2", "emailid", "threadid")["messages"]
        self.assertEqual(len({message["emailid"] for message in found}), 2)
        self.assertIn("threadid", found[0])
        self.result("copy", "INBOX", "1", self.name("Work"))
        copied = self.result("fetch", self.name("Work"), "1", "emailid")["messages"]
        self.assertEqual(copied[0]["emailid"], found[0]["emailid"])
        self.assertEqual(self.uids("emailid", found[0]["emailid"]), "1")

    @needs("APPENDLIMIT")
    def test_append_limit(self):
        words = self.result("capability")
        limits = [word for word in words if word.startswith("APPENDLIMIT=")]
        self.assertGreater(int(limits[0].split("=")[1]), 1024)

    def test_select_and_examine(self):
        selected = self.result("select", "INBOX")
        self.assertEqual((selected["exists"], selected["read_only"]), (3, False))
        self.assertIn(selected["uidnext"], (4, 0))  # 0: not told
        self.assertIs(self.result("examine", "INBOX")["read_only"], True)
        self.refused("select", self.name("Missing"))

    @needs("CONDSTORE")
    def test_highestmodseq(self):
        before = self.result("select", "INBOX")["highestmodseq"]
        self.result("store", "INBOX", "2", "+flagged")
        after = self.result("status", "INBOX", "highestmodseq")["highestmodseq"]
        self.assertGreater(after, before)

    @needs("QRESYNC", "UIDPLUS")
    def test_select_with_qresync(self):
        selected = self.result("select", "INBOX")
        self.result("store", "INBOX", "2", "+flagged")
        self.result("store", "INBOX", "3", "+deleted")
        self.result("expunge", "INBOX", "3")
        told = self.result("select", "INBOX", str(selected["uidvalidity"]),
                           str(selected["highestmodseq"]))
        self.assertEqual([message["uid"] for message in told["changed"]], [2])
        self.assertEqual(told["vanished"], "3")
        fetched = self.result("fetch", "INBOX", "1:3", "flags", "changedsince",
                              str(selected["highestmodseq"]), "vanished")
        self.assertEqual([message["uid"] for message in fetched["messages"]], [2])
        self.assertEqual(fetched["vanished"], "3")

    @needs("UNSELECT")
    def test_unselect(self):
        self.result("store", "INBOX", "2", "+deleted")
        self.result("unselect", "INBOX")
        self.assertEqual(self.result("status", "INBOX")["messages"], 3)

    @needs(lacks=("UNSELECT",))
    def test_unselect_without_it(self):
        self.result("store", "INBOX", "2", "+deleted")
        self.result("unselect", "INBOX")
        self.assertEqual(self.result("status", "INBOX")["messages"], 3)

    def test_close(self):
        self.result("store", "INBOX", "2", "+deleted")
        self.result("close", "INBOX")
        self.assertEqual(self.result("status", "INBOX")["messages"], 2)
        self.assertEqual(self.uids("all"), "1,3")

    @needs("ACL")
    def test_acl(self):
        self.result("acl", "INBOX", "set", "bob", "+lr")
        self.result("acl", "INBOX", "set", "bob", "-r")
        entries = self.result("acl", "INBOX")["entries"]
        self.assertIn({"identifier": "bob", "rights": "l"}, entries)
        self.assertIn("a", self.result("acl", "INBOX", "mine")["rights"])
        self.assertEqual(self.result("acl", "INBOX", "rights", "bob")["identifier"], "bob")
        self.result("acl", "INBOX", "set", "bob", "lrs")
        self.assertIn({"identifier": "bob", "rights": "lrs"}, self.result("acl", "INBOX")["entries"])
        self.result("acl", "INBOX", "delete", "bob")
        self.assertNotIn("bob", [entry["identifier"] for entry in
                                 self.result("acl", "INBOX", "get")["entries"]])

    @needs("METADATA")
    def test_metadata(self):
        self.result("setmetadata", "INBOX", "/private/comment", "mine")
        for words in ((), ("maxsize", "100"), ("depth", "infinity")):
            self.assertEqual(self.result("getmetadata", "INBOX", "/private/comment", *words),
                             {"mailbox": "INBOX", "entries":
                              [{"name": "/private/comment", "value": "mine"}]})
        self.result("setmetadata", "INBOX", "/private/comment", "nil")
        entries = self.result("getmetadata", "INBOX", "/private/comment")["entries"]
        self.assertNotIn("mine", [entry["value"] for entry in entries])


class Messages:
    def test_fetch(self):
        messages = self.result("fetch", "INBOX", "1:2", "envelope", "flags", "size", "date")["messages"]
        self.assertEqual([message["uid"] for message in messages], [1, 2])
        self.assertEqual(messages[0]["envelope"]["message_id"], "<1@example.org>")
        self.assertEqual(messages[0]["size"], len(MESSAGE % (1, 1)))
        one = self.result("fetch", "INBOX", "3", "header", "text", "structure")["messages"][0]
        self.assertEqual([section["section"] for section in one["sections"]],
                         ["BODY[HEADER]", "BODY[TEXT]"])
        self.assertEqual(one["sections"][1]["data"], "At noon?\r\n")
        self.assertEqual(one["bodystructure"]["subtype"].lower(), "plain")
        for macro in ("fast", "all", "full"):
            found = self.result("fetch", "INBOX", "1:*", macro)["messages"]
            self.assertEqual([message["size"] for message in found], [len(MESSAGE % (1, 1))] * 3)

    def test_a_message_alone_is_printed_as_it_is(self):
        self.assertEqual(self.imap("fetch", "INBOX", "2", "message").out.encode(),
                         MESSAGE % (2, 2))
        self.assertEqual(self.uids("seen"), "")

    def test_parts(self):
        self.append(PARTS)
        structure = self.result("fetch", "INBOX", "4", "structure")["messages"][0]["bodystructure"]
        self.assertEqual([part["subtype"].lower() for part in structure["parts"]],
                         ["plain", "octet-stream"])
        self.assertEqual(self.imap("fetch", "INBOX", "4", "body.peek[1]").out, "first part")
        self.assertIn("octet-stream", self.imap("fetch", "INBOX", "4", "body.peek[2.mime]").out)
        self.assertEqual(self.imap("fetch", "INBOX", "4", "body.peek[header.fields (subject)]").out,
                         "Subject: parts\r\n\r\n")

    def test_a_piece_of_a_part(self):
        self.append(PARTS)
        self.assertEqual(self.imap("fetch", "INBOX", "4", "body.peek[1]<2.3>").out, "rst")

    @needs("BINARY")
    def test_binary(self):
        self.append(PARTS)
        self.assertEqual(self.imap("fetch", "INBOX", "4", "binary.peek[2]").out, "second part")
        found = self.result("fetch", "INBOX", "4", "binary.size[2]")["messages"][0]
        self.assertEqual(found["binary_sizes"][0]["size"], len("second part"))
        self.result("append", "INBOX", self.file(5), "binary")
        self.assertEqual(self.imap("fetch", "INBOX", "5", "message").out.encode(), MESSAGE % (5, 5))

    def test_fetch_for_people(self):
        out = self.imap("fetch", "INBOX", "1", "envelope", "structure").out
        self.assertIn("subject: Grüße 1", out)
        self.assertIn('"Jürgen <j@example.org>"', out)
        self.assertRegex(out, r"(?i)1 text/plain( [\w-]+)?, \d+ bytes")

    @needs("CONDSTORE")
    def test_fetch_of_what_changed(self):
        mark = self.result("status", "INBOX", "highestmodseq")["highestmodseq"]
        self.result("store", "INBOX", "1", "+flagged")
        fetched = self.result("fetch", "INBOX", "1:*", "flags", "changedsince", str(mark))
        self.assertEqual([message["uid"] for message in fetched["messages"]], [1])
        self.assertGreater(fetched["messages"][0]["modseq"], mark)

    @needs("PREVIEW")
    def test_preview(self):
        found = self.result("fetch", "INBOX", "1", "preview")["messages"][0]
        self.assertEqual(found["preview"].strip(), "At noon?")

    @needs("SAVEDATE")
    def test_savedate(self):
        found = self.result("fetch", "INBOX", "1", "savedate")["messages"][0]
        self.assertRegex(found["savedate"], r"20\d\d")
        self.assertEqual(self.uids("savedsince 2020-01-01"), "1:3")

    @needs("X-GM-EXT-1")
    def test_gmail(self):
        found = self.result("fetch", "INBOX", "1:2", "x-gm-msgid", "labels")["messages"]
        self.assertEqual(len({message["gm_msgid"] for message in found}), 2)
        self.assertIn("\\Inbox", found[0]["gm_labels"])

    def test_search(self):
        self.assertEqual(self.uids("from j@example.org"), "1:3")
        self.assertEqual(self.uids("header message-id <2@example.org>"), "2")
        self.assertEqual(self.uids("or header message-id <1@ header message-id <3@"), "1,3")
        self.assertEqual(self.uids("uid 2:3 not header message-id <3@"), "2")
        self.result("store", "INBOX", "2", "+flagged")
        self.assertEqual(self.uids("flagged"), "2")
        self.assertEqual(self.uids("unflagged larger 10"), "1,3")
        self.assertEqual(self.uids("text noon smaller 10"), "")

    def test_search_by_date(self):
        self.assertEqual(self.uids("sentsince 2026-01-01 sentbefore 2026-02-01"), "1:3")
        self.assertEqual(self.uids("senton 2026-01-30"), "")
        self.assertEqual(self.uids("since 2020-01-01"), "1:3")
        self.assertEqual(self.uids("before 2020-01-01"), "")

    def test_search_in_utf8(self):
        self.assertEqual(self.uids('subject "Grüße 2"'), "2")

    @needs("ESEARCH")
    def test_search_returns(self):
        found = self.result("search", "INBOX", "return", "count,min,max,all", "all")
        self.assertEqual((found["count"], found["min"], found["max"], found["all"]),
                         (3, 1, 3, "1:3"))

    @needs("CONDSTORE")
    def test_search_by_modseq(self):
        mark = self.result("status", "INBOX", "highestmodseq")["highestmodseq"]
        self.result("store", "INBOX", "2", "+flagged")
        self.assertEqual(self.uids("modseq", str(mark + 1)), "2")

    @needs("SEARCHRES", "ESEARCH")
    def test_search_saves(self):
        told = self.at_prompt("search INBOX return save header message-id <2@",
                              "fetch INBOX $ flags", "store INBOX $ +flagged")
        self.assertRegex(told[1], r"uid: 2\b")
        self.assertEqual(self.uids("flagged"), "2")

    @needs("WITHIN")
    def test_search_within(self):
        self.assertEqual(self.uids("younger 86400"), "1:3")
        self.assertEqual(self.uids("older 86400"), "")

    @needs("SEARCH=FUZZY")
    def test_search_fuzzy(self):
        self.result("search", "INBOX", "fuzzy from j@example.org")

    @needs("PARTIAL")
    def test_partial(self):
        self.assertEqual(self.result("fetch", "INBOX", "1:*", "flags", "partial", "-1:-1")
                         ["messages"][0]["uid"], 3)
        self.assertEqual(self.result("search", "INBOX", "return", "partial=1:2", "all")["partial"],
                         {"range": "1:2", "set": "1:2"})

    def sorted(self, keys, *words):
        return self.result("sort", "INBOX", keys, *words)["numbers"]

    @needs("SORT")
    def test_sort(self):
        self.append((MESSAGE % (0, 4)).replace(b"31 Jan", b"30 Jan"))
        self.assertEqual(self.sorted("subject", "all"), [4, 1, 2, 3])
        self.assertEqual(self.sorted("reverse subject", "uid 1:3"), [3, 2, 1])
        self.assertEqual(self.sorted("date")[0], 4)
        for keys in ("arrival", "cc", "from", "size", "to, reverse arrival"):
            self.assertEqual(sorted(self.sorted(keys)), [1, 2, 3, 4])

    @needs("SORT=DISPLAY")
    def test_sort_by_display(self):
        self.append((MESSAGE % (4, 4)).replace(b"J=C3=BCrgen", b"Alice"))
        self.assertEqual(self.sorted("displayfrom")[0], 4)
        self.assertEqual(sorted(self.sorted("displayto")), [1, 2, 3, 4])

    @needs("ESORT")
    def test_sort_returns(self):
        found = self.result("sort", "INBOX", "reverse subject", "return", "count,all,min", "all")
        self.assertEqual((found["numbers"], found["count"]), ([3, 2, 1], 3))

    def threads(self, algorithm):
        found = self.result("thread", "INBOX", algorithm, "all")
        flat = str(found).replace("[", "").replace("]", "").split(",")
        self.assertEqual(sorted(int(number) for number in flat), [1, 2, 3])
        return found

    @needs("THREAD=REFERENCES")
    def test_thread_by_references(self):
        self.assertEqual(self.threads("references"), [[1, [2], [3]]])

    @needs("THREAD=REFS")
    def test_thread_by_refs(self):
        self.threads("refs")

    @needs("THREAD=ORDEREDSUBJECT")
    def test_thread_by_subject(self):
        self.assertEqual(len(self.threads("orderedsubject")), 3)

    def test_store(self):
        keyword = ["+$Forwarded"] if self.server.keywords else []
        changed = self.result("store", "INBOX", "1:2", "+seen", *keyword)["changed"]
        self.assertEqual(set(changed[0]["flags"]) - {"\\Recent"},
                         {word[1:] for word in keyword} | {"\\Seen"})
        self.result("store", "INBOX", "1", "-\\Seen")
        self.assertEqual(self.uids("seen"), "2")
        self.result("store", "INBOX", "1", "flagged", "answered", "silent")
        self.assertEqual(self.uids("flagged answered"), "1")

    @needs("CONDSTORE")
    def test_store_unless_changed(self):
        mark = self.result("status", "INBOX", "highestmodseq")["highestmodseq"]
        self.result("store", "INBOX", "2", "+flagged")
        told = self.result("store", "INBOX", "1:3", "+seen", "unchangedsince", str(mark))
        self.assertEqual(told["modified"], "2")
        self.assertEqual(self.uids("seen"), "1,3")

    def test_append(self):
        self.result("append", "INBOX", self.file(4), "flags", "seen")
        self.assertEqual(self.uids("seen"), "4")
        self.result("append", "INBOX", self.file(5), "date", "31-Jan-2020 12:00:00 +0000")
        found = self.result("fetch", "INBOX", "5", "date")["messages"][0]
        self.assertRegex(found["internaldate"], "31-Jan-2020 12:00:00|2020-01-31")
        self.refused("append", self.name("Missing"), self.file(4))

    @needs("UIDPLUS")
    def test_uids_are_told(self):
        told = self.result("append", "INBOX", self.file(4))
        self.assertEqual(told["uids"], "4")
        self.result("create", self.name("Work"))
        copied = self.result("copy", "INBOX", "1:2", self.name("Work"))
        self.assertEqual((numbers(copied["source"]), numbers(copied["dest"])), ([1, 2], [1, 2]))

    def test_a_missing_mailbox_can_be_made(self):
        for words in (["append", self.name("Missing"), self.file(4)],
                      ["copy", "INBOX", "1", self.name("Missing")]):
            self.assertEqual(self.refused(*words)["code"], "TRYCREATE")

    @needs("MULTIAPPEND", "UIDPLUS")
    def test_append_of_several(self):
        told = self.result("append", "INBOX", self.file(5), self.file(6), "date",
                           "31-Jan-2026 12:00:00 +0000")
        self.assertEqual(told["uids"], "4:5")
        self.assertEqual(self.uids("all"), "1:5")

    @needs("REPLACE")
    def test_replace(self):
        self.result("replace", "INBOX", "3", self.file(7))
        self.assertEqual(self.uids("all"), "1:2,4")

    def test_copy(self):
        self.result("create", self.name("Work"))
        self.result("copy", "INBOX", "2:3", self.name("Work"))
        self.assertEqual(self.imap("fetch", self.name("Work"), "1", "message").out.encode(),
                         MESSAGE % (2, 2))
        self.assertEqual(self.uids("all"), "1:3")
        self.refused("copy", "INBOX", "1", self.name("Missing"))

    @needs("MOVE")
    def test_move(self):
        self.result("create", self.name("Work"))
        moved = self.result("move", "INBOX", "2", self.name("Work"))
        if "UIDPLUS" in self.announced:
            self.assertEqual((moved["source"], moved["dest"]), ("2", "1"))
        self.assertEqual(self.uids("all"), "1,3")
        self.assertEqual(self.imap("fetch", self.name("Work"), "1", "message").out.encode(),
                         MESSAGE % (2, 2))

    @needs("UIDPLUS", lacks=("MOVE",))
    def test_move_in_steps(self):
        self.result("create", self.name("Work"))
        self.result("store", "INBOX", "1", "+deleted")
        self.result("move", "INBOX", "2", self.name("Work"))
        self.assertEqual(self.uids("all"), "1,3")
        self.assertEqual(self.result("status", self.name("Work"))["messages"], 1)

    @needs(lacks=("MOVE", "UIDPLUS"))
    def test_move_is_refused_rather_than_expunge_what_others_marked(self):
        self.result("create", self.name("Work"))
        document = self.document("move", "INBOX", "2", self.name("Work"), code=64)
        self.assertRegex(document["text"], "UIDPLUS|MOVE")
        self.assertEqual(self.uids("all"), "1:3")

    def test_expunge(self):
        self.result("store", "INBOX", "1:2", "+deleted")
        self.result("expunge", "INBOX")
        self.assertEqual(self.uids("all"), "3")

    @needs("UIDPLUS")
    def test_expunge_of_uids(self):
        self.result("store", "INBOX", "1:2", "+deleted")
        self.result("expunge", "INBOX", "2")
        self.assertEqual(self.uids("all"), "1,3")

    def test_expunge_in_steps(self):
        self.result("store", "INBOX", "1:2", "+deleted")
        self.result("expunge", "INBOX", "1", "steps")
        self.assertEqual(self.uids("all"), "2:3")
        self.assertEqual(self.uids("deleted"), "2")

    def test_sequence_numbers(self):
        self.result("store", "INBOX", "1", "+deleted")
        self.result("expunge", "INBOX")
        fetched = self.result("--seq", "fetch", "INBOX", "1", "flags")["messages"]
        self.assertEqual([message["uid"] for message in fetched], [2])
        self.assertEqual(self.result("--seq", "search", "INBOX", "all")["all"], "1:2")
        self.result("create", self.name("Work"))
        self.result("--seq", "copy", "INBOX", "1", self.name("Work"))
        self.assertEqual(self.result("status", self.name("Work"))["messages"], 1)
        self.result("--seq", "store", "INBOX", "2", "+flagged")
        self.assertEqual(self.uids("flagged"), "3")

    @needs("MOVE")
    def test_move_of_sequence_numbers(self):
        self.result("create", self.name("Work"))
        self.result("--seq", "move", "INBOX", "1", self.name("Work"))
        self.assertEqual(self.uids("all"), "2:3")


class All(Session, Mailboxes, Messages, operations.Case):
    """The whole, for a server's one class; it makes the server and may add what is its own."""
