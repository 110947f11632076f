#pragma once
/* What a pass did: the numbers behind `sync --json` and the summary for people. */
#include "base/error.h"
#include <stdint.h>

enum report_result { REPORT_OK, REPORT_HELD, REPORT_PARTIAL, REPORT_FAILED };

struct report_wire {
    uint64_t bytes_in, bytes_out, commands, round_trips, connections;
    bool compressed;
};

struct report_messages {
    uint64_t downloaded, linked, uploaded, flags_to_local, flags_to_remote, moved_local,
        moved_remote, deleted_local, deleted_remote, held, skipped;
};

struct report {
    const char *account; /* borrowed */
    enum report_result result;
    struct error error;      /* the worst; code ERR_NONE where there is none */
    char error_mailbox[256]; /* empty: the whole account */
    int64_t elapsed_ms;
    struct report_wire wire;
    uint32_t mailboxes_total, mailboxes_changed, mailboxes_failed;
    struct report_messages messages;
};

/* The exit code of a pass, as maildird(1) lists them, and the worse of two. */
int report_exit_code(const struct report *report);
int exit_code_of(const struct error *err);
int exit_code_worse(int a, int b);
