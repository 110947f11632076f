"""`maildird imapd` as a server for the tests, with certificates of its own."""

import os
import subprocess

import certs
import support
import tools
from server import Server


class Imapd(Server):
    """transport: tls, starttls or off (plain text)."""

    transports = ("tls", "starttls", "off")

    def __init__(self, transport="off", words=()):
        super().__init__()
        self.transport = transport
        self.words = list(words)
        self.process = None

    def command(self):
        command = [support.binary(), "imapd", "--user", "%s:%s" % (self.user, self.password)]
        if self.transport != "off":
            self.ca_file = certs.make_ca(self.folder)
            cert, key = certs.make_leaf(self.folder)
            command += ["--tls-cert", cert, "--tls-key", key]
        if self.transport == "starttls":
            command.append("--starttls")
        return command + self.words

    def start(self):
        env = {name: value for name, value in os.environ.items()
               if name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, env=env,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        address, _, port = line.strip().rpartition(":")
        if address != "listening 127.0.0.1":
            raise AssertionError("imapd said %r" % line)
        self.port = int(port)
        self.tls_port = self.port if self.transport == "tls" else None

    def stop(self):
        """Its exit code and what it told on standard error."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        tools.stop_process(process)
        told = process.stderr.read().decode()
        process.stdout.close()
        process.stderr.close()
        return process.returncode, told
