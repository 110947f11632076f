#pragma once
/* What SORT and THREAD compare of a message (RFC 5256 section 2, RFC 5957). */
#include "imap/sort.h"
#include "server/session_private.h"

struct sort_keys {
    uint32_t index;    /* in the view */
    int64_t arrival_s; /* INTERNALDATE */
    int64_t date_s;    /* the Date field's, or INTERNALDATE where that is none */
    uint64_t size;
    struct str texts[SORT_KEYS]; /* of those that are texts: addresses, SUBJECT's base */
    bool is_reply;               /* SUBJECT was of a reply or forward */
    struct str header;           /* of the message, as it is */
};

/* What `wanted` (bits 1 << enum sort_key) needs, in `arena`; the header too if `with_header`. False
 * when the message is gone. */
bool sort_keys_load(struct session *s, uint32_t index, unsigned wanted, bool with_header,
                    struct arena *arena, struct arena *scratch, struct sort_keys *out);
/* Below, at or above 0, by one key. Texts without regard to the case of ASCII letters. */
int sort_keys_compare(const struct sort_keys *a, const struct sort_keys *b, enum sort_key key);
