#include "cmd/sync_report.h"
#include "base/buf.h"
#include <inttypes.h>
#include <stdio.h>

static void add_counts(struct buf *out, const struct report *report)
{
    for (const struct report_count *c = report_counts; c->name != NULL; c++) {
        uint64_t count = report_count_get(&report->messages, c);
        if (count > 0) {
            buf_addf(out, "%s%" PRIu64 " %s", out->len == 0 ? "" : ", ", count,
                     count == 1 && c->one != NULL ? c->one : c->words);
        }
    }
}

void sync_report_print(const struct report *report)
{
    struct buf done = BUF_INIT(4096);
    const char *comma = "";
    add_counts(&done, report);
    comma = done.len == 0 ? "" : ", ";
    if (report->result == REPORT_FAILED) {
        buf_addf(&done, "%s%s", comma,
                 report->error.code == ERR_CANCELLED ? "interrupted"
                 : report->error.code == ERR_SKIPPED ? "skipped"
                                                     : "failed");
    } else if (report->mailboxes_failed > 0) {
        buf_addf(&done, "%s%u mailbox%s failed", comma, report->mailboxes_failed,
                 report->mailboxes_failed == 1 ? "" : "es");
    } else if (report->result == REPORT_PARTIAL) {
        buf_addf(&done, "%snot all could be done", comma);
    } else if (done.len == 0) {
        buf_add_cstr(&done, "in step");
    }
    printf("%s: %s; %.1f s\n", report->account, done.data, (double)report->elapsed_ms / 1000.0);
    if (report->messages.held > 0) {
        printf("%s: see `maildird held %s`\n", report->account, report->account);
    }
    buf_free(&done);
}
