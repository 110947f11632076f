#!/usr/bin/env python3
"""Very many files removed under the running daemon, and the same moved: the one waits for a person, the other does not.

MAILDIRD_LARGE_MESSAGES says how many.
"""

import collections
import os
import shutil
import subprocess
import threading
import unittest

import daemon
import large
import tools

MESSAGES = large.count(1000)
WAIT_S = max(120, MESSAGES // 50)


class Listener(threading.Thread):
    """Counts the daemon's events by what was done."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.control = daemon.Control(client)
        self.done = collections.Counter()
        self.error = None

    def run(self):
        try:
            for event in self.control.watch():
                if event["kind"] != "state":
                    self.done[event["what"]] += event["messages"]
        except (AssertionError, OSError) as error:
            self.error = error


class LargeDaemon(unittest.TestCase):
    def begin(self, **account):
        self.server = large.full_server("Lists", MESSAGES)
        self.addCleanup(self.server.close)
        connection = self.server.connect()
        connection.create("Archive")
        connection.logout()
        self.relay = self.enterContext(large.Cutter(self.server.port))
        self.client = large.Client(self.server, self.relay, **account)
        self.addCleanup(self.client.close)
        self.client.top = {"log_level": "debug"}
        self.client.write_config()
        self.client.take()
        self.assertEqual(sum(1 for _ in self.client.files("Lists")), MESSAGES)
        self.running = self.enterContext(daemon.Daemon(self.client))
        self.running.wait_ready()
        self.control = self.enterContext(daemon.Control(self.client))
        self.running.wait(lambda: self.account()["state"] == "idle" and self.account()["means"] == "notify",
                          "the daemon to watch", WAIT_S)
        self.running.wait(lambda: self.account()["connections"] == 1, "push", WAIT_S)
        self.listener = Listener(self.client)
        self.listener.start()
        self.bodies = self.relay.bodies

    def account(self):
        return self.control.account()

    def counts(self):
        """Of the messages on the server, in Lists and in Archive."""
        connection = self.server.connect()
        found = [int(connection.select(mailbox, readonly=True)[1][0]) for mailbox in ("Lists", "Archive")]
        connection.logout()
        return tuple(found)

    def held(self):
        return {each["name"]: each["held"] for each in self.account()["mailboxes"] if each["held"]}

    def assert_listed(self):
        """That everything of Lists is held, and a person can see it."""
        held = self.client.run("held", "--json", timeout=large.TIMEOUT_S).report["held"]
        self.assertEqual({(each["kind"], each["mailbox"]) for each in held}, {("delete_remote", "Lists")})
        self.assertEqual(len(held), MESSAGES)
        self.assertEqual(self.counts(), (MESSAGES, 0))
        self.assertEqual(dict(self.listener.done), {})
        self.assertIsNone(self.listener.error)
        self.assertEqual(self.relay.bodies, self.bodies)

    def tell(self, text):
        print("%d files %s; %d passes" % (MESSAGES, text, self.account()["passes"]), flush=True)

    def test_law11_all_files_of_a_folder_removed(self):
        self.begin()
        for path in list(self.client.files("Lists")):
            os.unlink(path)
        self.running.wait(lambda: self.held() == {"Lists": MESSAGES}, "the deletions to be held", WAIT_S)
        self.assert_listed()
        shutil.rmtree(self.client.mailbox_path("Lists"))
        self.control.call("Sync", targets=[])
        self.assertEqual(self.held(), {"Lists": MESSAGES})
        self.assert_listed()
        self.tell("removed: all held")

    def test_law11_rm_r_of_a_folder_that_may_be_removed(self):
        self.begin(sync={"remove": "both"})
        subprocess.run(["rm", "-r", self.client.mailbox_path("Lists")], check=True)
        self.running.wait(lambda: self.held() == {"Lists": MESSAGES}, "the deletions to be held", WAIT_S)
        self.assert_listed()
        self.tell("removed with their folder: all held")

    def test_law11_rm_r_of_a_folder(self):
        """By default a folder that is removed stays on the server, and is not made again here."""
        self.begin()
        subprocess.run(["rm", "-r", self.client.mailbox_path("Lists")], check=True)
        before = self.account()["passes"]
        self.running.wait(lambda: self.account()["passes"] > before and self.account()["state"] == "idle",
                          "a pass", WAIT_S)
        self.control.call("Sync", targets=[])
        self.assertEqual(self.counts(), (MESSAGES, 0))
        self.assertEqual(dict(self.listener.done), {})
        self.assertFalse(os.path.exists(self.client.mailbox_path("Lists")))
        self.assertEqual(self.relay.bodies, self.bodies)
        self.tell("removed with their folder: all on the server; held: %s" % self.held())

    def test_the_same_moved_are_no_deletion(self):
        self.begin()
        there = os.path.join(self.client.mailbox_path("Archive"), "cur")
        for path in list(self.client.files("Lists")):
            os.rename(path, os.path.join(there, os.path.basename(path)))
        self.running.wait(lambda: self.counts() == (0, MESSAGES), "the moves on the server", WAIT_S)
        self.control.call("Sync", targets=[])
        self.assertEqual(self.held(), {})
        self.assertEqual(self.relay.bodies, self.bodies)
        self.running.wait(lambda: sum(self.listener.done.values()) >= MESSAGES or self.listener.error, "the events")
        self.assertIsNone(self.listener.error)
        self.tell("moved: %s" % dict(self.listener.done))
        self.assertEqual(set(self.listener.done) - {"moved on the server", "copied on the server",
                                                    "deleted on the server"}, set())


if __name__ == "__main__":
    tools.main()
