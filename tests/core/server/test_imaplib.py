#!/usr/bin/env python3
"""A client that is not ours against the embedded server: Python's imaplib.

SERVE names the program that serves.
"""

import imaplib
import os
import ssl
import subprocess
import unittest

MESSAGE = b"From: a@example\r\nSubject: hello\r\n\r\nBody\r\n"


def unverified():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Imaplib(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([os.environ["SERVE"]], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        port = int(self.server.stdout.readline())
        self.imap = imaplib.IMAP4("127.0.0.1", port, timeout=20)

    def tearDown(self):
        self.imap.logout()
        self.server.stdin.close()
        self.server.stdout.close()
        self.assertEqual(self.server.wait(20), 0)

    def ok(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def test_login_through_starttls(self):
        self.ok(self.imap.starttls(unverified()))
        self.ok(self.imap.authenticate("PLAIN", lambda challenge: b"\0u\0p"))

    def test_wrong_password(self):
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
            self.imap.login("u", "wrong")

    def test_a_day_of_mail(self):
        imap = self.imap
        self.ok(imap.login("u", "p"))
        self.ok(imap.create("Archive/2024"))
        self.ok(imap.subscribe("Archive/2024"))
        self.assertEqual(len(self.ok(imap.list())), 3)
        self.assertEqual(self.ok(imap.lsub()), [b'() "/" Archive/2024'])
        for flags in (r"(\Seen)", None, r"(\Flagged)"):
            self.ok(imap.append("INBOX", flags, imaplib.Time2Internaldate(0), MESSAGE))
        self.assertEqual(self.ok(imap.select("INBOX")), [b"3"])
        self.assertEqual(self.ok(imap.search(None, "UNSEEN", "SUBJECT", '"hello"')), [b"2 3"])
        data = self.ok(imap.fetch("2", "(UID RFC822.SIZE BODY.PEEK[])"))
        self.assertEqual(data[0][1], MESSAGE)
        data = self.ok(imap.fetch("2", "(RFC822)"))
        self.assertEqual(data[0][1], MESSAGE)
        self.ok(imap.store("1", "+FLAGS", r"(\Deleted)"))
        self.ok(imap.uid("COPY", "2", "Archive/2024"))
        self.assertEqual(self.ok(imap.expunge()), [b"1"])
        self.assertEqual(self.ok(imap.status("Archive/2024", "(MESSAGES)")),
                         [b"Archive/2024 (MESSAGES 1)"])
        self.ok(imap.close())
        self.ok(imap.rename("Archive/2024", "Old"))
        self.ok(imap.delete("Old"))


if __name__ == "__main__":
    unittest.main()
