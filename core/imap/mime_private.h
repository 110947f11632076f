#pragma once
/* Header fields with parameters; for the mime*.c files only. */
#include "imap/mime.h"

/* "text/plain; charset=utf-8" or "attachment; filename=x": the words before the parameters, and
 * these with their quotes undone. `subtype` is ptr NULL where there is no slash. */
struct mime_value {
    struct str type, subtype;
    struct body_params params;
};
/* False where there is no word at the beginning. */
bool mime_value_parse(struct arena *arena, struct str value, struct mime_value *out);
/* A comment in parentheses at the beginning, nested ones too, and white space are cut off; what the
 * last comment held goes to *comment, unless that is NULL. */
struct str mime_skip_comments(struct str s, struct str *comment);
/* A quoted string at the beginning is cut off `s`, its escapes undone; one that is not closed goes
 * to the end. */
struct str mime_take_quoted(struct arena *arena, struct str *s);
/* A field's value, unfolded, without NUL, trimmed and cut at LIMIT_MIME_FIELD_BYTES. */
struct str mime_unfold(struct arena *arena, struct str field);
