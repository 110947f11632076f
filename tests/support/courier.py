"""Courier's imapd as a tunnel, on a Maildir of its own: it greets with PREAUTH. Unpacked in the build
tree by ./bootstrap test, since it cannot be installed beside another server."""

import imaplib
import os
import pwd
import shlex
import shutil
import subprocess

import server
import tools

OWNER = "nobody"


class Courier(server.Server):
    transports = ("tunnel",)
    prefix = "INBOX."
    delimiter = "."

    def __init__(self):
        tools.need_root("Courier")
        unpacked = tools.unpacked("courier-imap")
        super().__init__()
        # Copied, so that its user can reach it wherever the build tree is.
        self.imapd = self.path("imapd")
        shutil.copy(os.path.join(unpacked, "usr", "bin", "imapd"), self.imapd)
        self.settings = os.path.join(unpacked, "etc", "courier", "imapd")

    def start(self):
        libraries = subprocess.run(["ldd", self.imapd], capture_output=True, text=True).stdout
        tools.need("what Courier needs: " + libraries, "not found" not in libraries)
        for name in ("Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp"):
            os.mkdir(self.path(name))
        owner = pwd.getpwnam(OWNER)
        for name in ("", "Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp"):
            os.chown(self.path(name), owner.pw_uid, owner.pw_gid)
        self.write_script()

    def write_script(self):
        """Courier is told all by its environment; its settings file is made of shell assignments."""
        with open(self.path("session"), "w", encoding="utf-8") as stream:
            stream.write("#!/bin/sh\ncd %s || exit 1\nset -a\n. %s\nset +a\nunset IMAP_EMPTYTRASH\n"
                         % (shlex.quote(self.folder), shlex.quote(self.path("settings"))))
            stream.write("export IMAP_IDLE_TIMEOUT=1\n")  # how often it looks
            stream.write("export AUTHENTICATED=%s MAILDIR=%s\n" % (self.user, self.path("Maildir")))
            stream.write("exec setpriv --reuid=%s --regid=nogroup --clear-groups %s Maildir 2>>%s\n"
                         % (OWNER, self.imapd, self.path("courier.log")))
        shutil.copy(self.settings, self.path("settings"))
        os.chmod(self.path("session"), 0o755)

    def stop(self):
        pass

    def tunnel(self):
        return shlex.quote(self.path("session"))

    def connect(self):
        return imaplib.IMAP4_stream(self.tunnel())
