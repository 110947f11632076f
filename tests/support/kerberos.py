"""A Kerberos realm on loopback: a KDC (MIT's) with a database, keys and tickets of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile

import tools

REALM = "MAILDIRD.TEST"
CLIENT = """
[libdefaults]
  default_realm = {realm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  qualify_shortname = ""
  rdns = false
  udp_preference_limit = 1
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
[domain_realm]
  localhost = {realm}
"""
KDC = """
[kdcdefaults]
  kdc_listen = 127.0.0.1:{port}
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
  }}
[logging]
  kdc = FILE:{folder}/kdc.log
"""


# libgssglue, through which Debian's libgsasl calls MIT's library, forgets 16 bytes a login.
LEAKS = """
leak:libgssglue.so
leak:libgssapi_krb5.so
"""


class Realm(tools.Fixture):
    """Users are added with add_user; `keytab` is that of the service imap at the host localhost."""

    def __init__(self):
        names = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
        self.programs = {name: tools.need_program(name, "/usr/lib/mit/sbin/" + name) for name in names}
        self.folder = tempfile.mkdtemp(prefix="maildird-realm-")
        os.chmod(self.folder, 0o711)
        self.keytab = self.path("imap.keytab")
        self.config_file = self.path("krb5.conf")
        self.process = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def environment(self):
        return dict(os.environ, KRB5_CONFIG=self.config_file, KRB5_KDC_PROFILE=self.path("kdc.conf"),
                    KRB5CCNAME=self.cache("nobody"))

    def cache(self, user):
        return "FILE:" + self.path("tickets-" + user)

    def client_environment(self, user):
        """What a client with the tickets of `user` needs; a user without tickets is as good."""
        return {"KRB5_CONFIG": self.config_file, "KRB5CCNAME": self.cache(user),
                "LSAN_OPTIONS": "print_suppressions=0:suppressions=" + self.path("leaks")}

    def run(self, name, *words, **options):
        tools.run_checked([self.programs[name]] + list(words), env=self.environment(), **options)

    def start(self):
        port = tools.free_port()
        for name, text in (("krb5.conf", CLIENT), ("kdc.conf", KDC), ("leaks", LEAKS)):
            with open(self.path(name), "w", encoding="ascii") as stream:
                stream.write(text.format(realm=REALM, folder=self.folder, port=port))
        self.run("kdb5_util", "-r", REALM, "-P", "master", "create", "-s")
        self.run("kadmin.local", "-q", "addprinc -randkey imap/localhost")
        self.run("kadmin.local", "-q", "ktadd -k %s imap/localhost" % self.keytab)
        output = open(self.path("output.log"), "ab")
        self.process = subprocess.Popen([self.programs["krb5kdc"], "-n", "-r", REALM],
                                        env=self.environment(), stdin=subprocess.DEVNULL,
                                        stdout=output, stderr=output)
        output.close()
        tools.wait_until(lambda: tools.port_answers(port), 15, "the KDC listens")

    def close(self):
        if self.process is not None:
            tools.stop_process(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def add_user(self, user, password):
        self.run("kadmin.local", "-q", "addprinc -pw %s %s" % (password, user))

    def log_in(self, user, password, life="1h"):
        """As kinit of that user does: a ticket-granting ticket in the cache of the user."""
        self.run("kinit", "-c", self.cache(user), "-l", life, user,
                 input=(password + "\n").encode())

    def give_keytab(self, account):
        """To the system's user as which a server runs."""
        owner = pwd.getpwnam(account)
        os.chown(self.keytab, owner.pw_uid, owner.pw_gid)
