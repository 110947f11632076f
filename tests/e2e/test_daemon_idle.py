#!/usr/bin/env python3
"""Five accounts, and nothing to do: what the daemon takes of memory, and how often it wakes.

MAILDIRD_IDLE_S says for how long: 600 for the long run, which the budget is about.
"""

import os
import time

import daemon
import dovecot
import maildird
import messages
import oracle
import passes
import tools

IDLE_S = int(os.environ.get("MAILDIRD_IDLE_S", 15))
TRANSPORT = os.environ.get("MAILDIRD_IDLE_TRANSPORT", "tls")
ACCOUNTS = 5
ANON_MOST_KIB = 16 * 1024
# A wake-up of one thread may take it more than one switch: it waits for a lock, for the disk.
SWITCHES_A_WAKE = 4
# The survey that follows a watcher's connection may come when all look idle: how often that one waits.
WAKES_A_PASS = 4


def fields(path):
    with open(path, encoding="ascii", errors="replace") as stream:
        return dict(line.rstrip("\n").split(":\t", 1) for line in stream if ":\t" in line)


class DaemonIdle(passes.PassCase):
    def threads(self, running):
        """How often each thread has given up the processor of its own accord: how often it was woken, at most."""
        folder = "/proc/%d/task" % running.process.pid
        return {number: int(fields(os.path.join(folder, number, "status"))["voluntary_ctxt_switches"])
                for number in os.listdir(folder)}

    def anon_kib(self, running):
        return int(fields("/proc/%d/status" % running.process.pid)["RssAnon"].split()[0])

    def test_idle_accounts_take_little_and_sleep(self):
        fixture = self.started(dovecot.Dovecot())
        self.create(fixture, ["Archive", "Lists/C"])
        connection = fixture.connect()
        for message in messages.batch(3, 200):
            oracle.append(connection, "Archive", message, "\\Seen")
        connection.logout()
        client = self.client(fixture, TRANSPORT, maildird.release_binary())
        work = client.accounts["work"]
        client.accounts.update({"more%d" % number: dict(work, maildir="%s%d" % (client.maildir, number))
                                for number in range(1, ACCOUNTS)})
        client.write_config()
        running = self.enterContext(daemon.Daemon(client))
        running.wait_ready()
        running.wait(lambda: "%d idle" % ACCOUNTS in running.status() and "push in %d" % ACCOUNTS in running.status(),
                     "all accounts to be watched", 120)
        with daemon.Control(client) as control:
            before = control.call("Status")["accounts"]
        self.assertEqual({each["means"] for each in before}, {"notify"})
        woken, begun, anon = self.threads(running), time.monotonic(), 0
        while time.monotonic() - begun < IDLE_S:  # what is measured is that nothing happens meanwhile
            time.sleep(min(5, IDLE_S))
            anon = max(anon, self.anon_kib(running))
        minutes = (time.monotonic() - begun) / 60
        after = self.threads(running)
        switches = sum(count - woken.get(number, 0) for number, count in after.items())
        with daemon.Control(client) as control:
            now = control.call("Status")["accounts"]
        made = sum(each["passes"] for each in now) - sum(each["passes"] for each in before)
        print("%d accounts idle for %.1f min: RssAnon at most %.1f MiB, %d threads, %d switches, %d passes" % (
            ACCOUNTS, minutes, anon / 1024, len(after), switches, made), flush=True)
        self.assertEqual({each["error"] is None for each in now}, {True})
        self.assertLessEqual(made, ACCOUNTS)
        self.assertLessEqual(switches, SWITCHES_A_WAKE * (ACCOUNTS * max(1, minutes) + WAKES_A_PASS * made))
        if client.program != maildird.binary() or not os.environ.get("MAILDIRD_SANITIZE"):
            self.assertLessEqual(anon, ANON_MOST_KIB)


if __name__ == "__main__":
    tools.main()
