#pragma once
/* SORT (RFC 5256, RFC 5957, RFC 5267) and THREAD (RFC 5256). */
#include "imap/sort.h"
#include "imap/thread.h"
#include "client/client.h"

struct client_sort {
    struct client_op op;
    struct sort_result result;     /* in the arena; with RETURN what ALL or else PARTIAL told */
    struct search_result extended; /* min, max, count and what was told; its sets are empty */
};
int client_sort_begin(struct client *c, struct client_sort *h, enum client_numbers numbers,
                      const struct sort_request *request, struct arena *arena, struct error *err);
int client_sort_end(struct client *c, struct client_sort *h, struct error *err);
int client_sort(struct client *c, struct client_sort *h, enum client_numbers numbers,
                const struct sort_request *request, struct arena *arena, struct error *err);

struct client_thread {
    struct client_op op;
    struct thread_node *threads; /* in the arena; NULL: none */
};
int client_thread_begin(struct client *c, struct client_thread *h, enum client_numbers numbers,
                        const struct thread_request *request, struct arena *arena,
                        struct error *err);
int client_thread_end(struct client *c, struct client_thread *h, struct error *err);
int client_thread(struct client *c, struct client_thread *h, enum client_numbers numbers,
                  const struct thread_request *request, struct arena *arena, struct error *err);
