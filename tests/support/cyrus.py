"""Cyrus on loopback. Its imapd is unpacked in the build tree by ./bootstrap test, since it cannot be
installed beside another server; the rest is of the package cyrus-common."""

import os
import pwd
import shutil
import subprocess

import server
import tools

IMAPD_CONF = """
configdirectory: {folder}/config
partition-default: {folder}/spool
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN LOGIN
allowplaintext: yes
unixhierarchysep: yes
altnamespace: yes
autocreate_quota: 0
autocreate_post: 1
conversations: 1
admins: admin
idlesocket: {folder}/config/socket/idle
proc_path: {folder}/config/proc
mboxname_lockpath: {folder}/config/lock
"""

CYRUS_CONF = """
START {{
  recover cmd="/usr/sbin/cyrus ctl_cyrusdb -C {folder}/imapd.conf -r"
  idled cmd="{folder}/idled -C {folder}/imapd.conf"
}}
SERVICES {{
  imap cmd="{imapd} -C {folder}/imapd.conf" listen="127.0.0.1:{port}" prefork=0
}}
EVENTS {{
}}
"""


class Cyrus(server.Server):
    transports = ("off",)

    def __init__(self, extra=""):
        tools.need_root("Cyrus")
        self.program = tools.need_program("cyrmaster")
        unpacked = tools.unpacked("cyrus-imapd")
        super().__init__()
        self.process = None
        self.extra = extra
        self.imapd = self.path("imapd")
        for name in ("imapd", "idled"):
            shutil.copy(os.path.join(unpacked, "usr", "lib", "cyrus", "bin", name), self.path(name))

    def start(self):
        self.port = tools.free_port()
        for name in ("db", "socket", "log", "proc", "msg", "user", "quota", "lock"):
            os.makedirs(self.path("config", name))
        os.mkdir(self.path("spool"))
        for name, text in (("imapd.conf", IMAPD_CONF + self.extra), ("cyrus.conf", CYRUS_CONF)):
            with open(self.path(name), "w", encoding="ascii") as stream:
                stream.write(text.format(folder=self.folder, imapd=self.imapd, port=self.port))
        owner = pwd.getpwnam("cyrus")
        for folder, _, files in os.walk(self.folder):
            for path in [folder] + [os.path.join(folder, name) for name in files]:
                os.chown(path, owner.pw_uid, owner.pw_gid)
        output = open(self.path("output.log"), "ab")
        # A session of its own: as it ends it sends SIGTERM to its whole process group, in which the
        # Cyrus of every other test that runs at the same time would be.
        self.process = subprocess.Popen(
            [self.program, "-C", self.path("imapd.conf"), "-M", self.path("cyrus.conf"), "-p",
             self.path("master.pid"), "-D"], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True)
        output.close()
        tools.wait_until(self.greets, 30, "Cyrus answers")

    def greets(self):
        try:
            self.connect().logout()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process is not None:
            tools.stop_process(self.process)
            self.process = None
