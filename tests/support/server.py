"""What every real server offers to the tests, whichever it is."""

import imaplib
import os
import shutil
import ssl
import tempfile

import tools

imaplib._MAXLINE = 50_000_000  # FETCH lists of large mailboxes are one line each


class Server(tools.Fixture):
    """One account on a server of its own, in a temporary folder.

    `transports` names how it can be reached: tls, starttls, off (plain text), tunnel.
    """

    transports = ()
    user = "alice"
    password = "open-sesame"
    prefix = ""  # of the personal namespace
    delimiter = "/"
    keywords = True  # whether it stores keywords

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="maildird-server-")
        os.chmod(self.folder, 0o711)
        self.port = None
        self.tls_port = None
        self.ca_file = None

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def stop(self):
        raise NotImplementedError

    def close(self):
        self.stop()
        if os.environ.get("MAILDIRD_E2E_KEEP"):
            print("kept: " + self.folder)
            return
        shutil.rmtree(self.folder, ignore_errors=True)

    def tunnel(self):
        """A command whose standard input and output are a session, logged in already."""
        raise NotImplementedError

    def account(self, transport, port=None):
        """The keys of a maildird account that reach this server; `port` of a relay instead of ours."""
        if transport == "tunnel":
            return {"tunnel": self.tunnel()}
        account = {"host": "127.0.0.1", "tls": {"tls": "implicit"}.get(transport, transport),
                   "port": port or (self.tls_port if transport == "tls" else self.port),
                   "user": self.user, "password": self.password}
        if transport != "off":
            account["tls_ca_file"] = self.ca_file
            account["tls_system_ca"] = False
        return account

    def connect(self):
        """An imaplib connection, logged in."""
        if self.tls_port:
            context = ssl.create_default_context(cafile=self.ca_file)
            connection = imaplib.IMAP4_SSL("127.0.0.1", self.tls_port, ssl_context=context, timeout=60)
        else:
            connection = imaplib.IMAP4("127.0.0.1", self.port, timeout=60)
        connection.login(self.user, self.password)
        return connection
