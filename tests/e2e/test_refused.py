#!/usr/bin/env python3
"""What a server does not take is held with its words, and stops nothing else; what it takes keeps its
date. And a server that takes fewer connections than the configuration allows is synced by those."""

import json
import os

import cyrus
import dovecot
import oracle
import passes
import tools

DATE_S = 1500000000  # 14 July 2017
QUOTA = """
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=100K
  quota_max_mail_size = 30k
}
protocol imap {
  mail_plugins = $mail_plugins quota imap_quota
}
"""


def message(number, size):
    line = b"a line of message %d\n" % number
    return b"Message-ID: <%d@x>\nSubject: m%d\n\n" % (number, number) + line * (size // len(line))


class Refused(passes.PassCase):
    def begin(self, server):
        self.fixture = self.started(server)
        client = self.client(self.fixture)
        self.assert_sync(client)
        self.folder = client.mailbox_path("INBOX")
        return client

    def held(self, client):
        """{file: reason}"""
        items = json.loads(client.run("held", "--json").out)["held"]
        self.assertEqual({item["kind"] for item in items}, {"upload"})
        return {item["file"]: item["reason"] for item in items}

    def add(self, number, size, flags=""):
        path = passes.add_file(self.folder, message(number, size), flags)
        os.utime(path, (DATE_S + number, DATE_S + number))
        return os.path.basename(path).split(":2,")[0]

    def dates(self):
        connection = self.fixture.connect()
        oracle.check(connection.select("INBOX", readonly=True))
        lines = oracle.check(connection.fetch("1:*", "(INTERNALDATE)"))
        connection.logout()
        return sorted(line.split(b'"')[1].decode() for line in lines)

    def test_law7_dovecot_over_quota_and_too_big(self):
        client = self.begin(dovecot.Dovecot(extra=QUOTA))
        self.add(1, 2000)
        large = self.add(2, 50_000, "S")
        self.add(3, 20_000, "F")
        account = self.assert_sync(client, codes=(1,)).account()
        self.assertEqual((account["messages"]["uploaded"], account["messages"]["held"]), (2, 1))
        self.assertEqual(list(self.held(client)), [large])
        self.assertIn("larger than the maximum size", self.held(client)[large])
        self.assertEqual(self.dates(), ["14-Jul-2017 02:40:01 +0000", "14-Jul-2017 02:40:03 +0000"])

        for number in range(4, 10):
            self.add(number, 25_000)
        self.assert_sync(client, codes=(1,))
        reasons = [reason for name, reason in self.held(client).items() if name != large]
        self.assertGreater(len(reasons), 1)
        self.assertIn("[OVERQUOTA]", reasons[0])
        self.assertEqual(set(reasons), {reasons[0]}, "however long the server took for each")
        self.assertEqual(self.assert_sync(client, codes=(1,)).account()["messages"]["uploaded"], 0)

        connection = self.fixture.connect()
        oracle.check(connection.select("INBOX"))
        self.remove_on_server(connection, [b"1:3"])
        connection.logout()
        client.run("held", "approve", "work")
        self.assertGreater(
            self.assert_sync(client, codes=(1,)).account()["messages"]["uploaded"], 0)
        self.assertIn(large, self.held(client))

    def test_law7_cyrus_too_big_and_unparsable(self):
        client = self.begin(cyrus.Cyrus(extra="maxmessagesize: 20480\n"))
        self.add(1, 2000)
        large = self.add(2, 50_000)
        bad = [os.path.basename(passes.add_file(self.folder, text)) for text in
               (b"Subject: nul\n\na\0b\n", b"no header, only text\nand more\n")]
        result = self.assert_sync(client, codes=(1,))
        self.assertEqual(result.account()["messages"]["uploaded"], 1)
        held = self.held(client)
        self.assertEqual(set(held), {large, *bad})
        self.assertIn("20480 at most", held[large])
        self.assertIn("NUL", held[bad[0]])
        self.assertIn("invalid header", held[bad[1]])
        self.assertEqual(self.dates(), ["14-Jul-2017 02:40:01 +0000"])
        client.run("held", "keep", "work")
        self.assertEqual(self.assert_sync(client).account()["messages"]["held"], 0)
        self.assertEqual(len(oracle.maildir_files(self.folder)), 4)

    def test_fewer_connections_than_configured(self):
        self.fixture = self.started(dovecot.Dovecot(extra="mail_max_userip_connections = 1\n"))
        self.create(self.fixture, ["A", "B", "Big"])
        connection = self.fixture.connect()
        for mailbox, count in (("A", 20), ("B", 20), ("Big", 1040)):
            for number in range(count):
                oracle.append(connection, mailbox, message(number, 1000).replace(b"\n", b"\r\n"))
        connection.logout()
        client = self.client(self.fixture, "tls", connections=8)
        trace = os.path.join(client.folder, "trace")
        result = self.assert_sync(client, "--trace", trace)
        with open(trace, encoding="utf-8", errors="replace") as stream:
            self.assertTrue("Maximum number of connections" in stream.read(), "more were tried")
        self.assertEqual(result.account()["wire"]["connections"], 1, str(result))
        self.assert_same(self.fixture, client)
        taken = self.fixture.connect()
        result = client.sync()
        self.assertEqual(result.code, 69, str(result))
        self.assertIn("Maximum number of connections", result.err)
        taken.logout()
        self.assert_idle_pass(client)


if __name__ == "__main__":
    tools.main()
