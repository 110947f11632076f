#!/usr/bin/env python3
"""The machine sleeps for an hour, and its connections die without a word: the daemon is at work soon after.

Told by a logind of the test's own, and by the clock alone.
"""

import os
import struct
import time

import daemon
import diskshim
import dovecot
import logind
import messages
import oracle
import passes
import relay
import tools

ASLEEP_MS = 3600 * 1000
# The daemon promises two seconds; a machine full of tests may take longer to let it run. Without the resume nothing
# would happen for a day.
LATEST_S = float(os.environ.get("MAILDIRD_RESUME_S", 10))


class DaemonSleep(passes.PassCase):
    def shim(self, client):
        self.asleep = os.path.join(client.folder, "asleep")
        self.jumps = os.path.join(client.folder, "jumps")
        self.sleep_for(0)
        os.mkfifo(self.jumps)
        library = os.environ.get("MAILDIRD_CLOCKSHIM") or tools.find_built("tests/support/clockshim.so")
        return {"LD_PRELOAD": " ".join(diskshim.sanitizer_runtimes(client.program) + [library]),
                "CLOCKSHIM_ASLEEP": self.asleep, "CLOCKSHIM_JUMPS": self.jumps}

    def sleep_for(self, milliseconds):
        flags = os.O_WRONLY | os.O_CREAT
        descriptor = os.open(self.asleep, flags)
        os.pwrite(descriptor, struct.pack("=q", milliseconds), 0)
        os.close(descriptor)

    def clock_is_set(self):
        descriptor = os.open(self.jumps, os.O_WRONLY | os.O_NONBLOCK)
        os.write(descriptor, b"%-8d" % 1)
        os.close(descriptor)

    def deliver(self, number):
        connection = self.fixture.connect()
        oracle.append(connection, "INBOX", next(iter(messages.batch(number, 1))), "")
        connection.logout()

    def next_event(self, kind):
        """The next of this kind, and the states told before it."""
        states = []
        while True:
            event = next(self.events)
            if event["kind"] == kind:
                return event, states
            states.append(event["state"])

    def begin(self, bus):
        self.fixture = self.started(dovecot.Dovecot())
        self.relay = self.enterContext(relay.Relay(self.fixture.port))
        client = self.client(self.fixture, "off", port=self.relay.port, watch={"audit": "1d", "poll": "1d"})
        running = self.enterContext(daemon.Daemon(client, env=dict(self.shim(client), DBUS_SYSTEM_BUS_ADDRESS=bus)))
        running.wait_ready()
        running.wait(lambda: "1 idle" in running.status() and "push in 1" in running.status(), "push")
        control = self.enterContext(daemon.Control(client))
        control.socket.settimeout(60)
        self.events = control.watch()
        self.assertEqual(next(self.events)["state"], "idle")
        self.deliver(1)
        self.next_event("new")
        while next(self.events)["state"] != "idle":
            pass

    def check_resume(self, resume, by):
        connections = self.relay.connections
        self.relay.forget()
        self.deliver(2)
        self.sleep_for(ASLEEP_MS)
        awake = time.monotonic()
        resume()
        event = next(self.events)
        took = time.monotonic() - awake
        self.assertEqual(event["state"], "syncing")
        event, states = self.next_event("new")
        self.assertEqual((event["mailbox"], event["uid"], states), ("INBOX", 2, []))
        self.assertGreater(self.relay.connections, connections)
        print("awake after an hour, told by %s: a pass begins after %.2f s, the new message is here after %.2f s" % (
            by, took, time.monotonic() - awake), flush=True)
        self.assertLessEqual(took, LATEST_S)
        # The watcher's connection is as dead: another one listens, and push goes on.
        self.wait_pushed(3)

    def wait_pushed(self, uid):
        """A message that comes is told; the pass behind the new watcher may be what finds it."""
        self.deliver(uid)
        event, _ = self.next_event("new")
        self.assertEqual(event["uid"], uid)

    def test_logind_tells(self):
        with logind.Logind() as bus:
            self.begin(bus.address)
            bus.prepare_for_sleep(True)
            self.check_resume(lambda: bus.prepare_for_sleep(False), "logind")

    def test_the_clock_tells(self):
        self.begin("unix:path=/nowhere")
        self.check_resume(self.clock_is_set, "the clock")


if __name__ == "__main__":
    tools.main()
