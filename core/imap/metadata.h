#pragma once
/* METADATA (RFC 5464). The server's annotations have the mailbox "". */
#include "wire/reader.h"
#include "wire/writer.h"
#include "imap/str_list.h"

struct metadata_entry {
    struct str name;  /* "/private/comment" */
    struct str value; /* ptr NULL: NIL, none or to be removed */
};
/* What METADATA tells, or SETMETADATA sets. */
struct metadata {
    struct str mailbox;
    bool names_only; /* the form without values: these entries have changed */
    struct metadata_entry *items;
    size_t len;
};
/* Behind "METADATA ". */
bool metadata_read(struct reader *r, struct arena *arena, struct metadata *out);
/* "METADATA "INBOX" (/private/comment "x")", no line end. */
void metadata_write(struct writer *w, const struct metadata *metadata);
/* Behind "SETMETADATA ": never names_only, at least one entry. Values go as literals where they
 * hold what a string cannot; binary ones as literal8. */
bool metadata_set_read(struct reader *r, struct arena *arena, struct metadata *out);
void metadata_set_write(struct writer *w, const struct metadata *metadata);

enum metadata_depth { METADATA_DEPTH_0, METADATA_DEPTH_1, METADATA_DEPTH_INFINITY };
struct metadata_get {
    struct str mailbox;
    bool has_max_size;
    uint32_t max_size;
    enum metadata_depth depth;
    struct str_list names; /* at least one */
};
/* Behind "GETMETADATA ". Options before the mailbox as the standard has it, or behind it as its
 * examples. */
bool metadata_get_read(struct reader *r, struct arena *arena, struct metadata_get *out);
void metadata_get_write(struct writer *w, const struct metadata_get *get);
/* Begins with /private/ or /shared/, no `*`, `%`, `//`, 8-bit bytes or controls, no slash at its
 * end. */
bool metadata_name_is_valid(struct str name);
