#!/usr/bin/env python3
"""`maildird imapd` used by further clients that were written elsewhere: Twisted's, neomutt, and
imaplib's connection in IDLE, which it has no command for."""

import json
import os
import sys
import unittest

import operations
import support
import tools
from embedded import Imapd

CLIENT = os.path.join(support.ROOT, "tests", "support", "twisted_client.py")

# `timeout` is how often it looks whether its IDLE has brought something.
NEOMUTT = """
set folder = "imap://127.0.0.1:{port}/"
set spoolfile = "+INBOX"
set imap_user = "{user}"
set imap_pass = "{password}"
set ssl_starttls = no
set ssl_force_tls = no
set imap_idle = yes
set imap_keepalive = 600
set mail_check = 600
set timeout = 1
set sleep_time = 0
set header_cache = ""
set record = ""
set index_format = "%C %s"
"""


class Program:
    """As operations.Terminal wants its client."""

    def __init__(self, folder, *words):
        self.folder, self.words = folder, list(words)

    def command(self, *_):
        return self.words

    def environment(self):
        return {"HOME": self.folder, "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                "LINES": "24", "COLUMNS": "80"}


class Foreign(unittest.TestCase):
    def setUp(self):
        self.server = Imapd("off")
        self.server.__enter__()
        self.addCleanup(self.server.close)

    def append(self, number):
        connection = self.server.connect()
        connection.append("INBOX", "()", None, b"Subject: letter %d\r\n\r\nAt noon?\r\n" % number)
        connection.logout()

    def test_twisted(self):
        tools.need("python3-twisted", tools.has_module("twisted.mail.imap4"))
        told = json.loads(tools.run_checked(
            [sys.executable, "-B", CLIENT, str(self.server.port), self.server.user,
             self.server.password], timeout=120))
        self.assertIn("UIDPLUS", told["capabilities"])
        self.assertEqual(told["namespace"], [[["", "/"]], [], []])
        self.assertEqual((told["list"], told["lsub"]), (["INBOX", "Work"], ["Work"]))
        self.assertEqual((told["select"]["EXISTS"], told["select"]["UIDNEXT"]), (3, 4))
        self.assertIs(told["examine"]["READ-WRITE"], False)
        self.assertIn("<1@example.org>", told["fetch"]["1"]["RFC822"])
        self.assertEqual(told["envelope"]["3"]["ENVELOPE"][1], "Lunch")
        self.assertEqual(told["structure"]["2"]["BODYSTRUCTURE"][:2], ["text", "plain"])
        self.assertIn("\\Flagged", told["store"]["2"]["FLAGS"])
        self.assertEqual(told["search"], [2])
        self.assertEqual(told["status"], {"MESSAGES": 2})  # copied and moved
        self.assertEqual((told["idle"], told["expunge"]), (3, [1]))
        self.assertEqual([message["UID"] for message in told["left"].values()], ["3", "4"])
        self.assertEqual(self.server.stop(), (0, ""))

    def test_imaplib_idles(self):
        connection = self.server.connect()
        connection.select()
        for number in (1, 2):
            connection.send(b"x%d IDLE\r\n" % number)
            self.assertTrue(connection.readline().startswith(b"+"))
            self.append(number)
            self.assertEqual(connection.readline(), b"* %d EXISTS\r\n" % number)
            connection.send(b"DONE\r\n")
            line = b"*"
            while line.startswith(b"*"):
                line = connection.readline()
            self.assertTrue(line.startswith(b"x%d OK" % number), line)
        self.assertEqual(connection.search(None, "ALL")[1], [b"1 2"])
        connection.logout()

    def test_neomutt_idles(self):
        neomutt = tools.need_program("neomutt")
        self.append(1)
        rc = self.server.path("neomuttrc")
        with open(rc, "w", encoding="ascii") as stream:
            stream.write(NEOMUTT.format(port=self.server.port, user=self.server.user,
                                        password=self.server.password))
        log = self.server.path("neomutt.log")
        program = Program(self.server.folder, neomutt, "-n", "-F", rc, "-d", "2", "-l", log)

        def conversation():
            with open(log + "0" if os.path.exists(log + "0") else log, encoding="utf-8",
                      errors="replace") as stream:
                return stream.read()
        with operations.Terminal(program, "", term="xterm") as terminal:
            terminal.read_until("letter 1")
            tools.wait_until(lambda: " IDLE" in conversation(), 30, "IDLE")
            self.append(2)
            terminal.read_until("letter 2")
            self.assertNotIn(" NOOP", conversation())
            terminal.write("\nq")  # opens it, and goes back
            terminal.write("q")
            self.assertEqual(terminal.end(), 0)
        self.assertEqual(self.server.stop(), (0, ""))


if __name__ == "__main__":
    tools.main()
