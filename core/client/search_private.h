#pragma once
/* What SEARCH, SORT and THREAD share; for their files alone. */
#include "imap/search.h"
#include "client/client_private.h"

extern const struct client_op_hooks search_hooks;
extern const struct client_op_hooks sort_hooks;

/* ERR_CAPABILITY for what the server does not have; `extended` is needed for RETURN. */
int search_require(struct client *c, struct client_op *op, const struct search_request *request,
                   enum capability extended, struct error *err);
/* Behind "ESEARCH": to the SEARCH or SORT that it names. */
bool search_take_extended(struct client *c);
/* ESORT; takes what it needs out of `told`. */
bool sort_take_extended(struct client_op *op, struct client *c, struct search_result *told);
