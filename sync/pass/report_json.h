#pragma once
/* A report as the account's object in the document of `sync --json`, and back. */
#include "base/arena.h"
#include "pass/report.h"
#include <jansson.h>

/* The caller owns it. */
json_t *report_to_json(const struct report *report);
/* Its strings live in `arena`. False if the object is no report; `out` is not to be used then. The
 * error's code comes back as one of those with the same exit code. */
bool report_from_json(const json_t *object, struct arena *arena, struct report *out);
