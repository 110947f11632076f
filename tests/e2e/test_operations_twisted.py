#!/usr/bin/env python3
"""`maildird imap`, each operation, against a bare IMAP4rev1 server."""

import operation_cases
import tools
from operations import on
from twisted_server import TwistedServer


@on("IMAP4rev1", "IDLE", "NAMESPACE", "AUTH=PLAIN", "AUTH=LOGIN", "AUTH=CRAM-MD5")
class OnTwisted(operation_cases.All):
    @classmethod
    def make_server(cls):
        return TwistedServer()

    # It compares dates as text with bytes, takes no notice of the charset, has no word for what
    # could be made, sends parts whole, and does not quote names in STATUS.
    test_search_by_date = test_search_in_utf8 = test_a_missing_mailbox_can_be_made = None
    test_a_piece_of_a_part = None
    odd_name = "Später&日本"


if __name__ == "__main__":
    tools.main()
