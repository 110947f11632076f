#!/usr/bin/env python3
"""What goes wrong is told in one clear line, with the documented exit code, and the rest is done."""

import os
import shutil

import dovecot
import maildird
import messages
import oracle
import passes
import tools


class Errors(passes.PassCase):
    def server_with_mail(self, **options):
        fixture = self.started(dovecot.Dovecot(**options))
        self.create(fixture, ["Archive"])
        connection = fixture.connect()
        for name in ("INBOX", "Archive"):
            for message in messages.batch(1, 3):
                oracle.append(connection, name, message)
        connection.logout()
        return fixture

    def assert_fails(self, result, code, *fragments):
        self.assertEqual(result.code, code, str(result))
        self.assertNotIn("Traceback", result.err)
        self.assertNotIn("open-sesame", result.out + result.err)
        told = [line for line in result.err.splitlines() if line.strip()]
        self.assertGreaterEqual(len(told), 1, "nothing was told")
        for fragment in fragments:
            self.assertIn(fragment.lower(), result.err.lower())
        if result.report is not None:
            error = result.account()["error"]
            self.assertTrue(error["text"])
            if code != 75:  # a mailbox's error has a code of its own
                self.assertEqual(error["code"], code)

    def test_wrong_password(self):
        fixture = self.server_with_mail()
        client = self.client(fixture, "tls", password="wrong-sesame")
        self.assert_fails(client.sync(), 77, "127.0.0.1")

    def test_unknown_host(self):
        fixture = self.server_with_mail()
        client = self.client(fixture, "tls", host="no-such-host.invalid")
        self.assert_fails(client.sync(), 69, "no-such-host.invalid")

    def test_refused_connection(self):
        fixture = self.server_with_mail()
        client = self.client(fixture, "tls", port=tools.free_port())
        self.assert_fails(client.sync(), 69, "refused")

    def test_expired_certificate(self):
        fixture = self.started(dovecot.Dovecot(leaf="expired"))
        self.assert_fails(self.client(fixture, "tls").sync(), 69, "expired")

    def test_wrong_name_certificate(self):
        fixture = self.started(dovecot.Dovecot(leaf="wrong-name"))
        self.assert_fails(self.client(fixture, "tls").sync(), 69, "127.0.0.1")

    def test_unknown_authority(self):
        fixture = self.server_with_mail()
        client = self.client(fixture, "tls")
        del client.accounts["work"]["tls_ca_file"]
        client.write_config(tls_system_ca=True)
        self.assert_fails(client.sync(), 69)

    def test_full_disk(self):
        fixture = self.server_with_mail()
        connection = fixture.connect()
        for message in messages.batch(3, 20, 50_000, 100_000):
            oracle.append(connection, "INBOX", message)
        connection.logout()
        client = self.client(fixture, "tls", program=maildird.release_binary())
        self.assert_fails(client.sync_shimmed(enospc_after=400_000), 73, "space")
        self.assert_sync(client)
        self.assert_sync(client)
        self.assert_same(fixture, client)

    def test_unreadable_configuration(self):
        fixture = self.server_with_mail()
        client = self.client(fixture, "tls")
        os.unlink(client.config_file)
        self.assert_fails(client.sync(), 78, "config.yaml")
        os.mkdir(client.config_file)
        self.assert_fails(client.sync(), 78, "config.yaml")

    def test_wrong_configuration_names_file_line_and_suggestion(self):
        fixture = self.server_with_mail()
        client = self.client(fixture, "tls", compres="on")
        self.assert_fails(client.sync(), 78, "config.yaml", "compres", "compress")

    def test_configuration_with_a_secret_that_others_may_read(self):
        fixture = self.server_with_mail()
        client = self.client(fixture, "tls")
        os.chmod(client.config_file, 0o644)
        self.assert_fails(client.sync(), 78, "config.yaml")

    def test_mailbox_that_cannot_be_selected(self):
        fixture = self.server_with_mail(storage="maildir")
        folder = fixture.path("mail", fixture.user, "Maildir", "Archive")
        shutil.rmtree(os.path.join(folder, "cur"))
        with open(os.path.join(folder, "cur"), "w", encoding="ascii"):
            pass
        client = self.client(fixture, "tls")
        result = client.sync()
        self.assert_fails(result, 75, "Archive")
        self.assertEqual(result.account()["result"], "partial")
        self.assertEqual(result.account()["error"]["mailbox"], "Archive")
        self.assertEqual(len(oracle.maildir_files(client.mailbox_path("INBOX"))), 3)

    def as_somebody(self, client):
        """From here on the client is not root, whom no folder refuses."""
        program = os.path.join(client.folder, "program")
        shutil.copy(client.program, program)
        os.chmod(client.folder, 0o755)
        for folder, names, files in os.walk(client.folder):
            for path in [folder] + [os.path.join(folder, name) for name in names + files]:
                shutil.chown(path, "nobody", "nogroup")
        run_as = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", program]
        client.command = lambda verb, *words: run_as + [verb, "-c", client.config_file, *words]

    def add_everywhere(self, fixture, number):
        connection = fixture.connect()
        for name in ("INBOX", "Archive", "Zoo"):
            for message in messages.batch(number, 2):
                oracle.append(connection, name, message, "\\Seen")
            oracle.check(connection.select(name))
            oracle.check(connection.uid("STORE", "2", "+FLAGS", "(\\Flagged)"))
            oracle.check(connection.uid("STORE", str(number), "+FLAGS", "(\\Deleted)"))
            oracle.check(connection.expunge())
        connection.logout()

    def test_law7_a_folder_that_may_not_be_written_fails_alone(self):
        fixture = self.server_with_mail()
        self.create(fixture, ["Zoo"])
        client = self.client(fixture, "tls")
        self.add_everywhere(fixture, 1)
        self.assert_sync(client)
        self.as_somebody(client)
        folder = client.mailbox_path("Archive")
        for number, parts in enumerate((["new", "cur"], ["tmp"], ["new", "cur", "tmp"]), 3):
            with self.subTest(parts=parts):
                self.add_everywhere(fixture, number)
                for part in parts:
                    os.chmod(os.path.join(folder, part), 0o500)
                for _ in range(2):
                    result = client.sync()
                    self.assert_fails(result, 75, "Archive", "Permission denied")
                    self.assertEqual(result.account()["error"]["mailbox"], "Archive")
                there, here = oracle.read_server(fixture), oracle.read_maildir(client.maildir)
                self.assertEqual([here[name] for name in ("INBOX", "Zoo")],
                                 [there[name] for name in ("INBOX", "Zoo")])
                for part in parts:
                    os.chmod(os.path.join(folder, part), 0o700)
                self.assert_sync(client)
                self.assert_same(fixture, client)
                self.assertEqual(client.run("held").out, "nothing is held\n")

    def test_law11_maildir_root_missing_though_indexed(self):
        fixture = self.server_with_mail()
        client = self.client(fixture, "tls")
        self.assert_sync(client)
        os.rename(client.maildir, client.maildir + ".away")
        self.assert_fails(client.sync(), 74, client.maildir)
        self.assertFalse(os.path.exists(client.maildir))
        os.rename(client.maildir + ".away", client.maildir)
        self.assert_idle_pass(client)
        self.assert_same(fixture, client)

    def test_law11_root_of_an_unmounted_disk(self):
        fixture = self.server_with_mail()
        client = self.client(fixture, "tls")
        self.assert_sync(client)
        os.rename(client.maildir, client.maildir + ".away")
        os.mkdir(client.maildir)
        self.assert_fails(client.sync(), 74, client.maildir)
        self.assertEqual(os.listdir(client.maildir), [])
        os.rmdir(client.maildir)
        os.rename(client.maildir + ".away", client.maildir)
        self.assert_idle_pass(client)
        self.assert_same(fixture, client)


if __name__ == "__main__":
    tools.main()
