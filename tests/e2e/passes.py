"""What the end-to-end tests share: a server, a client, changes on both sides, and the comparison."""

import itertools
import os
import random
import re
import unittest

import maildird
import messages
import oracle

MAILBOXES = ["INBOX", "Archive", "Archive/2024", "Archive/2024/Q1", "Reisen & Büro", "日本/東京", "Sent"]
CHANGING = re.compile(
    r" C: \S+ (?:UID )?(?:STORE|APPEND|COPY|MOVE|EXPUNGE|CLOSE|CREATE|DELETE|RENAME)\b", re.IGNORECASE)
LARGE_SIZES = (1_000_000, 5_000_000, 20_000_000)

file_numbers = itertools.count(1)


def message_count(otherwise=300):
    """How many messages to begin with; MAILDIRD_E2E_MESSAGES=20000 for a long run."""
    return int(os.environ.get("MAILDIRD_E2E_MESSAGES", otherwise))


def add_file(folder, message, flags="", part=None):
    """A message as a mail program delivers it: LF line ends, into tmp/, then renamed."""
    name = "%d.M%dP%d.testhost" % (1700000000 + next(file_numbers), next(file_numbers), os.getpid())
    path = os.path.join(folder, "tmp", name)
    with open(path, "wb") as stream:
        stream.write(message)
    part = part or ("cur" if flags else "new")
    target = os.path.join(folder, part, name + (":2," + flags if part == "cur" else ""))
    os.rename(path, target)
    return target


def set_file_flags(path, flags):
    folder = os.path.dirname(os.path.dirname(path))
    base = os.path.basename(path).split(":2,")[0]
    target = os.path.join(folder, "cur", "%s:2,%s" % (base, "".join(sorted(flags))))
    os.rename(path, target)
    return target


def make_folder(path):
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(path, part), exist_ok=True)


class PassCase(unittest.TestCase):
    """`deleted_is_gone`: on a server without UIDPLUS what is marked \\Deleted counts as gone.
    `new_there`, `new_here`: what mailboxes made on either side are called."""

    deleted_is_gone = False
    mailboxes = MAILBOXES
    new_there, new_here = "New there %d", "New here %d"

    def client(self, fixture, transport=None, program=None, port=None, **account):
        made = maildird.Maildird(
            dict(fixture.account(transport or fixture.transports[-1], port), **account), program)
        self.addCleanup(made.close)
        return made

    def started(self, fixture):
        return self.enterContext(fixture)

    # --- the server's side ---

    def wire(self, fixture, mailbox):
        return oracle.wire_name(mailbox, fixture.prefix, fixture.delimiter)

    def create(self, fixture, names):
        connection = fixture.connect()
        there = {name for name, _ in oracle.list_server(connection)}
        for name in names:
            wire = self.wire(fixture, name)
            if wire not in there and name != "INBOX":
                oracle.check(connection.create(oracle.quoted(wire)))
        connection.logout()

    def fill(self, fixture, count, seed=1, names=None):
        """`count` messages spread over the mailboxes, three of them large."""
        names = names or self.mailboxes
        self.create(fixture, names)
        rng = random.Random(seed)
        connection = fixture.connect()
        large = [messages.message(rng, 10_000_000 + size, size) for size in LARGE_SIZES]
        for message in itertools.chain(messages.batch(seed, count - len(large)), large):
            flags = " ".join(f for f in ("\\Seen", "\\Flagged", "\\Answered") if rng.random() < 0.4)
            oracle.append(connection, self.wire(fixture, rng.choice(names)), message, flags)
        connection.logout()

    def change_server(self, fixture, rng, number):
        """A few changes of each kind; in all rounds together fewer deletions than the guard allows."""
        connection = fixture.connect()
        names = [name for name, _ in oracle.list_server(connection)]
        for position, name in enumerate(names):
            oracle.check(connection.select(oracle.quoted(name)))
            uids = (oracle.check(connection.uid("SEARCH", None, "UNDELETED"))[0] or b"").split()
            rng.shuffle(uids)
            for uid, change in zip(uids, ("+FLAGS (\\Flagged)", "-FLAGS (\\Seen)", "+FLAGS (\\Answered)",
                                          "-FLAGS (\\Flagged \\Answered)", "FLAGS (\\Draft \\Seen)")):
                oracle.check(connection.uid("STORE", uid.decode(), *change.split(" ", 1)))
            if len(uids) > 11 and position % 2 == number % 2:
                self.remove_on_server(connection, uids[5:6])
                oracle.check(connection.uid("COPY", uids[9].decode(), oracle.quoted(rng.choice(names))))
                target = rng.choice([other for other in names if other != name])
                oracle.check(connection.uid("COPY", uids[10].decode(), oracle.quoted(target)))
                self.remove_on_server(connection, uids[10:11])
            for message in messages.batch(rng.getrandbits(32), 2, first=number * 1000 + position * 10):
                oracle.append(connection, name, message, rng.choice(("", "\\Seen", "\\Flagged \\Seen")))
        oracle.check(connection.create(oracle.quoted(self.wire(fixture, self.new_there % number))))
        connection.logout()

    def remove_on_server(self, connection, uids):
        oracle.check(connection.uid("STORE", b",".join(uids).decode(), "+FLAGS.SILENT", "(\\Deleted)"))
        oracle.check(connection.expunge())

    # --- the side of the Maildir ---

    def change_maildir(self, client, rng, number):
        folders = oracle.maildir_folders(client.maildir)
        for position, folder in enumerate(sorted(folders.values())):
            files = [path for path, _ in sorted(oracle.maildir_files(folder))]
            rng.shuffle(files)
            for path, flags in zip(files, ("S", "FS", "", "RS", "DS")):
                set_file_flags(path, flags)
            if len(files) > 11 and position % 2 == number % 2:
                os.unlink(files[5])
                other = rng.choice([f for f in folders.values() if f != folder])
                os.rename(files[9], os.path.join(other, "cur", os.path.basename(files[9])))
            for message in messages.batch(rng.getrandbits(32), 2, first=number * 1000 + 500 + position * 10):
                add_file(folder, message.replace(b"\r\n", b"\n"), rng.choice(("", "S", "FS")))
        make_folder(os.path.join(client.maildir, self.new_here % number))

    # --- passes ---

    def assert_sync(self, client, *words, codes=(0,), **settings):
        result = client.sync_shimmed(*words, **settings) if settings else client.sync(*words)
        self.assertIn(result.code, codes, str(result))
        return result

    def assert_same(self, fixture, client):
        remote = oracle.read_server(fixture, self.deleted_is_gone)
        local = oracle.read_maildir(client.maildir, self.deleted_is_gone)
        found = oracle.differences(remote, local)
        self.assertEqual(found, [], "\n".join(found[:20]))
        return remote

    def assert_idle_pass(self, client):
        """A pass that sends no command that changes anything; its transcript names no secret."""
        trace = os.path.join(client.folder, "trace")
        result = self.assert_sync(client, "--trace", trace)
        with open(trace, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
        self.assertRegex(text, r" C: ")
        self.assertEqual(CHANGING.findall(text), [])
        self.assertNotIn(client.accounts["work"].get("password", "no password"), text)
        self.assertEqual([name for name, number in result.account()["messages"].items() if number], [])

    def assert_converges(self, fixture, client):
        self.assert_sync(client)
        self.assert_sync(client)
        self.assert_same(fixture, client)
        self.assert_idle_pass(client)

    def check_two_way(self, fixture, client, rounds=3, seed=1):
        """A first pass, then rounds of random changes on both sides."""
        self.assert_sync(client)
        self.assert_same(fixture, client)
        for number in range(rounds):
            with self.subTest(round=number, seed=seed):
                rng = random.Random("%d-%d" % (seed, number))
                self.change_server(fixture, rng, number)
                self.change_maildir(client, rng, number)
                self.assert_converges(fixture, client)
