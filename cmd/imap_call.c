/* An operation run: its words counted, its result printed, its exit code. */
#include "pass/report.h"
#include "cmd/command.h"
#include "cmd/imap_op.h"
#include "cmd/json_imap.h"
#include "cmd/json_print.h"
#include "cmd/outline.h"
#include <stdio.h>

enum { EXIT_NO = 1, EXIT_PROTOCOL = 76 };

const struct imap_op *const imap_families[] = {
    imap_session_ops,
    imap_mailbox_ops,
    imap_rights_ops,
    imap_message_ops,
    imap_fetch_ops,
    imap_search_ops,
    NULL,
};

const struct imap_op *imap_op_find(const char *name)
{
    for (const struct imap_op *const *family = imap_families; *family != NULL; family++) {
        for (const struct imap_op *op = *family; op->name != NULL; op++) {
            if (imap_word_is(name, op->name)) {
                return op;
            }
        }
    }
    return NULL;
}

void imap_ops_print(void)
{
    for (const struct imap_op *const *family = imap_families; *family != NULL; family++) {
        for (const struct imap_op *op = *family; op->name != NULL; op++) {
            printf("  %s%s%s\n      %s\n", op->name, op->arguments[0] == '\0' ? "" : " ",
                   op->arguments, op->summary);
        }
    }
}

/* ---- how it ended ---- */

static const char *status_of(const struct error *err)
{
    switch (err->code) {
    case ERR_NONE:
        return "OK";
    case ERR_NO:
        return "NO";
    case ERR_BAD:
        return "BAD";
    case ERR_BYE:
        return "BYE";
    default:
        return error_code_name(err->code);
    }
}

static int exit_code_of_op(const struct error *err)
{
    switch (err->code) {
    case ERR_NONE:
        return 0;
    case ERR_NO:
        return EXIT_NO;
    case ERR_BAD:
    case ERR_PROTOCOL:
        return EXIT_PROTOCOL;
    case ERR_STATE:
    case ERR_CAPABILITY:
    case ERR_USAGE:
        return EXIT_USAGE;
    default:
        return exit_code_of(err);
    }
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_text(text);
}

static void print_document(const char *op, const struct error *err, const char *code,
                           const char *text, json_t *untagged, json_t *result)
{
    json_t *document = json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:o}", "op", op == NULL ? json_null() : json_string(op),
        "status", status_of(err), "code", text_or_null(code), "text", text_or_null(text),
        "untagged", untagged, "result", result == NULL ? json_null() : result);
    json_print(&document);
}

static void print_text(const struct error *err)
{
    (void)fflush(stdout);
    fprintf(stderr, "maildird: %s%s%s%s\n", err->text, err->response_code[0] == '\0' ? "" : " [",
            err->response_code, err->response_code[0] == '\0' ? "" : "]");
}

int imap_op_refused(bool json, const char *op, int exit_code, const struct error *err)
{
    if (json) {
        print_document(op, err, err->response_code, err->text, json_array(), NULL);
    } else {
        print_text(err);
    }
    return exit_code;
}

/* ---- running ---- */

static json_t *take_untagged(const struct imap_call *call)
{
    json_t *out = json_array();
    struct client_event event;
    while (client_next_event(call->client, &event)) {
        json_array_append_new(out, imap_event_json(call, &event));
    }
    return out;
}

static void print_block(const char *before, const json_t *value)
{
    struct buf text = BUF_INIT(SIZE_MAX / 2);
    if (json_is_array(value) && before[0] != '\0') {
        for (size_t i = 0; i < json_array_size(value); i++) {
            buf_add_cstr(&text, before);
            outline_line(&text, json_array_get(value, i));
            buf_add_byte(&text, '\n');
        }
    } else {
        outline_block(&text, value);
    }
    if (text.len > 0) {
        (void)fwrite(text.data, 1, text.len, stdout);
    }
    buf_free(&text);
}

static void print_for_people(const struct imap_call *call, const struct error *err,
                             const json_t *untagged, const struct client_answer *answer)
{
    if (!call->printed && call->result != NULL) {
        print_block("", call->result);
    }
    print_block("* ", untagged);
    if (error_is_set(err)) {
        print_text(err);
    } else if (call->result == NULL && !call->printed) {
        printf("OK %s\n", answer->text);
    }
}

static int run_counted(struct imap_call *call, struct error *err)
{
    if (call->len < call->op->least || call->len > call->op->most) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "usage: %s%s%s", call->op->name,
                         call->op->arguments[0] == '\0' ? "" : " ", call->op->arguments);
    }
    return call->op->run(call, err);
}

int imap_op_run(struct imap_session *session, const struct imap_op *op, const char *const *words,
                size_t len)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct error err = ERROR_INIT;
    struct imap_call call = {.session = session,
                             .client = session->client,
                             .op = op,
                             .arena = arena,
                             .words = words,
                             .len = len};
    (void)run_counted(&call, &err);
    struct client_answer answer = client_last_answer(session->client);
    json_t *untagged = take_untagged(&call);
    bool answered = err.code == ERR_NONE || err.code == ERR_NO || err.code == ERR_BAD;
    if (session->json) {
        print_document(op->name, &err, answered ? answer.code_name : err.response_code,
                       answered ? answer.text : err.text, untagged,
                       error_is_set(&err) ? NULL : call.result);
        if (error_is_set(&err)) {
            json_decref(call.result);
        }
    } else {
        print_for_people(&call, &err, untagged, &answer);
        json_decref(untagged);
        json_decref(call.result);
    }
    return exit_code_of_op(&err);
}
