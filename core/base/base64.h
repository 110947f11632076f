#pragma once
/* RFC 4648 section 4, with padding. */
#include "base/buf.h"

void base64_encode(struct buf *out, struct str data);
/* Appends the decoded bytes; false (and nothing appended) if `text` is not strict base64. */
bool base64_decode(struct buf *out, struct str text);
