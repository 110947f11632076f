#!/usr/bin/env python3
"""Law 4: as test_kill.py, of messages and mailboxes that change their place, and of what is paired by
its content: killed before any call, the next run converges, and no body crosses the wire."""

import crash_moves
import tools


class KillMoves(crash_moves.MoveCase):
    def test_law4_move_to_remote(self):
        self.check_moves(self.move_here)

    def test_law4_copy_to_remote(self):
        self.check_moves(self.copy_here)

    def test_law4_copy_and_removal_to_remote(self):
        self.check_moves(self.copy_and_remove_here)

    def test_law4_swap_to_remote(self):
        self.check_moves(self.swap_here)

    def test_law4_rename_to_remote(self):
        self.check_moves(self.rename_folder_here)

    def test_law4_move_to_local(self):
        self.check_moves(self.move_there)

    def test_law4_swap_to_local(self):
        self.check_moves(self.swap_there)

    def test_law4_rename_to_local(self):
        self.check_moves(self.rename_there)

    def test_law4_new_uidvalidity(self):
        self.check_moves(self.new_uidvalidity)

    def test_law4_new_uidvalidity_and_messages_swapped(self):
        self.check_moves(self.new_uidvalidity_swapped)

    def test_law4_index_lost(self):
        self.check_moves(self.index_lost)


class KillMovesWithoutMove(crash_moves.MoveCase):
    client_keys = {"disable": ["MOVE"]}

    def test_law4_move_to_remote(self):
        self.check_moves(self.move_here)

    def test_law4_swap_to_remote(self):
        self.check_moves(self.swap_here)


class KillLinks(crash_moves.LinkCase):
    def test_law4_links(self):
        self.check_links()


if __name__ == "__main__":
    tools.main()
