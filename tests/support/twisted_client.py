"""Twisted's IMAP client against a server: each command that it can issue. Run as a program with port,
user and password; prints what came back as JSON."""

import io
import json
import sys

from twisted.internet import defer, endpoints, protocol, reactor, task
from twisted.mail import imap4

MESSAGE = (b"From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: Lunch\r\n"
           b"Date: Sat, 31 Jan 2026 12:00:00 +0000\r\nMessage-ID: <%d@example.org>\r\n\r\n"
           b"At noon?\r\n")


class Client(imap4.IMAP4Client):
    def __init__(self):
        super().__init__()
        self.news = defer.Deferred()
        self.greeted = defer.Deferred()

    def serverGreeting(self, capabilities):
        self.greeted.callback(capabilities)

    def dispatchCommand(self, tag, rest):
        """Twisted hands on what comes during a command when that is over, which is late for IDLE."""
        if tag == b"*" and rest.endswith(b" EXISTS") and not self.news.called:
            self.news.callback(int(rest.split()[0]))
        super().dispatchCommand(tag, rest)

    def command(self, name, arguments=None, **options):
        return self.sendCommand(imap4.Command(name, arguments, **options))

    @defer.inlineCallbacks
    def idle(self, meanwhile):
        """IDLE until a new message is told, which `meanwhile` sees to once the server listens."""
        self.news = defer.Deferred()
        listening = defer.Deferred()
        ended = self.command(b"IDLE", continuation=listening.callback)
        yield listening
        yield meanwhile()
        exists = yield self.news
        self.sendLine(b"DONE")
        yield ended
        return exists


def text(value):
    """As JSON can hold it."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {str(text(key)): text(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [text(item) for item in value]
    return value


@defer.inlineCallbacks
def connect(port):
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    client = yield endpoint.connect(protocol.Factory.forProtocol(Client))
    yield client.greeted
    return client


def append(client, number):
    return client.append("INBOX", io.BytesIO(MESSAGE % number), ("\\Seen",))


@defer.inlineCallbacks
def drive(port, user, password):
    out = {}
    plain = yield connect(port)
    yield plain.login(user, password)
    client = yield connect(port)
    client.registerAuthenticator(imap4.CramMD5ClientAuthenticator(user))
    yield client.authenticate(password)
    out["capabilities"] = text((yield client.getCapabilities()))
    out["namespace"] = text((yield client.namespace()))
    yield client.create("Work")
    yield client.subscribe("Work")
    out["list"] = sorted(text(entry[2]) for entry in (yield client.list("", "*")))
    out["lsub"] = [text(entry[2]) for entry in (yield client.lsub("", "*"))]
    for number in (1, 2, 3):
        yield append(client, number)
    out["select"] = text((yield client.select("INBOX")))
    out["examine"] = text((yield plain.examine("INBOX")))
    out["fetch"] = text((yield client.fetchMessage("1")))
    out["envelope"] = text((yield client.fetchEnvelope("1:3", uid=True)))
    out["structure"] = text((yield client.fetchBodyStructure("2")))
    out["store"] = text((yield client.addFlags("2", ["\\Flagged"], silent=0)))
    out["search"] = text((yield client.search(imap4.Query(flagged=True))))
    yield client.copy("1", "Work", uid=False)
    yield client.command(b"UID MOVE", b"2 Work")
    out["status"] = text((yield client.status("Work", "MESSAGES")))
    out["idle"] = yield client.idle(lambda: append(plain, 4))
    yield client.setFlags("1", ["\\Deleted"])
    out["expunge"] = text((yield client.expunge()))
    out["left"] = text((yield client.fetchUID("1:*")))
    yield client.check()
    yield client.noop()
    yield client.close()
    yield client.rename("Work", "Play")
    yield client.delete("Play")
    yield client.logout()
    yield plain.logout()
    print(json.dumps(out))


if __name__ == "__main__":
    task.react(lambda _: drive(int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3].encode()))
