#!/usr/bin/env python3
"""`maildird init`: what it asks, where it finds the server, what it writes and what it leaves alone."""

import os
import pty
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
import unittest

import support
from embedded import Imapd

ADDRESS = "alice@example.org"


class NameServer:
    """Answers SRV questions: {"_imaps._tcp.example.org": [(priority, weight, port, target)]}."""

    def __init__(self, records):
        self.records = records
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            question, peer = self.socket.recvfrom(4096)
            if not question:
                return
            self.socket.sendto(self.answer(question), peer)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        name = ".".join(labels)
        self.asked.append(name)
        found = self.records.get(name, [])
        flags = 0x8180 if found else 0x8183
        out = question[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + question[12:at + 5]
        for priority, weight, port, target in found:
            host = b"".join(bytes([len(part)]) + part.encode()
                            for part in target.split(".") if part) + b"\0"
            data = struct.pack(">HHH", priority, weight, port) + host
            out += b"\xc0\x0c" + struct.pack(">HHIH", 33, 1, 60, len(data)) + data
        return out

    def close(self):
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()


class Terminal:
    """`maildird init` with a terminal of its own."""

    def __init__(self, home, *words, **env):
        environment = {name: value for name, value in os.environ.items()
                       if name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
        environment.update({"HOME": home.path, "TERM": "xterm", **env})
        try:
            self.pid, self.screen = pty.fork()
        except OSError as error:
            raise unittest.SkipTest("no pseudo-terminals here: %s" % error)
        if self.pid == 0:
            os.execve(support.binary(), [support.binary(), "init", *words], environment)
        self.shown = ""

    def expect(self, text, seconds=30):
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            ready, _, _ = select.select([self.screen], [], [], 0.2)
            try:
                piece = os.read(self.screen, 65536) if ready else b""
            except OSError:
                raise AssertionError("ended without %r:\n%s" % (text, self.shown)) from None
            self.shown += piece.decode()
            if time.monotonic() > deadline:
                raise AssertionError("no %r in:\n%s" % (text, self.shown))
        before, _, self.shown = self.shown.partition(text)
        return before

    def answer(self, question, line=""):
        shown = self.expect(question)
        os.write(self.screen, line.encode() + b"\n")
        return shown

    def end(self):
        try:
            while True:
                ready, _, _ = select.select([self.screen], [], [], 20)
                piece = os.read(self.screen, 65536) if ready else b""
                if not piece:
                    break
                self.shown += piece.decode()
        except OSError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.screen)
        return os.waitstatus_to_exitcode(status)


class Init(unittest.TestCase):
    maxDiff = None
    transport = "off"

    def setUp(self):
        self.home = support.Home()
        self.addCleanup(self.home.close)
        self.folder = os.path.join(self.home.path, ".config", "maildird")
        self.config = os.path.join(self.folder, "config.yaml")

    def serve(self, transport="off"):
        server = Imapd(transport)
        server.user = ADDRESS
        server.__enter__()
        self.addCleanup(server.close)
        with server.connect() as connection:
            connection.create("Lists")
            for size in (100, 5000):
                connection.append("Lists", None, None, b"Subject: x\r\n\r\n" + b"x" * size)
        return server

    def names(self, records):
        server = NameServer(records)
        self.addCleanup(server.close)
        return server

    def reach(self, server):
        return ["--host", "127.0.0.1", "--port", str(server.port), "--tls", "off"]

    def read(self, name="config.yaml"):
        with open(os.path.join(self.folder, name), encoding="utf-8") as stream:
            return stream.read()

    def files(self):
        return sorted(os.listdir(self.folder)) if os.path.exists(self.folder) else []

    def tools(self, **scripts):
        """A folder of programs that goes before all others."""
        folder = os.path.join(self.home.path, "bin")
        for name, text in scripts.items():
            self.home.write("bin/" + name.replace("_", "-"), "#!/bin/sh\n" + text, 0o700)
        return folder + ":" + os.environ["PATH"]

    # ---- without questions ----

    def test_a_script_gives_all_that_is_needed(self):
        server = self.serve()
        result = self.home.run("init", "--yes", "--address", ADDRESS, *self.reach(server),
                               "--password-command", "echo " + server.password)
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertRegex(result.out, r"Lists +2 messages +5\.0 KiB\n")
        self.assertRegex(result.out, r"in all +2 messages +5\.0 KiB\n")
        self.assertEqual(stat.S_IMODE(os.stat(self.config).st_mode), 0o600)
        self.assertEqual(self.files(), ["config.yaml"])
        self.assertEqual(self.home.run("sync", "-q").code, 0)
        self.assertTrue(os.path.isdir(os.path.join(self.home.path, "Mail/example/Lists/cur")))

    def test_what_is_wrong_is_told_and_nothing_is_written(self):
        server = self.serve()
        secret = ["--password-command", "echo " + server.password]
        cases = [
            (["--address", "alice"] + secret, 64, "no mail address"),
            (secret, 64, "give --address"),
            (["--address", ADDRESS, *self.reach(server)], 64, "--password-command"),
            (["--address", ADDRESS, *self.reach(server), "--password-command", "echo no"], 77,
             "AUTHENTICATIONFAILED"),
            (["--address", ADDRESS, "--host", "127.0.0.1", "--port", "1"] + secret, 69, "127.0.0.1"),
            (["--address", ADDRESS, "--host", "h", "--port", "x"] + secret, 64, "no port"),
            (["--address", ADDRESS, "--host", "h", "--tls", "x"] + secret, 64, "none of"),
            (["extra"], 64, "options only"),
        ]
        for words, code, text in cases:
            result = self.home.run("init", "--yes", *words)
            self.assertEqual(result.code, code, (words, result.err))
            self.assertIn(text, result.err)
            self.assertNotIn(server.password, result.err)
            self.assertEqual(self.files(), [], words)

    def test_nothing_is_overwritten(self):
        self.home.write(".config/maildird/config.yaml", "mine\n")
        result = self.home.run("init", "--yes", "--address", ADDRESS, "--password-command", "true")
        self.assertEqual(result.code, 73)
        self.assertIn("is not overwritten", result.err)
        self.assertEqual(self.read(), "mine\n")

    def test_odd_words_stay_what_they_are(self):
        server = self.serve()
        command = "printf '%s\\n' \"" + server.password + "\" # \"'\\: {x}"
        result = self.home.run("init", "--yes", "--address", ADDRESS, *self.reach(server),
                               "--password-command", command, "--maildir", "~/a: b #c")
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(self.home.run("check").code, 0)
        self.assertIn(self.home.path + "/a: b #c", self.home.run("check").out)

    # ---- where the server is ----

    def test_the_domain_says_where_its_server_is(self):
        server = self.serve("starttls")
        names = self.names({"_imap._tcp.example.org": [(20, 0, 1, "other.example.org"),
                                                       (10, 0, server.port, "localhost")]})
        words = ["--address", ADDRESS, "--password-command", "echo " + server.password,
                 "--dns", names.address, "--tls-ca-file", server.ca_file]
        result = self.home.run("init", "--yes", *words)
        self.assertEqual(result.code, 64, result.err)  # localhost is not in example.org
        self.assertIn("give --host localhost", result.err)
        self.assertEqual(names.asked, ["_imaps._tcp.example.org", "_imap._tcp.example.org"])
        terminal = Terminal(self.home, *words)
        terminal.answer("Name of the account [example]: ")
        terminal.answer("IMAP server [localhost]: ")
        terminal.answer("User name [%s]: " % ADDRESS)
        terminal.expect("It works.")
        terminal.answer("Maildir [~/Mail/example]: ")
        terminal.expect("Written: ")
        os.write(terminal.screen, b"n\n")
        self.assertEqual(terminal.end(), 0)
        self.assertIn("host: \"localhost\"\n    port: %d\n    tls: starttls\n" % server.port,
                      self.read())

    def test_implicit_tls_goes_before_starttls(self):
        server = self.serve("tls")
        names = self.names({"_imaps._tcp.localhost.org": [(0, 0, server.port, "imap.localhost.org")],
                            "_imap._tcp.localhost.org": [(0, 0, 143, "imap.localhost.org")]})
        result = self.home.run("init", "--yes", "--address", "a@localhost.org", "--password-command",
                               "true", "--dns", names.address)
        self.assertEqual(names.asked, ["_imaps._tcp.localhost.org"])
        self.assertIn("Trying imap.localhost.org, port %d" % server.port, result.out)
        self.assertEqual(result.code, 69)

    def test_without_a_word_of_the_domain_the_usual_names_are_tried(self):
        names = self.names({})
        result = self.home.run("init", "--yes", "--address", "a@nowhere.invalid",
                               "--password-command", "true", "--dns", names.address)
        self.assertEqual(re.findall(r"Trying (\S+), port (\d+)", result.out),
                         [("imap.nowhere.invalid", "993"), ("mail.nowhere.invalid", "993"),
                          ("imap.nowhere.invalid", "143")])
        self.assertEqual(result.code, 69)

    def test_a_service_that_is_not_offered(self):
        names = self.names({"_imaps._tcp.nowhere.invalid": [(0, 0, 0, ".")]})
        result = self.home.run("init", "--yes", "--address", "a@nowhere.invalid",
                               "--password-command", "true", "--dns", names.address)
        self.assertIn("Trying imap.nowhere.invalid", result.out)

    def test_a_provider_says_what_it_wants(self):
        result = self.home.run("init", "--yes", "--address", "a@outlook.com")
        self.assertIn("This is Outlook.com: it takes no password but an OAuth token", result.out)
        self.assertEqual(result.code, 64)

    # ---- at a terminal ----

    def test_a_person_is_asked(self):
        server = self.serve()
        terminal = Terminal(self.home, *self.reach(server), PATH=self.tools(systemctl="exit 0"))
        terminal.answer("Your mail address: ", "alice")
        terminal.answer("Your mail address: ", ADDRESS)
        terminal.answer("Name of the account [example]: ", "work")
        terminal.answer("User name [%s]: " % ADDRESS)
        terminal.answer("Password (not shown; empty to name a command that prints it): ", "wrong")
        shown = terminal.answer("Once more, with other answers? [Y/n]: ")
        self.assertNotIn("wrong\r\n", shown.split("Trying")[0])
        self.assertEqual(self.files(), [])
        terminal.answer("User name [%s]: " % ADDRESS)
        terminal.answer("prints it): ", server.password)
        shown = terminal.answer("Maildir [~/Mail/work]: ", "~/Post")
        self.assertNotIn(server.password, shown)
        self.assertIn("It works.", shown)
        terminal.answer("(systemctl --user enable --now maildird)? [y/N]: ", "y")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(self.files(), ["config.yaml", "work.password"])
        for name in self.files():
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.folder, name)).st_mode), 0o600)
        self.assertNotIn(server.password, self.read())
        self.assertEqual(self.read("work.password"), server.password + "\n")
        self.assertEqual(self.home.run("sync", "-q").code, 0)
        self.assertTrue(os.path.isdir(os.path.join(self.home.path, "Post/INBOX/cur")))

    def test_the_password_may_go_into_a_store(self):
        server = self.serve()
        store = os.path.join(self.home.path, "store")
        path = self.tools(systemctl="exit 0", secret_tool=(
            'case $1 in store) shift 3; echo "$*" > "%s.key"; cat > "%s";;\n'
            'lookup) shift; test "$*" = "$(cat "%s.key")" && cat "%s";; esac\n'
            % ((store,) * 4)))
        terminal = Terminal(self.home, *self.reach(server), "--address", ADDRESS, PATH=path)
        terminal.answer("Name of the account [example]: ")
        terminal.answer("User name [%s]: " % ADDRESS)
        terminal.answer("prints it): ", server.password)
        terminal.answer("Maildir [~/Mail/example]: ")
        terminal.answer("Keep the password in: ", "secret-tool")
        terminal.answer("[y/N]: ")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(self.files(), ["config.yaml"])
        with open(store, encoding="utf-8") as stream:
            self.assertEqual(stream.read(), server.password)
        self.assertIn("password_command: \"'secret-tool' 'lookup' 'service' 'maildird' 'account' "
                      "'example'\"", self.read())

    def test_a_store_that_does_not_work_leaves_the_file(self):
        server = self.serve()
        path = self.tools(systemctl="exit 0", secret_tool="cat >/dev/null; exit 1")
        terminal = Terminal(self.home, *self.reach(server), "--address", ADDRESS, PATH=path)
        terminal.answer("Name of the account [example]: ")
        terminal.answer("User name [%s]: " % ADDRESS)
        terminal.answer("prints it): ", server.password)
        terminal.answer("Maildir [~/Mail/example]: ")
        terminal.answer("Keep the password in: ", "secret-tool")
        terminal.answer("[y/N]: ")
        self.assertEqual(terminal.end(), 0)
        self.assertIn("password_file: example.password", self.read())

    def test_ctrl_c_leaves_nothing_and_the_terminal_as_it_was(self):
        server = self.serve()
        terminal = Terminal(self.home, *self.reach(server), "--address", ADDRESS)
        terminal.answer("Name of the account [example]: ")
        terminal.answer("User name [%s]: " % ADDRESS)
        terminal.expect("prints it): ")
        os.kill(terminal.pid, signal.SIGINT)
        self.assertEqual(terminal.end(), 75)
        self.assertEqual(self.files(), [])


if __name__ == "__main__":
    unittest.main()
