"""Dovecot on loopback, with a configuration of its own."""

import os
import pwd
import shlex
import subprocess

import certs
import server
import tools

CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
instance_name = maildird-test
log_path = {folder}/dovecot.log
listen = 127.0.0.1
protocols = imap
default_internal_user = {internal_user}
default_internal_group = {internal_group}
default_login_user = {login_user}
first_valid_uid = 1
mail_uid = {mail_user}
mail_gid = {mail_group}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_cache_size = 0
auth_failure_delay = 0
stats_writer_socket_path =
mail_max_userip_connections = 100
mail_location = {location}
mail_fsync = never
mail_cache_min_mail_count = 0
mailbox_list_index = yes
mail_plugins = {mail_plugins}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = {separator}
{special_use}}}
protocol imap {{
  mail_plugins = {imap_plugins}
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
{extra}
"""

LOCATIONS = {
    "mdbox": "mdbox:{folder}/mail/%u/mdbox",
    "sdbox": "sdbox:{folder}/mail/%u/sdbox",
    "maildir": "maildir:{folder}/mail/%u/Maildir:LAYOUT=fs",
}


class Dovecot(server.Server):
    """`disable`: capabilities not announced; `leaf`: a certificate of certs.LEAVES."""

    transports = ("tls", "starttls", "off", "tunnel")

    def __init__(self, storage="mdbox", prefix="", separator="/", compress=True, disable=(),
                 special_use=(), leaf="server", extra=""):
        tools.need_root("Dovecot")
        self.program = tools.need_program("dovecot")
        self.doveadm_program = tools.need_program("doveadm")
        super().__init__()
        self.prefix, self.delimiter = prefix, separator
        self.storage, self.compress, self.disable = storage, compress, disable
        self.special_use, self.leaf, self.extra = special_use, leaf, extra
        self.config_file = self.path("dovecot.conf")
        self.process = None

    def start(self):
        self.ca_file = certs.make_ca(self.folder)
        os.chmod(self.ca_file, 0o644)
        self.port, self.tls_port = tools.free_port(), tools.free_port()
        self.make_folders()
        self.write_configuration()
        if self.disable:
            self.hide_capabilities()
        self.launch()

    def launch(self):
        output = open(self.path("output.log"), "ab")
        self.process = subprocess.Popen([self.program, "-F", "-c", self.config_file],
                                        stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        output.close()
        tools.wait_until(lambda: tools.port_answers(self.port), 15, "Dovecot listens")

    def make_folders(self):
        for name in ("run", "state", "mail"):
            os.makedirs(self.path(name), exist_ok=True)
        owner = pwd.getpwnam("nobody")
        os.chown(self.path("mail"), owner.pw_uid, owner.pw_gid)

    def write_configuration(self):
        certificate, key = certs.make_leaf(self.folder, self.leaf)
        plugins = " zlib" if self.compress else ""
        special_use = "".join("  mailbox %s {\n    special_use = %s\n    auto = create\n  }\n" % pair
                              for pair in self.special_use)
        text = CONFIGURATION.format(
            folder=self.folder, internal_user="dovecot", internal_group="dovecot",
            login_user="dovenull", mail_user="nobody", mail_group="nogroup",
            certificate=certificate, key=key, password=self.password, port=self.port,
            tls_port=self.tls_port, prefix=self.prefix, separator=self.delimiter,
            location=LOCATIONS[self.storage].format(folder=self.folder), mail_plugins=plugins,
            imap_plugins="$mail_plugins imap_zlib" if self.compress else "$mail_plugins",
            special_use=special_use, extra=self.extra)
        with open(self.config_file, "w", encoding="utf-8") as stream:
            stream.write(text)

    def hide_capabilities(self):
        """Announce all that Dovecot would, but for what is to be missing."""
        self.launch()
        with self.connect() as connection:
            _, lines = connection.capability()
        self.stop()
        kept = [word for word in lines[0].decode().split() if word not in self.disable]
        with open(self.config_file, "a", encoding="utf-8") as stream:
            stream.write("imap_capability = %s\n" % " ".join(kept))

    def stop(self):
        if self.process is not None:
            tools.stop_process(self.process)
            self.process = None

    def tunnel(self):
        session = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env",
                   "USER=" + self.user, "HOME=" + self.path("mail", self.user),
                   "/usr/lib/dovecot/imap", "-c", self.config_file]
        words = " ".join(shlex.quote(word) for word in session)
        return words + " 2>>" + shlex.quote(self.path("output.log"))

    def doveadm(self, *words, data=None):
        """`data` is given on standard input. Returns the standard output."""
        return tools.run_checked([self.doveadm_program, "-c", self.config_file] + list(words),
                                 input=data)

    def save(self, mailbox, message):
        self.doveadm("save", "-u", self.user, "-m", mailbox, data=message)

    def log(self):
        try:
            with open(self.path("dovecot.log"), encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except OSError:
            return ""
