#!/usr/bin/env python3
"""The verbs that speak with the daemon, over its control socket, and what they do without one."""

import json
import os
import signal
import subprocess
import unittest

import embedded
import support
import tools

WAIT_S = 20


class Control(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(embedded.Imapd())
        self.home = support.Home()
        self.addCleanup(self.home.close)
        self.runtime = os.path.join(self.home.path, "run")
        os.mkdir(self.runtime, 0o700)
        self.maildir = os.path.join(self.home.path, "Mail")
        self.configure()
        self.daemon = None

    def configure(self, extra=""):
        self.home.write(".config/maildird/config.yaml", """
accounts:
  work:
    host: 127.0.0.1
    port: %d
    tls: off
    user: %s
    password: %s
    maildir: %s
%s""" % (self.server.port, self.server.user, self.server.password, self.maildir, extra))

    def environment(self):
        return {"XDG_RUNTIME_DIR": self.runtime, "HOME": self.home.path, "TMPDIR": self.home.path, "TZ": "UTC"}

    def start_daemon(self):
        env = {name: value for name, value in os.environ.items()
               if name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
        env.update(self.environment())
        self.daemon = subprocess.Popen([support.binary(), "daemon"], env=env, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(self.stop_daemon)
        tools.wait_until(lambda: self.run_verb("status").code == 0, WAIT_S, "the daemon to listen")
        tools.wait_until(lambda: self.account()["state"] == "idle", WAIT_S, "the first pass")

    def stop_daemon(self):
        process, self.daemon = self.daemon, None
        if process is None:
            return None
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=WAIT_S)[0].decode()
        return process.returncode, told

    def run_verb(self, *words):
        return self.home.run(*words, env=self.environment())

    def ok(self, *words):
        result = self.run_verb(*words)
        self.assertEqual(result.code, 0, result.out + result.err)
        return result.out

    def account(self):
        return json.loads(self.ok("status", "--json"))["accounts"][0]

    def deliver(self, subject):
        path = self.home.write("message", "Subject: %s\r\n\r\ntext\r\n" % subject)
        self.ok("imap", "work", "append", "INBOX", path)

    def files(self):
        found = []
        for part in ("new", "cur"):
            folder = os.path.join(self.maildir, "INBOX", part)
            found += os.listdir(folder) if os.path.isdir(folder) else []
        return found

    def test_without_a_daemon(self):
        for verb in (["status"], ["trigger"], ["pause"], ["resume"], ["reload"], ["watch", "--json"],
                     ["call", "Status"]):
            with self.subTest(verb=verb):
                result = self.run_verb(*verb)
                self.assertEqual(result.code, 69)
                self.assertIn("no daemon listens at", result.err)
                self.assertIn("maildird daemon", result.err)

    def test_usage(self):
        for words in (["status", "x"], ["reload", "x"], ["call"], ["call", "Status", "7"],
                      ["call", "Status", "{}", "x"], ["trigger", "--nonsense"]):
            with self.subTest(words=words):
                self.assertEqual(self.run_verb(*words).code, 64)

    def test_status_tells_what_goes_on(self):
        self.start_daemon()
        self.assertRegex(self.ok("status"), r"^work: idle, by \w+; in step \d+ s ago")
        self.assertRegex(self.ok("status", "-v"), r"\n  INBOX:")
        account = self.account()
        self.assertEqual(set(account), {
            "name", "state", "means", "wanted", "local_watched", "connections", "progress", "last_sync",
            "next_wake", "error", "error_time", "held", "passes", "mailboxes"})
        self.assertEqual([m["name"] for m in account["mailboxes"]], ["INBOX"])
        self.assertEqual(self.stop_daemon()[0], 0)
        self.assertFalse(os.path.exists(os.path.join(self.runtime, "maildird", "control")))

    def test_sync_is_handed_to_the_daemon(self):
        self.start_daemon()
        self.deliver("handed over")
        report = json.loads(self.ok("sync", "--json"))["accounts"][0]
        self.assertEqual(report["result"], "ok")
        self.assertEqual(len(self.files()), 1)
        self.assertRegex(self.ok("sync"), r"^work: in step; ")
        self.assertIn("work: nothing to do", self.ok("sync", "--dry-run"))
        self.assertEqual(self.run_verb("sync", "wrok").code, 64)

    def test_trigger(self):
        self.start_daemon()
        self.assertEqual(self.ok("trigger"), "")
        self.assertRegex(self.ok("trigger", "--wait", "work:INBOX"), r"^work: in step; ")
        result = self.run_verb("trigger", "wrok")
        self.assertEqual(result.code, 64)
        self.assertIn("work", result.err)

    def test_pause_and_resume(self):
        self.start_daemon()
        self.ok("pause", "work")
        tools.wait_until(lambda: self.account()["connections"] == 0, WAIT_S, "the connections to close")
        self.assertEqual(self.account()["state"], "paused")
        result = self.run_verb("sync")
        self.assertEqual(result.code, 75)
        self.assertIn("maildird resume work", result.err)
        self.ok("resume")
        tools.wait_until(lambda: self.account()["state"] == "idle", WAIT_S, "the account to go on")
        self.assertEqual(self.run_verb("pause", "wrok").code, 64)

    def test_reload(self):
        self.start_daemon()
        self.assertEqual(self.ok("reload"), "accounts: 0 added, 0 removed, 0 changed, 1 as before\n")
        self.configure("    maildirr: x\n")
        result = self.run_verb("reload")
        self.assertEqual(result.code, 78)
        self.assertIn("did you mean 'maildir'", result.err)
        self.assertIn("the old one is in force", self.ok("status"))
        self.configure("    connections: 2\n")
        self.assertEqual(self.ok("reload"), "accounts: 0 added, 0 removed, 1 changed, 0 as before\n")
        self.assertNotIn("the old one is in force", self.ok("status"))

    def test_watch_tells_events(self):
        self.start_daemon()
        env = {name: value for name, value in os.environ.items()
               if name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
        env.update(self.environment())
        watcher = subprocess.Popen([support.binary(), "watch", "--json"], env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE)
        self.addCleanup(watcher.stdout.close)
        self.assertEqual(json.loads(watcher.stdout.readline())["state"], "idle")
        self.ok("pause")
        event = json.loads(watcher.stdout.readline())
        self.assertEqual(event["kind"], "state")
        self.assertEqual(event["state"], "paused")
        self.assertEqual(event["account"], "work")
        self.assertEqual(set(event), {"kind", "time", "account", "mailbox", "to", "uid", "file", "what",
                                         "why", "state", "means", "error"})
        watcher.send_signal(signal.SIGINT)
        self.assertEqual(watcher.wait(WAIT_S), 0)

    def test_call(self):
        self.start_daemon()
        self.assertIn("interface org.maildird", self.ok("call", "GetInterface"))
        self.assertIn("accounts", json.loads(self.ok("call", "Status")))
        info = json.loads(self.ok("call", "org.varlink.service.GetInfo"))
        self.assertIn("org.maildird", info["interfaces"])
        replies = [json.loads(line) for line in
                   self.ok("call", "--more", "Sync", '{"targets": ["work"]}').splitlines()]
        self.assertEqual(replies[-1], {"exit_code": 0})
        self.assertNotEqual(self.run_verb("call", "Nothing").code, 0)

    def test_a_second_daemon_is_refused(self):
        self.start_daemon()
        result = self.run_verb("daemon")
        self.assertEqual(result.code, 75)
        self.assertIn("another daemon", result.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
