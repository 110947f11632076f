#!/usr/bin/env python3
"""The user's commands around a pass: when each runs, what it is told, and how it may go wrong."""

import json
import os
import subprocess
import unittest

import support
import tools
from embedded import Imapd
from maildird import Maildird

MESSAGE = (b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\n"
           b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_aus_K=C3=B6ln?=\r\n\r\nAt noon?\r\n")

# Each hook leaves what it was told: its variables and the document that it read.
NOTE = ('{ printf "%s\\n" "$MAILDIRD_HOOK|$MAILDIRD_ACCOUNT|$(echo $MAILDIRD_MAILBOXES)|$MAILDIRD_NEW"; '
        'cat; echo; } >> "$HOME/notes"')
ALL = ("before_sync", "changed", "new_mail", "failed")


class Hooks(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.server = Imapd("off")
        self.server.__enter__()
        self.addCleanup(self.server.close)
        self.client = Maildird(self.server.account("off"), support.binary())
        self.addCleanup(self.client.close)

    def configure(self, accounts=None, **hooks):
        with open(self.client.config_file, "w", encoding="utf-8") as stream:
            json.dump({"accounts": accounts or self.client.accounts, "hooks": hooks}, stream)

    def deliver(self, flags=None, mailbox="INBOX"):
        with self.server.connect() as connection:
            connection.append(mailbox, flags, None, MESSAGE)

    def sync(self, code=0, words=(), **env):
        result = self.client.sync(*words, env={**self.client.environment(), **env})
        self.assertEqual(result.code, code, str(result))
        return result

    def notes(self):
        """What ran since the last look: [(variables, document)]."""
        path = os.path.join(self.client.folder, "notes")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().split("\n")
        os.unlink(path)
        return [(first, json.loads(second)) for first, second in zip(lines[0::2], lines[1::2])]

    def ran(self):
        return [document["hook"] for _, document in self.notes()]

    def test_what_runs_when(self):
        self.configure(**dict.fromkeys(ALL, NOTE))
        self.deliver()
        self.sync()
        self.assertEqual(self.ran(), ["before_sync", "changed"])  # a first download is not news
        self.sync()
        self.assertEqual(self.ran(), ["before_sync"])
        self.deliver("\\Seen")
        self.sync()
        self.assertEqual(self.ran(), ["before_sync", "changed"])  # nor is mail that was read
        self.deliver("\\Flagged")
        self.sync()
        self.assertEqual(self.ran(), ["before_sync", "changed", "new_mail"])
        self.deliver()
        self.sync(words=["--no-hooks"])
        self.sync(words=["--dry-run"])
        self.assertEqual(self.ran(), [])

    def test_a_new_mailbox_is_a_first_download(self):
        self.configure(**dict.fromkeys(ALL, NOTE))
        self.sync()
        self.notes()
        with self.server.connect() as connection:
            connection.create("Lists")
        self.deliver(mailbox="Lists")
        self.sync()
        self.assertEqual(self.ran(), ["before_sync", "changed"])
        self.deliver(mailbox="Lists")
        self.sync()
        self.assertEqual(self.ran(), ["before_sync", "changed", "new_mail"])

    def test_what_a_hook_is_told(self):
        self.configure(new_mail=NOTE)
        self.sync()
        for _ in range(3):
            self.deliver()
        self.deliver("\\Seen")
        self.sync()
        (variables, document), = self.notes()
        self.assertEqual(variables, "new_mail|work|INBOX|3")
        paths = [message.pop("path") for message in document["messages"]]
        self.assertEqual(document, {
            "hook": "new_mail", "account": "work", "mailboxes": ["INBOX"], "new": 3, "error": None,
            "messages": [{"mailbox": "INBOX", "from": "Jürgen <j@example.org>",
                          "subject": "Grüße aus Köln"}] * 3})
        self.assertEqual(len(set(paths)), 3)
        for path in paths:
            self.assertTrue(os.path.exists(path), path)
            self.assertEqual(os.path.dirname(path), self.client.mailbox_path("INBOX") + "/new")

    def test_what_moves_there_is_changed_and_not_new(self):
        self.configure(changed=NOTE, new_mail=NOTE)
        with self.server.connect() as connection:
            connection.create("Lists")
            connection.create("Old")
        self.deliver()
        self.sync()
        self.notes()
        with self.server.connect() as connection:
            connection.select("INBOX")
            connection.uid("MOVE", "1", "Lists")
            connection.rename("Old", "Older")
        self.sync()
        (variables, document), = self.notes()
        self.assertEqual(document["hook"], "changed")
        self.assertLessEqual({"INBOX", "Lists"}, set(document["mailboxes"]))
        self.sync()
        self.assertEqual(self.notes(), [])

    def test_of_many_messages_the_first_are_told(self):
        self.configure(new_mail=NOTE)
        self.sync()
        with self.server.connect() as connection:
            for _ in range(105):
                connection.append("INBOX", None, None, MESSAGE)
        self.sync()
        (_, document), = self.notes()
        self.assertEqual((document["new"], len(document["messages"])), (105, 100))

    def test_a_before_sync_that_fails_skips_the_pass(self):
        self.configure(before_sync="exit 3", changed=NOTE, failed=NOTE)
        self.deliver()
        result = self.sync(75)
        self.assertIn("before_sync failed: exit status 3", result.err)
        account = result.account()
        self.assertEqual((account["result"], account["error"]["code"]), ("failed", 75))
        self.assertEqual(account["wire"]["connections"], 0)
        self.assertFalse(os.path.exists(self.client.maildir))
        self.assertEqual(self.ran(), [])

    def test_failed_runs_once_when_failing_begins(self):
        self.configure(failed=NOTE)
        self.sync()
        self.server.stop()
        for runs in (["failed"], [], []):
            self.sync(69)
            self.assertEqual(self.ran(), runs)
        port = self.server.port
        self.server.words = ["--port", str(port)]
        self.server.start()
        self.sync()
        self.assertEqual(self.ran(), [])
        self.server.stop()
        self.sync(69)
        (variables, document), = self.notes()
        self.assertEqual(variables, "failed|work||0")
        self.assertIn("127.0.0.1", document["error"])

    def test_law9_a_hook_that_hangs_is_ended_with_all_it_started(self):
        pids = os.path.join(self.client.folder, "pids")
        hang = 'sleep 1000 & echo $! >> "%s"; echo $$ >> "%s"; wait' % (pids, pids)
        self.configure(before_sync=hang, timeout="1s")
        result = self.sync(75)
        self.assertIn("before_sync: the command took too long", result.err)
        with open(pids, encoding="utf-8") as stream:
            for pid in stream.read().split():
                # Gone, or dead and not yet collected by whoever inherited it.
                try:
                    with open("/proc/%s/stat" % pid, encoding="ascii") as stat:
                        self.assertEqual(stat.read().rsplit(")", 1)[1].split()[0], "Z")
                except (FileNotFoundError, ProcessLookupError):
                    pass

    def test_what_a_stopped_pass_brought_is_told_by_the_next(self):
        started = os.path.join(self.client.folder, "started")
        self.configure(changed='echo >"%s"; exec sleep 1000' % started, new_mail=NOTE)
        self.sync()
        for _ in range(2):
            self.deliver()
        process = subprocess.Popen(self.client.command("sync"), env=self.client.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        tools.wait_until(lambda: os.path.exists(started), 30, "the hook to run")
        process.terminate()
        process.wait(30)
        self.assertEqual(self.notes(), [])
        self.deliver()
        self.configure(changed=NOTE, new_mail=NOTE)
        self.sync()
        (_, changed), (variables, news) = self.notes()
        self.assertEqual((changed["hook"], changed["mailboxes"]), ("changed", ["INBOX"]))
        self.assertEqual(variables, "new_mail|work|INBOX|3")
        self.assertEqual(len({message["path"] for message in news["messages"]}), 3)
        self.assertEqual({message["mailbox"] for message in news["messages"]}, {"INBOX"})
        self.sync()
        self.assertEqual(self.notes(), [])

    def test_a_hook_that_fails_is_nothing_to_the_pass(self):
        self.configure(changed="cat >&2; false")
        self.deliver()
        result = self.sync()
        self.assertIn('"hook":"changed"', result.err)  # what it prints does not mix with --json
        self.assertIn("the hook changed failed: exit status 1", result.err)
        self.assertEqual(result.account()["messages"]["downloaded"], 1)

    def test_a_hook_may_run_sync_which_runs_none(self):
        inner = '"%s" sync -c "%s" >&2 || exit 1' % (support.binary(), self.client.config_file)
        self.configure(before_sync=inner, changed="%s; %s" % (NOTE, inner))
        self.deliver()
        self.sync()
        # The inner pass of before_sync fetched it and ran nothing, so nothing was left to tell.
        self.assertEqual(self.ran(), [])
        self.configure(changed="%s; %s" % (NOTE, inner))
        self.deliver()
        result = self.sync()
        self.assertEqual(self.ran(), ["changed"])
        self.assertNotIn("warning", result.err)

    def test_one_hook_at_a_time(self):
        work = self.client.accounts["work"]
        accounts = {name: {**work, "maildir": os.path.join(self.client.folder, name)}
                    for name in "abc"}
        self.configure(accounts, before_sync='echo in >> "$HOME/order"; sleep 0.1; '
                                             'echo out >> "$HOME/order"')
        self.sync()
        with open(os.path.join(self.client.folder, "order"), encoding="utf-8") as stream:
            self.assertEqual(stream.read().split(), ["in", "out"] * 3)


if __name__ == "__main__":
    unittest.main()
