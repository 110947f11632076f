#!/usr/bin/env python3
"""Law 3: as test_powerloss.py, of messages and mailboxes that change their place, and of what is paired
by its content: whatever part of the renames and of the index is lost, the next run converges."""

import crash_moves
import tools


class PowerLossMoves(crash_moves.MoveCase):
    powerloss = True

    def test_law3_move_to_remote(self):
        self.check_moves(self.move_here)

    def test_law3_swap_to_remote(self):
        self.check_moves(self.swap_here)

    def test_law3_rename_to_remote(self):
        self.check_moves(self.rename_folder_here)

    def test_law3_move_to_local(self):
        self.check_moves(self.move_there)

    def test_law3_swap_to_local(self):
        self.check_moves(self.swap_there)

    def test_law3_rename_to_local(self):
        self.check_moves(self.rename_there)

    def test_law3_new_uidvalidity_and_messages_swapped(self):
        self.check_moves(self.new_uidvalidity_swapped)

    def test_law3_index_lost(self):
        self.check_moves(self.index_lost)


class PowerLossLinks(crash_moves.LinkCase):
    powerloss = True

    def test_law3_links(self):
        self.check_links()


if __name__ == "__main__":
    tools.main()
