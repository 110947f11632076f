"""What is really there, read by other means than the program under test: Python's own imaplib, and
the files of a Maildir. Both give {mailbox: Counter of (digest, flags)} with mailbox names in Unicode
and `/` between the levels."""

import base64
import collections
import hashlib
import os
import re
import urllib.parse

FLAG_LETTERS = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F", "\\Deleted": "T", "\\Draft": "D"}


def digest(message):
    """Equal for a message and the same with other line ends."""
    return hashlib.sha256(message.replace(b"\r\n", b"\n")).hexdigest()[:20]


def letters(flags):
    return "".join(sorted(FLAG_LETTERS[flag] for flag in flags if flag in FLAG_LETTERS))


# --- modified UTF-7 --------------------------------------------------------------------------------

def encode_name(name):
    def part(match):
        text = match.group(0)
        if text == "&":
            return "&-"
        encoded = base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return "&%s-" % encoded
    return re.sub(r"&|[^\x20-\x7e]+", part, name)


def decode_name(name):
    def part(match):
        text = match.group(1).replace(",", "/")
        if not text:
            return "&"
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-be")
    return re.sub(r"&([^-]*)-", part, name)


def quoted(name):
    return '"%s"' % name.replace("\\", "\\\\").replace('"', '\\"')


# --- the server ------------------------------------------------------------------------------------

def check(answer):
    status, data = answer
    if status != "OK":
        raise AssertionError("the server said %s: %r" % (status, data))
    return data


LIST_LINE = re.compile(rb'\((?P<flags>[^)]*)\) (?:"(?P<delimiter>[^"]*)"|NIL) (?P<name>.+)$', re.DOTALL)


def list_server(connection):
    """[(name on the wire, attributes)] of all mailboxes that can be selected."""
    found = []
    for line in check(connection.list()):
        if isinstance(line, tuple):
            match = LIST_LINE.match(line[0].rpartition(b" {")[0] + b' "' + line[1] + b'"')
        else:
            match = LIST_LINE.match(line) if line else None
        if match is None or b"\\noselect" in match["flags"].lower():
            continue
        name = match["name"].decode()
        if name.startswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        found.append((name, match["flags"].decode().split()))
    return found


def local_name(wire_name, prefix, delimiter):
    name = wire_name
    if prefix and name.startswith(prefix):
        name = name[len(prefix):]
    return decode_name(name).replace(delimiter, "/") if delimiter else decode_name(name)


def wire_name(name, prefix="", delimiter="/"):
    if name.upper() == "INBOX":
        return "INBOX"
    return prefix + delimiter.join(encode_name(part) for part in name.split("/"))


FETCH_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
FETCH_UID = re.compile(rb"UID (\d+)")


def parse_fetch(data):
    """Yields (uid, flags, literal) from what imaplib gives for FETCH (UID FLAGS BODY.PEEK[])."""
    for position, item in enumerate(data):
        if isinstance(item, tuple):
            rest = data[position + 1] if position + 1 < len(data) else b""
            around = item[0] + b" " + (rest if isinstance(rest, bytes) else b"")
            literal = item[1]
        elif item and b"BODY[] " in item:
            around, literal = item, re.search(rb'BODY\[\] "?([^")]*)', item).group(1)
            literal = b"" if literal == b"NIL" else literal
        else:
            continue
        yield (int(FETCH_UID.search(around).group(1)),
               FETCH_FLAGS.search(around).group(1).decode().split(), literal)


def append(connection, name, message, flags=""):
    """APPEND of exactly these bytes, which imaplib's own append() would change."""
    connection.literal = message
    check(connection._simple_command("APPEND", quoted(name), "(%s)" % flags))


def read_server_mailbox(connection, name):
    """[(uid, flags, bytes)] of one mailbox, by its name on the wire."""
    count = int(check(connection.select(quoted(name), readonly=True))[0])
    messages = []
    for first in range(1, count + 1, 200):
        sequence = "%d:%d" % (first, min(first + 199, count))
        messages += parse_fetch(check(connection.fetch(sequence, "(UID FLAGS BODY.PEEK[])")))
    return messages


def read_server(fixture, deleted_is_gone=False):
    """All mailboxes of a server of tests/support."""
    state = {}
    connection = fixture.connect()
    for name, _ in list_server(connection):
        counter = collections.Counter()
        for _, flags, message in read_server_mailbox(connection, name):
            if not (deleted_is_gone and "\\Deleted" in flags):
                counter[digest(message), letters(flags)] += 1
        state[local_name(name, fixture.prefix, fixture.delimiter)] = counter
    connection.logout()
    return state


# --- the Maildir -----------------------------------------------------------------------------------

INFO = re.compile(r":2,([^/]*)$")


def maildir_files(folder):
    """[(path, flag letters)] of one Maildir folder."""
    found = []
    for part in ("new", "cur"):
        for name in os.listdir(os.path.join(folder, part)):
            match = INFO.search(name)
            flags = "".join(sorted(set(match.group(1)) & set("SRFTD"))) if match else ""
            found.append((os.path.join(folder, part, name), flags))
    return found


def maildir_folders(root):
    """{mailbox: path} of the nested layout."""
    found = {}
    for folder, names, _ in os.walk(root):
        if {"cur", "new", "tmp"} <= set(names):
            relative = os.path.relpath(folder, root)
            found[urllib.parse.unquote(relative)] = folder
        names[:] = [name for name in names if name not in ("cur", "new", "tmp")]
    return found


def read_maildir(root, deleted_is_gone=False):
    state = {}
    for mailbox, folder in maildir_folders(root).items():
        counter = collections.Counter()
        for path, flags in maildir_files(folder):
            if deleted_is_gone and "T" in flags:
                continue
            with open(path, "rb") as stream:
                counter[digest(stream.read()), flags] += 1
        state[mailbox] = counter
    return state


# --- both ------------------------------------------------------------------------------------------

def differences(remote, local):
    """One line for each difference between two states."""
    lines = []
    for mailbox in sorted(set(remote) | set(local)):
        if mailbox not in remote or mailbox not in local:
            where = "here" if mailbox in local else "on the server"
            lines.append("mailbox %r is only %s" % (mailbox, where))
            continue
        for key in (remote[mailbox] - local[mailbox]).elements():
            lines.append("%r: only on the server: %s" % (mailbox, key))
        for key in (local[mailbox] - remote[mailbox]).elements():
            lines.append("%r: only here: %s" % (mailbox, key))
    return lines
