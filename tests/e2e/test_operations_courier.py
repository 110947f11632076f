#!/usr/bin/env python3
"""`maildird imap`, each operation, against Courier: a tunnel, INBOX. before each name."""

import operation_cases
import tools
from courier import Courier
from operations import needs, on


@on("IMAP4rev1", "UIDPLUS", "CHILDREN", "NAMESPACE", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES",
    "SORT", "QUOTA", "IDLE", "ACL", "ENABLE", "UTF8=ACCEPT")
class OnCourier(operation_cases.All):
    own_server = True
    transport = "tunnel"

    @classmethod
    def make_server(cls):
        return Courier()

    @needs("QUOTA")
    def test_quota(self):
        told = self.result("quota")
        self.assertEqual(told["mailbox"], "INBOX")
        self.assertEqual(told["roots"], ["ROOT"])
        self.assertEqual(told["quotas"], [{"root": "ROOT", "resources": []}])


if __name__ == "__main__":
    tools.main()
