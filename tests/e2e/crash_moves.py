"""What a pass has to do when it is ended: messages that change their place, without a body on the wire."""

import os
import shutil
import subprocess

import crash
import maildird
import messages
import oracle
import passes
import server
import tools


class MoveCase(crash.CrashCase):
    """Both mailboxes hold messages; whatever the pass was doing, none of these is ever fetched or
    sent again: the files stay the same ones."""

    mailboxes = ["Archive", "Lists"]
    kept = 8  # messages in INBOX

    def stock(self):
        """Two new messages in INBOX, Archive and Lists each; all else leaves Archive and Lists."""
        for name in self.mailboxes:
            self.select(name)
            if oracle.check(self.connection.uid("SEARCH", None, "ALL"))[0]:
                self.remove_on_server(self.connection, [b"1:*"])
        for name in ["INBOX"] + self.mailboxes:
            for message in self.fresh()[:2]:
                oracle.append(self.connection, name, message, "\\Seen")
        self.select("INBOX")
        uids = oracle.check(self.connection.uid("SEARCH", None, "ALL"))[0].split()
        if len(uids) > self.kept:
            self.remove_on_server(self.connection, uids[:-self.kept])
        self.assert_sync(self.maildird, clock_offset_s=self.now_s)
        self.expected = self.read_all()
        self.bodies = self.inodes()

    def inodes(self):
        return {os.stat(path).st_ino for folder in oracle.maildir_folders(self.maildird.maildir).values()
                for path, _ in oracle.maildir_files(folder)}

    def files(self, name):
        return sorted(path for path, _ in oracle.maildir_files(self.maildird.mailbox_path(name)))

    def rename_into(self, path, name):
        os.rename(path, os.path.join(self.maildird.mailbox_path(name), "cur", os.path.basename(path)))

    def select(self, name):
        oracle.check(self.connection.select(oracle.quoted(name)))

    def uids(self, name):
        self.select(name)
        return oracle.check(self.connection.uid("SEARCH", None, "ALL"))[0].split()

    def copy_on_server(self, uids, to):
        oracle.check(self.connection.uid("COPY", b",".join(uids).decode(), to))

    # --- here ---

    def changed_here(self):
        self.expected = oracle.read_maildir(self.maildird.maildir)
        self.bodies = self.inodes()

    def move_here(self):
        for path in self.files("INBOX")[:2]:
            self.rename_into(path, "Archive")
        self.changed_here()

    def copy_here(self):
        for path in self.files("INBOX")[:2]:
            with open(path, "rb") as stream:
                passes.add_file(self.maildird.mailbox_path("Archive"), stream.read(), "S")
        self.changed_here()

    def copy_and_remove_here(self):
        """As mutt saves: a copy under a fresh name, then the original goes."""
        originals = self.files("INBOX")[:2]
        self.copy_here()
        for path in originals:
            os.unlink(path)
        self.changed_here()

    def swap_here(self):
        here, there = self.files("INBOX")[0], self.files("Archive")[0]
        self.rename_into(here, "Archive")
        self.rename_into(there, "INBOX")
        self.changed_here()

    def rename_folder_here(self):
        self.number += 1
        old, new = self.mailboxes[-1], "Here %d" % self.number
        os.rename(self.maildird.mailbox_path(old), self.maildird.mailbox_path(new))
        self.mailboxes = self.mailboxes[:-1] + [new]
        self.changed_here()

    # --- there ---

    def changed_there(self):
        self.expected = self.read_all()

    def move_there(self):
        uids = self.uids("INBOX")[:2]
        self.copy_on_server(uids, "Archive")
        self.remove_on_server(self.connection, uids)
        self.changed_there()

    def swap_there(self):
        here, there = self.uids("INBOX")[:1], self.uids("Archive")[:1]
        self.copy_on_server(there, "INBOX")
        self.remove_on_server(self.connection, there)
        self.select("INBOX")
        self.copy_on_server(here, "Archive")
        self.remove_on_server(self.connection, here)
        self.changed_there()

    def rebuild(self, parts):
        """Mailboxes of `parts` get new UIDVALIDITYs, and what is named of (mailbox, UIDs), last first."""
        for name in parts:
            oracle.check(self.connection.create(name + ".new"))
        for name, sources in parts.items():
            for source, uids in sources:
                self.select(source)
                for uid in reversed(uids):
                    self.copy_on_server([uid], name + ".new")
        self.select("INBOX")
        for name in parts:
            oracle.check(self.connection.delete(name))
            oracle.check(self.connection.rename(name + ".new", name))
        self.changed_there()

    def new_uidvalidity(self):
        self.rebuild({name: [(name, self.uids(name))] for name in ("Archive", "Lists")})

    def new_uidvalidity_swapped(self):
        archive, lists = self.uids("Archive"), self.uids("Lists")
        self.rebuild({"Archive": [("Archive", archive[1:]), ("Lists", lists[:1])],
                      "Lists": [("Lists", lists[1:]), ("Archive", archive[:1])]})

    def index_lost(self):
        """All is paired again by content."""
        shutil.rmtree(self.maildird.state)
        os.mkdir(self.maildird.state, 0o700)

    def rename_there(self):
        self.number += 1
        old, new = self.mailboxes[-1], "There %d" % self.number
        self.select("INBOX")
        oracle.check(self.connection.rename(oracle.quoted(old), oracle.quoted(new)))
        self.mailboxes = self.mailboxes[:-1] + [new]
        self.changed_there()

    # --- what must be ---

    def recover(self, number):
        super().recover(number)
        if not self.powerloss:  # its model of a disk gives files new inodes
            self.assertEqual(self.inodes(), self.bodies, "bodies moved after call %d" % number)

    def check_moves(self, work):
        self.check_each_call(work, stock=True)


class Embedded(server.Server):
    """The server in the program itself: one with EMAILID."""

    process = None

    def start(self):
        self.process = subprocess.Popen(
            [maildird.binary(), "imapd", "--user", "%s:%s" % (self.user, self.password)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        self.port = int(line.strip().rpartition(":")[2])

    def stop(self):
        if self.process is not None:
            tools.stop_process(self.process)
            self.process.stdout.close()
            self.process = None


class LinkCase(crash.CrashCase):
    """A first pass on a server with EMAILID, which has each message in two mailboxes: one of them is
    a link."""

    COUNT = 36  # so many that asking for the identities is worth it

    def server(self):
        return Embedded()

    def setUp(self):
        super().setUp()
        for message in messages.batch(98, self.COUNT - crash.KEPT_FROM_THE_START, 500, 900):
            oracle.append(self.connection, "INBOX", message)
        self.connection.select("INBOX")
        oracle.check(self.connection.uid("COPY", "1:*", "Archive"))
        self.expected = self.read_all()

    def check_links(self):
        self.check_each_call(self.begin_anew)
        files = [path for folder in oracle.maildir_folders(self.maildird.maildir).values()
                 for path, _ in oracle.maildir_files(folder)]
        self.assertEqual(len(files), 2 * self.COUNT)
        self.assertEqual(len({os.stat(path).st_ino for path in files}), self.COUNT)
