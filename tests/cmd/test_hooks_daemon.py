#!/usr/bin/env python3
"""Hooks of the daemon, and a hook that asks the daemon for a pass: the pass waits for the hook, so the hook must not
wait for the pass."""

import os
import unittest

import daemon
import support
from embedded import Imapd
from maildird import Maildird

WAIT_S = 60  # a hook that waits for its own pass hangs for the five minutes of hooks.timeout


class HooksOfTheDaemon(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Imapd("off"))
        # Passes are made when they are asked for, so that they can be counted.
        watch = {"mode": "off", "local": False}
        self.client = self.enterContext(Maildird(dict(self.server.account("off"), watch=watch), support.binary()))
        self.notes_path = os.path.join(self.client.folder, "notes")

    def start(self, **hooks):
        self.client.top = {"hooks": hooks}
        self.client.write_config()
        self.running = self.enterContext(daemon.Daemon(self.client))
        self.running.wait_ready()

    def words(self, *words):
        """For a hook: the program with these words, and a note of how it ended."""
        return '"%s" %s -c "%s" %s; echo $MAILDIRD_HOOK $? >>"%s"' % (
            self.client.program, words[0], self.client.config_file, " ".join(words[1:]), self.notes_path)

    def notes(self):
        if not os.path.exists(self.notes_path):
            return []
        with open(self.notes_path, encoding="utf-8") as stream:
            return stream.read().splitlines()

    def deliver(self):
        with self.server.connect() as connection:
            connection.append("INBOX", None, None, b"Subject: new\r\n\r\ntext\r\n")

    def passes(self, name="work"):
        with daemon.Control(self.client) as control:
            account = control.account(name)
        return account["passes"] if account["state"] == "idle" else None

    def wait_passes(self, count, name="work"):
        self.running.wait(lambda: self.passes(name) == count, "%d passes of %s" % (count, name), WAIT_S)

    def sync(self, *words):
        result = self.client.run("sync", *words, timeout=WAIT_S)
        self.assertEqual(result.code, 0, str(result))

    def test_a_hook_after_a_pass_asks_for_one_more(self):
        logged = 0
        for number, words in enumerate((["sync"], ["sync", "--json", "--full", "work:INBOX"], ["trigger"],
                                        ["trigger", "--wait"], ["trigger", "--wait", "work"])):
            hook = ("changed", "new_mail")[number % 2]
            with self.subTest(hook=hook, words=words):
                self.start(**{hook: self.words(*words)})
                self.wait_passes(1)
                done = len(self.notes())
                self.deliver()
                self.sync()
                self.wait_passes(3)
                self.assertEqual(self.notes()[done:], [hook + " 0"])
                self.sync()  # asks for its own, after which nothing else waits
                self.wait_passes(4)
                self.assertEqual(len(self.notes()), done + 1)
                self.assertEqual(self.running.stop(), 0)
                told = "the daemon makes this pass when the hook has ended" in self.running.log()[logged:]
                self.assertEqual(told, words != ["trigger"])
                logged = len(self.running.log())

    def test_before_sync_asks_for_one_more_and_not_for_ever(self):
        for words in (["sync"], ["trigger"], ["trigger", "--wait"]):
            with self.subTest(words=words):
                done = len(self.notes())
                self.start(before_sync=self.words(*words))
                self.wait_passes(2)
                self.sync()
                self.wait_passes(4)
                self.sync("--no-hooks")
                self.wait_passes(5)
                self.assertEqual(self.notes()[done:], ["before_sync 0"] * 2)
                self.assertEqual(self.running.stop(), 0)

    def test_two_accounts_whose_hooks_ask_for_each_other(self):
        self.client.accounts["other"] = dict(self.client.accounts["work"], maildir=self.client.maildir + "-other")
        self.start(before_sync=self.words("sync"))
        # Each hook has asked for both; both may be served by one pass.
        self.running.wait(lambda: len(self.notes()) == 2 and self.passes() and self.passes("other"), "rest", WAIT_S)
        work, other = self.passes(), self.passes("other")
        self.assertLessEqual(max(work, other), 3)
        self.sync("work")
        self.wait_passes(work + 2)
        self.wait_passes(other + 1, "other")
        self.assertEqual(self.notes(), ["before_sync 0"] * 3)

    def test_a_dry_run_inside_a_hook_is_refused(self):
        self.start(changed=self.words("sync", "-n"))
        self.deliver()
        self.sync()
        self.assertEqual(self.notes(), ["changed 75"])
        self.assertIn("a hook cannot wait for a dry run by the daemon", self.running.log())

    def test_sync_leaves_the_hooks_to_the_daemon(self):
        note = 'echo $MAILDIRD_HOOK >>"%s"' % self.notes_path
        self.start(before_sync=note, changed=note, new_mail=note)
        self.wait_passes(1)
        self.deliver()
        self.sync()
        self.assertEqual(self.notes(), ["before_sync", "before_sync", "changed", "new_mail"])
        self.deliver()
        self.sync("--no-hooks")
        self.assertEqual(len(self.notes()), 4)


if __name__ == "__main__":
    unittest.main()
