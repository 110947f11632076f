#pragma once
/* A unit of a dissected conversation as JSON, as `maildird wire --json` prints it; the caller's. */
#include "imap/dissect.h"
#include <jansson.h>

json_t *unit_json(const struct dissect_unit *unit);
/* "client", "server"; "command", … */
const char *unit_direction_name(enum dissect_direction direction);
const char *unit_kind_name(enum dissect_kind kind);
