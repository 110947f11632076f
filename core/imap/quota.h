#pragma once
/* QUOTA (RFC 9208, RFC 2087). Names are astrings; mailbox names as on the wire. */
#include "wire/reader.h"
#include "wire/writer.h"
#include "imap/str_list.h"

struct quota_resource {
    struct str name; /* "STORAGE" (units of 1024 octets), "MESSAGE", "MAILBOX",
                        "ANNOTATION-STORAGE", … */
    uint64_t usage, limit;
};
struct quota {
    struct str root; /* may be empty */
    struct quota_resource *items;
    size_t len;
};
/* Behind "QUOTA ". */
bool quota_read(struct reader *r, struct arena *arena, struct quota *out);
/* "QUOTA "" (STORAGE 10 512)", no line end. */
void quota_write(struct writer *w, const struct quota *quota);

struct quota_root {
    struct str mailbox;
    struct str_list roots;
};
/* Behind "QUOTAROOT ". */
bool quota_root_read(struct reader *r, struct arena *arena, struct quota_root *out);
void quota_root_write(struct writer *w, const struct quota_root *root);

/* SETQUOTA's arguments: root and "(STORAGE 512)"; `usage` is not used. */
bool quota_limits_read(struct reader *r, struct arena *arena, struct quota *out);
void quota_limits_write(struct writer *w, const struct quota *quota);
