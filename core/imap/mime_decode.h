#pragma once
/* Transfer encodings and character sets of mail (RFC 2045, RFC 2047, RFC 2231). Output is bounded
 * by the input's size. */
#include "base/arena.h"

/* False for what is not base64; line ends, and padding missing at the end, are taken. */
bool mime_decode_base64(struct arena *arena, struct str text, struct str *out);
/* Never fails: what is no escape stands for itself (RFC 2045 section 6.7). */
struct str mime_decode_quoted_printable(struct arena *arena, struct str text);
/* To UTF-8 from `charset`; bytes that do not belong become U+FFFD, an unknown charset is taken for
 * UTF-8. */
struct str mime_to_utf8(struct arena *arena, struct str charset, struct str bytes);
/* Encoded words of a header field's value (RFC 2047) to UTF-8. */
struct str mime_decode_words(struct arena *arena, struct str value);
/* A body whose Content-Transfer-Encoding is `encoding`; false where that is not known or broken. */
bool mime_decode_transfer(struct arena *arena, struct str encoding, struct str body,
                          struct str *out);
