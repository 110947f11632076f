#!/usr/bin/env python3
"""A mail store as Gmail has it, served by Hoodiecrow: labels are mailboxes, and what has several of
them, or is in All Mail too, is one message by its X-GM-MSGID."""

import os

import hoodiecrow
import oracle
import passes
import tools

FIRST_ID = 1278455344230334800
# In All Mail are all of them; here the numbers of those that each mailbox holds besides.
HOLDS = {"INBOX": range(0, 6), "Label": range(4, 8), "[Gmail]/Important": (2,),
         "[Gmail]/Starred": (9,)}
ALL = range(0, 12)


def held_message(number):
    return {"raw": "Message-ID: <%d@x>\r\nSubject: m%d\r\n\r\nbody %d\r\n" % ((number,) * 3),
            "flags": ["\\Seen"] if number % 2 else [], "X-GM-MSGID": str(FIRST_ID + number)}


def folder(numbers=(), use=None):
    made = {"messages": [held_message(number) for number in numbers]}
    if use:
        made["special-use"] = use
    return made


def storage():
    gmail = {"All Mail": folder(ALL, "\\All"), "Drafts": folder((), "\\Drafts"),
             "Important": folder(HOLDS["[Gmail]/Important"], "\\Important"),
             "Sent Mail": folder((), "\\Sent"), "Spam": folder((), "\\Junk"),
             "Starred": folder(HOLDS["[Gmail]/Starred"], "\\Flagged"),
             "Trash": folder((), "\\Trash")}
    return {"INBOX": folder(HOLDS["INBOX"]),
            "": {"separator": "/", "folders": {
                "Label": folder(HOLDS["Label"]),
                "[Gmail]": {"flags": ["\\Noselect"], "folders": gmail}}}}


class Gmail(passes.PassCase):
    def begin(self, **account):
        self.fixture = self.started(hoodiecrow.Hoodiecrow(storage=storage()))
        return self.client(self.fixture, provider="gmail", **account)

    def local(self, client, mailbox):
        return sorted(path for path, _ in oracle.maildir_files(client.mailbox_path(mailbox)))

    def test_labels_are_folders_and_all_mail_is_left_out(self):
        client = self.begin()
        messages = self.assert_sync(client).account()["messages"]
        self.assertEqual((messages["downloaded"], messages["linked"]), (8, 2), messages)
        self.assertEqual(set(oracle.maildir_folders(client.maildir)),
                         {"INBOX", "Label", "[Gmail]/Drafts", "[Gmail]/Sent Mail", "[Gmail]/Spam",
                          "[Gmail]/Trash"})
        self.assertEqual([len(self.local(client, name)) for name in ("INBOX", "Label")], [6, 4])
        self.assert_idle_pass(client)

    def test_all_mail_is_linked_and_not_doubled(self):
        client = self.begin(mailboxes={"patterns": ["*"]})
        messages = self.assert_sync(client).account()["messages"]
        self.assertEqual(messages["downloaded"], len(ALL), messages)
        self.assertEqual(messages["linked"], sum(len(numbers) for numbers in HOLDS.values()))
        self.assert_same(self.fixture, client)
        files = [path for name in oracle.maildir_folders(client.maildir)
                 for path in self.local(client, name)]
        self.assertEqual(len(files), len(ALL) + messages["linked"])
        self.assertEqual(len({os.stat(path).st_ino for path in files}), len(ALL))
        self.assert_idle_pass(client)

    def test_a_label_is_given_and_taken_here(self):
        """It is a copy and an expunge: nothing is sent, and nothing is gone from All Mail."""
        client = self.begin(mailboxes={"patterns": ["*"]})
        self.assert_sync(client)
        first, second = self.local(client, "INBOX")[:2]
        os.link(first, os.path.join(client.mailbox_path("Label"), "cur", "given.host:2,S"))
        os.unlink(second)
        messages = self.assert_sync(client).account()["messages"]
        self.assertEqual((messages["uploaded"], messages["downloaded"], messages["deleted_remote"]),
                         (0, 0, 1), messages)
        there = {name: sum(counter.values())
                 for name, counter in oracle.read_server(self.fixture).items()}
        self.assertEqual((there["INBOX"], there["Label"], there["[Gmail]/All Mail"]),
                         (5, 5, len(ALL)))


if __name__ == "__main__":
    tools.main()
