"""What the tests of very many messages share. MAILDIRD_LARGE_MESSAGES says how many each takes."""

import json
import os
import socket
import threading

import maildird
import measure
from dovecot import Dovecot
from embedded import Imapd
from relay import Relay

PLAIN = not os.environ.get("MAILDIRD_SANITIZE")  # only then memory tells anything
BATCH = 1000
TIMEOUT_S = 3600


def count(default):
    return int(os.environ.get("MAILDIRD_LARGE_MESSAGES", default))


def message(number):
    return (b"From: Sender %d <sender%d@example.org>\r\nTo: alice@example.org\r\nSubject: message %d\r\n"
            b"Date: Mon, 6 May 2024 10:00:00 +0000\r\nMessage-ID: <%d@example.org>\r\n\r\nThe text of %d.\r\n"
            % (number % 97, number % 97, number, number, number))


def fill(server, mailbox, messages, begin=0):
    """Many messages, numbered from `begin` on, in each APPEND (MULTIAPPEND), without waiting for leave to send one
    (LITERAL+)."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_S) as connection, \
            connection.makefile("rb") as lines:

        def command(tag, data):
            connection.sendall(tag + b" " + data + b"\r\n")
            line = lines.readline()
            while line and not line.startswith(tag + b" "):
                line = lines.readline()
            if not line.startswith(tag + b" OK"):
                raise AssertionError(line)

        command(b"a", b"LOGIN %s %s" % (server.user.encode(), server.password.encode()))
        for first in range(begin, begin + messages, BATCH):
            parts = [b"APPEND %s" % mailbox.encode()]
            for number in range(first, min(first + BATCH, begin + messages)):
                data = message(number)
                parts.append(b" (%s) {%d+}\r\n%s" % (b"\\Seen" if number % 8 else b"", len(data), data))
            command(b"b", b"".join(parts))


class Cutter(Relay):
    """Counts the bodies that the server sends, and cuts all connections when there have been so many."""

    BODY = b"BODY[] "

    def __init__(self, port):
        super().__init__(port)
        self.bodies = 0
        self.cut_at = None
        self.counting = threading.Lock()
        self.on_answer = self.count

    def count(self, data):
        with self.counting:
            self.bodies += data.count(self.BODY)
            due = self.cut_at is not None and self.bodies >= self.cut_at
            if due:
                self.cut_at = None
        if due:
            self.cut()


class Client(maildird.Maildird):
    """One that reaches the server by a relay that sees what is said."""

    def __init__(self, server, relay, **account):
        super().__init__(dict(server.account("off", relay.port), compress="off", **account))

    def take(self, *words, codes=(0,)):
        """(what it took, its report)."""
        taken, output = measure.run(self.command("sync", "--json", *words), self.environment(), codes)
        return taken, json.loads(output)["accounts"][0]

    def index_bytes(self):
        return os.path.getsize(os.path.join(self.state, "maildird", "work", "index.mdb"))

    def files(self, mailbox):
        """Paths of the messages that are here."""
        for part in ("new", "cur"):
            with os.scandir(os.path.join(self.mailbox_path(mailbox), part)) as entries:
                for entry in entries:
                    yield entry.path


def carried(report):
    """What a pass did, by name."""
    return {name: number for name, number in report["messages"].items() if number}


def full_server(mailbox, messages):
    server = Dovecot() if os.environ.get("MAILDIRD_LARGE_SERVER") == "dovecot" else Imapd()
    server.start()
    if mailbox != "INBOX":
        connection = server.connect()
        connection.create(mailbox)
        connection.logout()
    fill(server, mailbox, messages)
    return server
