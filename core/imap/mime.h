#pragma once
/*
 * What a server tells of a message: its tree of parts, computed from its bytes, and from that
 * ENVELOPE, BODYSTRUCTURE, sections, BINARY and PREVIEW (RFC 2045, RFC 2046, RFC 5322).
 *
 * Any bytes are a message. Depth and the number of parts are bounded
 * (imap/limits.h): what lies deeper or behind is body of the part around it. All views are into the
 * message or the arena. Line ends may be CRLF or bare LF; sizes are of the bytes as they are.
 */
#include "imap/bodystructure.h"
#include "imap/section.h"

struct mime_part {
    enum body_kind kind;
    struct str header; /* with the empty line behind it */
    struct str body;
    struct str type, subtype;   /* defaults filled in */
    struct str encoding;        /* "7BIT" where none is told */
    struct str boundary;        /* of a multipart */
    struct mime_part *children; /* of a multipart; of a message the one message within */
    size_t children_len;
    struct mime_part *next;
};

/* The whole message. Never fails. */
struct mime_part *mime_parse(struct arena *arena, struct str message);
void mime_envelope(struct arena *arena, const struct mime_part *message, struct envelope *out);
void mime_bodystructure(struct arena *arena, const struct mime_part *part, struct body_part *out);

/* The bytes of BODY[section] without regard to <partial>. False where there is no such part. */
bool mime_section(struct arena *arena, const struct mime_part *message,
                  const struct section *section, struct str *out);
enum mime_binary { MIME_BINARY_OK, MIME_BINARY_NO_PART, MIME_BINARY_UNKNOWN_CTE };
/* The same of BINARY[section]: the part's transfer encoding undone. A part whose encoding is not
 * known or broken is UNKNOWN_CTE (RFC 3516). */
enum mime_binary mime_binary(struct arena *arena, const struct mime_part *message,
                             const struct section *section, struct str *out);
/* What <offset.count> takes of it. */
struct str mime_partial(struct str bytes, const struct section *section);
/* PREVIEW (RFC 8970): at most 200 characters of UTF-8 from the first text part, one line; empty
 * where there is no text. */
struct str mime_preview(struct arena *arena, const struct mime_part *message);

/* The next field of a header: its name and the whole of it with its line ends, folded lines
 * included. False at the end. */
bool mime_next_field(struct str *header, struct str *name, struct str *field);
/* The first field of that name, unfolded, without its name; ptr NULL if there is none. */
struct str mime_field(struct arena *arena, struct str header, struct str name);
/* Addresses as ENVELOPE has them, from an unfolded field value; groups included. */
void mime_addresses(struct arena *arena, struct str value, struct imap_addresses *out);
/* The Date field's time; false for what is none. */
bool mime_date(struct str value, int64_t *unix_s, int32_t *zone_s);
