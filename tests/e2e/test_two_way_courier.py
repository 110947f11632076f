#!/usr/bin/env python3
"""Courier: no CONDSTORE, no MOVE, no LIST-STATUS, no LITERAL+, all mailboxes below INBOX."""

import courier
import passes
import tools


class TwoWayCourier(passes.PassCase):
    def test_tunnel(self):
        fixture = self.started(courier.Courier())
        self.fill(fixture, passes.message_count(150))
        self.check_two_way(fixture, self.client(fixture))


if __name__ == "__main__":
    tools.main()
