#pragma once
/* Cutting a message as BODY[section] asks for it (RFC 9051 section 6.4.5). */
#include "base/buf.h"
#include "imap/section.h"

/* The header with the empty line behind it, and what follows. Views into `message`. */
struct str message_header(struct str message);
struct str message_text(struct str message);

/* The section's bytes without regard to its <partial>, as a view into `message` or, for chosen
 * header fields, into `scratch`. False where the message has no such part: parts of multiparts are
 * not told apart, only 1 of a message that is none. */
bool message_section(struct str message, const struct section *section, struct buf *scratch,
                     struct str *out);
/* What `section` asks for of it. */
struct str message_partial(struct str part, const struct section *section);

/* The next field of a header: its name and the whole of it with its line ends, folded lines
 * included. False at the end. */
bool message_next_field(struct str *header, struct str *name, struct str *field);
/* The value, unfolded, in `out`. */
void message_field_value(struct str field, struct buf *out);
