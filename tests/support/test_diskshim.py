#!/usr/bin/env python3
"""The disk shim: what it counts, where it kills, and what a loss of power may and may not take."""

import os
import signal
import subprocess
import tempfile
import time
import unittest

import diskshim

SUBJECT = os.environ.get("DISKSHIM_SUBJECT", "")
DELIVERY = ["create=tmp/x,hello", "fsync=tmp/x", "rename=tmp/x,new/x", "fsync=new"]


class ShimCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.fresh_root(0)

    def fresh_root(self, number):
        self.root = os.path.join(self.folder.name, "root%d" % number)
        for name in ("tmp", "new"):
            os.makedirs(os.path.join(self.root, name))

    def run_steps(self, steps, **settings):
        environment = diskshim.environment(self.root, program="diskshim_subject", binary=SUBJECT,
                                           **settings)
        return subprocess.run([SUBJECT, self.root] + steps, env=environment, capture_output=True,
                              text=True)

    def count(self, steps):
        path = os.path.join(self.folder.name, "count")
        result = self.run_steps(steps, count_file=path)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(path, encoding="ascii") as stream:
            return int(stream.read())

    def names(self):
        return sorted(os.path.relpath(os.path.join(folder, name), self.root)
                      for folder, _, files in os.walk(self.root) for name in files)

    def content(self, name):
        with open(os.path.join(self.root, name), "rb") as stream:
            return stream.read()

    def outcomes(self, steps, kill_at, seeds=40):
        """The set of (names, contents) over seeds, after a loss of power at this call."""
        seen = set()
        for seed in range(seeds):
            self.fresh_root(len(os.listdir(self.folder.name)))
            result = self.run_steps(steps, kill_at=kill_at, powerloss_seed=seed)
            self.assertEqual(result.returncode, -signal.SIGKILL, result.stderr)
            seen.add(tuple((name, self.content(name)) for name in self.names()))
        return seen

    def test_counts_each_call(self):
        self.assertEqual(self.count(DELIVERY), 5)
        self.assertEqual(self.count(["link=new/x,new/y", "unlink=new/y", "mkdir=d", "rmdir=d"]), 4)
        self.assertEqual(self.count(["peer=a"]), 2)
        self.assertEqual(self.count(["pwrite=new/x,J", "fdatasync=new/x", "syncfs=new"]), 3)

    def test_calls_elsewhere_do_not_count(self):
        outside = os.path.join(self.folder.name, "outside")
        self.assertEqual(self.count(["create=%s,text" % outside, "unlink=%s" % outside]), 0)

    def test_a_child_is_not_counted(self):
        self.assertEqual(self.count(["child"]), 0)
        self.assertTrue(os.path.isdir(os.path.join(self.root, "child")))

    def test_kills_before_each_call(self):
        expected = [[], ["tmp/x"], ["tmp/x"], ["tmp/x"], ["new/x"]]
        for number, names in enumerate(expected, 1):
            self.fresh_root(number)
            result = self.run_steps(DELIVERY, kill_at=number)
            self.assertEqual(result.returncode, -signal.SIGKILL)
            self.assertEqual(self.names(), names)

    def test_log_names_the_calls(self):
        path = os.path.join(self.folder.name, "log")
        self.run_steps(DELIVERY + ["peer=a"], log=path)
        with open(path, encoding="utf-8") as stream:
            words = [line.split()[1] for line in stream]
        self.assertEqual(words, ["open", "write", "fsync", "rename", "fsync", "send", "write"])

    def test_loss_keeps_what_was_synced(self):
        steps = DELIVERY + ["mkdir=later"]
        self.assertEqual(self.outcomes(steps, 6), {(("new/x", b"hello"),)})

    def test_loss_without_sync_of_the_folder_may_undo_the_rename(self):
        seen = self.outcomes(DELIVERY, 5)
        self.assertEqual(seen, {(("new/x", b"hello"),), (("tmp/x", b"hello"),), ()})

    def test_loss_after_sync_of_the_folder_it_left_keeps_a_rename(self):
        steps = ["create=tmp/x,hello", "fsync=tmp/x", "rename=tmp/x,new/x", "fsync=tmp", "mkdir=later"]
        self.assertEqual(self.outcomes(steps, 6), {(("new/x", b"hello"),)})

    def test_loss_without_sync_of_the_file_may_lose_bytes_under_its_name(self):
        steps = ["create=tmp/x,hello", "rename=tmp/x,new/x", "fsync=new", "mkdir=later"]
        seen = self.outcomes(steps, 5)
        self.assertTrue(all(len(state) == 1 and state[0][0] == "new/x" for state in seen), seen)
        contents = {state[0][1] for state in seen}
        self.assertIn(b"hello", contents)
        self.assertIn(b"", contents)
        self.assertTrue(any(b"\0" in content for content in contents), contents)

    def test_loss_may_bring_back_what_was_unlinked_or_replaced(self):
        start = ["create=new/a,one", "create=new/b,two", "syncfs=new"]
        seen = self.outcomes(start + ["unlink=new/a", "mkdir=later"], 7)
        self.assertEqual(seen, {(("new/b", b"two"),), (("new/a", b"one"), ("new/b", b"two"))})
        seen = self.outcomes(start + ["rename=new/a,new/b", "mkdir=later"], 7)
        self.assertEqual(seen, {(("new/b", b"one"),), (("new/a", b"one"), ("new/b", b"two"))})

    def test_loss_of_a_folder_takes_nothing_that_is_kept_in_it(self):
        steps = ["mkdir=d", "create=d/x,one", "fsync=d/x", "fsync=d", "mkdir=later"]
        self.assertEqual(self.outcomes(steps, 6), {(("d/x", b"one"),)})

    def test_loss_takes_all_or_none_of_the_writes_to_an_lmdb_file(self):
        start = ["create=index.mdb,old old", "fsync=index.mdb", "fsync=.", "pwrite=index.mdb,new"]
        seen = self.outcomes(start + ["pwrite=index.mdb,NEW!", "mkdir=later"], 7)
        self.assertEqual(seen, {(("index.mdb", b"old old"),), (("index.mdb", b"NEW!old"),)})
        seen = self.outcomes(start + ["fdatasync=index.mdb", "mkdir=later"], 7)
        self.assertEqual(seen, {(("index.mdb", b"new old"),)})

    def test_a_loss_is_repeatable_from_its_seed(self):
        states = []
        for number in (1, 2):
            self.fresh_root(number)
            self.run_steps(DELIVERY, kill_at=5, powerloss_seed=7)
            states.append(self.names())
        self.assertEqual(states[0], states[1])

    def test_disk_full(self):
        result = self.run_steps(["create=new/a,12345", "create=new/b,12345"], enospc_after=8)
        self.assertEqual(result.returncode, 1)
        self.assertIn("No space left", result.stderr)
        self.assertEqual((self.content("new/a"), self.content("new/b")), (b"12345", b""))

    def test_clock_offset(self):
        told = int(self.run_steps(["clock"], clock_offset_s=3600).stdout)
        self.assertAlmostEqual(told - time.time(), 3600, delta=30)


if __name__ == "__main__":
    unittest.main()
