"""The operations of `maildird imap`, on any server: what the tests of the embedded server and those
of each real server share. A test names with @needs the capabilities without which it cannot be; a
server's class then has those tests alone for which the server announces what they need."""

import json
import os
import pty
import re
import select
import subprocess
import time
import unittest

import tools
from maildird import Maildird

MESSAGE = (b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: bob@example.org\r\n"
           b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= %d\r\nDate: Sat, 31 Jan 2026 12:00:00 +0000\r\n"
           b"Message-ID: <%d@example.org>\r\nReferences: <1@example.org>\r\n\r\nAt noon?\r\n")
PARTS = (b"From: a@example.org\r\nSubject: parts\r\nMessage-ID: <parts@example.org>\r\n"
         b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
         b"--b\r\nContent-Type: text/plain\r\n\r\nfirst part\r\n"
         b"--b\r\nContent-Type: application/octet-stream\r\n"
         b"Content-Transfer-Encoding: base64\r\n\r\nc2Vjb25kIHBhcnQ=\r\n--b--\r\n")

def needs(*capabilities, lacks=()):
    def mark(test):
        test.needs, test.lacks = frozenset(capabilities), frozenset(lacks)
        return test
    return mark


def known_capabilities(words):
    """Those of which maildird knows something, by the names in its table."""
    path = os.path.join(tools.ROOT, "core", "imap", "capability.c")
    with open(path, encoding="ascii") as stream:
        names = re.findall(r'\[CAP_\w+\] = "([^"]+)"', stream.read())
    upper = {name.upper(): name for name in names}
    bare = [word.upper() for word in words]
    bare += [word.split("=")[0] for word in bare if word.startswith("APPENDLIMIT=")]
    return {upper[word] for word in bare if word in upper}


def on(*announced):
    """Of a server that announces these: leaves a class those tests that it can be put to."""
    def apply(case):
        case.announced = frozenset(announced)
        for name in dir(case):
            test = getattr(case, name)
            if name.startswith("test_") and hasattr(test, "needs") and (
                    not test.needs <= case.announced or test.lacks & case.announced):
                setattr(case, name, None)  # no test then
        return case
    return apply


class Terminal:
    """The program on a pseudo terminal."""

    def __init__(self, client, verb, *words, term="dumb"):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            command = client.command(verb, *words)
            os.execve(command[0], command, dict(client.environment(), TERM=term, LC_ALL="C.UTF-8"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def read_until(self, wanted, seconds=30):
        text = ""
        deadline = time.monotonic() + seconds
        while not re.search(wanted, text):
            if time.monotonic() > deadline:
                raise AssertionError("no %r in %r" % (wanted, text))
            if select.select([self.terminal], [], [], 1)[0]:
                try:
                    text += os.read(self.terminal, 4096).decode(errors="replace")
                except OSError:
                    break
        return text

    def read_prompt(self):
        if "libedit" in self.read_until(r"work> |libedit"):
            raise unittest.SkipTest("built without libedit")

    def write(self, text):
        os.write(self.terminal, text.encode())

    def say(self, text, wanted):
        self.write(text)
        return self.read_until(wanted)

    def is_at_end(self, seconds):
        while select.select([self.terminal], [], [], seconds)[0]:
            try:
                os.read(self.terminal, 4096)
            except OSError:
                return True
        return False

    def end_input(self):
        """Ctrl-D, until it is taken: the line editor prints its prompt before it sets the terminal up, and of
        what is typed in between this one is lost. The exit code."""
        for _ in range(30):
            self.write("\x04")
            if self.is_at_end(1):
                break
        return self.end()

    def end(self):
        """Reads to the end; the exit code."""
        self.read_until(r"(?!)")
        pid, self.pid = self.pid, None
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Case(unittest.TestCase):
    """A server with three messages in INBOX, and an account that reaches it."""

    maxDiff = None
    transport = "off"
    announced = frozenset()
    own_server = False  # for each test one of its own: the server keeps no users apart
    count = 0

    @classmethod
    def make_server(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.server = None
        if not cls.own_server:
            cls.server = cls.make_server()
            cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        if cls.server is not None and not cls.own_server:
            cls.server.close()

    def setUp(self):
        if self.own_server:
            self.server = self.make_server()
            self.server.__enter__()
            self.addCleanup(self.server.close)
        else:
            Case.count += 1
            self.server.user = "u%d" % Case.count
        self.client = Maildird(dict(self.server.account(self.transport), **self.settings()))
        self.addCleanup(self.client.close)
        connection = self.server.connect()
        for number in (1, 2, 3):
            connection.append("INBOX", "()", None, MESSAGE % (number, number))
        connection.logout()

    def settings(self):
        """Further keys of the account. By itself it compresses where the server is far."""
        return {"compress": "off"}

    def name(self, name):
        """A mailbox as this server calls it."""
        return name if name == "INBOX" else self.server.prefix + name.replace(
            "/", self.server.delimiter)

    def imap(self, *words, **options):
        return self.client.run("imap", "work", *words, **options)

    def document(self, *words, code=0):
        """`code`: the exit code, or several of which one is expected."""
        result = self.imap("--json", *words)
        self.assertIn(result.code, code if isinstance(code, tuple) else (code,), str(result))
        self.assertEqual(result.err, "")
        document = json.loads(result.out)
        self.assertEqual(list(document), ["op", "status", "code", "text", "untagged", "result"])
        return document

    def result(self, *words):
        document = self.document(*words)
        self.assertEqual(document["status"], "OK", document)
        return document["result"]

    def at_prompt(self, *lines):
        """What each line tells at the prompt, over one connection."""
        with Terminal(self.client, "imap", "work") as terminal:
            terminal.read_prompt()
            told = [terminal.say(line + "\n", r"\n(.|\n)*work> ") for line in lines]
            terminal.write("quit\n")
            self.assertEqual(terminal.end(), 0)
        return told

    def refused(self, *words):
        """By the server: NO, or BAD as some say it."""
        document = self.document(*words, code=(1, 76))
        self.assertIn(document["status"], ("NO", "BAD"))
        self.assertIsNone(document["result"])
        return document

    def file(self, number, data=None):
        path = os.path.join(self.client.folder, "message-%s" % number)
        with open(path, "wb") as stream:
            stream.write(data or MESSAGE % (number, number))
        return path

    def uids(self, *words, mailbox="INBOX"):
        found = self.result("search", mailbox, *words)["all"]
        return found

    def append(self, data, mailbox="INBOX"):
        connection = self.server.connect()
        connection.append(mailbox, "()", None, data)
        connection.logout()

    def wait_in(self, *words):
        """What an operation tells that waits while messages arrive, one every tenth of a second."""
        command = self.client.command("imap", "work", "--json", *words)
        child = subprocess.Popen(command, stdout=subprocess.PIPE, env=self.client.environment())
        deadline = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < deadline:
            self.append(MESSAGE % (9, 9))
            try:
                child.wait(0.1)
            except subprocess.TimeoutExpired:
                pass
        document = json.loads(child.stdout.read())
        child.stdout.close()
        self.assertEqual(child.wait(), 0, document)
        return document
