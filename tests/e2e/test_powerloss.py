#!/usr/bin/env python3
"""Law 3: the power goes before any call, and the disk keeps an arbitrary part of what was not synced.
The next run converges: nothing lost, nothing twice."""

import crash
import tools


class PowerLoss(crash.CrashCase):
    powerloss = True

    def test_law3_delivery(self):
        self.check_each_call(self.deliver)

    def test_law3_upload(self):
        self.check_each_call(self.upload)

    def test_law3_deletion_to_local(self):
        self.check_each_call(self.delete_there, stock=True)


if __name__ == "__main__":
    tools.main()
