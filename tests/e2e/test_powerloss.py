#!/usr/bin/env python3
"""Law 3: the power goes before any call, and the disk keeps an arbitrary part of what was not synced.
The next run converges: nothing lost, nothing twice. MAILDIRD_E2E_LOSS_SEEDS=20 tries more such parts."""

import crash
import tools


class PowerLoss(crash.CrashCase):
    powerloss = True

    def test_law3_delivery(self):
        self.check_each_call(self.deliver)

    def test_law3_first_pass(self):
        self.check_each_call(self.begin_anew)

    def test_law3_upload(self):
        self.check_each_call(self.upload)

    def test_law3_deletion_to_local(self):
        self.check_each_call(self.delete_there, stock=True)

    def test_law3_flags_to_local(self):
        self.check_each_call(self.flag_there)

    def test_law3_move_to_remote(self):
        self.check_each_call(self.move_here, stock=True)


if __name__ == "__main__":
    tools.main()
