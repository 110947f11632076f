#!/usr/bin/env python3
"""The unit under a real systemd user manager: READY, STATUS, WATCHDOG, reload, and what is not restarted."""

import json
import os

import dovecot
import maildird
import messages
import oracle
import passes
import tools
import usermanager

UNIT = "maildird.service"


class DaemonSystemd(passes.PassCase):
    def setUp(self):
        self.manager = self.enterContext(usermanager.UserManager())
        self.fixture = self.started(dovecot.Dovecot())
        self.config_file = os.path.join(self.manager.home, ".config", "maildird", "config.yaml")
        os.makedirs(os.path.dirname(self.config_file))
        self.install()
        self.configure()

    def install(self):
        source = os.path.join(os.environ.get("MAILDIRD_BUILD", tools.ROOT + "/build/debug"), "systemd", UNIT)
        with open(source, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
        program = maildird.release_binary()
        for position, line in enumerate(lines):
            key, _, value = line.partition("=")
            if key in ("ExecStart", "ExecReload"):
                lines[position] = "%s=%s %s" % (key, program, value.split(" ", 1)[1])
            elif key in ("WatchdogSec", "RestartSec"):
                lines[position] = "%s=2s" % key
        lines.insert(lines.index("[Service]") + 1, "Environment=ASAN_OPTIONS=detect_leaks=0")
        with open(os.path.join(self.manager.units, UNIT), "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
        self.manager.systemctl("daemon-reload")

    def configure(self, text=None):
        self.maildir = os.path.join(self.manager.home, "Mail")
        account = dict(self.fixture.account("tls"), maildir=self.maildir)
        descriptor = os.open(self.config_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text if text is not None else json.dumps({"accounts": {"work": account}}))

    def start(self):
        result = self.manager.systemctl("start", UNIT)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.manager.wait_for(UNIT, "ActiveState", "active".__eq__)
        self.manager.wait_for(UNIT, "StatusText", lambda text: "1 idle; push in 1" in text)

    def deliver(self):
        connection = self.fixture.connect()
        oracle.append(connection, "INBOX", next(iter(messages.batch(1, 1))), "")
        connection.logout()

    def test_ready_status_watchdog_reload_stop(self):
        self.start()
        fed = self.manager.show(UNIT, "WatchdogTimestampMonotonic")
        self.manager.wait_for(UNIT, "WatchdogTimestampMonotonic", lambda value: value not in ("0", fed))
        self.deliver()
        new = os.path.join(self.maildir, "INBOX", "new")
        tools.wait_until(lambda: len(os.listdir(new)) == 1, 30, "the new message")
        self.assertEqual(self.manager.systemctl("reload", UNIT).returncode, 0)
        self.configure("accounts: nonsense")
        self.assertNotEqual(self.manager.systemctl("reload", UNIT).returncode, 0)
        self.assertEqual(self.manager.show(UNIT, "ActiveState"), "active")
        self.deliver()
        tools.wait_until(lambda: len(os.listdir(new)) == 2, 30, "the next message, under the old configuration")
        self.assertEqual(self.manager.systemctl("stop", UNIT).returncode, 0)
        self.assertEqual(self.manager.show(UNIT, "Result"), "success")
        self.assertEqual(self.manager.show(UNIT, "NRestarts"), "0")

    def test_a_wrong_configuration_is_not_restarted_for_ever(self):
        self.configure("accounts: nonsense")
        self.assertNotEqual(self.manager.systemctl("start", UNIT).returncode, 0)
        self.manager.wait_for(UNIT, "ActiveState", "failed".__eq__)
        self.assertEqual(self.manager.show(UNIT, "ExecMainStatus"), "78")
        self.assertEqual(self.manager.show(UNIT, "NRestarts"), "0")

    def test_without_a_configuration_nothing_starts(self):
        os.unlink(self.config_file)
        self.manager.systemctl("start", UNIT)
        self.assertEqual(self.manager.show(UNIT, "ActiveState"), "inactive")
        self.assertEqual(self.manager.show(UNIT, "ConditionResult"), "no")

    def test_one_that_is_killed_is_started_again(self):
        self.start()
        pid = int(self.manager.show(UNIT, "MainPID"))
        os.kill(pid, 9)
        self.manager.wait_for(UNIT, "NRestarts", "1".__eq__)
        self.manager.wait_for(UNIT, "StatusText", lambda text: "1 idle; push in 1" in text)


if __name__ == "__main__":
    tools.main()
