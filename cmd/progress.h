#pragma once
/* Progress on a terminal: a line for each account at work, redrawn in place on standard error.
 * Elsewhere nothing is drawn. Log lines and printed text step between. */
#include "account/account.h"

struct progress_board;

/* `wanted` false, or no terminal: a board on which nothing is ever drawn. */
struct progress_board *progress_board_new(size_t accounts, bool wanted);
void progress_board_free(struct progress_board **board);
/* For the account in place `index`; borrowed, with the board's life. Any thread. */
const struct progress_sink *progress_board_sink(struct progress_board *board, size_t index);
/* The account's line goes away. */
void progress_board_done(struct progress_board *board, size_t index);
/* Between these two the lines are off the screen, and text may be printed. Other threads wait. */
void progress_board_pause(struct progress_board *board);
void progress_board_resume(struct progress_board *board);
