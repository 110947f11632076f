#include "pass/report_json.h"

#include "pass/json_text.h"

#include <stdio.h>
#include <string.h>

static const char *const RESULTS[] = {
    [REPORT_OK] = "ok",
    [REPORT_HELD] = "held",
    [REPORT_PARTIAL] = "partial",
    [REPORT_FAILED] = "failed",
};

static json_t *error_json(const struct report *report)
{
    if (report->error.code == ERR_NONE)
        return json_null();
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

json_t *report_to_json(const struct report *report)
{
    json_t *messages = json_object();
    for (const struct report_count *c = report_counts; c->name != NULL; c++) {
        json_int_t value = (json_int_t)report_count_get(&report->messages, c);
        json_object_set_new(messages, c->name, json_integer(value));
    }
    return json_pack("{s:s, s:s, s:o, s:f, s:o, s:{s:I, s:I}, s:o}", "name", report->account,
                     "result", RESULTS[report->result], "error", error_json(report), "seconds",
                     (double)report->elapsed_ms / 1000.0, "wire", wire_json(&report->wire),
                     "mailboxes", "total", (json_int_t)report->mailboxes_total, "changed",
                     (json_int_t)report->mailboxes_changed, "messages", messages);
}

/* ---- and back ---- */

static bool result_from(const char *name, enum report_result *out)
{
    for (size_t i = 0; i < sizeof RESULTS / sizeof RESULTS[0]; i++) {
        if (strcmp(RESULTS[i], name) == 0) {
            *out = (enum report_result)i;
            return true;
        }
    }
    return false;
}

static bool error_from(const json_t *object, struct report *out)
{
    const char *text = json_string_value(json_object_get(object, "text"));
    const char *scope = json_string_value(json_object_get(object, "scope"));
    const char *mailbox = json_string_value(json_object_get(object, "mailbox"));
    if (text == NULL || scope == NULL)
        return false;
    snprintf(out->error.text, sizeof out->error.text, "%s", text);
    snprintf(out->error_mailbox, sizeof out->error_mailbox, "%s", mailbox != NULL ? mailbox : "");
    out->error.code = error_code_of_exit((int)json_number_at(object, "code"));
    out->error.scope = SCOPE_MESSAGE;
    while (out->error.scope < SCOPE_CANCELLED &&
           strcmp(error_scope_name(out->error.scope), scope) != 0)
        out->error.scope++;
    return true;
}

static void wire_from(const json_t *object, struct report_wire *out)
{
    out->bytes_in = json_number_at(object, "bytes_in");
    out->bytes_out = json_number_at(object, "bytes_out");
    out->commands = json_number_at(object, "commands");
    out->round_trips = json_number_at(object, "round_trips");
    out->connections = json_number_at(object, "connections");
    out->compressed = json_is_true(json_object_get(object, "compressed"));
}

bool report_from_json(const json_t *object, struct arena *arena, struct report *out)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *result = json_string_value(json_object_get(object, "result"));
    const json_t *error = json_object_get(object, "error");
    const json_t *messages = json_object_get(object, "messages");
    const json_t *mailboxes = json_object_get(object, "mailboxes");
    *out = (struct report){0};
    if (name == NULL || result == NULL || !result_from(result, &out->result) ||
        (json_is_object(error) && !error_from(error, out)))
        return false;
    out->account = arena_strdup(arena, name);
    out->elapsed_ms = (int64_t)(json_number_value(json_object_get(object, "seconds")) * 1000.0);
    wire_from(json_object_get(object, "wire"), &out->wire);
    out->mailboxes_total = (uint32_t)json_number_at(mailboxes, "total");
    out->mailboxes_changed = (uint32_t)json_number_at(mailboxes, "changed");
    out->mailboxes_failed = out->result == REPORT_PARTIAL;
    for (const struct report_count *c = report_counts; c->name != NULL; c++)
        report_count_set(&out->messages, c, json_number_at(messages, c->name));
    return true;
}
