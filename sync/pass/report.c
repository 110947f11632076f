#include "pass/report.h"

#include <inttypes.h>
#include <string.h>

static const int exit_codes[] = {
    [ERR_NONE] = 0,       [ERR_NETWORK] = 69,     [ERR_TLS] = 69,        [ERR_TIMEOUT] = 69,
    [ERR_CANCELLED] = 75, [ERR_PROTOCOL] = 76,    [ERR_NO] = 69,         [ERR_BAD] = 76,
    [ERR_BYE] = 69,       [ERR_STATE] = 70,       [ERR_CAPABILITY] = 76, [ERR_AUTH] = 77,
    [ERR_CONFIG] = 78,    [ERR_USAGE] = 64,       [ERR_WRITE] = 73,      [ERR_READ] = 74,
    [ERR_NOT_FOUND] = 74, [ERR_EXISTS] = 73,      [ERR_CHANGED] = 75,    [ERR_REFUSED] = 74,
    [ERR_LOCKED] = 75,    [ERR_UNSUPPORTED] = 76, [ERR_DEFECT] = 70,     [ERR_SKIPPED] = 75,
    [ERR_DAMAGED] = 74,
};

/* From the worst. */
static const int worst_first[] = {70, 64, 78, 77, 76, 69, 73, 74, 75, 1, 0};

int exit_code_of(const struct error *err)
{
    return exit_codes[err->code];
}

enum error_code error_code_of_exit(int exit_code)
{
    for (size_t code = 0; code < sizeof exit_codes / sizeof *exit_codes; code++) {
        if (exit_codes[code] == exit_code)
            return (enum error_code)code;
    }
    return ERR_DEFECT;
}

static size_t rank_of(int code)
{
    size_t rank = 0;
    while (rank < sizeof worst_first / sizeof *worst_first && worst_first[rank] != code) {
        rank++;
    }
    return rank < sizeof worst_first / sizeof *worst_first ? rank : 0;
}

int exit_code_worse(int a, int b)
{
    return rank_of(a) <= rank_of(b) ? a : b;
}

int report_exit_code(const struct report *report)
{
    switch (report->result) {
    case REPORT_OK:
        return 0;
    case REPORT_HELD:
        return 1;
    case REPORT_PARTIAL:
        return report->error.code == ERR_DEFECT ? 70 : 75;
    case REPORT_FAILED:
        break;
    }
    return report->error.code == ERR_NONE ? 70 : exit_code_of(&report->error);
}

const struct report_count report_counts[] = {
    {offsetof(struct report_messages, downloaded), "downloaded", "downloaded", NULL},
    {offsetof(struct report_messages, linked), "linked", "linked", NULL},
    {offsetof(struct report_messages, uploaded), "uploaded", "uploaded", NULL},
    {offsetof(struct report_messages, flags_to_local), "flags_to_local", "flag changes here",
     "flag change here"},
    {offsetof(struct report_messages, flags_to_remote), "flags_to_remote", "flag changes there",
     "flag change there"},
    {offsetof(struct report_messages, moved_local), "moved_local", "moved here", NULL},
    {offsetof(struct report_messages, moved_remote), "moved_remote", "moved there", NULL},
    {offsetof(struct report_messages, deleted_local), "deleted_local", "deleted here", NULL},
    {offsetof(struct report_messages, deleted_remote), "deleted_remote", "deleted there", NULL},
    {offsetof(struct report_messages, held), "held", "held", NULL},
    {offsetof(struct report_messages, skipped), "skipped", "left there", NULL},
    {0, NULL, NULL, NULL},
};

uint64_t report_count_get(const struct report_messages *messages, const struct report_count *count)
{
    uint64_t value;
    memcpy(&value, (const char *)messages + count->offset, sizeof value);
    return value;
}

void report_count_set(struct report_messages *messages, const struct report_count *count,
                      uint64_t value)
{
    memcpy((char *)messages + count->offset, &value, sizeof value);
}

static void add_counts(struct buf *out, const struct report *report)
{
    for (const struct report_count *c = report_counts; c->name != NULL; c++) {
        uint64_t count = report_count_get(&report->messages, c);
        if (count > 0)
            buf_addf(out, "%s%" PRIu64 " %s", out->len == 0 ? "" : ", ", count,
                     count == 1 && c->one != NULL ? c->one : c->words);
    }
}

static void add_mailboxes(struct buf *out, uint32_t count, const char *what)
{
    if (count > 0)
        buf_addf(out, "%s%" PRIu32 " mailbox%s %s", out->len == 0 ? "" : ", ", count,
                 count == 1 ? "" : "es", what);
}

bool report_carried(const struct report *report)
{
    uint64_t carried =
        (uint64_t)report->mailboxes_made + report->mailboxes_renamed + report->mailboxes_removed;
    for (const struct report_count *c = report_counts; c->name != NULL; c++)
        carried += report_count_get(&report->messages, c);
    return carried > report->messages.held + report->messages.skipped;
}

void report_summary(const struct report *report, struct buf *out)
{
    add_counts(out, report);
    add_mailboxes(out, report->mailboxes_made, "made");
    add_mailboxes(out, report->mailboxes_renamed, "renamed");
    add_mailboxes(out, report->mailboxes_removed, "removed");
    const char *comma = out->len == 0 ? "" : ", ";
    if (report->result == REPORT_FAILED)
        buf_addf(out, "%s%s", comma,
                 report->error.code == ERR_CANCELLED ? "interrupted"
                 : report->error.code == ERR_SKIPPED ? "skipped"
                                                     : "failed");
    else if (report->mailboxes_failed > 0)
        buf_addf(out, "%s%u mailbox%s failed", comma, report->mailboxes_failed,
                 report->mailboxes_failed == 1 ? "" : "es");
    else if (report->result == REPORT_PARTIAL)
        buf_addf(out, "%snot all could be done", comma);
    else if (out->len == 0)
        buf_add_cstr(out, "in step");
    buf_addf(out, "; %.1f s", (double)report->elapsed_ms / 1000.0);
}
