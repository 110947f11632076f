#pragma once
/* Text in columns on a terminal. */
#include "base/buf.h"

/* How many columns UTF-8 text takes: East Asian wide characters two, combining ones none. */
size_t columns_of(const char *text);
/* Appends the text, cut with "…" to at most `width` columns and filled up with blanks to as many.
 */
void columns_pad(struct buf *out, const char *text, size_t width);
/* Whether to colour what goes to this descriptor: a terminal, and NO_COLOR empty or not set. */
bool columns_colour(int fd);
/* A terminal that can move its cursor. */
bool columns_terminal(int fd);
/* Of the terminal behind the descriptor; 80 by 24 where it does not say. */
size_t columns_width(int fd);
size_t columns_rows(int fd);
