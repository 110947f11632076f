#pragma once
/* ID (RFC 2971). */
#include "wire/reader.h"
#include "wire/writer.h"

struct id_field {
    struct str name;
    struct str value; /* ptr NULL: NIL */
};
struct id_fields {
    struct id_field *items;
    size_t len;
};
bool id_read(struct reader *r, struct arena *arena, struct id_fields *out); /* NIL or a list */
void id_write(struct writer *w, const struct id_fields *fields);
