#!/usr/bin/env python3
"""The command line: help, options, and what is said about a wrong one."""

import subprocess
import unittest

import support

USAGE = 64

# Words after `maildird`, what is told on standard error.
WRONG = [
    (["snyc"], "maildird: there is no verb 'snyc'; did you mean 'sync'?\n"
               "Try `maildird --help`.\n"),
    (["frobnicate"], "maildird: there is no verb 'frobnicate'\nTry `maildird --help`.\n"),
    (["demos"], "maildird: there is no verb 'demos'; did you mean 'demo'?\n"
                 "Try `maildird --help`.\n"),
    (["-x", "sync"], "maildird: unknown option -x before the verb\nTry `maildird --help`.\n"),
    (["sync", "--dry-rnu"], "maildird: unknown option --dry-rnu; did you mean --dry-run?\n"
                            "Try `maildird sync --help`.\n"),
    (["sync", "--xyzzy"], "maildird: unknown option --xyzzy\nTry `maildird sync --help`.\n"),
    (["sync", "-nz"], "maildird: unknown option -z\nTry `maildird sync --help`.\n"),
    (["sync", "--json=x"], "maildird: --json takes no value\nTry `maildird sync --help`.\n"),
    (["sync", "--trace"], "maildird: --trace needs a value: FILE\nTry `maildird sync --help`.\n"),
    (["sync", "-c"], "maildird: --config needs a value: FILE\nTry `maildird sync --help`.\n"),
    (["sync", "-qv"], "maildird: -q and -v exclude each other\nTry `maildird sync --help`.\n"),
    (["check", "a", "b"], "maildird: one file at a time\nTry `maildird check --help`.\n"),
    (["check", "--show", "--schema"],
     "maildird: --show and --schema exclude each other\nTry `maildird check --help`.\n"),
    (["mailboxes", "--format", "pine"],
     "maildird: unknown format 'pine'; there is: mutt\nTry `maildird mailboxes --help`.\n"),
    (["mailboxes", "--format=mutt", "--json"],
     "maildird: --json and --format exclude each other\nTry `maildird mailboxes --help`.\n"),
    (["demo", "x"], "maildird: demo takes no arguments\nTry `maildird demo --help`.\n"),
    (["help", "snyc"], "maildird: there is no verb 'snyc'; did you mean 'sync'?\n"
                       "Try `maildird --help`.\n"),
]


class Usage(unittest.TestCase):
    def setUp(self):
        self.home = support.Home()

    def tearDown(self):
        self.home.close()

    def test_wrong_words_are_told_with_a_suggestion(self):
        for words, told in WRONG:
            result = self.home.run(*words)
            self.assertEqual((result.code, result.out, result.err), (USAGE, "", told), words)

    def test_without_words_the_help_is_shown(self):
        result = self.home.run()
        self.assertEqual(result.code, USAGE)
        self.assertEqual(result.out, self.home.run("--help").out)

    def test_help_lists_verbs_and_exit_codes(self):
        result = self.home.run("--help")
        self.assertEqual((result.code, result.err), (0, ""))
        for verb in ("sync", "check", "mailboxes", "held", "demo", "imap", "wire", "imapd", "help"):
            self.assertIn("\n  %s " % verb, result.out)
        for code in (0, 1, 64, 69, 70, 73, 74, 75, 76, 77, 78):
            self.assertIn("\n  %2d  " % code, result.out)
        self.assertEqual(self.home.run("help").out, result.out)
        self.assertEqual(self.home.run("-h").out, result.out)

    def test_each_verb_has_help(self):
        for verb in ("sync", "check", "mailboxes", "held", "demo", "imap", "wire", "imapd", "help"):
            result = self.home.run(verb, "--help")
            self.assertEqual((result.code, result.err), (0, ""))
            self.assertTrue(result.out.startswith("usage: maildird %s" % verb), result.out)
            self.assertEqual(self.home.run("help", verb).out, result.out)
            self.assertTrue(all(len(line) <= 100 for line in result.out.split("\n")))

    def test_version(self):
        for words in (["--version"], ["sync", "--version"]):
            self.assertRegex(self.home.run(*words).out, r"^maildird [0-9]+\.[0-9]+\.[0-9]+\n$")

    def test_the_configuration_may_be_named_before_or_after_the_verb(self):
        name = self.home.write("c.yaml", "x: 1\n")
        for words in (["-c", name, "held"], ["held", "-c", name], ["held", "--config=" + name],
                      ["--config", name, "held"], ["held", "-c" + name]):
            result = self.home.run(*words)
            self.assertEqual(result.code, 78, words)
            self.assertTrue(result.err.startswith(name + ":1: unknown key"), result.err)

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([support.binary(), "--help"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 73)
        self.assertIn(b"cannot write to standard output", done.stderr)


if __name__ == "__main__":
    unittest.main()
