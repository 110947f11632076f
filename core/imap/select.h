#pragma once
/* SELECT and EXAMINE: parameters and what they tell (RFC 9051 section 6.3.2, RFC 7162). */
#include "imap/flags.h"
#include "imap/seqset.h"

struct select_params {
    bool condstore;
    bool qresync;
    uint32_t uidvalidity; /* of QRESYNC */
    uint64_t modseq;
    struct seqset known_uids; /* empty: not sent; borrowed when writing */
};
/* known_uids without `*`. */
void select_params_write(struct writer *w, const struct select_params *params);
/* " (CONDSTORE)" or " (QRESYNC (…))" or nothing. The caller frees known_uids. */
bool select_params_read(struct reader *r, struct select_params *out);

struct select_data {
    uint32_t exists;
    uint32_t uidvalidity;   /* 0: not told */
    uint32_t uidnext;       /* 0: not told */
    uint64_t highestmodseq; /* 0: NOMODSEQ or not told */
    bool read_only;
    bool uid_not_sticky;
    struct imap_flags flags;
    struct imap_flags permanent_flags;
    bool has_permanent_flags; /* without them every flag is permanent */
    struct str mailboxid;
};
