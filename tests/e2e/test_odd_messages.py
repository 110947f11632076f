#!/usr/bin/env python3
"""Law 5: bytes are kept. A message of well-formed CRLF lines is stored with LF; any other byte for
byte. On upload bare LF becomes CRLF."""

import os
import re

import dovecot
import messages
import oracle
import passes
import tools
import twisted_server

NOT_CRLF = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")


def on_disk(wire):
    return wire if NOT_CRLF.search(wire) else wire.replace(b"\r\n", b"\n")


def on_wire(disk):
    return re.sub(rb"(?<!\r)\n", b"\r\n", disk)


class OddMessages(passes.PassCase):
    def files(self, client):
        found = []
        for path, _ in oracle.maildir_files(client.mailbox_path("INBOX")):
            with open(path, "rb") as stream:
                found.append(stream.read())
        return sorted(found)

    def on_server(self, fixture):
        connection = fixture.connect()
        found = [message for _, _, message in oracle.read_server_mailbox(connection, "INBOX")]
        connection.logout()
        return sorted(found)

    def append_all(self, fixture, odd):
        connection = fixture.connect()
        for _, message in odd:
            oracle.append(connection, "INBOX", message)
        connection.logout()

    def check_download(self, fixture, odd):
        self.append_all(fixture, odd)
        client = self.client(fixture)
        self.assert_sync(client)
        self.assertEqual(self.files(client), sorted(map(on_disk, self.on_server(fixture))))
        self.assert_idle_pass(client)

    def check_upload(self, fixture, odd):
        client = self.client(fixture)
        self.assert_sync(client)
        for _, message in odd:
            passes.add_file(client.mailbox_path("INBOX"), message)
        before = self.files(client)
        self.assert_sync(client)
        self.assertEqual(self.files(client), before)
        self.assertEqual(self.on_server(fixture), sorted(on_wire(message) for _, message in odd))
        self.assert_idle_pass(client)

    def test_law5_download_from_a_server_that_changes_no_byte(self):
        fixture = self.started(twisted_server.TwistedServer())
        self.check_download(fixture, messages.odd())

    def test_law5_download_from_dovecot(self):
        fixture = self.started(dovecot.Dovecot())
        fixture.save("INBOX", messages.with_nul())
        self.check_download(fixture, messages.odd())

    def test_law5_upload_to_a_server_that_changes_no_byte(self):
        fixture = self.started(twisted_server.TwistedServer())
        self.check_upload(fixture, messages.odd())

    def test_law5_upload_to_dovecot(self):
        fixture = self.started(dovecot.Dovecot())
        changed_by_dovecot = ("CR at the end", "CR CR LF")
        self.check_upload(fixture, [pair for pair in messages.odd() if pair[0] not in changed_by_dovecot])

    def test_law5_what_came_with_lf_goes_up_as_it_was(self):
        """Down to one Maildir, copied to another as files, up again: the same bytes."""
        fixture, other = (self.started(twisted_server.TwistedServer()) for _ in range(2))
        ordinary = [("", message) for message in messages.batch(5, 10)]
        self.append_all(fixture, ordinary)
        client, second = self.client(fixture), self.client(other)
        self.assert_sync(client)
        self.assert_sync(second)
        for message in self.files(client):
            passes.add_file(second.mailbox_path("INBOX"), message)
        self.assert_sync(second)
        self.assertEqual(self.on_server(other), self.on_server(fixture))

    def test_law7_an_empty_file_stops_nothing_else(self):
        fixture = self.started(dovecot.Dovecot())
        client = self.client(fixture)
        self.assert_sync(client)
        empty = passes.add_file(client.mailbox_path("INBOX"), messages.EMPTY)
        passes.add_file(client.mailbox_path("INBOX"), b"Subject: other\n\nbody\n")
        self.assert_sync(client, codes=(0, 1))
        self.assertIn(b"Subject: other\r\n\r\nbody\r\n", self.on_server(fixture))
        self.assertTrue(os.path.exists(empty))


if __name__ == "__main__":
    tools.main()
