#!/usr/bin/env python3
"""The daemon when something goes wrong between it and the server, in the Maildir, or in its configuration."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import daemon
import dovecot
import messages
import oracle
import passes
import relay
import tools

# What the back-off allows at most in so many seconds after the first failure: waits are random
# parts of 2, 4, 8, 16, … seconds; that all of them are this short is less likely than 1 in 10,000.
ATTEMPTS_IN_20_S = 14
# The back-off's longest wait: short waits in a row make the next one a part of far more.
BACKOFF_MOST_S = 300

# Early deaths in a row after which a means of watching is given up (daemon/scheduler.h).
WATCHES = 4
# Kept between passes.
PASS_CONNECTIONS = 1

LONG = os.environ.get("MAILDIRD_LONG") is not None


class DaemonFaults(passes.PassCase):
    def started_daemon(self, port=None, mailboxes=("INBOX",), count=3, **account):
        fixture = self.fixture
        self.create(fixture, mailboxes)
        client = self.client(fixture, "off", port=port, **account)
        client.top = {"log_level": "debug"}
        client.write_config()
        self.deliver(count)
        running = self.enterContext(daemon.Daemon(client))
        running.wait_ready()
        running.wait(lambda: len(self.files(client)) == count, "the first sync")
        return client, running

    def setUp(self):
        self.fixture = self.started(dovecot.Dovecot())

    def deliver(self, count=1, mailbox="INBOX"):
        connection = self.fixture.connect()
        for message in messages.batch(int(time.time() * 1000) % 100000, count):
            oracle.append(connection, self.wire(self.fixture, mailbox), message, "")
        connection.logout()

    def files(self, client, mailbox="INBOX"):
        folder = client.mailbox_path(mailbox)
        return [os.path.join(folder, part, name) for part in ("new", "cur")
                if os.path.isdir(os.path.join(folder, part)) for name in os.listdir(os.path.join(folder, part))]

    def wait_files(self, client, running, count, what, seconds=30):
        running.wait(lambda: len(self.files(client)) == count, what, seconds)

    def count_there(self, mailbox="INBOX"):
        connection = self.fixture.connect()
        count = int(oracle.check(connection.select(oracle.quoted(self.wire(self.fixture, mailbox)), readonly=True))[0])
        connection.logout()
        return count

    # --- between us and the server ---

    def between(self):
        return self.enterContext(relay.Relay(self.fixture.port))

    def test_a_relay_that_freezes_and_thaws(self):
        between = self.between()
        client, running = self.started_daemon(between.port, timeout="5s")
        running.wait(lambda: "push in 1" in running.status(), "push")
        between.freeze()
        attempts = len(between.attempts)
        self.deliver()
        passes.add_file(client.mailbox_path("INBOX"), next(iter(messages.batch(5, 1))))
        running.wait(lambda: "waiting" in running.status(), "a failure that is told", 40)
        time.sleep(10)
        self.assertLessEqual(len(between.attempts) - attempts, ATTEMPTS_IN_20_S)
        between.thaw()
        self.wait_files(client, running, 5, "the new message once it thawed", BACKOFF_MOST_S)
        running.wait(lambda: self.count_there() == 5, "the file there", BACKOFF_MOST_S)

    def test_a_server_that_refuses_for_a_while(self):
        between = self.between()
        client, running = self.started_daemon(between.port)
        running.wait(lambda: "push in 1" in running.status(), "push")
        between.refusing = True
        attempts = len(between.attempts)
        between.cut()
        self.deliver()
        time.sleep(20)
        self.assertLessEqual(len(between.attempts) - attempts, ATTEMPTS_IN_20_S)
        self.assertGreater(len(between.attempts) - attempts, 1)
        between.refusing = False
        self.wait_files(client, running, 4, "the new message", BACKOFF_MOST_S)

    def cut_at_idle(self, idle_s):
        """One watcher, cut so long after each IDLE: tried as often as is documented, then polled; mail comes in both."""
        between = self.between()
        between.idle_s = idle_s
        begun = time.monotonic()
        client, running = self.started_daemon(between.port, compress="off",
                                              watch={"mode": "idle", "poll": "10s"})
        running.wait(lambda: len(between.idles) == 2, "a second IDLE", idle_s + 30)
        self.deliver()
        self.wait_files(client, running, 4, "the new message, by push or when it listens again", 20)
        means = self.enterContext(daemon.Control(client))
        running.wait(lambda: means.account()["means"] == "poll", "polling", WATCHES * (idle_s + 10))
        self.assertEqual(len(between.idles), WATCHES)
        attempts = len(between.attempts)
        self.assertLessEqual(attempts, WATCHES + PASS_CONNECTIONS)
        self.deliver()
        self.wait_files(client, running, 5, "the new message, by polling", 20)
        self.assertEqual(len(between.attempts), attempts)
        self.assertEqual(len(between.idles), WATCHES)
        print("cut %d s after IDLE: %d IDLEs, %d connection attempts in %.0f s, the passes' among them; at %s s" % (
            idle_s, len(between.idles), attempts, time.monotonic() - begun,
            " ".join("%.1f" % (at - begun) for at in between.attempts)), flush=True)

    def test_connections_cut_1_s_after_idle(self):
        self.cut_at_idle(1)

    def test_connections_cut_5_s_after_idle(self):
        self.cut_at_idle(5)

    @unittest.skipUnless(LONG, "long")
    def test_connections_cut_20_s_after_idle(self):
        self.cut_at_idle(20)

    @unittest.skipUnless(LONG, "long")
    def test_connections_cut_60_s_after_idle(self):
        self.cut_at_idle(60)

    def test_ten_seconds_of_delay(self):
        between = self.between()
        client, running = self.started_daemon(between.port)
        running.wait(lambda: "push in 1" in running.status(), "push")
        between.delay_s = 10  # of connections made from now on
        between.cut()
        self.deliver()
        self.wait_files(client, running, 4, "the new message", 280)

    def test_a_server_that_accepts_and_says_nothing(self):
        between = self.between()
        between.freeze()
        client = self.client(self.fixture, "off", port=between.port, timeout="3s")
        running = self.enterContext(daemon.Daemon(client))
        running.wait_ready()
        running.wait(lambda: "waiting" in running.status(), "a failure that is told", 20)
        begun = time.monotonic()
        self.assertEqual(running.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)

    def test_a_server_that_restarts(self):
        client, running = self.started_daemon()
        running.wait(lambda: "push in 1" in running.status(), "push")
        self.fixture.stop()
        self.fixture.start()
        self.deliver()
        self.wait_files(client, running, 4, "the new message", BACKOFF_MOST_S)

    # --- in the Maildir ---

    def test_law11_everything_removed_under_the_daemon(self):
        client, running = self.started_daemon(count=120)
        running.wait(lambda: "push in 1" in running.status(), "push")
        shutil.rmtree(client.mailbox_path("INBOX"))
        running.wait(lambda: "a pass begins (causes 4" in running.log() or "held" in running.log(), "a pass over it", 60)
        time.sleep(3)
        self.assertEqual(self.count_there(), 120)

    def test_everything_moved_under_the_daemon(self):
        between = self.between()
        client, running = self.started_daemon(between.port, ("INBOX", "Archive"), 120)
        running.wait(lambda: "push in 1" in running.status(), "push")
        running.wait_idle()
        between.reset()
        for path in self.files(client):
            folder, name = os.path.split(path)
            os.rename(path, os.path.join(client.mailbox_path("Archive"), os.path.basename(folder), name))
        running.wait(lambda: (self.count_there(), self.count_there("Archive")) == (0, 120), "the moves there", 60)
        self.assertEqual(len(self.files(client, "Archive")), 120)
        self.assertEqual(client.run("held").out.count("delete"), 0)
        self.assertLess(between.bytes_out, 50_000)  # no body goes over the wire

    def test_an_unmounted_maildir(self):
        client, running = self.started_daemon(count=5)
        running.wait(lambda: "push in 1" in running.status(), "push")
        away = client.maildir + ".away"
        os.rename(client.maildir, away)
        running.wait(lambda: "waiting" in running.status(), "a failure that is told", 60)
        self.assertEqual(self.count_there(), 5)
        os.rename(away, client.maildir)
        passes.add_file(client.mailbox_path("INBOX"), next(iter(messages.batch(5, 1))))
        running.wait(lambda: self.count_there() == 6, "the file there", BACKOFF_MOST_S)

    # --- the configuration, signals ---

    def test_reload(self):
        client, running = self.started_daemon()
        client.accounts["other"] = dict(client.accounts["work"], maildir=client.maildir + "-other")
        client.write_config()
        running.reload()
        other = os.path.join(client.maildir + "-other", "INBOX", "cur")
        running.wait(lambda: os.path.isdir(other), "the added account")
        self.assertIn("0 changed, 1 added, 0 removed, 1 as before", running.log())
        running.wait_told(lambda message: message.get("RELOADING") == "1" and "MONOTONIC_USEC" in message, "RELOADING")
        with open(client.config_file, "a", encoding="utf-8") as stream:
            stream.write("nonsense")
        running.reload()
        running.wait(lambda: "the old one stays in force" in running.log(), "the wrong configuration to be told")
        self.deliver()
        self.wait_files(client, running, 4, "mail goes on")

    def test_term_is_quick_and_zero(self):
        _, running = self.started_daemon()
        running.wait(lambda: "push in 1" in running.status(), "push")
        begun = time.monotonic()
        self.assertEqual(running.stop(), 0)
        self.assertLess(time.monotonic() - begun, 3)
        self.assertTrue(any(message.get("STOPPING") == "1" for message in running.told))

    def test_a_wrong_password_is_not_sent_twice(self):
        fixture = self.fixture
        between = self.between()
        client = self.client(fixture, "off", port=between.port, password="wrong")
        running = self.enterContext(daemon.Daemon(client, "--trace", os.path.join(client.folder, "trace")))
        running.wait(lambda: "refused" in running.status(), "the refusal", 40)
        for _ in range(3):
            subprocess.run(client.command("trigger", "--wait"), env=client.environment(), capture_output=True,
                           timeout=60, check=False)
        with open(os.path.join(client.folder, "trace"), encoding="utf-8", errors="replace") as stream:
            tries = sum(" LOGIN " in line or " AUTHENTICATE " in line for line in stream if " C: " in line)
        self.assertEqual(tries, 1)
        client.write_config(password=fixture.password)
        running.reload()
        running.wait_idle()

    def test_threads_are_confined_and_commands_are_not(self):
        outside = os.path.join(self.enterContext(tempfile.TemporaryDirectory(prefix="maildird-outside-")), "mark")
        client = self.client(self.fixture, "off", password=None,
                             password_command="echo command >>%s; echo %s" % (outside, self.fixture.password))
        del client.accounts["work"]["password"]
        client.top = {"hooks": {"new_mail": "echo hook >>%s" % outside}}
        client.write_config()
        running = self.enterContext(daemon.Daemon(client))
        running.wait_idle()
        self.deliver()
        running.wait(lambda: os.path.exists(outside) and b"hook" in pathlib.Path(outside).read_bytes(), "the hook")
        confined = {}
        for task in os.listdir("/proc/%d/task" % running.process.pid):
            with open("/proc/%d/task/%s/status" % (running.process.pid, task), encoding="utf-8") as stream:
                fields = dict(line.split(":", 1) for line in stream.read().splitlines() if ":" in line)
            confined[int(task)] = fields["NoNewPrivs"].strip() == "1"
        self.assertFalse(confined[running.process.pid])
        if "no Landlock" not in running.log():
            self.assertGreaterEqual(sum(confined.values()), 2)

    def test_the_watchdog_is_fed(self):
        client = self.client(self.fixture, "off")
        running = self.enterContext(daemon.Daemon(client, env={"WATCHDOG_USEC": "1000000"}))
        running.wait_told(lambda message: message.get("WATCHDOG") == "1", "WATCHDOG")

    def test_a_second_daemon_is_refused(self):
        client, _ = self.started_daemon()
        result = client.run("daemon", timeout=20)
        self.assertNotEqual(result.code, 0)
        self.assertIn("daemon", result.err)


if __name__ == "__main__":
    tools.main()
