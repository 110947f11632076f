#!/usr/bin/env python3
"""The verbs that speak with the daemon, over its control socket, and what they do without one."""

import json
import os
import shutil
import signal
import subprocess
import unittest

import embedded
import support
import tools

WAIT_S = 20


EVENT_KEYS = {"kind", "time", "account", "mailbox", "to", "messages", "uid", "file", "flags", "what", "why", "state",
              "means", "error"}
OF_MESSAGES = ("mailbox", "to", "messages", "uid", "file", "flags", "what")


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

    def start_daemon(self, state="idle"):
        self.daemon = subprocess.Popen([support.binary(), "daemon"], env=self.clean_environment(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(self.stop_daemon)
        tools.wait_until(lambda: self.run_verb("status").code == 0, WAIT_S, "the daemon to listen")
        tools.wait_until(lambda: self.account()["state"] == state, WAIT_S, "the first pass")

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

    def test_status_tells_what_is_held(self):
        self.configure(extra="    sync: {remove: both}\n")
        self.ok("imap", "work", "create", "Lists")
        for mailbox, number in (("INBOX", 2), ("Lists", 4)):
            for each in range(number):
                path = self.home.write("message", "Subject: %d of %s\r\n\r\ntext\r\n" % (each, mailbox))
                self.ok("imap", "work", "append", mailbox, path)
        self.start_daemon()

        def held():
            account = self.account()
            self.assertEqual(account["held"], sum(each["held"] for each in account["mailboxes"]))
            return {each["name"]: each["held"] for each in account["mailboxes"]}

        self.assertEqual(held(), {"INBOX": 0, "Lists": 0})
        shutil.rmtree(os.path.join(self.maildir, "Lists"))
        tools.wait_until(lambda: held() == {"INBOX": 0, "Lists": 4}, WAIT_S, "the deletions to be held")
        self.assertIn("; 4 held", self.ok("status"))
        self.assertRegex(self.ok("status"), r"\n  Lists: .*, 4 held\n")
        # It outlives the daemon, and a server that cannot be reached.
        self.stop_daemon()
        self.server.stop()
        self.start_daemon(state="waiting")
        self.assertEqual(held(), {"Lists": 4})

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

    def clean_environment(self):
        env = {name: value for name, value in os.environ.items()
               if name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")}
        env.update(self.environment())
        return env

    def start_watch(self):
        watcher = subprocess.Popen([support.binary(), "watch", "--json"], env=self.clean_environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(watcher.stdout.close)
        self.addCleanup(watcher.wait)
        self.addCleanup(watcher.kill)
        self.assertEqual(json.loads(watcher.stdout.readline())["kind"], "state")
        return watcher

    def told(self, watcher, number):
        """The next events of messages; all others are passed over."""
        found = []
        while len(found) < number:
            event = json.loads(watcher.stdout.readline())
            self.assertEqual(set(event), EVENT_KEYS)
            self.assertEqual(event["account"], "work")
            if event["kind"] == "state":
                self.assertEqual([event[key] for key in OF_MESSAGES], [None] * len(OF_MESSAGES))
            else:
                self.assertEqual([event[key] for key in ("state", "means", "error")], [None] * 3)
                self.assertTrue(event["why"])
                found.append(event)
        return found

    def path_of(self, event):
        """Where the file of an event is."""
        folder = os.path.join(self.maildir, event["to"] or event["mailbox"])
        paths = [os.path.join(folder, part, name) for part in ("new", "cur")
                 for name in os.listdir(os.path.join(folder, part)) if name.startswith(event["file"])]
        self.assertEqual(len(paths), 1, paths)
        return paths[0]

    def test_watch_tells_what_was_done_to_messages(self):
        def facts(event):
            return [event[key] for key in ("kind", "mailbox", "to", "messages", "uid", "flags", "what")]

        self.ok("imap", "work", "create", "Archive")
        for subject in ("first", "second"):
            self.deliver(subject)
        self.start_daemon()
        watcher = self.start_watch()
        self.deliver("third")
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["new", "INBOX", None, 1, 3, "", "downloaded"])
        here = self.path_of(event)
        self.ok("imap", "work", "store", "INBOX", "3", "+\\Flagged")
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["flags", "INBOX", None, 1, 3, "F", "flags changed here"])
        here = self.path_of(event)
        os.rename(here, here + "S")
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["flags", "INBOX", None, 1, 3, "FS", "flags changed on the server"])
        os.rename(here + "S", os.path.join(self.maildir, "Archive", "cur", os.path.basename(here) + "S"))
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["moved", "INBOX", "Archive", 1, 1, "FS", "moved on the server"])
        self.ok("imap", "work", "move", "Archive", "1", "INBOX")
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["moved", "Archive", "INBOX", 1, 4, "FS", "moved here"])
        with open(self.path_of(event), "rb") as stream:
            content = stream.read()
        with open(os.path.join(self.maildir, "Archive", "cur", "1.copy:2,FS"), "wb") as stream:
            stream.write(content)
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["new", "Archive", None, 1, 2, "FS", "copied on the server"])
        with open(os.path.join(self.maildir, "INBOX", "cur", "2.other:2,S"), "wb") as stream:
            stream.write(b"Subject: mine\n\ntext\n")
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["new", "INBOX", None, 1, 5, "S", "uploaded"])
        os.unlink(self.path_of(event))
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["deleted", "INBOX", None, 1, 5, "S", "deleted on the server"])
        self.ok("imap", "work", "store", "INBOX", "4", "+\\Deleted")
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["flags", "INBOX", None, 1, 4, "FST", "flags changed here"])
        self.ok("imap", "work", "expunge", "INBOX", "4")
        event, = self.told(watcher, 1)
        self.assertEqual(facts(event), ["deleted", "INBOX", None, 1, 4, "FST", "deleted here"])

    def test_a_first_download_is_one_event(self):
        self.start_daemon()
        watcher = self.start_watch()
        self.ok("pause")
        self.ok("imap", "work", "create", "Lists")
        for _ in range(3):
            path = self.home.write("message", "Subject: x\r\n\r\ntext\r\n")
            self.ok("imap", "work", "append", "Lists", path)
        self.ok("resume")
        event, = self.told(watcher, 1)
        self.assertEqual([event[key] for key in OF_MESSAGES],
                         ["Lists", None, 3, None, None, None, "downloaded"])

    def test_a_dry_run_is_no_event(self):
        self.configure(extra="    watch: {local: false}\n")
        self.start_daemon()
        self.deliver("kept")
        tools.wait_until(self.files, WAIT_S, "the message")
        watcher = self.start_watch()
        name, = self.files()
        os.unlink(os.path.join(self.maildir, "INBOX", "new", name))
        self.assertIn("delete on the server", self.ok("sync", "--dry-run"))
        self.ok("trigger", "--wait")
        event, = self.told(watcher, 1)
        self.assertEqual((event["kind"], event["what"]), ("deleted", "deleted on the server"))

    def test_watch_tells_states(self):
        self.start_daemon()
        watcher = self.start_watch()
        self.ok("pause")
        event = json.loads(watcher.stdout.readline())
        self.assertEqual(event["kind"], "state")
        self.assertEqual(event["state"], "paused")
        self.assertEqual(event["account"], "work")
        self.assertEqual(set(event), EVENT_KEYS)
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

    def test_a_signal_while_all_is_set_up_ends_it_cleanly(self):
        config = os.path.join(self.home.path, ".config/maildird/config.yaml")
        with open(config, encoding="utf-8") as stream:
            text = stream.read()
        os.unlink(config)
        os.mkfifo(config, 0o600)
        self.daemon = subprocess.Popen([support.binary(), "daemon"], env=self.clean_environment(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(self.stop_daemon)
        with open(config, "w", encoding="utf-8") as stream:  # as soon as it reads its configuration
            self.daemon.send_signal(signal.SIGTERM)
            stream.write(text)
        told = self.daemon.communicate(timeout=WAIT_S)[0].decode()
        self.assertEqual(self.daemon.returncode, 0, told)
        self.daemon = None

    def test_a_second_daemon_is_refused(self):
        self.start_daemon()
        result = self.run_verb("daemon")
        self.assertEqual(result.code, 75)
        self.assertIn("another daemon", result.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
