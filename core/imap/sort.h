#pragma once
/* SORT (RFC 5256, RFC 5957, RFC 5267). */
#include "imap/limits.h"
#include "imap/search.h"

enum sort_key {
    SORT_ARRIVAL,
    SORT_CC,
    SORT_DATE,
    SORT_FROM,
    SORT_SIZE,
    SORT_SUBJECT,
    SORT_TO,
    SORT_DISPLAYFROM,
    SORT_DISPLAYTO,
    SORT_KEYS
};
struct sort_criterion {
    enum sort_key key;
    bool reverse;
};
struct sort_request {
    struct sort_criterion criteria[LIMIT_SORT_CRITERIA];
    size_t criteria_len;          /* at least one */
    struct search_request search; /* its charset is always sent: UTF-8 where it is empty */
};
const char *sort_key_name(enum sort_key key);
/* "reverse date, subject" as a person writes it: words and commas. ERR_USAGE names the word. */
int sort_parse(struct str words, struct sort_request *out, struct error *err);
/* Behind "SORT ", up to the line end. */
bool sort_request_read(struct reader *r, struct arena *arena, struct sort_request *out);
void sort_request_write(struct writer *w, const struct sort_request *request);

/* ESORT's result is an ESEARCH read with `ordered`. */
struct sort_result {
    uint32_t *numbers; /* in the arena, in order */
    size_t len;
    uint64_t modseq; /* 0: not told */
};
/* Behind "SORT", up to the line end. */
bool sort_result_read(struct reader *r, struct arena *arena, struct sort_result *out);
void sort_result_write(struct writer *w, const struct sort_result *result);
/* The base subject of RFC 5256 section 2.1 from an unfolded, decoded subject, as a view or in
 * `arena`; *reply tells whether something was taken off that marks a reply or forward. */
struct str sort_base_subject(struct arena *arena, struct str subject, bool *reply);
