#pragma once
/* FETCH: what can be asked and what is told (RFC 9051 section 6.4.5). */
#include "imap/bodystructure.h"
#include "imap/date.h"
#include "imap/flags.h"
#include "imap/partial.h"
#include "imap/section.h"
#include "imap/seqset.h"

enum fetch_item {
    FETCH_UID = 1 << 0,
    FETCH_FLAGS = 1 << 1,
    FETCH_INTERNALDATE = 1 << 2,
    FETCH_SIZE = 1 << 3,
    FETCH_MODSEQ = 1 << 4,
    FETCH_EMAILID = 1 << 5,
    FETCH_THREADID = 1 << 6,
    FETCH_GM_MSGID = 1 << 7,
    FETCH_GM_THRID = 1 << 8,
    FETCH_SAVEDATE = 1 << 9,
    FETCH_ENVELOPE = 1 << 10,
    FETCH_BODYSTRUCTURE = 1 << 11,
    FETCH_BODY_STRUCTURE_SHORT = 1 << 12,
    FETCH_BODY_SECTION = 1 << 13, /* some section, by any of the names of enum section_item */
    FETCH_PREVIEW = 1 << 14,
    FETCH_GM_LABELS = 1 << 15,
};

struct fetch_request {
    unsigned items;                /* enum fetch_item */
    const struct section *section; /* of FETCH_BODY_SECTION; NULL: BODY[] */
    size_t sections_len;           /* how many `section` points to; 0: one */
    bool mark_seen;                /* BODY[] instead of BODY.PEEK[] */
    bool preview_lazy;             /* PREVIEW (LAZY) */
    uint64_t changed_since;        /* 0: not sent */
    bool vanished;                 /* with changed_since */
    struct partial_range partial;  /* first 0: not sent */
};
/* "(UID FLAGS BODY.PEEK[])" and " (CHANGEDSINCE 12 VANISHED)". */
void fetch_request_write(struct writer *w, const struct fetch_request *request);
/* For the server: reads what any client may send, macros included; the sections in `arena`. Of a
 * request that marks one section as read and peeks at another, mark_seen is set. */
bool fetch_request_read(struct reader *r, struct arena *arena, struct fetch_request *out);
/* The items alone: one, a macro, or several in parentheses, as NOTIFY has them too. */
bool fetch_items_read(struct reader *r, struct arena *arena, struct fetch_request *out);

/* What BINARY.SIZE told. */
struct fetch_binary_size {
    struct section section;
    uint64_t size;
};

/* One message's data; `have` says what was told. */
struct fetch_data {
    uint32_t seq;
    unsigned have;
    uint32_t uid;
    struct imap_flags flags;
    struct imap_date internal_date;
    uint64_t size;
    uint64_t modseq;
    struct str email_id; /* empty: NIL */
    struct str thread_id;
    uint64_t gm_msgid;
    uint64_t gm_thrid;
    bool body_is_nil;   /* FETCH_BODY_SECTION with NIL instead of a string */
    uint64_t body_size; /* of the last section that came */
    bool has_save_date; /* else FETCH_SAVEDATE told NIL */
    struct imap_date save_date;
    struct envelope *envelope;   /* of FETCH_ENVELOPE */
    struct body_part *structure; /* of FETCH_BODYSTRUCTURE or FETCH_BODY_STRUCTURE_SHORT */
    struct str preview;          /* ptr NULL: NIL */
    struct str_list gm_labels;   /* as sent */
    struct fetch_binary_size *binary_sizes;
    size_t binary_sizes_len;
};

/* Where the bytes of a body section go, piece by piece. Called in order; a body that came as a
 * quoted string is one piece. After a false nothing more is called for this response. `end` is
 * called only when the body was read whole: a broken connection ends without it. */
struct fetch_sink {
    /* A body begins; `so_far` holds the items read before it (the UID, where the server tells it
     * first). */
    bool (*begin)(void *self, const struct fetch_data *so_far, const struct section *section,
                  uint64_t size, struct error *err);
    bool (*piece)(void *self, struct str data, struct error *err);
    bool (*end)(void *self, struct error *err);
    void *self;
};
/* Behind "n FETCH ", up to the line end. Fills all of *out but `seq`, which is the caller's to set
 * before. Items come in any order; unknown ones are passed over; a MODSEQ of 0 or below counts as
 * not told. `sink` may be NULL (and sink_error then): bodies are read and dropped. A false from the
 * sink stops the storing, not the reading: the rest of the response is consumed, and *sink_error
 * keeps its error. */
bool fetch_data_read(struct reader *r, struct arena *arena, const struct fetch_sink *sink,
                     struct fetch_data *out, struct error *sink_error);
/* "UID 5 FLAGS (\Seen)": everything in `have` but sections, without parentheses, which the caller
 * opens and closes: used by the server. */
void fetch_data_write_items(struct writer *w, const struct fetch_data *data);
