#!/usr/bin/env python3
"""`maildird mailboxes`: both sides beside each other, before the first sync as after it."""

import json
import unittest

import maildird
import oracle
from embedded import Imapd

SERVERS = (
    (),
    ("LIST-STATUS",),
    ("LIST-STATUS", "CONDSTORE", "QRESYNC"),  # as Outlook
)


class Mailboxes(unittest.TestCase):
    def begin(self, disable=()):
        words = ["--disable", ",".join(disable)] if disable else []
        self.server = self.enterContext(Imapd(words=words))
        connection = self.server.connect()
        for number, name in enumerate(("INBOX", "Archive", "Archive/2024", "Left out")):
            connection.create('"%s"' % name)
            for _ in range(number + 1):
                oracle.append(connection, name, b"Subject: x\r\n\r\nx\r\n")
        connection.logout()
        self.client = maildird.Maildird(
            dict(self.server.account("off"), mailboxes={"patterns": ["*", "!Left*"]}))
        self.addCleanup(self.client.close)

    def rows(self):
        result = self.client.run("mailboxes", "--json")
        self.assertEqual(result.code, 0, str(result))
        return {row["name"]: row for row in json.loads(result.out)["accounts"][0]["mailboxes"]}

    def test_all_are_counted_on_every_server(self):
        for disable in SERVERS:
            with self.subTest(disable=disable):
                self.begin(disable)
                for here in (None, 0):
                    rows = self.rows()
                    counts = {name: row["remote_messages"] for name, row in rows.items()}
                    self.assertEqual(counts, {"INBOX": 1, "Archive": 2, "Archive/2024": 3,
                                              "Left out": 4})
                    self.assertEqual(rows["Left out"]["state"], "left out by `mailboxes: patterns`")
                    self.assertEqual(rows["INBOX"]["local_messages"], here if here is None else 1)
                    self.assertEqual(self.client.run("sync").code, 0)
                self.doCleanups()

    def test_the_json_has_the_documented_shape(self):
        self.begin()
        self.assertEqual(self.client.run("sync", "work:Archive").code, 0)
        rows = self.rows()
        self.assertEqual(set(rows["INBOX"]), {"name", "remote_name", "path", "attributes",
                                              "remote_messages", "local_messages", "state"})
        self.assertEqual((rows["Archive"]["path"], rows["Archive"]["local_messages"],
                          rows["Archive"]["state"]), ("Archive", 2, "synced"))

    def test_the_table_tells_each_reason_whole(self):
        self.begin()
        lines = self.client.run("mailboxes").out.splitlines()
        self.assertTrue(lines[0].startswith("work, in "), lines)
        self.assertEqual(lines[1].split(), ["MAILBOX", "SERVER", "HERE", "FOLDER", "STATE"])
        self.assertIn("Left out      4  -  -  left out by `mailboxes: patterns`".split(),
                      [line.split() for line in lines])
        self.assertNotIn("…", "".join(lines))


if __name__ == "__main__":
    unittest.main()
