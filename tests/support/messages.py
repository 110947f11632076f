"""Messages to test with, repeatable from a seed."""

import random

FIRST_WORDS = "invoice minutes draft holiday report answer question offer photo recipe".split()
NAMES = "Ada Grace Zoë Łukasz Mélanie Jürgen Sigríður 山田".split()


def header_lines(rng, number, subject=None):
    name = rng.choice(NAMES)
    subject = subject or "%s %d" % (rng.choice(FIRST_WORDS), number)
    return [
        b"Return-Path: <sender%d@example.org>" % (number % 17),
        b"Received: from mx%d.example.org by mail.example.org; Mon, 6 May 2024 10:%02d:%02d +0000"
        % (number % 5, number // 60 % 60, number % 60),
        b"From: =?utf-8?q?" + "".join("=%02X" % b for b in name.encode()).encode()
        + b"?= <sender%d@example.org>" % (number % 17),
        b"To: alice@example.org",
        b"Subject: " + subject.encode(),
        b"Date: Mon, 6 May 2024 10:%02d:%02d +0000" % (number // 60 % 60, number % 60),
        b"Message-ID: <%d.%016x@example.org>" % (number, rng.getrandbits(64)),
        b"MIME-Version: 1.0",
        b"Content-Type: text/plain; charset=utf-8",
    ]


def message(rng, number, size):
    """A well-formed message with CRLF line ends of about `size` bytes."""
    head = b"\r\n".join(header_lines(rng, number)) + b"\r\n\r\n"
    missing = max(size - len(head), 2)
    line = (b"%x" % rng.getrandbits(72 * 4)).ljust(72, b"=")[:72] + b"\r\n"
    lines = missing // len(line) + 1
    if lines < 200:
        body = b"".join((b"%x" % rng.getrandbits(288)).ljust(72, b"=") + b"\r\n" for _ in range(lines))
    else:
        body = b"".join(b"%08x" % (number + i) + line[8:] for i in range(lines))
    return head + body[:missing - 2].rstrip(b"\r") + b"\r\n"


def sizes(rng, count, smallest=1_000, largest=20_000):
    """Sizes in bytes, more small ones than large ones."""
    return [int(smallest * (largest / smallest) ** rng.random()) for _ in range(count)]


def batch(seed, count, smallest=1_000, largest=20_000, first=0):
    """`count` messages with the numbers from `first` on."""
    rng = random.Random(seed)
    for offset, size in enumerate(sizes(rng, count, smallest, largest)):
        yield message(rng, first + offset, size)


def odd(seed=1):
    """[(name, bytes)]: what a mail store meets in the wild."""
    rng = random.Random(seed)

    def head(name):
        return b"\r\n".join(header_lines(rng, rng.getrandbits(20), name)) + b"\r\n\r\n"
    return [
        ("bare CR", head("bare CR") + b"one\rtwo\r\nthree\r\n"),
        ("bare LF", head("bare LF") + b"one\ntwo\r\nthree\r\n"),
        ("only LF", (head("only LF") + b"one\r\ntwo\r\n").replace(b"\r\n", b"\n")),
        ("CR CR LF", head("CR CR LF") + b"one\r\r\ntwo\r\n"),
        ("8-bit header", b"Subject: caf\xe9 \xff\xfe\r\nX-Caf\xe9: x\r\n" + head("8-bit") + b"\xe9\r\n"),
        ("no header", b"\r\njust a body\r\n"),
        ("no body", head("no body")[:-2]),
        ("no blank line", b"Subject: no blank line"),
        ("no final newline", head("no final newline") + b"the end"),
        ("CR at the end", head("CR at the end") + b"the end\r"),
        ("long line", head("long line") + b"x" * 1_000_000 + b"\r\n"),
        ("From line", head("From line") + b"From me to you\r\n>From you\r\n.\r\n..\r\n"),
        ("many newlines", b"\r\n" * 50),
        ("one byte", b"x"),
        ("looks like IMAP", head("IMAP") + b"a1 OK done\r\n* BYE\r\n{10}\r\n)\r\n"),
        ("folded", b"Subject: a\r\n b\r\n\tc\r\n" + head("folded") + b"text\r\n"),
    ]


def with_nul(seed=2):
    """Servers refuse a NUL by APPEND without BINARY; it can reach a mailbox by other ways."""
    rng = random.Random(seed)
    return b"\r\n".join(header_lines(rng, 1, "NUL")) + b"\r\n\r\none\0two\r\n"


EMPTY = b""
