#!/usr/bin/env python3
"""A deletion on a server without UIDPLUS does not come back, and expunges nobody else's messages."""

import os

import dovecot
import messages
import oracle
import passes
import tools
import twisted_server


class NoUidplusDelete(passes.PassCase):
    deleted_is_gone = True

    def check(self, fixture):
        self.started(fixture)
        connection = fixture.connect()
        for message in messages.batch(1, 6):
            oracle.append(connection, "INBOX", message)
        connection.select("INBOX")
        connection.uid("STORE", "6", "+FLAGS", "(\\Deleted)")  # by another program, not expunged
        connection.logout()
        client = self.client(fixture)
        self.assert_sync(client)
        files = sorted(oracle.maildir_files(client.mailbox_path("INBOX")))
        victim = next(path for path, flags in files if "T" not in flags)
        os.unlink(victim)
        self.assert_sync(client)
        self.assert_sync(client)
        for _ in range(3):
            self.assert_idle_pass(client)
            self.assert_same(fixture, client)
        after = oracle.maildir_files(client.mailbox_path("INBOX"))
        self.assertEqual(len(after), len(files) - 1)
        connection = fixture.connect()
        left = oracle.read_server_mailbox(connection, "INBOX")
        connection.logout()
        self.assertEqual(len(left), 6)
        self.assertEqual(sum("\\Deleted" in flags for _, flags, _ in left), 2)
        self.check_undeleted(fixture, client, victim)

    def check_undeleted(self, fixture, client, victim):
        """Somebody takes \\Deleted off again on the server: the message is back here too."""
        connection = fixture.connect()
        connection.select("INBOX")
        connection.uid("STORE", "1:*", "-FLAGS", "(\\Deleted)")
        connection.logout()
        self.assert_sync(client)
        self.assert_sync(client)
        self.assertFalse(os.path.exists(victim))
        self.assertEqual(len(oracle.maildir_files(client.mailbox_path("INBOX"))), 6)
        self.assert_same(fixture, client)
        self.assert_idle_pass(client)

    def test_dovecot_without_uidplus(self):
        self.check(dovecot.Dovecot(disable=("UIDPLUS", "MOVE")))

    def test_dovecot_without_uidplus_and_condstore(self):
        self.check(dovecot.Dovecot(disable=("UIDPLUS", "MOVE", "CONDSTORE", "QRESYNC")))

    def test_twisted(self):
        self.check(twisted_server.TwistedServer())


if __name__ == "__main__":
    tools.main()
