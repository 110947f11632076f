#!/usr/bin/env python3
"""Other programs read the Maildir: mutt, notmuch and Python count the same as the server."""

import mailbox
import os
import pty
import re
import select
import signal
import unittest
import time

import dovecot
import oracle
import passes
import tools

NAMES = ["INBOX", "Archive/2024", "Büro"]


class Readers(passes.PassCase):
    def setUp(self):
        fixture = self.started(dovecot.Dovecot())
        self.fill(fixture, 60, names=NAMES)
        self.maildird = self.client(fixture)
        self.assert_sync(self.maildird)
        self.expected = {name: sum(counter.values())
                         for name, counter in self.assert_same(fixture, self.maildird).items()}

    def test_python(self):
        for name in NAMES:
            box = mailbox.Maildir(self.maildird.mailbox_path(name), create=False)
            self.assertEqual(len(box), self.expected[name])
            self.assertTrue(all(message["Message-ID"] for message in box))

    def test_notmuch(self):
        notmuch = tools.need_program("notmuch")
        config = os.path.join(self.maildird.folder, "notmuch-config")
        with open(config, "w", encoding="utf-8") as stream:
            stream.write("[database]\npath=%s\n[new]\ntags=\nignore=.maildird\n[maildir]\n"
                         "synchronize_flags=true\n" % self.maildird.maildir)
        env = dict(os.environ, NOTMUCH_CONFIG=config, HOME=self.maildird.folder)
        tools.run_checked([notmuch, "new", "--no-hooks"], env=env)
        for query, flag in (("*", ""), ("tag:flagged", "F"), ("tag:replied", "R")):
            found = int(tools.run_checked([notmuch, "count", "--output=files", query], env=env))
            local = oracle.read_maildir(self.maildird.maildir)
            wanted = sum(number for counter in local.values()
                         for (_, flags), number in counter.items() if flag in flags)
            self.assertEqual(found, wanted, query)

    def test_mutt(self):
        mutt = tools.need_program("mutt")
        for name in NAMES:
            self.assertEqual(self.mutt_count(mutt, self.maildird.mailbox_path(name)),
                             self.expected[name])

    def mutt_count(self, mutt, folder):
        """The number in mutt's status line, on a terminal of our own."""
        settings = os.path.join(self.maildird.folder, "muttrc")
        with open(settings, "w", encoding="utf-8") as stream:
            stream.write('set status_format="COUNT=%?m?%m&0?."\nset mbox_type=Maildir\nset sleep_time=0\n')
            stream.write("set folder=%s\nset record=\n" % self.maildird.folder)
        try:
            pid, terminal = pty.fork()
        except OSError as error:
            raise unittest.SkipTest("no pseudo-terminals here (%s): is /dev/pts mounted?" % error)
        if pid == 0:
            env = {"TERM": "vt100", "HOME": self.maildird.folder, "PATH": os.environ["PATH"],
                   "LANG": "C.UTF-8"}
            os.execve(mutt, [mutt, "-n", "-R", "-F", settings, "-f", folder], env)
        try:
            return self.read_count(terminal)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(terminal)

    def read_count(self, terminal):
        seen, deadline = b"", time.monotonic() + 20
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 1)[0]:
                try:
                    seen += os.read(terminal, 65536)
                except OSError:
                    break
            match = re.search(rb"COUNT=(\d+)\.", seen)
            if match:
                return int(match.group(1))
        self.fail("mutt told no count: %r" % seen[-500:])


if __name__ == "__main__":
    tools.main()
