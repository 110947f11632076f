#!/usr/bin/env python3
"""Every means of a survey on real servers, by taking away those above it; renames and keywords on each."""

import os
import re

import cyrus
import dovecot
import oracle
import passes
import tools

MAILBOXES = ["INBOX", "Archive", "Archive/2024", "Reisen & Büro"]
# What is taken away; patterns of which the commands of a pass then match each, and match none.
RUNGS = (
    ((), (r"LIST .* RETURN \(.*STATUS",), ()),
    (("QRESYNC",), (r"CHANGEDSINCE",), (r"\(QRESYNC",)),
    (("QRESYNC", "CONDSTORE"), (r"UID FETCH 1:\S+ \(UID FLAGS\)|UID FETCH 1:\S+ \(FLAGS\)",),
     (r"CHANGEDSINCE", r"HIGHESTMODSEQ")),
    (("LIST-STATUS",), (r"STATUS \S+ \(", r"\(QRESYNC"), (r"RETURN \(.*STATUS",)),
    (("LIST-STATUS", "QRESYNC"), (r"STATUS \S+ \(", r"CHANGEDSINCE"), (r"\(QRESYNC",)),
    (("LIST-STATUS", "LIST-EXTENDED", "QRESYNC", "CONDSTORE", "OBJECTID", "MOVE", "ESEARCH"), (),
     (r"STATUS", r"CHANGEDSINCE", r"RETURN")),
)


class Rungs(passes.PassCase):
    mailboxes = MAILBOXES

    def commands(self, client):
        trace = os.path.join(client.folder, "trace")
        self.assert_sync(client, "--trace", trace)
        with open(trace, encoding="utf-8", errors="replace") as stream:
            return re.findall(r" C: (\S+ .*)", stream.read())

    def assert_means(self, fixture, client, wanted, unwanted):
        connection = fixture.connect()
        oracle.check(connection.select(oracle.quoted(self.wire(fixture, "INBOX"))))
        uids = oracle.check(connection.uid("SEARCH", None, "ALL"))[0].split()
        oracle.check(connection.uid("STORE", uids[0].decode(), "+FLAGS", "(\\Flagged \\Answered)"))
        oracle.check(connection.uid("STORE", uids[1].decode(), "-FLAGS", "(\\Flagged \\Answered)"))
        connection.logout()
        commands = self.commands(client)
        for pattern in wanted:
            self.assertTrue([c for c in commands if re.search(pattern, c)], (pattern, commands))
        for pattern in unwanted:
            self.assertEqual([c for c in commands if re.search(pattern, c)], [], pattern)

    def check_renames(self, fixture, client):
        connection = fixture.connect()
        oracle.check(connection.rename(oracle.quoted(self.wire(fixture, "Archive")),
                                       oracle.quoted(self.wire(fixture, "Store"))))
        connection.logout()
        os.rename(os.path.join(client.maildir, "Reisen & Büro"), os.path.join(client.maildir, "Trips"))
        moved = self.assert_sync(client).account()["messages"]
        self.assertEqual((moved["downloaded"], moved["uploaded"], moved["deleted_local"],
                          moved["deleted_remote"]), (0, 0, 0, 0))
        self.assertTrue(os.path.isdir(os.path.join(client.maildir, "Store", "2024", "cur")))
        self.assertFalse(os.path.exists(os.path.join(client.maildir, "Archive")))
        connection = fixture.connect()
        names = {name for name, _ in oracle.list_server(connection)}
        connection.logout()
        self.assertIn(self.wire(fixture, "Trips"), names)
        self.assertNotIn(self.wire(fixture, "Reisen & Büro"), names)
        self.assert_same(fixture, client)

    def keywords(self, fixture, uid):
        connection = fixture.connect()
        oracle.check(connection.select(oracle.quoted(self.wire(fixture, "INBOX"))))
        answer = b" ".join(part if isinstance(part, bytes) else part[0]
                           for part in oracle.check(connection.uid("FETCH", uid, "(FLAGS)")))
        connection.logout()
        return set(re.findall(rb"FLAGS \(([^)]*)\)", answer)[0].decode().split())

    def check_keywords(self, fixture, client):
        connection = fixture.connect()
        oracle.check(connection.select(oracle.quoted(self.wire(fixture, "INBOX"))))
        uid = oracle.check(connection.uid("SEARCH", None, "ALL"))[0].split()[-1].decode()
        oracle.check(connection.uid("STORE", uid, "+FLAGS", "(work later $Forwarded)"))
        connection.logout()
        self.assert_sync(client)
        inbox = os.path.join(client.maildir, "INBOX")
        with open(os.path.join(inbox, "dovecot-keywords"), encoding="utf-8") as stream:
            letters = {name: chr(ord("a") + int(number)) for number, name in map(str.split, stream)}
        both = letters["work"], letters["later"]
        path = [p for p, flags in oracle.maildir_files(inbox)
                if all(letter in os.path.basename(p).split(":2,")[-1] for letter in both)]
        self.assertEqual(len(path), 1)
        base, info = path[0].split(":2,")
        self.assertIn("P", info)
        os.rename(path[0], base + ":2," + info.replace(letters["work"], ""))
        self.assert_sync(client)
        kept = self.keywords(fixture, uid)
        self.assertIn("later", kept)
        self.assertNotIn("work", kept)

    def climb(self, fixture_of):
        for disabled, wanted, unwanted in RUNGS:
            with self.subTest(without=disabled):
                fixture = self.started(fixture_of())
                self.fill(fixture, 60)
                client = self.client(fixture, "off", disable=list(disabled))
                self.check_two_way(fixture, client, rounds=1)
                self.assert_means(fixture, client, wanted, unwanted)
                self.check_keywords(fixture, client)
                self.check_renames(fixture, client)
                self.assert_idle_pass(client)

    def test_dovecot(self):
        self.climb(dovecot.Dovecot)

    def test_cyrus(self):
        self.climb(cyrus.Cyrus)


if __name__ == "__main__":
    tools.main()
