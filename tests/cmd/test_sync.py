#!/usr/bin/env python3
"""`maildird sync`, `mailboxes` and `held` where no server answers: targets, JSON, exit codes."""

import json
import os
import socket
import unittest

import support

MESSAGE_COUNTS = ["downloaded", "linked", "uploaded", "flags_to_local", "flags_to_remote",
                  "moved_local", "moved_remote", "deleted_local", "deleted_remote", "held",
                  "skipped"]


def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Sync(unittest.TestCase):
    def setUp(self):
        self.home = support.Home()
        self.port = closed_port()
        accounts = {name: {"host": "127.0.0.1", "port": self.port, "tls": "off", "user": "u",
                           "password": "p", "maildir": "Mail-" + name} for name in ("work", "home")}
        self.config = self.home.write("c.yaml", json.dumps({"accounts": accounts}))

    def tearDown(self):
        self.home.close()

    def run_verb(self, verb, *words, **options):
        return self.home.run(verb, "-c", self.config, *words, **options)

    def test_json_has_the_documented_shape(self):
        result = self.run_verb("sync", "--json")
        self.assertEqual(result.code, 69)
        document = json.loads(result.out)
        self.assertEqual(list(document), ["accounts"])
        self.assertEqual([a["name"] for a in document["accounts"]], ["work", "home"])
        for account in document["accounts"]:
            self.assertEqual(list(account), ["name", "result", "error", "seconds", "wire",
                                             "mailboxes", "messages"])
            self.assertEqual(account["result"], "failed")
            self.assertEqual(list(account["error"]), ["code", "scope", "mailbox", "text"])
            self.assertEqual(account["error"]["code"], 69)
            self.assertIn("127.0.0.1", account["error"]["text"])
            self.assertEqual(list(account["wire"]), ["bytes_in", "bytes_out", "commands",
                                                     "round_trips", "connections", "compressed"])
            self.assertEqual(list(account["mailboxes"]), ["total", "changed"])
            self.assertEqual(list(account["messages"]), MESSAGE_COUNTS)

    def test_a_dry_run_tells_its_plan_too(self):
        result = self.run_verb("sync", "--json", "--dry-run", "work")
        account = json.loads(result.out)["accounts"][0]
        self.assertEqual(account["plan"], [])

    def test_targets_choose_accounts(self):
        for words, names in ((["home"], ["home"]), (["wor*"], ["work"]),
                             (["home:INBOX", "work"], ["work", "home"]), (["*:X"], ["work", "home"])):
            result = self.run_verb("sync", "--json", *words)
            self.assertEqual([a["name"] for a in json.loads(result.out)["accounts"]], names)

    def test_a_target_that_names_nothing_is_wrong_usage(self):
        for verb in ("sync", "held", "mailboxes"):
            result = self.run_verb(verb, "wrok")
            self.assertEqual((result.code, result.out), (64, ""))
            self.assertEqual(result.err, "maildird: there is no account 'wrok' in %s; did you mean "
                             "'work'?\n" % self.config)
        self.assertEqual(self.run_verb("sync", "work:").code, 64)

    def test_an_unreachable_server_is_told_and_others_go_on(self):
        result = self.run_verb("sync")
        self.assertEqual(result.code, 69)
        self.assertRegex(result.out, r"(?m)^work: failed; \d+\.\d s$")
        self.assertRegex(result.out, r"(?m)^home: failed; \d+\.\d s$")
        self.assertEqual(result.err.count("Connection refused"), 2, result.err)

    def test_no_control_characters_without_a_terminal(self):
        result = self.run_verb("sync", env={"TERM": "xterm"})
        self.assertNotIn("\033", result.out + result.err)

    def test_a_trace_is_for_its_owner_only(self):
        name = os.path.join(self.home.path, "trace")
        self.run_verb("sync", "--trace", name, "work")
        self.assertEqual(os.stat(name).st_mode & 0o777, 0o600)
        result = self.run_verb("sync", "--trace", os.path.join(self.home.path, "no", "trace"))
        self.assertIn(result.code, (73, 74))
        self.assertIn("no/trace", result.err)

    def test_nothing_is_held_before_the_first_sync(self):
        result = self.run_verb("held")
        self.assertEqual((result.code, result.out, result.err), (0, "nothing is held\n", ""))
        self.assertEqual(self.run_verb("held", "--json").out, '{"held":[]}\n')

    def test_mailboxes_of_an_unreachable_server(self):
        result = self.run_verb("mailboxes", "--json")
        self.assertEqual(result.code, 69)
        for account in json.loads(result.out)["accounts"]:
            self.assertEqual(account["error"]["code"], 69)
            self.assertEqual(account["mailboxes"], [])


if __name__ == "__main__":
    unittest.main()
