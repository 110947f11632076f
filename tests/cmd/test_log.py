#!/usr/bin/env python3
"""`maildird log` lists what was done, for people and as JSON."""

import json
import os
import subprocess
import unittest

import support

CONFIG = """accounts:
  work: {host: h, user: u, password_file: p, maildir: m}
  idle: {host: h, user: u, password_file: p, maildir: n}
"""

LINES = [
    "2026-01-31 12:00:00 work:INBOX: downloaded (first download: 3 messages)\n",
    "2026-01-31 12:00:01 work:INBOX: uploaded UID 4 1.M1P1Q1.host (new here)\n",
    "2026-01-31 12:00:02 work:Lists/C: moved here from INBOX UID 7 1.M1P1Q2.host"
    " (moved on the server)\n",
]


class Log(unittest.TestCase):
    def setUp(self):
        self.home = support.Home()
        self.addCleanup(self.home.close)
        self.config = self.home.write("c.yaml", CONFIG)
        state = os.path.join(self.home.path, ".local/state/maildird/work")
        subprocess.run([os.environ["HELD_FIXTURE"], state], check=True)

    def log(self, *words):
        result = self.home.run("log", "-c", self.config, *words)
        self.assertEqual((result.code, result.err), (0, ""))
        return result.out

    def test_the_oldest_comes_first(self):
        self.assertEqual(self.log(), "".join(LINES))

    def test_the_newest_are_shown(self):
        self.assertEqual(self.log("-n", "1"), LINES[2])
        self.assertEqual(self.log("-n", "2", "work"), "".join(LINES[1:]))

    def test_targets_choose(self):
        self.assertEqual(self.log("idle"), "")
        self.assertEqual(self.log("work:INBOX"), "".join(LINES[:2]))
        self.assertEqual(self.log("-n", "1", "work:INBOX"), LINES[1])

    def test_json_has_the_documented_shape(self):
        events = json.loads(self.log("--json"))["events"]
        self.assertEqual(len(events), 3)
        self.assertEqual(events[0], {
            "account": "work", "id": 1, "time": "2026-01-31T12:00:00Z", "mailbox": "INBOX",
            "uid": None, "file": None, "what": "downloaded", "from": None,
            "why": "first download: 3 messages"})
        self.assertEqual(events[2], {
            "account": "work", "id": 3, "time": "2026-01-31T12:00:02Z", "mailbox": "Lists/C",
            "uid": 7, "file": "1.M1P1Q2.host", "what": "moved here", "from": "INBOX",
            "why": "moved on the server"})

    def test_wrong_usage(self):
        for words in (["-n", "0"], ["-n", "x"], ["nobody"]):
            self.assertEqual(self.home.run("log", "-c", self.config, *words).code, 64, words)


if __name__ == "__main__":
    unittest.main()
