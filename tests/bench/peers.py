"""The programs compared. Each has a user of its own on the same server, so that what one changes the
other does not see."""

import json
import atexit
import os
import shutil
import subprocess
import tempfile

import maildird
import measure
import oracle
import tools

MBSYNCRC = """
IMAPAccount work
Host localhost
Port {port}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {ca_file}

IMAPStore there
Account work

MaildirStore here
Path {maildir}/
Inbox {maildir}/INBOX
SubFolders Verbatim

Channel work
Far :there:
Near :here:
Patterns *
Create Both
Expunge Both
SyncState *
"""


class Peer:
    """`fresh()` forgets all that was synced; `run(port)` is one pass over that port."""

    name = ""

    def __init__(self, fixture, user):
        self.fixture, self.user = fixture, user
        self.folder = None
        self.fresh()

    def fresh(self):
        self.close()
        self.folder = tempfile.mkdtemp(prefix="maildird-bench-")
        self.maildir = os.path.join(self.folder, "Mail")
        os.mkdir(self.maildir)

    def close(self):
        """The folder goes at the end of all runs: ext4 passes over inodes that were freed in the last
        seconds, and a first download that follows a large removal would measure that."""
        if self.folder:
            atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
            self.folder = None

    def inbox_files(self):
        return sorted(oracle.maildir_files(os.path.join(self.maildir, "INBOX")))


class Maildird(Peer):
    name = "maildird"

    def __init__(self, fixture, user):
        self.client = None
        super().__init__(fixture, user)

    def fresh(self):
        self.close()
        account = dict(self.fixture.account("tls"), user=self.user, sync={"guard": "off"})
        self.client = maildird.Maildird(account, maildird.release_binary())
        self.maildir = self.client.maildir

    def close(self):
        if self.client:
            atexit.register(self.client.close)
            self.client = None

    def run(self, port):
        self.client.write_config(port=port)
        taken, output = measure.run(self.client.command("sync", "--json"), self.client.environment())
        wire = json.loads(output)["accounts"][0]["wire"]
        return dict(taken, commands=wire["commands"])


class Mbsync(Peer):
    name = "mbsync"

    def __init__(self, fixture, user):
        self.program = tools.need_program("mbsync")
        super().__init__(fixture, user)

    def run(self, port):
        settings = os.path.join(self.folder, "mbsyncrc")
        with open(settings, "w", encoding="utf-8") as stream:
            stream.write(MBSYNCRC.format(port=port, user=self.user, password=self.fixture.password,
                                         ca_file=self.fixture.ca_file, maildir=self.maildir))
        taken, _ = measure.run([self.program, "-c", settings, "-a"],
                               dict(os.environ, HOME=self.folder))
        return taken


class Floor(Peer):
    """Only a first download, without anything a tool that comes back needs."""

    name = "floor"

    def __init__(self, fixture, user):
        self.program = os.environ.get("MAILDIRD_FLOOR") or tools.find_built("tests/bench/floor")
        if not self.program:
            raise AssertionError("tests/bench/floor is not built")
        super().__init__(fixture, user)

    def fresh(self):
        super().fresh()
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.maildir, "INBOX", part))

    def run(self, port):
        taken, _ = measure.run([self.program, str(port), self.user, self.fixture.password,
                                os.path.join(self.maildir, "INBOX", "cur")])
        return taken


def settle():
    """What earlier runs wrote is not to be waited for by the next."""
    subprocess.run(["sync"], check=True)
