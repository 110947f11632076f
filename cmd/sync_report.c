#include "cmd/sync_report.h"
#include "base/buf.h"
#include "cmd/json_text.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Every count: its name in JSON and its words for people. */
static const struct {
    size_t offset;
    const char *name;
    const char *words;
    const char *one; /* the words for 1, where they differ */
} counts[] = {
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
};

static const char *const result_words[] = {
    [REPORT_OK] = "ok",
    [REPORT_HELD] = "held",
    [REPORT_PARTIAL] = "partial",
    [REPORT_FAILED] = "failed",
};

static uint64_t count_of(const struct report_messages *messages, size_t index)
{
    uint64_t count;
    memcpy(&count, (const char *)messages + counts[index].offset, sizeof count);
    return count;
}

static void add_counts(struct buf *out, const struct report *report)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint64_t count = count_of(&report->messages, i);
        const char *one = counts[i].one;
        if (count > 0) {
            buf_addf(out, "%s%" PRIu64 " %s", out->len == 0 ? "" : ", ", count,
                     count == 1 && one != NULL ? one : counts[i].words);
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
                 report->error.code == ERR_CANCELLED ? "interrupted" : "failed");
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

static json_t *error_json(const struct report *report)
{
    if (report->error.code == ERR_NONE) {
        return json_null();
    }
    json_t *mailbox =
        report->error_mailbox[0] == '\0' ? json_null() : json_text(report->error_mailbox);
    return json_pack("{s:i, s:s, s:o, s:o}", "code", exit_code_of(&report->error), "scope",
                     error_scope_name(report->error.scope), "mailbox", mailbox, "text",
                     json_text(report->error.text));
}

static json_t *wire_json(const struct report_wire *wire)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "bytes_in", (json_int_t)wire->bytes_in,
                     "bytes_out", (json_int_t)wire->bytes_out, "commands",
                     (json_int_t)wire->commands, "round_trips", (json_int_t)wire->round_trips,
                     "connections", (json_int_t)wire->connections, "compressed",
                     (int)wire->compressed);
}

json_t *sync_report_json(const struct report *report)
{
    json_t *messages = json_object();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        json_object_set_new(messages, counts[i].name,
                            json_integer((json_int_t)count_of(&report->messages, i)));
    }
    return json_pack("{s:s, s:s, s:o, s:f, s:o, s:{s:I, s:I}, s:o}", "name", report->account,
                     "result", result_words[report->result], "error", error_json(report), "seconds",
                     (double)report->elapsed_ms / 1000.0, "wire", wire_json(&report->wire),
                     "mailboxes", "total", (json_int_t)report->mailboxes_total, "changed",
                     (json_int_t)report->mailboxes_changed, "messages", messages);
}
