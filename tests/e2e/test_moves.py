#!/usr/bin/env python3
"""Files moved in the ways of mail programs, messages moved by another client: no body crosses the wire."""

import os
import re

import courier
import cyrus
import dovecot
import hoodiecrow
import messages
import oracle
import passes
import tools
import twisted_server

COUNT = 60
BODY = re.compile(r"BODY(?:\.PEEK)?\[\]| C: \S+ APPEND")


def base_of(path):
    return os.path.basename(path).split(":2,")[0]


def flags_of(path):
    return os.path.basename(path).partition(":2,")[2]


class Mail:
    """A Maildir as a mail program sees it."""

    serial = 0

    def __init__(self, client):
        self.client = client

    def folder(self, name):
        return self.client.mailbox_path(name)

    def files(self, name):
        return sorted(path for path, _ in oracle.maildir_files(self.folder(name)))

    def fresh(self, like):
        Mail.serial += 1
        return "18%08d.R%dQ%d.reader" % (Mail.serial, os.getpid(), Mail.serial) + like

    def mutt_save(self, name, to, count):
        """<save-message>: a copy of the bytes under a fresh name; the original goes when the folder is left."""
        done = self.files(name)[:count]
        for path in done:
            with open(path, "rb") as stream:
                passes.add_file(self.folder(to), stream.read(), flags_of(path), "cur")
        return done

    def mutt_quit(self, done):
        for path in done:
            os.unlink(path)

    def neomutt_move(self, name, to, count):
        """Into another Maildir folder: linked or copied under a fresh name, then removed."""
        for path in self.files(name)[:count]:
            os.link(path, os.path.join(self.folder(to), "cur", self.fresh(":2," + flags_of(path))))
            os.unlink(path)

    def mu4e_move(self, name, to, count, renames):
        """mu moves to the other folder's cur/ and sets the flags; with or without a new base name."""
        for path in self.files(name)[:count]:
            flags = "".join(sorted(set(flags_of(path)) | {"S"}))
            target = self.fresh(":2," + flags) if renames else base_of(path) + ":2," + flags
            os.rename(path, os.path.join(self.folder(to), "cur", target))

    def aerc_move(self, name, to, count):
        """aerc's backend renames to a fresh key and keeps the letters."""
        for path in self.files(name)[:count]:
            os.rename(path, os.path.join(self.folder(to), "cur", self.fresh(":2," + flags_of(path))))


class Moves(passes.PassCase):
    def prepare(self, fixture, **account):
        self.started(fixture)
        self.create(fixture, ["Archive", "Lists"])
        connection = fixture.connect()
        self.deleted_is_gone = "UIDPLUS" not in connection.capabilities
        for number, message in enumerate(messages.batch(3, COUNT)):
            oracle.append(connection, self.wire(fixture, "INBOX"), message, ("", "\\Seen")[number % 2])
        connection.logout()
        client = self.client(fixture, **account)
        self.assert_sync(client)
        self.assert_same(fixture, client)
        return client

    def moved(self, fixture, client, here=None, there=None):
        """One pass carries the moves, alone and without a body; all is in step then."""
        trace = os.path.join(client.folder, "trace")
        result = self.assert_sync(client, "--trace", trace)
        with open(trace, encoding="utf-8", errors="replace") as stream:
            bodies = BODY.findall(stream.read())
        self.assertEqual(bodies, [], str(result))
        numbers = result.account()["messages"]
        self.assertEqual((numbers["moved_local"], numbers["moved_remote"]), (here or 0, there or 0))
        self.assertEqual(numbers["downloaded"] + numbers["uploaded"] + numbers["held"], 0)
        self.assert_sync(client)
        self.assert_same(fixture, client)
        self.assert_idle_pass(client)

    def check_here(self, fixture, **account):
        client = self.prepare(fixture, **account)
        mail = Mail(client)
        with self.subTest(program="mu4e"):
            mail.mu4e_move("INBOX", "Archive", 5, renames=False)
            self.moved(fixture, client, there=5)
        with self.subTest(program="mu4e with new names"):
            mail.mu4e_move("INBOX", "Lists", 5, renames=True)
            self.moved(fixture, client, there=5)
        with self.subTest(program="neomutt"):
            mail.neomutt_move("Archive", "Lists", 5)
            self.moved(fixture, client, there=5)
        with self.subTest(program="aerc"):
            mail.aerc_move("INBOX", "Archive", 5)
            self.moved(fixture, client, there=5)
        with self.subTest(program="mutt, all between two passes"):
            mail.mutt_quit(mail.mutt_save("INBOX", "Archive", 5))
            self.moved(fixture, client, there=5)
        with self.subTest(program="mutt, which is left later"):
            done = mail.mutt_save("INBOX", "Archive", 20)
            self.moved(fixture, client, there=20)
            mail.mutt_quit(done)
            result = self.assert_sync(client)
            self.assertEqual(result.account()["messages"]["held"], 0)
            self.assert_sync(client)
            self.assert_same(fixture, client)
        with self.subTest(program="into a new folder"):
            passes.make_folder(os.path.join(client.maildir, "Fresh"))
            mail.aerc_move("Archive", "Fresh", 5)
            self.moved(fixture, client, there=5)

    def move_there(self, connection, fixture, name, to, count):
        oracle.check(connection.select(oracle.quoted(self.wire(fixture, name))))
        uids = oracle.check(connection.uid("SEARCH", None, "UNDELETED"))[0].split()[:count]
        target = oracle.quoted(self.wire(fixture, to))
        oracle.check(connection.uid("COPY", b",".join(uids).decode(), target))
        self.remove_on_server(connection, uids)

    def check_there(self, fixture, **account):
        client = self.prepare(fixture, **account)
        connection = fixture.connect()
        with self.subTest(moved="a few"):
            self.move_there(connection, fixture, "INBOX", "Archive", 5)
            self.moved(fixture, client, here=5)
        with self.subTest(moved="twice"):
            self.move_there(connection, fixture, "Archive", "Lists", 5)
            self.move_there(connection, fixture, "Lists", "INBOX", 3)
            self.moved(fixture, client, here=5)
        with self.subTest(moved="many"):
            self.move_there(connection, fixture, "INBOX", "Lists", 40)
            self.moved(fixture, client, here=40)
        connection.logout()

    def test_here_dovecot(self):
        self.check_here(dovecot.Dovecot())

    def test_there_dovecot(self):
        self.check_there(dovecot.Dovecot())

    def test_here_dovecot_without_move(self):
        self.check_here(dovecot.Dovecot(), disable=["MOVE"])

    def test_there_dovecot_without_qresync(self):
        self.check_there(dovecot.Dovecot(), disable=["QRESYNC", "CONDSTORE"])

    def test_here_cyrus(self):
        self.check_here(cyrus.Cyrus())

    def test_there_cyrus(self):
        self.check_there(cyrus.Cyrus())

    def test_there_cyrus_by_emailid(self):
        """Without Message-ID a message is the same by its EMAILID alone: linked, and moved, not fetched."""
        fixture = self.started(cyrus.Cyrus())
        self.create(fixture, ["Archive", "Lists"])
        connection = fixture.connect()
        for number in range(COUNT):
            oracle.append(connection, "INBOX", b"Subject: nameless %d\r\n\r\nbody %d\r\n" % (number, number))
        oracle.check(connection.select("INBOX"))
        oracle.check(connection.uid("COPY", "1:4", "Archive"))
        client = self.client(fixture)
        numbers = self.assert_sync(client).account()["messages"]
        self.assertEqual((numbers["downloaded"], numbers["linked"]), (COUNT, 4))
        for verb in ("mailboxes", "verify"):  # what STATUS tells as MAILBOXID is none: that was said
            self.assertEqual(client.run(verb).err, "")
        self.move_there(connection, fixture, "INBOX", "Lists", 5)
        self.moved(fixture, client, here=5)
        connection.logout()

    def test_here_courier(self):
        self.check_here(courier.Courier())

    def test_there_courier(self):
        self.check_there(courier.Courier())

    def test_here_twisted(self):
        self.check_here(twisted_server.TwistedServer())

    def test_there_twisted(self):
        self.check_there(twisted_server.TwistedServer())

    def test_here_hoodiecrow(self):
        self.check_here(hoodiecrow.Hoodiecrow())

    def test_there_hoodiecrow(self):
        self.check_there(hoodiecrow.Hoodiecrow())


if __name__ == "__main__":
    tools.main()
