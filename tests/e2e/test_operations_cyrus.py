#!/usr/bin/env python3
"""`maildird imap`, each operation, against Cyrus."""

import operation_cases
import tools
from cyrus import Cyrus
from operations import MESSAGE, needs, on


@on("IMAP4rev1", "LITERAL+", "ID", "ENABLE", "ACL", "BINARY", "CATENATE", "CHILDREN", "CONDSTORE",
    "CREATE-SPECIAL-USE", "ESEARCH", "ESORT", "LIST-EXTENDED", "LIST-MYRIGHTS", "LIST-STATUS",
    "METADATA", "MOVE", "MULTIAPPEND", "NAMESPACE", "OBJECTID", "PREVIEW", "QRESYNC", "QUOTA",
    "SAVEDATE", "SEARCH=FUZZY", "SORT", "SORT=DISPLAY", "SPECIAL-USE", "STATUS=SIZE",
    "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES", "THREAD=REFS", "UIDPLUS", "UNSELECT", "WITHIN",
    "LIST-METADATA", "METADATA-SERVER", "RIGHTS=texk", "XLIST", "LOGINDISABLED", "COMPRESS=DEFLATE", "IDLE", "APPENDLIMIT")
class OnCyrus(operation_cases.All):
    @classmethod
    def make_server(cls):
        return Cyrus()

    @needs("PREVIEW")
    def test_preview(self):
        """Made by a program of its own, which does not run here: NIL until then (RFC 8970)."""
        self.assertIsNone(self.result("fetch", "INBOX", "1", "preview")["messages"][0]["preview"])

    @needs("QUOTA")
    def test_quota(self):
        user, root = self.server.user, "user/" + self.server.user
        self.assertEqual(self.result("quota")["roots"], ["INBOX"])
        self.client.write_config(user="admin")
        self.result("setquota", root, "STORAGE", "1024", "MESSAGE", "10")
        self.assertEqual({resource["limit"] for resource in
                          self.result("getquota", root)["resources"]}, {1024, 10})
        self.client.write_config(user=user)
        told = self.result("quota")
        self.assertEqual(len(told["roots"]), 1)
        found = {resource["name"]: resource for resource in told["quotas"][0]["resources"]}
        self.assertEqual((found["MESSAGE"]["usage"], found["MESSAGE"]["limit"]), (3, 10))
        self.assertEqual(found["STORAGE"]["limit"], 1024)
        self.refused("getquota", told["roots"][0])
        large = self.file(4, MESSAGE % (4, 4) + b"word\r\n" * 250000)
        self.assertIn("quota", self.refused("append", "INBOX", large)["text"])

    @needs("METADATA-SERVER")
    def test_metadata_of_the_server(self):
        self.result("setmetadata", "", "/private/comment", "mine")
        found = self.result("getmetadata", "", "/private/comment")["entries"]
        self.assertEqual(found, [{"name": "/private/comment", "value": "mine"}])


if __name__ == "__main__":
    tools.main()
