#!/usr/bin/env python3
"""On a terminal: progress, and Ctrl-C. The server here takes connections and says nothing."""

import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

import support


class Terminal:
    """`maildird sync` with a terminal as standard error."""

    def __init__(self, home, *words, columns=80, **env):
        try:
            self.screen, child = pty.openpty()
        except OSError as error:
            raise unittest.SkipTest("no pseudo-terminals here (%s): is /dev/pts mounted?" % error)
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {name: value for name, value in os.environ.items()
                       if name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
        environment.update({"HOME": home.path, "TERM": "xterm", **env})
        self.process = subprocess.Popen([support.binary(), "sync", *words], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=child)
        os.close(child)
        self.shown = b""

    def read(self, seconds):
        ready, _, _ = select.select([self.screen], [], [], seconds)
        try:
            piece = os.read(self.screen, 65536) if ready else b""
        except OSError:  # the other end is closed
            piece = b""
        self.shown += piece
        return piece

    def wait_for(self, text, seconds=20):
        deadline = time.monotonic() + seconds
        while text not in self.shown and time.monotonic() < deadline:
            self.read(0.2)
        return text in self.shown

    def end(self):
        out, _ = self.process.communicate(timeout=20)
        while self.read(0.2):
            pass
        os.close(self.screen)
        return self.process.returncode, out.decode()


class Progress(unittest.TestCase):
    def setUp(self):
        self.home = support.Home()
        self.addCleanup(self.home.close)
        self.server = socket.socket()
        self.addCleanup(self.server.close)
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(8)
        port = self.server.getsockname()[1]
        account = {"host": "127.0.0.1", "port": port, "tls": "off", "user": "u", "password": "p"}
        accounts = {name: dict(account, maildir=name) for name in ("work", "home")}
        self.config = self.home.write("c.yaml", json.dumps({"accounts": accounts}))

    def terminal(self, *words, **options):
        terminal = Terminal(self.home, "-c", self.config, *words, **options)
        self.addCleanup(terminal.process.stdout.close)
        self.addCleanup(terminal.process.wait)
        self.addCleanup(terminal.process.kill)
        return terminal

    def test_each_account_has_a_line_and_an_interrupt_ends_cleanly(self):
        terminal = self.terminal()
        self.assertTrue(terminal.wait_for(b"work: connecting"), terminal.shown)
        self.assertTrue(terminal.wait_for(b"home: connecting"), terminal.shown)
        before = time.monotonic()
        terminal.process.send_signal(signal.SIGINT)
        code, out = terminal.end()
        self.assertLess(time.monotonic() - before, 10)
        self.assertEqual(code, 75)
        self.assertEqual(sorted(line.split(";")[0] for line in out.splitlines()),
                         ["home: interrupted", "work: interrupted"])
        self.assertTrue(terminal.shown.endswith(b"\033[J"), terminal.shown)

    def test_json_tells_an_interrupt(self):
        terminal = self.terminal("--json", "work")
        self.assertTrue(terminal.wait_for(b"work: connecting"), terminal.shown)
        terminal.process.send_signal(signal.SIGTERM)
        code, out = terminal.end()
        account = json.loads(out)["accounts"][0]
        self.assertEqual((code, account["result"], account["error"]["code"]), (75, "failed", 75))
        self.assertEqual(account["error"]["scope"], "cancelled")

    def test_quiet_and_dumb_terminals_show_nothing(self):
        for words, env in ((["-q"], {}), ([], {"TERM": "dumb"})):
            terminal = self.terminal("work", *words, **env)
            self.assertFalse(terminal.wait_for(b"connecting", 1), terminal.shown)
            terminal.process.send_signal(signal.SIGINT)
            code, _ = terminal.end()
            self.assertEqual(code, 75)
            self.assertNotIn(b"\033", terminal.shown)

    def test_no_line_is_wider_than_the_terminal(self):
        terminal = self.terminal("work", columns=12)
        self.assertTrue(terminal.wait_for("work: conn…".encode()), terminal.shown)
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.end()[0], 75)


if __name__ == "__main__":
    unittest.main()
