#pragma once
/* FETCH results as people read them. */
#include "imap/fetch.h"
#include <jansson.h>

/* As json_fetch_data, with encoded words decoded, addresses on one line, and the structure as a
 * list of parts. Strings live in `arena` meanwhile; the value is the caller's. */
json_t *fetch_for_people(const struct fetch_data *data, struct arena *arena);
