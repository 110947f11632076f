#pragma once
/* SEARCH: criteria, options and results (RFC 9051 section 6.4.4, RFC 5032, RFC 7162, RFC 6203,
 * RFC 8514, RFC 8474, RFC 4731, RFC 5182, RFC 9394). */
#include "imap/date.h"
#include "imap/flags.h"
#include "imap/partial.h"
#include "imap/seqset.h"

enum search_kind {
    SEARCH_ALL,
    SEARCH_AND,   /* children, at least one */
    SEARCH_OR,    /* two children */
    SEARCH_NOT,   /* one child; also the UN… words of flags are kinds of their own, see NO_FLAG */
    SEARCH_FUZZY, /* one child */
    SEARCH_SEQS,  /* set, or `$` */
    SEARCH_UIDS,
    SEARCH_FLAG,    /* flag */
    SEARCH_NO_FLAG, /* flag: UNSEEN and the like; OLD is NO_FLAG of \Recent */
    SEARCH_NEW,     /* \Recent and not \Seen */
    SEARCH_KEYWORD, /* text */
    SEARCH_UNKEYWORD,
    SEARCH_LARGER, /* number, octets */
    SEARCH_SMALLER,
    SEARCH_BEFORE, /* day_s: INTERNALDATE */
    SEARCH_ON,
    SEARCH_SINCE,
    SEARCH_SENTBEFORE, /* day_s: the Date field */
    SEARCH_SENTON,
    SEARCH_SENTSINCE,
    SEARCH_SAVEDBEFORE, /* day_s: SAVEDATE */
    SEARCH_SAVEDON,
    SEARCH_SAVEDSINCE,
    SEARCH_SAVEDATESUPPORTED,
    SEARCH_OLDER, /* number, seconds */
    SEARCH_YOUNGER,
    SEARCH_HEADER, /* field, text; From, To, Cc, Bcc and Subject are written by their own keys */
    SEARCH_BODY,   /* text */
    SEARCH_TEXT,
    SEARCH_MODSEQ,    /* number; field and text: the entry name and type, or empty */
    SEARCH_EMAILID,   /* text */
    SEARCH_THREADID,  /* text */
    SEARCH_UIDBEFORE, /* number (RFC 9738) */
    SEARCH_UIDAFTER,
    SEARCH_GM_RAW,   /* text, as in Gmail's own search */
    SEARCH_GM_MSGID, /* number */
    SEARCH_GM_THRID,
    SEARCH_GM_LABELS, /* text */
};

struct search_key {
    enum search_kind kind;
    struct search_key *children; /* a list by `next` */
    struct search_key *next;
    enum imap_flag flag;
    struct str field, text;
    uint64_t number;
    int64_t day_s;     /* the day's begin as if in UTC */
    struct seqset set; /* its items are in the arena: neither to be freed nor changed */
};

/* Builders, in `arena`; strings and children are borrowed, sets copied. A key can be child of one
 * parent only. */
struct search_key *search_all(struct arena *arena);
struct search_key *search_and(struct arena *arena, struct search_key *a, struct search_key *b);
struct search_key *search_or(struct arena *arena, struct search_key *a, struct search_key *b);
struct search_key *search_not(struct arena *arena, struct search_key *a);
struct search_key *search_fuzzy(struct arena *arena, struct search_key *a);
struct search_key *search_flag(struct arena *arena, enum imap_flag flag, bool set);
struct search_key *search_keyword(struct arena *arena, struct str keyword, bool set);
struct search_key *search_set(struct arena *arena, const struct seqset *set, bool uids);
/* Of the kinds with a day: of `year`, month 1..12, day 1..31. */
struct search_key *search_day(struct arena *arena, enum search_kind kind, int year, unsigned month,
                              unsigned day);
/* Of the kinds with a number. */
struct search_key *search_number(struct arena *arena, enum search_kind kind, uint64_t number);
/* Of the kinds with a text alone. */
struct search_key *search_text(struct arena *arena, enum search_kind kind, struct str text);
struct search_key *search_header(struct arena *arena, struct str field, struct str text);

/* Whether MODSEQ is in it, whose use turns CONDSTORE on. */
bool search_uses_modseq(const struct search_key *key);
/* Whether some text in it is not US-ASCII, so that it needs CHARSET UTF-8 before IMAP4rev2. */
bool search_is_8bit(const struct search_key *key);

/* Keys up to `)` or the line end, as one; depth and number bounded. */
bool search_keys_read(struct reader *r, struct arena *arena, const struct search_key **out);
/* An AND at the top stands without parentheses. 8-bit texts are literals unless the writer has
 * utf8. */
void search_keys_write(struct writer *w, const struct search_key *key);

enum search_return {
    SEARCH_RETURN_MIN = 1,
    SEARCH_RETURN_MAX = 2,
    SEARCH_RETURN_COUNT = 4,
    SEARCH_RETURN_ALL = 8,
    SEARCH_RETURN_SAVE = 16,
    SEARCH_RETURN_PARTIAL = 32,
};
struct search_options {
    bool extended;   /* RETURN was there; with no option it asks for ALL */
    unsigned wanted; /* enum search_return */
    struct partial_range partial;
};
struct search_request {
    struct search_options options;
    struct str charset; /* empty: not sent */
    const struct search_key *key;
};
/* "RETURN (MIN COUNT) " where it is; nothing is consumed else. */
bool search_options_read(struct reader *r, struct search_options *out);
void search_options_write(struct writer *w, const struct search_options *options);
/* Behind "SEARCH ", up to the line end. The charset is not judged: the server answers BADCHARSET.
 */
bool search_request_read(struct reader *r, struct arena *arena, struct search_request *out);
void search_request_write(struct writer *w, const struct search_request *request);

/* What SEARCH or ESEARCH tells. */
struct search_result {
    bool extended;  /* ESEARCH */
    struct str tag; /* of the command, of ESEARCH; empty: not told */
    bool uid;       /* the numbers are UIDs, of ESEARCH; the command's form tells it else */
    unsigned have;  /* enum search_return: which were told; SEARCH tells ALL */
    uint32_t min, max, count;
    struct seqset all; /* free with search_result_free */
    uint64_t modseq;   /* 0: not told */
    struct partial_range partial;
    struct seqset partial_set; /* may be empty: NIL */
};
void search_result_free(struct search_result *result);
/* Behind "SEARCH", up to the line end: numbers in any order, "(MODSEQ n)"; zeros are passed over.
 */
bool search_result_read(struct reader *r, struct search_result *out);
/* Behind "ESEARCH". With `ordered` (the answer to SORT) the sets keep their order and are not
 * merged. */
bool esearch_result_read(struct reader *r, bool ordered, struct search_result *out);
/* "SEARCH 1 2 (MODSEQ 5)" or "ESEARCH (TAG "A1") UID COUNT 2", no line end. */
void search_result_write(struct writer *w, const struct search_result *result);

/*
 * What a person writes: `from alice since 2026-01-01 unseen or subject "x" text y not flagged
 * larger 10K`. Words are IMAP's keys in any case, joined by AND; `or` takes the next two, `not` the
 * next one, parentheses group. Dates are YYYY-MM-DD, DD-Mon-YYYY, `today`, `yesterday` or `7d`;
 * sizes take K, M, G; older and younger take s, m, h, d, w; sets are of sequence numbers, `uid` of
 * UIDs. A word that is no key is looked for with TEXT. Texts in "" where they hold spaces, with \"
 * and \\ for quotes. `now_s` is the present, for relative days (in UTC).
 * ERR_USAGE names the place and what was expected.
 */
int search_parse(struct arena *arena, struct str words, int64_t now_s,
                 const struct search_key **out, struct error *err);
