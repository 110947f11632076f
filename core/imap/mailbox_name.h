#pragma once
/* Mailbox names: modified UTF-7 (RFC 3501 section 5.1.3), INBOX, patterns. */
#include "base/arena.h"
#include "base/buf.h"

/* To UTF-8. False (and *out = the bytes as they are) when `name` is not canonical modified UTF-7,
 * i.e. encoding the result would not give the same bytes back: such a name is kept raw. */
bool mailbox_name_decode(struct arena *arena, struct str name, struct str *out);
/* From UTF-8; false when it is not UTF-8. */
bool mailbox_name_encode(struct arena *arena, struct str utf8, struct str *out);
/* INBOX in any case. */
bool mailbox_name_is_inbox(struct str name);
/* LIST's `*` and `%`, delimiter 0 for none. */
bool mailbox_name_matches(struct str name, struct str pattern, char delimiter);
