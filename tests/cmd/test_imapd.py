#!/usr/bin/env python3
"""`maildird imapd`, driven by clients that were written elsewhere, and by `maildird sync`."""

import email
import imaplib
import os
import signal
import ssl
import tempfile
import unittest

import support
import tools
from embedded import Imapd
from maildird import Maildird

MESSAGE = (b"From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: Lunch\r\n"
           b"Date: Sat, 31 Jan 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n"
           b"At noon?\r\n")

WRONG = [
    ([], "nobody could log in: give --user NAME:PASSWORD"),
    (["-u", "a"], "--user takes NAME:PASSWORD"),
    (["-u", "a:b", "-p", "70000"], "'70000' is no port"),
    (["-u", "a:b", "--tls-cert", "x"], "--tls-cert and --tls-key go together"),
    (["-u", "a:b", "--starttls"], "--starttls needs --tls-cert and --tls-key"),
    (["-u", "a:b", "--disable", "IDLE,XYZZY"], "there is no capability 'XYZZY'"),
    (["-u", "a:b", "x"], "imapd takes no arguments"),
]


class Program(unittest.TestCase):
    def setUp(self):
        self.home = support.Home()

    def tearDown(self):
        self.home.close()

    def test_wrong_words_are_told(self):
        for words, told in WRONG:
            result = self.home.run("imapd", *words)
            self.assertEqual((result.code, result.out), (64, ""), words)
            self.assertEqual(result.err,
                             "maildird: %s\nTry `maildird imapd --help`.\n" % told, words)

    def test_a_certificate_that_cannot_be_read_is_told(self):
        result = self.home.run("imapd", "-u", "a:b", "--tls-cert", "no.pem", "--tls-key", "no.key")
        self.assertEqual((result.code, result.out), (78, ""))
        self.assertIn("no.pem", result.err)

    def test_a_port_in_use_is_told(self):
        with Imapd() as server:
            result = self.home.run("imapd", "-u", "a:b", "-p", str(server.port))
            self.assertEqual((result.code, result.out), (69, ""))
            self.assertIn(str(server.port), result.err)

    def test_it_stops_cleanly_with_clients_connected(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Imapd() as server:
                connection = server.connect()
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(30), 0)
                self.assertEqual(server.process.stderr.read(), b"")
                connection.shutdown()

    def test_disabled_capabilities_are_not_offered(self):
        with Imapd(words=["--disable", "IDLE,condstore,QRESYNC"]) as server:
            offered = server.connect().capabilities
            self.assertIn("UIDPLUS", offered)
            for name in ("IDLE", "CONDSTORE", "QRESYNC"):
                self.assertNotIn(name, offered)


class Imaplib(unittest.TestCase):
    """Python's own client, each command that it can issue of those that mail programs use."""

    def drive(self, connection):
        def ok(answer):
            self.assertEqual(answer[0], "OK", answer)
            return answer[1]

        ok(connection.create("Work"))
        ok(connection.subscribe("Work"))
        self.assertEqual(len(ok(connection.list())), 2)
        self.assertIn(b"Work", ok(connection.lsub())[0])
        for _ in range(3):
            ok(connection.append("INBOX", r"(\Seen)", imaplib.Time2Internaldate(1769860800), MESSAGE))
        self.assertEqual(ok(connection.select()), [b"3"])
        self.assertEqual(ok(connection.search(None, "SUBJECT", "lunch")), [b"1 2 3"])
        data = ok(connection.fetch("1", "(FLAGS RFC822)"))
        self.assertEqual(data[0][1], MESSAGE)
        self.assertEqual(email.message_from_bytes(data[0][1])["subject"], "Lunch")
        self.assertIn(b"\\Flagged", ok(connection.store("2", "+FLAGS", r"(\Flagged)"))[0])
        ok(connection.copy("1", "Work"))
        ok(connection.uid("MOVE", "2", "Work"))
        self.assertEqual(connection.response("EXPUNGE")[1], [b"2"])
        ok(connection.store("1", "+FLAGS", r"(\Deleted)"))
        self.assertEqual(ok(connection.expunge()), [b"1"])
        self.assertIn(b"MESSAGES 2", ok(connection.status("Work", "(MESSAGES)"))[0])
        ok(connection.rename("Work", "Play"))
        ok(connection.close())
        ok(connection.delete("Play"))
        ok(connection.noop())
        self.assertEqual(connection.logout()[0], "BYE")

    def test_plain(self):
        with Imapd("off") as server:
            self.drive(server.connect())
            self.assertEqual(server.stop(), (0, ""))

    def test_tls(self):
        with Imapd("tls") as server:
            self.drive(server.connect())
            self.assertEqual(server.stop(), (0, ""))

    def test_starttls(self):
        with Imapd("starttls") as server:
            connection = imaplib.IMAP4("127.0.0.1", server.port, timeout=60)
            self.assertIn("STARTTLS", connection.capabilities)
            connection.starttls(ssl.create_default_context(cafile=server.ca_file))
            self.assertNotIn("STARTTLS", connection.capabilities)
            connection.login(server.user, server.password)
            self.drive(connection)

    def test_maildirs(self):
        with tempfile.TemporaryDirectory() as folder:
            words = ["--maildir", folder]
            with Imapd("off", words) as server:
                self.drive(server.connect())
                self.assertEqual(server.stop(), (0, ""))
            inbox = os.path.join(folder, server.user, "INBOX")
            with open(os.path.join(inbox, "new", "1.delivered"), "wb") as stream:
                stream.write(MESSAGE.replace(b"\r\n", b"\n"))
            with Imapd("off", words) as server:
                connection = server.connect()
                self.assertEqual(connection.select()[1], [b"2"])
                data = connection.fetch("2", "(RFC822)")[1]
                self.assertEqual(data[0][1], MESSAGE)
                connection.logout()
                self.assertEqual(server.stop(), (0, ""))

    def test_a_wrong_password_is_refused(self):
        with Imapd() as server:
            connection = imaplib.IMAP4("127.0.0.1", server.port, timeout=60)
            with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
                connection.login(server.user, "wrong")
            connection.shutdown()

    def test_two_users_have_their_own_mail(self):
        with Imapd(words=["--user", "bob:hunter2"]) as server:
            alice = server.connect()
            alice.append("INBOX", None, None, MESSAGE)
            bob = imaplib.IMAP4("127.0.0.1", server.port, timeout=60)
            bob.login("bob", "hunter2")
            self.assertEqual((alice.select()[1], bob.select()[1]), ([b"1"], [b"0"]))
            alice.logout()
            bob.logout()


class OtherClients(unittest.TestCase):
    def fill(self, server, count):
        connection = server.connect()
        for number in range(count):
            connection.append("INBOX", None, None, MESSAGE.replace(b"<1@", b"<%d@" % number))
        connection.logout()

    def test_curl_lists_and_fetches_over_tls(self):
        curl = tools.need_program("curl")
        with Imapd("tls") as server:
            self.fill(server, 2)

            def fetch(path, *words):
                return tools.run_checked(
                    [curl, "-sS", "--cacert", server.ca_file, "-u", server.user + ":" +
                     server.password, "imaps://127.0.0.1:%d/%s" % (server.port, path), *words])
            self.assertIn(b"INBOX", fetch(""))
            self.assertEqual(fetch("INBOX;UID=2"), MESSAGE)
            self.assertEqual(fetch("INBOX?SUBJECT%20lunch"), b"* SEARCH 1 2\r\n")

    def test_mbsync_pulls_and_pushes(self):
        mbsync = tools.need_program("mbsync")
        with Imapd("tls") as server:
            self.fill(server, 5)
            local = server.path("Mail")
            os.makedirs(local)
            rc = server.path("mbsyncrc")
            with open(rc, "w", encoding="ascii") as stream:
                stream.write(
                    "IMAPStore far\nHost localhost\nPort %d\nSSLType IMAPS\nCertificateFile %s\n"
                    "AuthMechs LOGIN\nUser %s\nPass %s\n\nMaildirStore near\nPath %s/\n"
                    "Inbox %s/INBOX\nSubFolders Verbatim\n\nChannel all\nFar :far:\nNear :near:\n"
                    "Patterns *\nCreate Both\nExpunge Both\nSyncState *\n"
                    % (server.port, server.ca_file, server.user, server.password, local, local))
            env = dict(os.environ, HOME=server.folder)
            tools.run_checked([mbsync, "-c", rc, "-a"], env=env)
            new = os.path.join(local, "INBOX", "new")
            self.assertEqual(len(os.listdir(new)), 5)
            with open(os.path.join(local, "INBOX", "new", "mine"), "wb") as stream:
                stream.write(MESSAGE.replace(b"\r\n", b"\n"))
            tools.run_checked([mbsync, "-c", rc, "-a"], env=env)
            connection = server.connect()
            self.assertEqual(connection.select()[1], [b"6"])
            connection.logout()

    def test_sync_reaches_it_in_each_way(self):
        for transport in Imapd.transports:
            with Imapd(transport) as server:
                self.fill(server, 3)
                with Maildird(server.account(transport), support.binary()) as client:
                    for downloaded in (3, 0):
                        result = client.sync()
                        self.assertEqual(result.code, 0, result)
                        self.assertEqual(result.account()["messages"]["downloaded"], downloaded)
                self.assertEqual(server.stop(), (0, ""))


if __name__ == "__main__":
    tools.main()
