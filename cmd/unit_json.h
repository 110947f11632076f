#pragma once
/* A unit of a dissected conversation as JSON, as `maildird wire --json` prints it; the caller's. */
#include "imap/dissect.h"
#include <jansson.h>

json_t *unit_json(const struct dissect_unit *unit);
