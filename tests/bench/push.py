#!/usr/bin/env python3
"""How soon the daemon carries a change, beside a bare IDLE client that waits on the same server.

Each delivery is timed from before its APPEND until the bare client was told, and until the file is
in the Maildir; each change here from before it is made until a client at the server is told.
"""

import argparse
import os
import queue
import socket
import ssl
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), folder) for folder in ("support", "e2e")]

import cyrus  # noqa: E402
import daemon  # noqa: E402
import dovecot  # noqa: E402
import maildird  # noqa: E402
import messages  # noqa: E402
import oracle  # noqa: E402
import passes  # noqa: E402
import relay  # noqa: E402

LONGEST_S = 20


class Idler:
    """Nothing but LOGIN, SELECT and IDLE; when each line came is in `lines`."""

    def __init__(self, fixture, port):
        raw = socket.create_connection(("127.0.0.1", port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if fixture.tls_port:
            raw = ssl.create_default_context(cafile=fixture.ca_file).wrap_socket(raw, server_hostname="127.0.0.1")
        self.raw = raw
        self.stream = raw.makefile("rb")
        self.lines = queue.Queue()
        self.stream.readline()
        for words in ("a LOGIN %s %s" % (fixture.user, fixture.password), "b SELECT INBOX"):
            raw.sendall(words.encode() + b"\r\n")
            while not self.stream.readline().startswith(words[:1].encode() + b" "):
                pass
        raw.sendall(b"c IDLE\r\n")
        while not self.stream.readline().startswith(b"+"):
            pass
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.stream:
            self.lines.put((time.monotonic(), line))

    def forget(self):
        while not self.lines.empty():
            self.lines.get()

    def wait(self, word, begun):
        while True:
            at, line = self.lines.get(timeout=LONGEST_S)
            if word in line and at >= begun:
                return at


def names(folder):
    return {name for part in ("new", "cur") for name in os.listdir(os.path.join(folder, part))}


def wait_for_file(folder, before):
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        if len(os.listdir(os.path.join(folder, "new"))) > before:
            return time.monotonic()
        time.sleep(0.0005)
    raise AssertionError("no file within %d seconds" % LONGEST_S)


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def show(label, values):
    print("%-34s p50 %7.1f ms   p95 %7.1f ms   most %7.1f ms" % (
        label, 1000 * quantile(values, 0.5), 1000 * quantile(values, 0.95), 1000 * max(values)), flush=True)
    return quantile(values, 0.95)


class Push:
    def __init__(self, options, fixture, delay_ms, mode):
        self.options, self.fixture, self.mode, self.delay_ms = options, fixture, mode, delay_ms
        self.direct = fixture.connect()

    def deliveries(self, client, bare):
        folder = client.mailbox_path("INBOX")
        told, here = [], []
        for message in messages.batch(3, self.options.count):
            before = len(os.listdir(os.path.join(folder, "new")))
            bare.forget()
            begun = time.monotonic()
            sender = threading.Thread(target=oracle.append, args=(self.direct, "INBOX", message, ""))
            sender.start()
            here.append(wait_for_file(folder, before) - begun)
            told.append(bare.wait(b"EXISTS", begun) - begun)
            sender.join()
            time.sleep(self.options.pause)
        bound = show("a bare IDLE client was told", told) + 0.1 + 2 * self.delay_ms / 1000
        got = show("the file was here", here)
        print("%-34s %s (%.1f ms)" % ("within 100 ms + 2 R beyond it", "yes" if got <= bound else "NO", 1000 * bound))
        return got <= bound

    def changes(self, client):
        folder = client.mailbox_path("INBOX")
        near = Idler(self.fixture, self.fixture.tls_port or self.fixture.port)
        flags, files = [], []
        time.sleep(2)
        for number, name in enumerate(sorted(names(folder))[:self.options.count]):
            part = "new" if os.path.exists(os.path.join(folder, "new", name)) else "cur"
            near.forget()
            begun = time.monotonic()
            passes.set_file_flags(os.path.join(folder, part, name), "FS")
            flags.append(near.wait(b"FETCH", begun) - begun)
            time.sleep(self.options.pause)
        show("flags here were told there", flags)
        for message in messages.batch(5, self.options.count):
            near.forget()
            begun = time.monotonic()
            passes.add_file(folder, message)
            files.append(near.wait(b"EXISTS", begun) - begun)
            time.sleep(self.options.pause)
        show("a file here was told there", files)

    def run(self):
        fixture = self.fixture
        with relay.Relay(fixture.tls_port or fixture.port, self.delay_ms / 2) as slow:
            transport = "tls" if fixture.tls_port else "off"
            account = dict(fixture.account(transport, slow.port),
                           watch={"mode": self.mode, "audit": "1h", "poll": "1h"})
            client = maildird.Maildird(account, maildird.release_binary())
            with client, daemon.Daemon(client) as running:
                running.wait_ready()
                running.wait(lambda: "push in 1" in running.status() and " idle" in running.status(), "push")
                bare = Idler(fixture, slow.port)
                good = self.deliveries(client, bare)
                if not self.options.deliveries_only:
                    self.changes(client)
                return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--delays", default="0,50", help="round trips in ms")
    parser.add_argument("--servers", default="dovecot,cyrus")
    parser.add_argument("--pause", type=float, default=0.15, help="seconds between changes")
    parser.add_argument("--deliveries-only", action="store_true")
    options = parser.parse_args()
    good = True
    for server, modes in (("dovecot", ("notify", "idle")), ("cyrus", ("idle",))):
        for mode in modes if server in options.servers.split(",") else ():
            for delay in map(int, options.delays.split(",")):
                with {"dovecot": dovecot.Dovecot, "cyrus": cyrus.Cyrus}[server]() as fixture:
                    print("--- %s by %s, R = %d ms, %d changes each" % (server, mode, delay, options.count), flush=True)
                    good = Push(options, fixture, delay, mode).run() and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
