#pragma once
/* Whether a server in memory and a Maildir hold the same: message by message, with their flags. */
#include "server/mem_backend.h"
#include "store/maildir.h"

struct demo_comparison {
    size_t server, here;
    bool equal;
};

int demo_compare(struct mem_backend *backend, const struct maildir *md, const char *mailbox,
                 struct demo_comparison *out, struct error *err);
