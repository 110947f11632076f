#!/usr/bin/env python3
"""`maildird demo` ends well, and leaves what it says."""

import mailbox
import os
import re
import unittest

import support


class Demo(unittest.TestCase):
    def test_both_sides_agree_and_the_files_are_there(self):
        home = support.Home()
        self.addCleanup(home.close)
        result = home.run("demo")
        self.assertEqual((result.code, result.err), (0, ""), result.out)
        self.assertIn("demo: 12 downloaded, 6 mailboxes made; ", result.out)
        self.assertIn("demo: 1 downloaded, 1 uploaded, 1 flag change here, 1 flag change there, "
                      "1 deleted there; ", result.out)
        self.assertIn("\nBoth sides hold the same.\n", result.out)
        self.assertNotIn("DIFFER", result.out)
        self.assertNotIn("\033", result.out)
        root = re.search(r"rm -r (\S+)", result.out).group(1)
        self.assertEqual(os.path.dirname(root), home.path)
        counts = {name: len(mailbox.Maildir(os.path.join(root, "Mail", name), create=False))
                  for name in ("INBOX", "Archive/2024", "Entwürfe", "Список рассылки", "日本語")}
        self.assertEqual(list(counts.values()), [6, 2, 2, 2, 1])
        self.assertEqual(os.stat(os.path.join(root, "config.yaml")).st_mode & 0o777, 0o600)
        self.assertEqual(home.run("check", os.path.join(root, "config.yaml")).code, 0)

    def test_a_folder_that_cannot_be_made_is_told(self):
        home = support.Home()
        self.addCleanup(home.close)
        result = home.run("demo", env={"TMPDIR": "/proc"})
        self.assertIn(result.code, (73, 74))
        self.assertIn("maildird: cannot make /proc/maildird-demo-", result.err)


if __name__ == "__main__":
    unittest.main()
