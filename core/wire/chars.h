#pragma once
/* Character classes of RFC 3501 / RFC 9051 section 9. */
#include <stdbool.h>

bool char_is_atom(unsigned char c);     /* ATOM-CHAR */
bool char_is_astring(unsigned char c);  /* ASTRING-CHAR: also `]` */
bool char_is_list(unsigned char c);     /* list-char: also `%` and `*` */
bool char_is_tag(unsigned char c);      /* ASTRING-CHAR without `+` */
bool char_is_quotable(unsigned char c); /* may stand in a quoted string: no CR, LF, NUL, 8-bit */
