#pragma once
/* THREAD (RFC 5256). */
#include "imap/search.h"

/* A thread is a chain of replies by `children`; siblings by `next`. */
struct thread_node {
    uint32_t number; /* 0: a message that is not there */
    struct thread_node *children, *next;
};
struct thread_request {
    struct str algorithm; /* "REFERENCES", "ORDEREDSUBJECT", … */
    struct str charset;   /* UTF-8 is sent where it is empty */
    const struct search_key *key;
};
/* Behind "THREAD ", up to the line end. */
bool thread_request_read(struct reader *r, struct arena *arena, struct thread_request *out);
void thread_request_write(struct writer *w, const struct thread_request *request);
/* Behind "THREAD", up to the line end: the first of the top-level threads, NULL for none. Chains of
 * replies may be of any length; parentheses are bounded by LIMIT_THREAD_DEPTH. */
bool thread_result_read(struct reader *r, struct arena *arena, struct thread_node **out);
/* "THREAD (2)(3 6 (4 23)(44 7 96))", no line end. */
void thread_result_write(struct writer *w, const struct thread_node *threads);
