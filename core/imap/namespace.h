#pragma once
/* NAMESPACE (RFC 2342). */
#include "wire/reader.h"
#include "wire/writer.h"

struct namespace_entry {
    struct str prefix;
    char delimiter; /* 0: NIL */
};
struct namespace_group {
    struct namespace_entry *items;
    size_t len; /* 0: NIL */
};
struct namespaces {
    struct namespace_group personal, other, shared;
};
/* Behind "NAMESPACE "; missing groups read as NIL, extension data is passed over. */
bool namespaces_read(struct reader *r, struct arena *arena, struct namespaces *out);
void namespaces_write(struct writer *w, const struct namespaces *ns);
