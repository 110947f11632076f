#!/usr/bin/env python3
"""maildird and its peers in turn on the same Dovecot: medians of wall time, CPU, memory, bytes and turns.

A turn is the client speaking after the server has; bytes are those of the TLS connection. Without
delay the timed runs go straight to the server, and one more goes through the relay that counts.
"""

import argparse
import json
import os
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), folder) for folder in ("support", "e2e")]

import dovecot  # noqa: E402
import measure  # noqa: E402
import messages  # noqa: E402
import oracle  # noqa: E402
import passes  # noqa: E402
import peers  # noqa: E402
import relay  # noqa: E402

APPEND_BATCH = 200  # messages a command
DIRECTORY_TIME_S = 1.1  # mbsync waits for directory times to pass; that is not what is measured


class Bench:
    def __init__(self, options):
        self.options = options
        self.fixture = dovecot.Dovecot()
        self.results = []
        self.user_number = 0
        self.file_number = 0  # for names of files, and seeds of messages

    # --- the server's mail ---

    def new_user(self, label):
        self.user_number += 1
        return "%s%d" % (label, self.user_number)

    def connect(self, user):
        self.fixture.user = user
        return self.fixture.connect()

    def fill(self, user, mailbox, batch):
        """By MULTIAPPEND: imaplib is too slow for a hundred thousand."""
        with socket.create_connection(("127.0.0.1", self.fixture.port)) as raw:
            stream = raw.makefile("rwb")
            self.command(stream, b"LOGIN %s %s" % (user.encode(), self.fixture.password.encode()))
            if mailbox != "INBOX":
                self.command(stream, b'CREATE "%s"' % mailbox.encode())
            parts = []
            for message in batch:
                parts.append(b"{%d+}\r\n%s" % (len(message), message))
                if len(parts) == APPEND_BATCH:
                    self.command(stream, b'APPEND "%s" ' % mailbox.encode() + b" ".join(parts))
                    parts = []
            if parts:
                self.command(stream, b'APPEND "%s" ' % mailbox.encode() + b" ".join(parts))

    def command(self, stream, command):
        stream.write(b"a " + command + b"\r\n")
        stream.flush()
        line = b""
        while not line.startswith(b"a "):
            line = stream.readline()
            if not line:
                raise AssertionError("the server closed the connection")
        if not line.startswith(b"a OK"):
            raise AssertionError(line)

    def mix(self, count):
        """1 to 23 kB, 7 kB in the mean: 20,000 are 141 MB."""
        return messages.batch(1, count, 1_000, 23_000)

    # --- timing ---

    def timed(self, peer, delay_ms, prepare=None, runs=None):
        """Runs of this peer, each after `prepare(peer)`; yields so that peers can take turns."""
        for _ in range(runs or self.options.runs):
            if prepare:
                prepare(peer)
            peers.settle()
            if delay_ms:
                with relay.Relay(self.fixture.tls_port, delay_ms / 2) as distant:
                    yield dict(peer.run(distant.port), **self.counted(distant))
            else:
                yield peer.run(self.fixture.tls_port)

    def counted(self, distant):
        return {"bytes_in": distant.bytes_in, "bytes_out": distant.bytes_out, "turns": distant.turns}

    def count_once(self, peer, prepare):
        if prepare:
            prepare(peer)
        with relay.Relay(self.fixture.tls_port) as near:
            peer.run(near.port)
            return self.counted(near)

    def row(self, name, entrants, delay_ms=0, prepare=None, check=None):
        try:
            self.measure_row(name, entrants, delay_ms, prepare, check)
        finally:
            for peer in entrants:
                peer.close()

    def measure_row(self, name, entrants, delay_ms, prepare, check):
        taken = {peer: [] for peer in entrants}
        for together in zip(*(self.timed(peer, delay_ms, prepare) for peer in entrants)):
            for peer, each in zip(entrants, together):
                taken[peer].append(each)
        for peer in entrants:
            if check:
                check(peer)
            summary = measure.medians(taken[peer])
            if not delay_ms:
                summary.update(self.count_once(peer, prepare))
            self.results.append((name, peer.name, summary))
            print("%-44s %-9s %s" % (name, peer.name, measure.words("wall_s", summary["wall_s"])),
                  file=sys.stderr, flush=True)

    def expect_files(self, count):
        def check(peer):
            found = sum(len(oracle.maildir_files(folder))
                        for folder in oracle.maildir_folders(peer.maildir).values())
            if found != count:
                raise AssertionError("%s has %d files, not %d" % (peer.name, found, count))
        return check

    # --- the rows ---

    def download(self, count, delay_ms):
        user = self.new_user("download")
        self.fill(user, "INBOX", self.mix(count))
        entrants = [kind(self.fixture, user) for kind in (peers.Maildird, peers.Mbsync, peers.Floor)]
        self.row("first download, %d messages, %d ms" % (count, delay_ms), entrants, delay_ms,
                 lambda peer: peer.fresh(), self.expect_files(count))

    def row_download(self):
        self.download(self.options.messages, 0)

    def row_download_far(self):
        self.download(self.options.far_messages, 50)

    def entrants_in_step(self, users):
        entrants = [peers.Maildird(self.fixture, users[0]), peers.Mbsync(self.fixture, users[1])]
        for peer in entrants:
            peer.run(self.fixture.tls_port)
            peer.run(self.fixture.tls_port)
        return entrants

    def unchanged_mailboxes(self, delay_ms):
        user = self.new_user("mailboxes")
        for number in range(self.options.mailboxes - 1):
            self.fill(user, "box%03d" % number, messages.batch(number, 5, 1000, 2000))
        self.fill(user, "INBOX", messages.batch(999, 5))
        self.row("nothing changed, %d mailboxes, %d ms" % (self.options.mailboxes, delay_ms),
                 self.entrants_in_step([user, user]), delay_ms)

    def row_unchanged(self):
        self.unchanged_mailboxes(0)

    def row_unchanged_far(self):
        self.unchanged_mailboxes(50)

    def row_unchanged_large(self):
        user = self.new_user("large")
        self.fill(user, "INBOX", messages.batch(1, self.options.large, 600, 1200))
        self.row("nothing changed, one mailbox of %d" % self.options.large,
                 self.entrants_in_step([user, user]))

    def changed(self, name, change, count, delay_ms=0):
        """A row in which `change(peer)` is done before each run."""
        users = [self.new_user("changed"), self.new_user("changed")]
        for user in users:
            self.fill(user, "INBOX", messages.batch(1, count, 1000, 4000))
            self.fill(user, "Archive", messages.batch(2, 1))
        self.row("%s, %d ms" % (name, delay_ms) if delay_ms else name,
                 self.entrants_in_step(users), delay_ms, change)

    def store_all(self, peer, what):
        connection = self.connect(peer.user)
        connection.select("INBOX")
        oracle.check(connection.store("1:%d" % self.options.changes, *what))
        return connection

    def flip(self, peer):
        peer.flipped = not getattr(peer, "flipped", False)
        return peer.flipped

    def row_flags_down(self):
        def change(peer):
            sign = "+FLAGS" if self.flip(peer) else "-FLAGS"
            self.store_all(peer, (sign, "(\\Flagged)")).logout()
        self.changed("%d flags, server to local" % self.options.changes, change, self.options.changes)

    def row_flags_up(self):
        def change(peer):
            flags = "F" if self.flip(peer) else ""
            for path, _ in peer.inbox_files():
                passes.set_file_flags(path, flags)
            time.sleep(DIRECTORY_TIME_S)
        self.changed("%d flags, local to server" % self.options.changes, change, self.options.changes)

    def deletions(self, name, change):
        self.changed(name, change, self.options.changes * (self.options.runs + 2))

    def row_deletions_down(self):
        def change(peer):
            connection = self.store_all(peer, ("+FLAGS.SILENT", "(\\Deleted)"))
            oracle.check(connection.expunge())
            connection.logout()
        self.deletions("%d deletions, server to local" % self.options.changes, change)

    def row_deletions_up(self):
        def change(peer):
            for path, _ in peer.inbox_files()[:self.options.changes]:
                os.unlink(path)
            time.sleep(DIRECTORY_TIME_S)
        self.deletions("%d deletions, local to server" % self.options.changes, change)

    def to_and_fro(self, peer):
        return ("INBOX", "Archive") if self.flip(peer) else ("Archive", "INBOX")

    def moves_up(self, delay_ms):
        """Under fresh names: mbsync takes what keeps its name for what it is not."""
        def change(peer):
            source, target = (os.path.join(peer.maildir, name) for name in self.to_and_fro(peer))
            for path, _ in sorted(oracle.maildir_files(source))[:self.options.changes]:
                self.file_number += 1
                os.rename(path, os.path.join(target, "cur", "19%08d.R1.reader:2," % self.file_number))
            time.sleep(DIRECTORY_TIME_S)
        self.changed("%d moves, local to server" % self.options.changes, change, self.options.changes,
                     delay_ms)

    def row_moves_up(self):
        self.moves_up(0)

    def row_moves_up_far(self):
        self.moves_up(50)

    def moves_down(self, delay_ms):
        def change(peer):
            source, target = self.to_and_fro(peer)
            connection = self.connect(peer.user)
            connection.select(source)
            oracle.check(connection._simple_command("MOVE", "1:%d" % self.options.changes, target))
            connection.logout()
        self.changed("%d moves, server to local" % self.options.changes, change, self.options.changes,
                     delay_ms)

    def row_moves_down(self):
        self.moves_down(0)

    def row_moves_down_far(self):
        self.moves_down(50)

    def uploads(self, delay_ms):
        def change(peer):
            self.file_number += 1
            for message in messages.batch(self.file_number, self.options.uploads, 1000, 4000):
                passes.add_file(os.path.join(peer.maildir, "INBOX"), message.replace(b"\r\n", b"\n"))
            time.sleep(DIRECTORY_TIME_S)
        self.changed("%d uploads" % self.options.uploads, change, 10, delay_ms)

    def row_uploads(self):
        self.uploads(0)

    def row_uploads_far(self):
        self.uploads(50)

    def run(self, rows):
        with self.fixture:
            for name in rows:
                getattr(self, "row_" + name)()
        return self.results


ROWS = [name[4:] for name in vars(Bench) if name.startswith("row_")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="of: " + " ".join(ROWS))
    parser.add_argument("--runs", type=int, default=3, help="runs of each, in turn (3)")
    parser.add_argument("--messages", type=int, default=20_000, help="of the first download")
    parser.add_argument("--far-messages", type=int, default=5_000, help="of the one at 50 ms")
    parser.add_argument("--mailboxes", type=int, default=200)
    parser.add_argument("--large", type=int, default=100_000, help="messages of the large mailbox")
    parser.add_argument("--changes", type=int, default=1_000, help="flags, deletions and moves")
    parser.add_argument("--uploads", type=int, default=2_000)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    unknown = [name for name in options.rows if name not in ROWS]
    if unknown:
        parser.error("unknown row: %s" % ", ".join(unknown))
    results = Bench(options).run(options.rows or ROWS)
    print(measure.table(results))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as stream:
            json.dump([dict(taken, work=row, tool=tool) for row, tool, taken in results], stream, indent=1)


if __name__ == "__main__":
    main()
