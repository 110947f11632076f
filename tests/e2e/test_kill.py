#!/usr/bin/env python3
"""Law 4: killed before any call that changes the disk or speaks to the server, the next run converges.
MAILDIRD_E2E_KILL_STRIDE=5 tries every fifth call only."""

import crash
import tools


class Kill(crash.CrashCase):
    def test_law4_delivery(self):
        self.check_each_call(self.deliver)

    def test_law4_first_pass(self):
        self.check_each_call(self.begin_anew)

    def test_law4_upload(self):
        self.check_each_call(self.upload)

    def test_law4_flags_to_local(self):
        self.check_each_call(self.flag_there)

    def test_law4_flags_to_remote(self):
        self.check_each_call(self.flag_here)

    def test_law4_deletion_to_remote(self):
        self.check_each_call(self.delete_here, stock=True)

    def test_law4_deletion_to_local(self):
        self.check_each_call(self.delete_there, stock=True)

    def test_law4_move_to_remote(self):
        self.check_each_call(self.move_here, stock=True)


if __name__ == "__main__":
    tools.main()
