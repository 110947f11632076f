#!/usr/bin/env python3
"""`maildird wire`: what is shown of a conversation, and what it holds of a large one."""

import json
import os
import subprocess
import unittest

import support
import tools
from embedded import Imapd
from maildird import Maildird, release_binary

TRANSCRIPT = r"""S: * OK [CAPABILITY IMAP4rev1 IDLE] ready
C: a1 LOGIN alice open-sesame
S: a1 OK in
C: a2 SELECT INBOX
S: * 3 EXISTS
S: * FLAGS (\Seen foo)
S: * OK [PERMANENTFLAGS (\Seen \*)] limited
S: a2 OK [READ-WRITE] done
C: a3 UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER])
S: * 1 FETCH (UID 7 FLAGS (\Seen) BODY[HEADER] {6}
S: A: b
S: )
S: a3 OK done
C: a4 IDLE
S: + idling
S: * 2 EXPUNGE
C: DONE
S: a4 NO [NOPERM] not here
"""

# What is told of each unit but its offset, which the test adds up.
UNITS = [
    {"direction": "server", "kind": "untagged", "name": "OK", "text": "ready",
     "code": {"name": "CAPABILITY", "data": ["IMAP4rev1", "IDLE"]}},
    {"direction": "client", "kind": "command", "tag": "a1", "name": "LOGIN", "data": ["alice"]},
    {"direction": "server", "kind": "tagged", "tag": "a1", "name": "OK", "text": "in"},
    {"direction": "client", "kind": "command", "tag": "a2", "name": "SELECT",
     "data": {"mailbox": "INBOX"}},
    {"direction": "server", "kind": "untagged", "name": "EXISTS", "number": 3},
    {"direction": "server", "kind": "untagged", "name": "FLAGS", "data": ["\\Seen", "foo"]},
    {"direction": "server", "kind": "untagged", "name": "OK", "text": "limited",
     "code": {"name": "PERMANENTFLAGS", "data": ["\\Seen", "\\*"]}},
    {"direction": "server", "kind": "tagged", "tag": "a2", "name": "OK", "text": "done",
     "code": {"name": "READ-WRITE"}},
    {"direction": "client", "kind": "command", "tag": "a3", "name": "UID FETCH",
     "data": {"set": "1:*", "items": "(UID FLAGS BODY.PEEK[HEADER])"}},
    {"direction": "server", "kind": "untagged", "name": "FETCH", "number": 1,
     "data": {"uid": 7, "flags": ["\\Seen"],
              "sections": [{"section": "BODY[HEADER]", "data": "A: b\r\n"}]}},
    {"direction": "server", "kind": "tagged", "tag": "a3", "name": "OK", "text": "done"},
    {"direction": "client", "kind": "command", "tag": "a4", "name": "IDLE"},
    {"direction": "server", "kind": "continuation", "text": "idling"},
    {"direction": "server", "kind": "untagged", "name": "EXPUNGE", "number": 2},
    {"direction": "client", "kind": "continuation", "text": "DONE"},
    {"direction": "server", "kind": "tagged", "tag": "a4", "name": "NO", "text": "not here",
     "code": {"name": "NOPERM"}},
]

# Raw input, the units without offset and direction, and the exit code.
RAW = [
    (b"", [], 0),
    (b"* LIST (\\Sent) \"/\" \"Sent\"\n",
     [{"kind": "untagged", "name": "LIST",
       "data": {"name": "Sent", "delimiter": "/", "attributes": ["\\Sent"]}}], 0),
    (b"a OK \xff\xfe\r\n",
     [{"kind": "tagged", "tag": "a", "name": "OK", "text": {"base64": "//4="}}], 0),
    (b"* STATUS INBOX (MESSAGES 5 UIDNEXT 9 HIGHESTMODSEQ 12)\r\n",
     [{"kind": "untagged", "name": "STATUS",
       "data": {"mailbox": "INBOX", "messages": 5, "uidnext": 9, "highestmodseq": 12}}], 0),
    (b"* THREAD (2)(3 6 (4 23)(44 7 96))\r\n",
     [{"kind": "untagged", "name": "THREAD", "data": [[2], [3, 6, [4, 23], [44, 7, 96]]]}], 0),
    (b"* SEARCH 2 3 9\r\n",
     [{"kind": "untagged", "name": "SEARCH", "data": {"all": "2:3,9"}}], 0),
    (b"t UID SEARCH OR FROM bob NOT SEEN\r\n",
     [{"kind": "command", "tag": "t", "name": "UID SEARCH",
       "data": {"criteria": {"or": ["FROM \"bob\"", {"not": "SEEN"}]}}}], 0),
    (b"t UID STORE 4:7 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen)\r\n",
     [{"kind": "command", "tag": "t", "name": "UID STORE",
       "data": {"set": "4:7", "mode": "add", "silent": True, "flags": ["\\Seen"],
                "unchangedsince": 5}}], 0),
    (b"t OK [COPYUID 9 1:2 7:8] copied\r\n",
     [{"kind": "tagged", "tag": "t", "name": "OK", "text": "copied",
       "code": {"name": "COPYUID",
                "data": {"uidvalidity": 9, "source": "1:2", "dest": "7:8"}}}], 0),
]


class Wire(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.home = support.Home()

    def tearDown(self):
        self.home.close()

    def dissect(self, data, *words):
        if isinstance(data, str):
            data = data.encode()
        done = subprocess.run([support.binary(), "wire", *words], input=data, capture_output=True,
                              timeout=60, check=False)
        self.assertEqual(done.stderr, b"")
        return done.returncode, done.stdout.decode()

    def units(self, data):
        code, out = self.dissect(data, "--json")
        return code, [json.loads(line) for line in out.splitlines()]

    def test_a_transcript_of_both_sides(self):
        code, units = self.units(TRANSCRIPT)
        self.assertEqual(code, 0)
        offsets = [unit.pop("offset") for unit in units]
        self.assertEqual(units, UNITS)
        lines = TRANSCRIPT.encode().split(b"\n")
        starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
        self.assertEqual(offsets, [start for number, start in enumerate(starts[:-1])
                                   if number not in (10, 11)])

    def test_the_same_raw_with_either_line_end(self):
        raw = "".join(line[3:] + "\n" for line in TRANSCRIPT.splitlines())
        for text in (raw.replace("{6}\nA: b\n", "{6}\nA: b\r\n"), raw.replace("\n", "\r\n")):
            code, units = self.units(text)
            for unit in units:
                del unit["offset"]
            self.assertEqual((code, units), (0, UNITS))

    def test_values(self):
        for data, wanted, wanted_code in RAW:
            code, units = self.units(data)
            for unit in units:
                del unit["offset"], unit["direction"]
            self.assertEqual((code, units), (wanted_code, wanted), data)

    def test_what_cannot_be_parsed_is_told_and_the_rest_too(self):
        code, units = self.units(b"* 1 EXISTS\r\n* 2 FETCH (UID (\r\n*garbage*\r\na1 OK done\r\n")
        self.assertEqual(code, 1)
        self.assertEqual([(unit["offset"], unit["kind"]) for unit in units],
                         [(0, "untagged"), (12, "error"), (30, "error"), (41, "tagged")])
        self.assertIn("number", units[1]["error"])
        for unit in units[1:3]:
            self.assertTrue(unit["error"])

    def test_text_for_people(self):
        code, out = self.dissect(TRANSCRIPT + "S: * 2 FETCH (UID (\n")
        self.assertEqual(code, 1)
        for line in ("       0  S  * OK [CAPABILITY (IMAP4rev1 IDLE)] ready",
                     "      42  C  a1 LOGIN  (alice)",
                     "C  a2 SELECT  mailbox=INBOX",
                     "S  * 3 EXISTS",
                     r'S  * 1 FETCH  uid=7 flags=(\Seen) sections=({section=BODY[HEADER] '
                     'data="A: b  "})',
                     "S  + idling",
                     "S  a4 NO [NOPERM] not here",
                     "S  ! 2 FETCH expected a number"):
            self.assertIn(line, out)

    def test_a_terminal_is_not_at_the_mercy_of_the_input(self):
        _, out = self.dissect(b"a OK \x1b[31mred\x07\r\n* LIST () \"/\" \"a\x1bb\"\r\n")
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\x07", out)

    def test_law10_passwords_are_not_shown(self):
        for text in (TRANSCRIPT, "C: a AUTHENTICATE PLAIN\nS: +\nC: AGEAb3Blbi1zZXNhbWU=\n",
                     "a AUTHENTICATE PLAIN AGEAb3Blbi1zZXNhbWU=\r\n"):
            for words in ([], ["--json"]):
                _, out = self.dissect(text, *words)
                self.assertNotIn("open-sesame", out)
                self.assertNotIn("AGEA", out)

    def test_files_and_wrong_words(self):
        path = self.home.write("t", TRANSCRIPT)
        self.assertEqual(self.home.run("wire", path).out, self.dissect(TRANSCRIPT)[1])
        result = self.home.run("wire", "missing")
        self.assertEqual((result.code, result.out), (74, ""))
        self.assertIn("missing", result.err)
        self.assertEqual(self.home.run("wire", "a", "b").code, 64)

    def test_a_trace_of_a_sync_can_be_taken_apart(self):
        with Imapd("tls") as server, Maildird(server.account("tls"), support.binary()) as client:
            trace = os.path.join(client.folder, "trace")
            self.assertEqual(client.sync("--trace", trace).code, 0)
            with open(trace, encoding="utf-8") as stream:
                text = stream.read()
        code, units = self.units(text)
        names = {unit.get("name") for unit in units}
        self.assertLessEqual({"CAPABILITY", "AUTHENTICATE", "LIST", "LOGOUT"}, names)
        self.assertEqual(([unit for unit in units if unit["kind"] == "error"], code), ([], 0))

    def test_what_a_trace_leaves_out(self):
        stamp = "2026-01-31T12:00:00.123Z work "
        code, units = self.units("".join(stamp + line + "\n" for line in (
            "C: a1 AUTHENTICATE [hidden]", "S: + ", "C: [hidden]", "S: a1 OK done",
            "C: a2 LOGIN [hidden]", "C: [hidden]", "S: a2 OK done",
            "S: * 1 FETCH (UID 7 BODY[] {5000}", "S: [literal of 5000 bytes]", "S:  FLAGS ())",
            "C: a3 NOOP")))
        self.assertEqual(code, 0, units)
        self.assertEqual([unit["kind"] for unit in units if unit["direction"] == "client"],
                         ["command", "continuation", "command", "continuation", "command"])
        fetch = next(unit for unit in units if unit.get("name") == "FETCH")
        self.assertEqual((fetch["data"]["uid"], fetch["data"]["flags"]), (7, []))
        self.assertEqual(fetch["data"]["sections"], [{"section": "BODY[]", "data": {"bytes": 5000}}])
        self.assertEqual(self.units(stamp + "S: * 1 FETCH (BODY[] {99999999999}\n" + stamp +
                                    "S: [literal of 99999999999 bytes]\n")[0], 1)

    def test_literals_of_what_is_not_known_are_kept(self):
        _, units = self.units("* XFOO {5}\r\nhello x {2}\r\nyz\r\na XBAR {3+}\r\nabc\r\n* 1 EXISTS\r\n")
        self.assertEqual([unit.get("text") for unit in units],
                         ["{5}\r\nhello x {2}\r\nyz", "{3+}\r\nabc", None])


class Large(unittest.TestCase):
    """What is held of a literal of 500 MB, as the difference to one of 5 bytes."""

    PIECE = b"x" * (1 << 20)

    def peak_kib(self, pieces):
        size = pieces * len(self.PIECE)
        child = subprocess.Popen([release_binary(), "wire", "--json"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
        child.stdin.write(b"* 1 FETCH (UID 7 BODY[] {%d}\r\n" % size)
        for _ in range(pieces):
            child.stdin.write(self.PIECE)
        child.stdin.write(b")\r\na OK done\r\n")
        child.stdin.close()
        out = child.stdout.read().decode()
        child.stdout.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0)
        first, second = (json.loads(line) for line in out.splitlines())
        self.assertEqual(first["data"]["sections"], [{"section": "BODY[]", "data":
                                                      {"bytes": size} if size else ""}])
        self.assertEqual(second["offset"], 28 + len(str(size)) + size + 3)
        return usage.ru_maxrss

    def test_at_most_1_mib_is_held(self):
        small = self.peak_kib(0)
        self.assertLessEqual(self.peak_kib(500) - small, 1024)


if __name__ == "__main__":
    tools.main()
