#!/usr/bin/env python3
"""A bare IMAP4rev1 server: no UIDPLUS, so what is deleted here stays there, marked."""

import passes
import tools
import twisted_server


class TwoWayTwisted(passes.PassCase):
    deleted_is_gone = True
    # It writes a name with a space without quotes in its STATUS answers, which nobody can read.
    mailboxes = [name.replace(" ", "-") for name in passes.MAILBOXES]
    new_there, new_here = "New-there-%d", "New-here-%d"

    def test_plain(self):
        fixture = self.started(twisted_server.TwistedServer())
        self.fill(fixture, passes.message_count(150))
        self.check_two_way(fixture, self.client(fixture))


if __name__ == "__main__":
    tools.main()
