#pragma once
/* JSON values as text for people. Bytes that a terminal would act on become spaces. */
#include "base/buf.h"
#include <jansson.h>

/* On one line: `uid=7 flags=(\Seen) envelope={subject="At noon?"}`; nothing for null. */
void outline_line(struct buf *out, const json_t *value);
/* On lines of their own, `name: value`, indented by what they belong to. */
void outline_block(struct buf *out, const json_t *value);
