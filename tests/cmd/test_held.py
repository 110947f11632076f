#!/usr/bin/env python3
"""`maildird held` lists what the index holds, for people and as JSON."""

import json
import os
import subprocess
import unittest

import support

CONFIG = """accounts:
  work: {host: h, user: u, password_file: p, maildir: m}
  idle: {host: h, user: u, password_file: p, maildir: n}
"""

TEXT = """work:Lists/C: not sent: the server said: too big
  1 message since 2026-01-31 12:00:
    #1 1.M1P1Q1.host,S=4,W=5
work:INBOX: not deleted on the server: all of the mailbox would be deleted
  12 messages since 2026-01-31 12:00:
    #2 UID 1
    #3 UID 2 (approved)
    #4 UID 3
    #5 UID 4
    #6 UID 5
    #7 UID 6
    #8 UID 7
    #9 UID 8
    #10 UID 9
    #11 UID 10
    and 2 more (--json lists them)
"""


class Held(unittest.TestCase):
    def setUp(self):
        self.home = support.Home()
        self.addCleanup(self.home.close)
        self.config = self.home.write("c.yaml", CONFIG)
        state = os.path.join(self.home.path, ".local/state/maildird/work")
        subprocess.run([os.environ["HELD_FIXTURE"], state], check=True)

    def held(self, *words):
        result = self.home.run("held", "-c", self.config, *words)
        self.assertEqual((result.code, result.err), (0, ""))
        return result.out

    def test_what_is_held_for_one_reason_stands_together(self):
        self.assertEqual(self.held(), TEXT)

    def test_targets_choose(self):
        self.assertEqual(self.held("idle"), "nothing is held\n")
        self.assertEqual(self.held("work:Lists/*"), TEXT[:TEXT.index("work:INBOX")])
        self.assertEqual(self.held("work:%"), TEXT[TEXT.index("work:INBOX"):])
        self.assertEqual(self.held("*"), TEXT)

    def test_json_lists_all_in_the_documented_shape(self):
        items = json.loads(self.held("--json"))["held"]
        self.assertEqual(len(items), 13)
        self.assertEqual(items[0], {
            "account": "work", "id": 1, "kind": "upload", "mailbox": "Lists/C", "uid": None,
            "file": "1.M1P1Q1.host,S=4,W=5", "reason": "the server said: too big",
            "since": "2026-01-31T12:00:00Z", "retry": "2026-01-31T12:01:00Z", "tries": 3,
            "approved": False, "kept": False})
        self.assertEqual(items[2], {
            "account": "work", "id": 3, "kind": "delete_remote", "mailbox": "INBOX", "uid": 2,
            "file": None, "reason": "all of the mailbox would be deleted",
            "since": "2026-01-31T12:00:00Z", "retry": None, "tries": 0, "approved": True,
            "kept": False})

    def test_answers_are_kept_until_the_next_pass(self):
        self.assertEqual(self.held("approve", "work", "1", "4"),
                         "2 held messages to be done by the next sync\n")
        self.assertEqual(self.held("keep", "work:INBOX"),
                         "12 held messages to be kept by the next sync\n")
        answers = {item["id"]: (item["approved"], item["kept"])
                   for item in json.loads(self.held("--json"))["held"]}
        self.assertEqual(answers.pop(1), (True, False))
        self.assertEqual(set(answers.values()), {(False, True)})

    def test_wrong_answers(self):
        for words in (["approve"], ["keep"], ["keep", "3"], ["keep", "work", "99"],
                      ["approve", "nobody"]):
            result = self.home.run("held", "-c", self.config, *words)
            self.assertEqual(result.code, 64, words)
            self.assertTrue(result.err or result.out, words)


if __name__ == "__main__":
    unittest.main()
