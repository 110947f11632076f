"""Passes that are ended before each of their calls to the disk and to the peer. After each the next
runs must converge: nothing lost, nothing twice.

The runs happen at times of their own: each case of a crash is two hours after the one before it, so
that what must be a minute apart is.
"""

import os
import shutil

import dovecot
import maildird
import messages
import oracle
import passes

KEPT_FROM_THE_START = 5
NEW_EACH_TIME = 3
LOOKS = (5, 80, 160, 240)  # seconds after the crash at which the next runs begin


class CrashCase(passes.PassCase):
    powerloss = False
    mailboxes = ["Archive"]
    client_keys = {}
    seeds = int(os.environ.get("MAILDIRD_E2E_LOSS_SEEDS", "3"))
    first = int(os.environ.get("MAILDIRD_E2E_KILL_FIRST", "1"))
    stride = int(os.environ.get("MAILDIRD_E2E_KILL_STRIDE", "1"))

    def server(self):
        return dovecot.Dovecot(compress=False)

    def setUp(self):
        self.fixture = self.started(self.server())
        self.create(self.fixture, self.mailboxes)
        self.maildird = self.client(self.fixture, "off", maildird.release_binary(),
                                    sync={"guard": "off"}, **self.client_keys)
        self.number = 0
        self.connection = self.fixture.connect()
        for message in messages.batch(99, KEPT_FROM_THE_START):
            oracle.append(self.connection, "INBOX", message)
        self.now_s = 0
        self.assert_sync(self.maildird)
        self.expected = self.read_all()

    def read_all(self):
        return oracle.read_server(self.fixture)

    def fresh(self):
        """New messages, never seen before."""
        self.number += 1
        return list(messages.batch(1000 + self.number, NEW_EACH_TIME, 1000, 3000))

    def inbox_files(self):
        return sorted(path for path, _ in oracle.maildir_files(self.maildird.mailbox_path("INBOX")))

    # --- what a pass has to do when it is ended ---

    def deliver(self):
        for message in self.fresh():
            oracle.append(self.connection, "INBOX", message, "\\Seen")
            self.expected["INBOX"][oracle.digest(message), "S"] += 1

    def upload(self):
        for message in self.fresh():
            passes.add_file(self.maildird.mailbox_path("INBOX"), message.replace(b"\r\n", b"\n"), "S")
            self.expected["INBOX"][oracle.digest(message), "S"] += 1

    def flag_here(self):
        self.flag(lambda path, flags: passes.set_file_flags(path, flags))

    def flag(self, apply):
        """All messages get the same flags, others than they had."""
        flags = ("F", "S", "RS", "")[self.number % 4]
        self.number += 1
        for path in self.inbox_files():
            apply(path, flags)
        self.expect_flags(flags)

    def expect_flags(self, flags):
        counter = self.expected["INBOX"]
        digests = [digest for digest, _ in counter.elements()]
        counter.clear()
        for digest in digests:
            counter[digest, flags] += 1

    def flag_there(self):
        names = {"F": "\\Flagged", "S": "\\Seen", "R": "\\Answered"}
        flags = ("F", "S", "RS", "")[self.number % 4]
        self.number += 1
        self.connection.select("INBOX")
        oracle.check(self.connection.uid(
            "STORE", "1:*", "FLAGS", "(%s)" % " ".join(names[letter] for letter in flags)))
        self.expect_flags(flags)

    def delete_here(self):
        for path in self.inbox_files()[:2]:
            os.unlink(path)
        self.refill_expected_from(oracle.read_maildir(self.maildird.maildir))

    def delete_there(self):
        self.connection.select("INBOX")
        self.remove_on_server(self.connection,
                              oracle.check(self.connection.uid("SEARCH", None, "ALL"))[0].split()[:2])
        self.refill_expected_from(self.read_all())

    def refill_expected_from(self, state):
        self.expected["INBOX"] = state["INBOX"]

    def stock(self):
        """So that there is something to delete: messages both sides have."""
        for message in self.fresh()[:2]:
            oracle.append(self.connection, "INBOX", message)
            self.expected["INBOX"][oracle.digest(message), ""] += 1
        self.assert_sync(self.maildird, clock_offset_s=self.now_s)

    def move_here(self):
        for path in self.inbox_files()[:2]:
            os.rename(path, os.path.join(self.maildird.mailbox_path("Archive"), "cur",
                                         os.path.basename(path).split(":")[0] + ":2,S"))
        self.expected = oracle.read_maildir(self.maildird.maildir)

    def begin_anew(self):
        """Everything here is forgotten: a first pass."""
        shutil.rmtree(self.maildird.maildir)
        shutil.rmtree(self.maildird.state)
        os.mkdir(self.maildird.state, 0o700)

    # --- crash and recovery ---

    def crash_at(self, number, seed):
        """Whether the pass was ended before it was done."""
        self.now_s += 7200
        settings = {"kill_at": number, "clock_offset_s": self.now_s}
        if self.powerloss:
            settings["powerloss_seed"] = number * 1000 + seed
        result = self.maildird.sync_shimmed(**settings)
        self.assertIn(result.code, (0, -9), "call %d: %s" % (number, result))
        return result.code == -9

    def recover(self, number):
        for seconds in LOOKS:
            result = self.maildird.sync_shimmed(clock_offset_s=self.now_s + seconds)
            self.assertIn(result.code, (0, 1, 75), "after call %d: %s" % (number, result))
            if result.code == 0 and self.is_as_expected():
                return
        found = oracle.differences(self.expected, oracle.read_maildir(self.maildird.maildir))
        there = oracle.differences(self.expected, self.read_all())
        self.fail("after the end before call %d:\nhere: %s\nthere: %s\nlast run %s"
                  % (number, found[:10], there[:10], result))

    def is_as_expected(self):
        local = oracle.read_maildir(self.maildird.maildir)
        return local == self.expected and self.read_all() == self.expected

    def check_each_call(self, work, stock=False):
        number, ended = self.first, True
        while ended:
            for seed in range(self.seeds if self.powerloss else 1):
                if stock:
                    self.stock()
                work()
                ended = self.crash_at(number, seed)
                self.recover(number)
            number += self.stride
        self.assertGreater(number, 5)
        print("%s: %d calls" % (work.__name__, number - 1))
