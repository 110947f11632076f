#pragma once
/* What a pass did: the numbers behind `sync --json` and the summary for people. */
#include "base/buf.h"
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum report_result { REPORT_OK, REPORT_HELD, REPORT_PARTIAL, REPORT_FAILED };

struct report_wire {
    uint64_t bytes_in, bytes_out, commands, round_trips, connections;
    bool compressed;
};

struct report_messages {
    uint64_t downloaded, linked, uploaded, flags_to_local, flags_to_remote, moved_local,
        moved_remote, deleted_local, deleted_remote, held, skipped, paired;
};

/* Every count: its name in JSON and its words for people; ends with a name NULL. */
struct report_count {
    size_t offset; /* in struct report_messages */
    const char *name;
    const char *words;
    const char *one; /* the words for 1, where they differ */
};
extern const struct report_count report_counts[];
uint64_t report_count_get(const struct report_messages *messages, const struct report_count *count);
void report_count_set(struct report_messages *messages, const struct report_count *count,
                      uint64_t value);

struct report {
    const char *account; /* borrowed */
    enum report_result result;
    struct error error;      /* the worst; code ERR_NONE where there is none */
    char error_mailbox[256]; /* empty: the whole account */
    int64_t elapsed_ms;
    struct report_wire wire;
    uint32_t mailboxes_total, mailboxes_changed, mailboxes_failed;
    uint32_t mailboxes_made, mailboxes_renamed, mailboxes_removed; /* on either side */
    struct report_messages messages;
};

/* For people: "12 downloaded, 3 flag changes here, 1 mailbox made; 0.4 s", "in step; 0.1 s".
 * Appended. */
void report_summary(const struct report *report, struct buf *out);

/* Whether anything was changed on either side. */
bool report_carried(const struct report *report);

/* The exit code of a pass, as maildird(1) lists them, and the worse of two. */
int report_exit_code(const struct report *report);
int exit_code_of(const struct error *err);
/* An error code with this exit code, for a report that another process told. */
enum error_code error_code_of_exit(int exit_code);
int exit_code_worse(int a, int b);
