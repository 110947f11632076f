#pragma once
/* SEARCH and UID SEARCH (RFC 9051 section 6.4.4, RFC 4731, RFC 5182, RFC 9394). */
#include "imap/search.h"
#include "client/client.h"

struct client_search {
    struct client_op op;
    bool extended;               /* RETURN was given */
    struct search_result result; /* free with client_search_free */
};
/* The charset need not be given: UTF-8 is named where it must be. ERR_CAPABILITY for keys, options
 * and `$` that the server does not have. */
int client_search_begin(struct client *c, struct client_search *h, enum client_numbers numbers,
                        const struct search_request *request, struct arena *arena,
                        struct error *err);
/* What was found is in h->result: `all` where no option was given. Always call client_search_free
 * after a begin. */
int client_search_end(struct client *c, struct client_search *h, struct error *err);
int client_search(struct client *c, struct client_search *h, enum client_numbers numbers,
                  const struct search_request *request, struct arena *arena, struct error *err);
void client_search_free(struct client_search *h);
