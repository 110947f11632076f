#!/usr/bin/env python3
"""Many rounds of a few random changes on both sides, against each real server; after each the sides
must be equal, and every tenth round a further pass must change nothing.

MAILDIRD_E2E_ROUNDS=1000 for a long run, MAILDIRD_E2E_SEED=n for another one. A failure tells the seed
and the round.
"""

import os
import random

import courier
import cyrus
import dovecot
import messages
import oracle
import passes
import tools
import twisted_server

SETTLE_PASSES = 3


class Round:
    """The changes of one round, each by its name, so that a failure can tell what was done."""

    def __init__(self, case, fixture, client, seed):
        self.case, self.fixture, self.client = case, fixture, client
        self.rng = random.Random(seed)
        self.done = []
        self.connection = fixture.connect()

    def message(self):
        return next(iter(messages.batch(self.rng.getrandbits(32), 1, first=self.rng.getrandbits(40))))

    def run(self):
        steps = [self.append_there, self.flag_there, self.delete_there, self.copy_there, self.move_there,
                 self.add_here, self.flag_here, self.delete_here, self.copy_here, self.move_here]
        for _ in range(self.rng.randint(1, 6)):
            step = self.rng.choice(steps)
            self.done.append(step.__name__)
            step()
        self.connection.logout()

    # --- the server's side ---

    def select_any(self):
        """A mailbox, and its UIDs in a random order."""
        names = sorted(name for name, _ in oracle.list_server(self.connection))
        name = self.rng.choice(names)
        oracle.check(self.connection.select(oracle.quoted(name)))
        uids = (oracle.check(self.connection.uid("SEARCH", None, "UNDELETED"))[0] or b"").split()
        self.rng.shuffle(uids)
        return name, [uid.decode() for uid in uids], [other for other in names if other != name]

    def append_there(self):
        name, _, _ = self.select_any()
        oracle.append(self.connection, name, self.message(), self.rng.choice(("", "\\Seen", "\\Flagged")))

    def flag_there(self):
        _, uids, _ = self.select_any()
        if uids:
            change = self.rng.choice(("+FLAGS (\\Flagged)", "-FLAGS (\\Seen)", "+FLAGS (\\Answered)",
                                      "-FLAGS (\\Flagged \\Answered)", "FLAGS (\\Draft \\Seen)"))
            some = ",".join(uids[:self.rng.randint(1, 3)])
            oracle.check(self.connection.uid("STORE", some, *change.split(" ", 1)))

    def delete_there(self):
        _, uids, _ = self.select_any()
        if uids:
            self.case.remove_on_server(self.connection, [uids[0].encode()])

    def copy_there(self):
        _, uids, others = self.select_any()
        if uids:
            oracle.check(self.connection.uid("COPY", uids[0], oracle.quoted(self.rng.choice(others))))

    def move_there(self):
        _, uids, others = self.select_any()
        if uids:
            oracle.check(self.connection.uid("COPY", uids[0], oracle.quoted(self.rng.choice(others))))
            self.case.remove_on_server(self.connection, [uids[0].encode()])

    # --- the side of the Maildir ---

    def folder(self):
        return self.rng.choice(sorted(oracle.maildir_folders(self.client.maildir).values()))

    def file(self):
        """A file of any folder, or None."""
        files = sorted(path for path, _ in oracle.maildir_files(self.folder()))
        return self.rng.choice(files) if files else None

    def add_here(self):
        passes.add_file(self.folder(), self.message().replace(b"\r\n", b"\n"),
                        self.rng.choice(("", "S", "FS")))

    def flag_here(self):
        path = self.file()
        if path:
            passes.set_file_flags(path, self.rng.choice(("", "S", "FS", "RS", "DS")))

    def delete_here(self):
        path = self.file()
        if path:
            os.unlink(path)

    def copy_here(self):
        path = self.file()
        if path:
            with open(path, "rb") as stream:
                passes.add_file(self.folder(), stream.read(), "S")

    def move_here(self):
        path = self.file()
        if path:
            folder = self.folder()
            os.rename(path, os.path.join(folder, "cur", os.path.basename(path).split(":2,")[0] + ":2,S"))


class Rounds(passes.PassCase):
    def check_rounds(self, fixture, fill=60, **settings):
        rounds = int(os.environ.get("MAILDIRD_E2E_ROUNDS", 12))
        seed = os.environ.get("MAILDIRD_E2E_SEED", "1")
        client = self.client(fixture, sync={"guard": "off"}, **settings)
        self.create(fixture, self.mailboxes)
        connection = fixture.connect()
        for number, message in enumerate(messages.batch(seed, fill)):
            oracle.append(connection, self.wire(fixture, self.mailboxes[number % len(self.mailboxes)]),
                          message, "")
        connection.logout()
        self.assert_sync(client)
        for number in range(rounds):
            changes = Round(self, fixture, client, "%s-%d" % (seed, number))
            changes.run()
            try:
                self.assert_settles(fixture, client, number % 10 == 9)
            except AssertionError as error:
                raise AssertionError("seed %s, round %d, after %s: %s" % (
                    seed, number, ", ".join(changes.done), error)) from error

    def assert_settles(self, fixture, client, look_for_idleness):
        for attempt in range(SETTLE_PASSES):
            self.assert_sync(client)
            try:
                self.assert_same(fixture, client)
                break
            except AssertionError:
                if attempt == SETTLE_PASSES - 1:
                    raise
        if look_for_idleness:
            self.assert_sync(client)
            self.assert_idle_pass(client)

    def test_dovecot(self):
        self.check_rounds(self.started(dovecot.Dovecot()))

    def test_dovecot_bare(self):
        bare = ["QRESYNC", "CONDSTORE", "MOVE", "LIST-STATUS", "LITERAL+", "OBJECTID"]
        self.check_rounds(self.started(dovecot.Dovecot()), disable=bare)

    def test_cyrus(self):
        self.check_rounds(self.started(cyrus.Cyrus()))

    def test_courier(self):
        self.check_rounds(self.started(courier.Courier()))

    def test_twisted(self):
        self.deleted_is_gone = True
        self.mailboxes = ["INBOX", "Archive", "Sent"]
        self.check_rounds(self.started(twisted_server.TwistedServer()), fill=20)


if __name__ == "__main__":
    tools.main()
