#!/usr/bin/env python3
"""A draft replaced by one with the same headers and size and another body: the new body arrives."""

import os

import dovecot
import oracle
import passes
import tools
import twisted_server

HEAD = b"From: a@example.org\r\nSubject: draft\r\nMessage-ID: <draft@example.org>\r\n\r\n"
OLD, NEW = HEAD + b"the old words\r\n", HEAD + b"the new words\r\n"


class DraftReplaced(passes.PassCase):
    deleted_is_gone = True

    def prepare(self, fixture):
        self.started(fixture)
        self.create(fixture, ["Drafts"])
        connection = fixture.connect()
        oracle.append(connection, self.wire(fixture, "Drafts"), OLD, "\\Draft \\Seen")
        connection.logout()
        client = self.client(fixture)
        self.assert_sync(client)
        return client

    def expect_new(self, fixture, client):
        self.assert_sync(client)
        self.assert_sync(client)
        state = self.assert_same(fixture, client)
        self.assertEqual(dict(state["Drafts"]), {(oracle.digest(NEW), "DS"): 1})
        self.assert_idle_pass(client)

    def replaced_there(self, fixture):
        client = self.prepare(fixture)
        connection = fixture.connect()
        wire = self.wire(fixture, "Drafts")
        oracle.append(connection, wire, NEW, "\\Draft \\Seen")
        connection.select(oracle.quoted(wire))
        self.remove_on_server(connection, [b"1"])
        connection.logout()
        self.expect_new(fixture, client)

    def replaced_here(self, fixture):
        client = self.prepare(fixture)
        folder = client.mailbox_path("Drafts")
        [(old, _)] = oracle.maildir_files(folder)
        os.unlink(old)
        passes.add_file(folder, NEW.replace(b"\r\n", b"\n"), "DS")
        self.expect_new(fixture, client)

    def rewritten_under_its_name(self, fixture):
        """Some programs write the new text into a file of the same base name, but for the size."""
        client = self.prepare(fixture)
        folder = client.mailbox_path("Drafts")
        [(old, _)] = oracle.maildir_files(folder)
        os.unlink(old)
        added = passes.add_file(folder, NEW.replace(b"\r\n", b"\n"), "DS")
        os.rename(added, os.path.join(folder, "cur", "1800000000." + os.path.basename(added)))
        self.expect_new(fixture, client)

    def test_there(self):
        self.replaced_there(dovecot.Dovecot())

    def test_here(self):
        self.replaced_here(dovecot.Dovecot())

    def test_here_under_another_name(self):
        self.rewritten_under_its_name(dovecot.Dovecot())

    def test_there_without_extensions(self):
        self.replaced_there(twisted_server.TwistedServer())

    def test_here_without_extensions(self):
        self.replaced_here(twisted_server.TwistedServer())


if __name__ == "__main__":
    tools.main()
