"""The classes that Twisted's IMAP server wants: account, mailbox and message, all in memory."""

import email.utils
import io
import re
import sys

from twisted.cred import checkers, credentials, error, portal
from twisted.internet import defer, protocol, reactor
from twisted.mail import imap4
from twisted.python import log
from zope.interface import implementer

SYSTEM_FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


def canonical(flags):
    known = {flag.lower(): flag for flag in SYSTEM_FLAGS}
    return [known.get(text(flag).lower(), text(flag)) for flag in flags]


@implementer(imap4.IMessage, imap4.IMessageFile)
class Message:
    def __init__(self, uid, data, flags, date):
        self.uid, self.data, self.flags = uid, data, set(flags)
        self.date = date or email.utils.formatdate()

    def getUID(self):
        return self.uid

    def getFlags(self):
        return sorted(self.flags)

    def getInternalDate(self):
        return self.date

    def getSize(self):
        return len(self.data)

    def parts(self):
        found = re.search(rb"boundary=(\w+)", self.data.partition(b"\r\n\r\n")[0])
        if not found:
            return []
        inner = self.data.partition(b"\r\n\r\n")[2].split(b"--" + found[1])[1:-1]
        return [Message(0, part[2:].removesuffix(b"\r\n"), (), None) for part in inner]

    def isMultipart(self):
        return bool(self.parts())

    def getSubPart(self, part):
        return self.parts()[part]

    def open(self):
        return io.BytesIO(self.data)

    def getBodyFile(self):
        return io.BytesIO(self.data.partition(b"\r\n\r\n")[2])

    def getHeaders(self, negate, *names):
        """Values: text for ENVELOPE and BODYSTRUCTURE, bytes for SEARCH, as Twisted wants them."""
        values = {name.decode("latin-1").lower(): line.partition(b":")[2].strip()
                  for name, line in self.header_lines(negate, names)}
        if negate or "content-type" in names:
            values.setdefault("content-type", b"text/plain; charset=us-ascii")
            return {name: value.decode("latin-1") for name, value in values.items()}
        return {**values, **{name.encode(): value for name, value in values.items()}}

    def header_lines(self, negate, names):
        """[(name, line with its end)] of the header as it is, folded lines kept."""
        header = self.data.partition(b"\r\n\r\n")[0] + b"\r\n"
        wanted = {text(name).lower().encode("latin-1") for name in names}
        lines = [(line.partition(b":")[0], line)
                 for line in re.findall(rb"[^\r\n].*?\r\n(?![ \t])", header, re.DOTALL)]
        return [(name, line) for name, line in lines if (name.lower() in wanted) != bool(negate)]


@implementer(imap4.IMailbox, imap4.IMessageCopier)
class Mailbox:
    def __init__(self, uidvalidity):
        self.uidvalidity = uidvalidity
        self.messages = []
        self.uidnext = 1
        self.listeners = []

    def getUIDValidity(self):
        return self.uidvalidity

    def getUIDNext(self):
        return self.uidnext

    def getUID(self, number):
        return self.messages[number - 1].uid

    def getMessageCount(self):
        return len(self.messages)

    def getRecentCount(self):
        return 0

    def getUnseenCount(self):
        return sum("\\Seen" not in message.flags for message in self.messages)

    def isWriteable(self):
        return True

    def destroy(self):
        pass

    def requestStatus(self, names):
        return imap4.statusRequestHelper(self, names)

    def addListener(self, listener):
        self.listeners.append(listener)

    def removeListener(self, listener):
        self.listeners.remove(listener)

    def getFlags(self):
        return SYSTEM_FLAGS + ["\\*"]

    def getHierarchicalDelimiter(self):
        return "/"

    def add(self, data, flags, date):
        self.messages.append(Message(self.uidnext, data, canonical(flags), date))
        self.uidnext += 1
        for listener in list(self.listeners):
            listener.newMessages(len(self.messages), None)

    def addMessage(self, body, flags=(), date=None):
        if date is not None:
            date = text(date).strip('" ').replace("-", " ", 2)
        self.add(body.read(), flags, date)
        return defer.succeed(None)

    def copy(self, message):
        self.add(message.data, message.flags, message.date)
        return defer.succeed(self.uidnext - 1)

    def expunge(self):
        gone = []
        for number in range(len(self.messages), 0, -1):
            if "\\Deleted" in self.messages[number - 1].flags:
                del self.messages[number - 1]
                gone.append(number)
        return gone

    def chosen(self, wanted, by_uid):
        """[(sequence number, message)] of a MessageSet, which may name what does not exist."""
        last = len(self.messages)
        if by_uid:
            last = self.messages[-1].uid if self.messages else 0
        wanted.last = last
        return [(number, message) for number, message in enumerate(self.messages, 1)
                if (message.uid if by_uid else number) in wanted]

    def fetch(self, wanted, uid):
        return self.chosen(wanted, uid)

    def store(self, wanted, flags, mode, uid):
        flags = set(canonical(flags))
        changed = {}
        for number, message in self.chosen(wanted, uid):
            if mode == 0:
                message.flags = set(flags)
            elif mode > 0:
                message.flags |= flags
            else:
                message.flags -= flags
            changed[number] = message.getFlags()
        return changed


@implementer(imap4.IAccount, imap4.INamespacePresenter)
class Account:
    def __init__(self):
        self.mailboxes = {"INBOX": Mailbox(1000)}
        self.next_uidvalidity = 1001
        self.subscriptions = set()

    def key(self, name):
        name = text(name)
        return "INBOX" if name.upper() == "INBOX" else name

    def addMailbox(self, name, mailbox=None):
        return self.create(name)

    def create(self, name):
        parts = self.key(name).rstrip("/").split("/")
        if "/".join(parts) in self.mailboxes:
            raise imap4.MailboxCollision(name)
        for length in range(1, len(parts) + 1):
            parent = "/".join(parts[:length])
            if parent not in self.mailboxes:
                self.mailboxes[parent] = Mailbox(self.next_uidvalidity)
                self.next_uidvalidity += 1
        return True

    def select(self, name, readwrite=True):
        return self.mailboxes.get(self.key(name))

    def delete(self, name):
        if self.key(name) not in self.mailboxes:
            raise imap4.MailboxException("No such mailbox")
        del self.mailboxes[self.key(name)]

    def rename(self, old, new):
        if self.key(new) in self.mailboxes:
            raise imap4.MailboxCollision(new)
        self.mailboxes[self.key(new)] = self.mailboxes.pop(self.key(old))

    def isSubscribed(self, name):
        return self.key(name) in self.subscriptions

    def subscribe(self, name):
        self.subscriptions.add(self.key(name))

    def unsubscribe(self, name):
        self.subscriptions.discard(self.key(name))

    def listMailboxes(self, reference, wildcard):
        pattern = imap4.wildcardToRegexp(text(reference) + text(wildcard), "/")
        return [(name, box) for name, box in self.mailboxes.items() if pattern.fullmatch(name)]

    def getPersonalNamespaces(self):
        return [["", "/"]]

    def getUserNamespaces(self):
        return None

    def getSharedNamespaces(self):
        return None


class Realm:
    def __init__(self):
        self.accounts = {}

    def requestAvatar(self, name, mind, *interfaces):
        return imap4.IAccount, self.accounts.setdefault(name, Account()), lambda: None


@implementer(checkers.ICredentialsChecker)
class Anybody:
    """With the one password."""

    credentialInterfaces = (credentials.IUsernamePassword, credentials.IUsernameHashedPassword)

    def __init__(self, password):
        self.password = password

    def requestAvatarId(self, offered):
        if offered.checkPassword(self.password):
            return defer.succeed(offered.username)
        return defer.fail(error.UnauthorizedLogin())


class Session(imap4.IMAP4Server):
    def __init__(self):
        super().__init__({b"CRAM-MD5": credentials.CramMD5Credentials,
                          b"LOGIN": imap4.LOGINCredentials, b"PLAIN": imap4.PLAINCredentials})

    def spew_body(self, part, id, msg, _w=None, _f=None):
        """Headers as they are: Twisted would lose repeated ones, and fail on what is not ASCII."""
        if not part.header:
            return super().spew_body(part, id, msg, _w, _f)
        lines = msg.header_lines(part.header.negate, part.header.fields or ())
        header = b"".join(line for _, line in lines) + b"\r\n"
        _w(part.__bytes__() + b" {%d}\r\n" % len(header) + header)
        return None


class Factory(protocol.Factory):
    def __init__(self, gate):
        self.gate = gate

    def buildProtocol(self, address):
        session = Session()
        session.portal = self.gate
        session.factory = self
        return session


def serve(password):
    log.startLogging(sys.stderr, setStdout=False)
    gate = portal.Portal(Realm(), [Anybody(password.encode())])
    listener = reactor.listenTCP(0, Factory(gate), interface="127.0.0.1")
    print(listener.getHost().port, flush=True)
    sys.stdout.close()
    reactor.run()
