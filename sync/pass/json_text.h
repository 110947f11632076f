#pragma once
/* JSON values out of what the program has. All are the caller's. */
#include "base/str.h"
#include <jansson.h>

/* A string; what is not UTF-8 is made so. */
json_t *json_text(const char *text);
json_t *json_text_str(struct str text);
/* "2026-01-31T12:00:00Z"; null for 0. */
json_t *json_time(int64_t unix_ms);

/* What a document has under `key`: 0 where that is no number, or a negative one. */
uint64_t json_number_at(const json_t *object, const char *key);
