#!/usr/bin/env python3
"""`maildird imap`, each operation, against Hoodiecrow, which speaks as Gmail does."""

import operation_cases
import tools
from hoodiecrow import Hoodiecrow
from operations import needs, on


@on("IMAP4rev1", "ID", "NAMESPACE", "IDLE", "ENABLE", "CONDSTORE", "LITERAL+", "UNSELECT",
    "SPECIAL-USE", "CREATE-SPECIAL-USE", "UIDPLUS", "MOVE", "STARTTLS", "X-GM-EXT-1")
class OnHoodiecrow(operation_cases.All):
    own_server = True

    @classmethod
    def make_server(cls):
        return Hoodiecrow()

    # It has CONDSTORE in part, knows no charset, has no word for what could be made, and counts
    # days in its own way.
    test_fetch_of_what_changed = test_search_by_modseq = test_store_unless_changed = None
    test_search_by_date = test_search_in_utf8 = test_a_missing_mailbox_can_be_made = None

    @needs("ENABLE", "CONDSTORE")
    def test_enable_condstore(self):
        """It says OK, and not what it has enabled."""
        self.assertEqual(self.result("enable", "CONDSTORE"), {"CONDSTORE": False})

    @needs("STARTTLS")
    def test_starttls(self):
        self.client.accounts["work"] = dict(self.server.account("starttls"),
                                            maildir=self.client.maildir)
        self.client.write_config()
        self.assertNotIn("STARTTLS", self.result("login")["capabilities"])
        self.assertEqual(self.uids("all"), "1:3")


if __name__ == "__main__":
    tools.main()
