#pragma once
/* STORE's arguments behind the set (RFC 9051 section 6.4.6, RFC 7162). */
#include "imap/flags.h"

enum store_mode { STORE_SET, STORE_ADD, STORE_REMOVE };
struct store_params {
    enum store_mode mode;
    bool silent;
    bool has_unchanged_since;
    uint64_t unchanged_since;
    struct imap_flags flags;
};
/* "(UNCHANGEDSINCE 5) +FLAGS.SILENT (\Seen)", behind the set and its space, up to the line end. */
bool store_params_read(struct reader *r, struct arena *arena, struct store_params *out);
void store_params_write(struct writer *w, const struct store_params *params);
