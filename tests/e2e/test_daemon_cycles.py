#!/usr/bin/env python3
"""Thousands of passes in one daemon, one right after the other: neither memory nor descriptors grow.

MAILDIRD_CYCLES=10000 for the long run.
"""

import os

import daemon
import dovecot
import maildird
import messages
import oracle
import passes
import tools

CYCLES = int(os.environ.get("MAILDIRD_CYCLES", 1000))
WARM_UP = 300
GROWTH_MOST_KB = 1024  # over all of them
# What looks for errors keeps less of what was freed: else that is what grows.
KEEP_LITTLE = {"ASAN_OPTIONS": "quarantine_size_mb=1", "VALGRIND_OPTS": "--freelist-vol=1000000"}


class DaemonCycles(passes.PassCase):
    def held(self, running):
        with open("/proc/%d/status" % running.process.pid, encoding="ascii") as stream:
            fields = dict(line.split(":", 1) for line in stream)
        return int(fields["RssAnon"].split()[0]), len(os.listdir("/proc/%d/fd" % running.process.pid))

    def test_nothing_grows(self):
        fixture = self.started(dovecot.Dovecot())
        client = self.client(fixture, "off", maildird.release_binary(), sync={"guard": "off"})
        running = self.enterContext(daemon.Daemon(client, env=KEEP_LITTLE))
        running.wait_ready()
        running.wait_idle()
        control = self.enterContext(daemon.Control(client))
        connection = fixture.connect()
        before = None
        for cycle in range(WARM_UP + CYCLES):
            if cycle % 20 == 0:
                self.change(connection, cycle)
            reply = control.call("Sync", targets=[])
            self.assertEqual([each["result"] for each in reply["accounts"]], ["ok"], reply)
            if cycle == WARM_UP:
                before = self.held(running)
        after = self.held(running)
        connection.logout()
        print("%d passes: RssAnon %d -> %d KiB, descriptors %d -> %d" % (CYCLES, before[0], after[0],
                                                                         before[1], after[1]))
        self.assertLessEqual(after[0] - before[0], GROWTH_MOST_KB)
        self.assertLessEqual(after[1], before[1] + 1)

    def change(self, connection, cycle):
        """A message comes, and the one before goes."""
        oracle.append(connection, "INBOX", next(iter(messages.batch(cycle, 1))), "")
        oracle.check(connection.select("INBOX"))
        if int(oracle.check(connection.search(None, "ALL"))[0].split()[-1]) > 1:
            oracle.check(connection.store("1", "+FLAGS", "(\\Deleted)"))
            oracle.check(connection.expunge())


if __name__ == "__main__":
    tools.main()
