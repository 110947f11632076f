#!/usr/bin/env python3
"""`maildird imap`, each operation, against Dovecot."""

import operation_cases
import tools
from dovecot import Dovecot
from operations import needs, on

PLUGINS = """
mail_attribute_dict = file:%h/attributes
protocol imap {
  mail_plugins = $mail_plugins acl quota imap_acl imap_quota imap_zlib
  imap_metadata = yes
}
plugin {
  acl = vfile
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=1M
}
"""


@on("IMAP4rev1", "ID", "ENABLE", "IDLE", "SORT", "SORT=DISPLAY", "THREAD=REFERENCES",
    "THREAD=REFS", "THREAD=ORDEREDSUBJECT", "MULTIAPPEND", "CATENATE", "UNSELECT", "CHILDREN",
    "NAMESPACE", "UIDPLUS", "LIST-EXTENDED", "CONDSTORE", "QRESYNC", "ESEARCH", "ESORT",
    "SEARCHRES", "WITHIN", "CONTEXT=SEARCH", "LIST-STATUS", "BINARY", "MOVE", "PREVIEW",
    "STATUS=SIZE", "SAVEDATE", "LITERAL+", "NOTIFY", "COMPRESS=DEFLATE", "METADATA", "ACL", "QUOTA",
    "RIGHTS=texk", "METADATA-SERVER", "SASL-IR")
class OnDovecot(operation_cases.All):
    @classmethod
    def make_server(cls):
        return Dovecot(extra=PLUGINS)

    @needs("QUOTA")
    def test_quota(self):
        told = self.result("quota")
        self.assertEqual(told["roots"], ["User quota"])
        found = self.result("getquota", "User quota")["resources"]
        self.assertEqual((found[0]["name"], found[0]["limit"]), ("STORAGE", 1024))
        self.assertEqual(self.refused("append", "INBOX", self.file(4, b"x" * 2000000))["code"],
                         "OVERQUOTA")

    @needs("METADATA-SERVER")
    def test_metadata_of_the_server(self):
        found = self.result("getmetadata", "", "/shared/comment", "/shared/admin")["entries"]
        self.assertEqual({entry["name"]: entry["value"] for entry in found if entry["value"]}, {})


if __name__ == "__main__":
    tools.main()
