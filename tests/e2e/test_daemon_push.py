#!/usr/bin/env python3
"""The daemon against real servers: what arrives there appears here, and the other way round."""

import os
import re

import cyrus
import daemon
import dovecot
import messages
import oracle
import passes
import tools


def files_of(client, mailbox):
    folder = client.mailbox_path(mailbox)
    return [os.path.join(folder, part, name) for part in ("new", "cur")
            for name in sorted(os.listdir(os.path.join(folder, part)))]


class DaemonPush(passes.PassCase):
    def running(self, fixture, names=("INBOX",), **watch):
        self.started(fixture)
        self.create(fixture, names)
        client = self.client(fixture, watch=dict({"audit": "1h", "poll": "1h"}, **watch))
        client.top = {"log_level": "debug"}
        client.write_config()
        running = self.enterContext(daemon.Daemon(client, "--trace", os.path.join(client.folder, "trace")))
        running.wait_ready()
        running.wait(lambda: os.path.isdir(os.path.join(client.mailbox_path(names[-1]), "cur")), "the first sync")
        return client, running

    def wait_push(self, running):
        running.wait(lambda: "push in 1" in running.status(), "push")
        running.wait_idle()

    def deliver(self, fixture, mailbox, count=1):
        connection = fixture.connect()
        for message in messages.batch(7, count):
            oracle.append(connection, self.wire(fixture, mailbox), message, "")
        connection.logout()

    def flags_there(self, fixture, mailbox):
        connection = fixture.connect()
        oracle.check(connection.select(oracle.quoted(self.wire(fixture, mailbox)), readonly=True))
        found = [re.search(rb"FLAGS \(([^)]*)\)", line).group(1).decode().split()
                 for line in oracle.check(connection.fetch("1:*", "(FLAGS)")) if line]
        connection.logout()
        return [[flag for flag in flags if flag != "\\Recent"] for flags in found]

    def count_there(self, fixture, mailbox):
        connection = fixture.connect()
        count = int(oracle.check(connection.select(oracle.quoted(self.wire(fixture, mailbox)), readonly=True))[0])
        connection.logout()
        return count

    def check_both_ways(self, fixture, client, running, mailbox):
        before = len(files_of(client, mailbox))
        self.deliver(fixture, mailbox, 3)
        running.wait(lambda: len(files_of(client, mailbox)) == before + 3, "three new messages here")
        passes.set_file_flags(files_of(client, mailbox)[0], "FS")
        running.wait(lambda: ["\\Flagged", "\\Seen"] in map(sorted, self.flags_there(fixture, mailbox)),
                     "the flags there")
        passes.add_file(client.mailbox_path(mailbox), next(iter(messages.batch(11, 1))))
        running.wait(lambda: self.count_there(fixture, mailbox) == before + 4, "the new file there")
        os.unlink(files_of(client, mailbox)[-1])
        running.wait(lambda: self.count_there(fixture, mailbox) == before + 3, "the deletion there")

    def test_dovecot_notify(self):
        fixture = dovecot.Dovecot()
        client, running = self.running(fixture, ("INBOX", "Lists/C"))
        self.wait_push(running)
        self.check_both_ways(fixture, client, running, "Lists/C")
        self.check_both_ways(fixture, client, running, "INBOX")
        self.assertEqual(running.stop(), 0)

    def test_dovecot_idle(self):
        fixture = dovecot.Dovecot()
        client, running = self.running(fixture, ("INBOX", "Lists/C"), mode="idle", mailboxes=["INBOX", "Lists/C"])
        self.wait_push(running)
        self.check_both_ways(fixture, client, running, "Lists/C")
        self.check_both_ways(fixture, client, running, "INBOX")

    def test_dovecot_without_notify(self):
        fixture = dovecot.Dovecot(disable=("NOTIFY",))
        client, running = self.running(fixture)
        self.wait_push(running)
        self.check_both_ways(fixture, client, running, "INBOX")

    def test_cyrus_idle(self):
        fixture = cyrus.Cyrus()
        client, running = self.running(fixture)
        self.wait_push(running)
        self.check_both_ways(fixture, client, running, "INBOX")

    def test_poll(self):
        fixture = dovecot.Dovecot(disable=("NOTIFY", "IDLE"))
        client, running = self.running(fixture, poll="10s")
        running.wait_idle()
        self.deliver(fixture, "INBOX")
        running.wait(lambda: len(files_of(client, "INBOX")) == 1, "a new message here")


if __name__ == "__main__":
    tools.main()
