#!/usr/bin/env python3
"""Mailboxes renamed on either side of a real server, in circles and along the tree: the other side follows,
and no message is carried."""

import os

import cyrus
import dovecot
import messages
import oracle
import passes
import tools

MAILBOXES = ["A", "B", "C", "C/c", "D"]

# Renames on the server, renames here, and the mailboxes then, each with the one that it was.
CASES = (
    ("a circle there", [("A", "x"), ("B", "A"), ("x", "B")], [],
     {"A": "B", "B": "A", "C": "C", "C/c": "C/c", "D": "D"}),
    ("a circle here", [], [("A", "x"), ("B", "A"), ("x", "B")],
     {"A": "B", "B": "A", "C": "C", "C/c": "C/c", "D": "D"}),
    ("a parent there", [("C", "E"), ("E/c", "E/c d")], [],
     {"A": "A", "B": "B", "E": "C", "E/c d": "C/c", "D": "D"}),
    ("a parent here", [], [("C", "E é"), ("E é/c", "E é/&c")],
     {"A": "A", "B": "B", "E é": "C", "E é/&c": "C/c", "D": "D"}),
    ("below one that is renamed here", [], [("A", "B/a"), ("B", "E")],
     {"E/a": "A", "E": "B", "C": "C", "C/c": "C/c", "D": "D"}),
    ("parents in a circle here, one gets a child there", [("D", "A/d")], [("A", "x"), ("C", "A"), ("x", "C")],
     {"A": "C", "A/c": "C/c", "C": "A", "A/d": "D", "B": "B"}),
    ("one name from both sides", [("A", "x"), ("B", "A"), ("x", "B")], [("B", "x"), ("D", "B"), ("x", "D")],
     {"A": "B", "B": "A", "C": "C", "C/c": "C/c", "D": "D"}),
    ("other letters", [("A", "a")], [("B", "b")],
     {"a": "A", "b": "B", "C": "C", "C/c": "C/c", "D": "D"}),
)


class Renames(passes.PassCase):
    def begin(self, fixture):
        self.started(fixture)
        self.create(fixture, MAILBOXES)
        connection = fixture.connect()
        for number, name in enumerate(MAILBOXES):
            for message in messages.batch(number, 2, first=10 * number):
                oracle.append(connection, self.wire(fixture, name), message)
        connection.logout()
        client = self.client(fixture)
        self.assert_sync(client)
        return client, oracle.read_server(fixture)

    def check(self, fixture, there, here, expected):
        client, before = self.begin(fixture)
        connection = fixture.connect()
        for old, new in there:
            oracle.check(connection.rename(oracle.quoted(self.wire(fixture, old)),
                                           oracle.quoted(self.wire(fixture, new))))
        connection.logout()
        for old, new in here:
            os.rename(client.mailbox_path(old), client.mailbox_path(new))
        for _ in range(2):
            moved = self.assert_sync(client).account()["messages"]
            self.assertEqual([name for name, number in moved.items() if number], [])
        after = self.assert_same(fixture, client)
        wanted = {new: before[old] for new, old in expected.items()}
        self.assertEqual({name: after.get(name) for name in wanted}, wanted)
        self.assert_idle_pass(client)

    def check_all(self, fixture_of):
        for name, there, here, expected in CASES:
            with self.subTest(case=name):
                self.check(fixture_of(), there, here, expected)

    def test_dovecot(self):
        self.check_all(dovecot.Dovecot)

    def test_cyrus(self):
        self.check_all(cyrus.Cyrus)


if __name__ == "__main__":
    tools.main()
