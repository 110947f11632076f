#!/usr/bin/env python3
"""SIGTERM in the middle of a large first download, of `sync` and of the daemon: it ends soon and in order, and
the next one goes on where it ended; nothing comes twice.

MAILDIRD_LARGE_MESSAGES says how many, MAILDIRD_LARGE_CUTS how often it is stopped. How long each took to end is
printed.
"""

import os
import signal
import subprocess
import time
import unittest

import daemon
import large
import tools

MESSAGES = large.count(4000)
STOPS = int(os.environ.get("MAILDIRD_LARGE_CUTS", "3"))
CONNECTIONS = 4
IN_FLIGHT = CONNECTIONS * 1024
WAIT_S = 200
STOPS_WITHIN_S = 60  # of any machine; the figure is told


class LargeStop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = large.full_server("INBOX", MESSAGES)
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        self.relay = self.enterContext(large.Cutter(self.server.port))
        self.client = large.Client(self.server, self.relay)
        self.addCleanup(self.client.close)

    def some_bodies(self, ended):
        """When some more have been sent; a few thousand may be on their way, so that it ends before."""
        wanted = self.relay.bodies + MESSAGES // (2 * (STOPS + 1))
        return lambda: self.relay.bodies >= wanted or ended()

    def end(self, process):
        """(exit code, seconds that it took)."""
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOPS_WITHIN_S)
        return code, time.monotonic() - begun

    def subjects(self):
        found = []
        for path in self.client.files("INBOX"):
            with open(path, "rb") as stream:
                found += [line for line in stream if line.startswith(b"Subject: ")]
        return found

    def assert_complete(self):
        """Each message once, on both sides; what was under way when it was stopped came again, no more."""
        found = self.subjects()
        self.assertEqual(len(found), MESSAGES)
        self.assertEqual(len(set(found)), MESSAGES)
        with self.server.connect() as connection:
            self.assertEqual(int(connection.select("INBOX", readonly=True)[1][0]), MESSAGES)
        self.assertLessEqual(self.relay.bodies, MESSAGES + STOPS * IN_FLIGHT)

    def tell(self, what, times):
        print("%d messages, %s stopped %d times, seconds: %s; %d bodies sent" % (
            MESSAGES, what, len(times), ", ".join("%.2f" % t for t in times), self.relay.bodies), flush=True)

    def test_law4_sync_is_stopped_and_goes_on(self):
        times = []
        for _ in range(STOPS):
            process = subprocess.Popen(self.client.command("sync"), env=self.client.environment(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
            self.addCleanup(tools.stop_process, process)
            tools.wait_until(self.some_bodies(lambda: process.poll() is not None), WAIT_S, "bodies")
            ended, (code, took) = process.poll() is not None, self.end(process)
            words = process.stderr.read().decode()
            process.stderr.close()
            if ended or (code == 0 and times):  # all the rest was on its way
                break
            self.assertEqual(code, 75, words)
            times.append(took)
        result = self.client.sync(timeout=WAIT_S)
        self.assertEqual(result.code, 0, str(result))
        self.assertGreater(len(times), 0)
        self.tell("sync", times)
        self.assert_complete()

    def test_law4_the_daemon_is_stopped_and_goes_on(self):
        times = []
        for _ in range(STOPS):
            with daemon.Daemon(self.client) as running:
                running.wait_ready()
                running.wait(self.some_bodies(lambda: " idle" in running.status()), "bodies", WAIT_S)
                code, took = self.end(running.process)
                self.assertEqual(code, 0, running.log())
                times.append(took)
        with daemon.Daemon(self.client) as running:
            running.wait_idle(WAIT_S)
            self.tell("the daemon", times)
            self.assert_complete()
            self.assertEqual(running.stop(), 0)


if __name__ == "__main__":
    tools.main()
