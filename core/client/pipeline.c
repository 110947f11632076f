/*
 * Commands on their way: tags, the queue of what is in flight, literals and their continuations,
 * completion.
 *
 * Two ends that both write and do not read stop each other. So before more is written than the
 * sockets hold while an answer of any length may be coming (everything but APPEND's), answers are
 * taken until there is room.
 */
#include "base/alloc.h"
#include "imap/limits.h"
#include "client/client_private.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const struct client_op_hooks no_hooks = {0};

struct client_op *pipeline_find_select(struct client_op *op)
{
    while (op != NULL && op->row->id != CMD_SELECT && op->row->id != CMD_EXAMINE) {
        op = op->next;
    }
    return op;
}

int pipeline_refuse(struct client_op *op, struct error *err, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    op->row = NULL;
    return error_set(err, ERR_STATE, SCOPE_MAILBOX, "%s", text);
}

static int check_state(const struct client *c, const struct command_row *row, struct error *err)
{
    bool selecting = pipeline_find_select(c->first) != NULL;
    unsigned state = selecting ? STATE_SELECTED : c->state;
    if ((row->states & state) == 0) {
        return error_set(err, ERR_STATE, SCOPE_MAILBOX, "%s is not possible %s", row->name,
                         state == STATE_NOT_AUTHENTICATED ? "before login"
                         : state == STATE_AUTHENTICATED   ? "with no mailbox selected"
                                                          : "in this state of the connection");
    }
    if (selecting && row->states == STATE_SELECTED && (row->flags & COMMAND_CHANGES_DATA) != 0) {
        return error_set(err, ERR_STATE, SCOPE_MAILBOX, "%s must wait for the end of its SELECT",
                         row->name);
    }
    bool is_select = row->id == CMD_SELECT || row->id == CMD_EXAMINE;
    if ((row->flags & COMMAND_CHANGES_STATE) != 0 && !is_select) {
        if (c->first != NULL) {
            return error_set(err, ERR_STATE, SCOPE_MAILBOX, "%s must wait for what is in flight",
                             row->name);
        }
        if (c->batch) {
            return error_set(err, ERR_STATE, SCOPE_MAILBOX, "%s cannot be part of a batch",
                             row->name);
        }
    }
    return 0;
}

static const struct client_op *find_breaker(const struct client *c)
{
    const struct client_op *op = c->first;
    while (op != NULL && (op->row->flags & COMMAND_BREAKS_SEQS) == 0) {
        op = op->next;
    }
    return op;
}

/* RFC 9051 section 5.5. */
static int await_sequences(struct client *c, const struct command_row *row, struct error *err)
{
    if (client_enabled(c, CAP_UIDONLY)) {
        return error_set(err, ERR_STATE, SCOPE_MAILBOX,
                         "%s by sequence number is not possible after ENABLE UIDONLY", row->name);
    }
    for (;;) {
        const struct client_op *breaker = find_breaker(c);
        if (breaker == NULL) {
            return 0;
        }
        if (c->batch) {
            return error_set(err, ERR_STATE, SCOPE_MAILBOX,
                             "%s by sequence number cannot follow %s in a batch, which may move "
                             "the numbers",
                             row->name, breaker->row->name);
        }
        client_restart_deadline(c);
        if (dispatch_response(c, err) < 0) {
            return -(int)err->code;
        }
    }
}

int pipeline_use_sequences(struct client *c, struct client_op *op, struct error *err)
{
    if (await_sequences(c, op->row, err) < 0) {
        op->row = NULL;
        return -(int)err->code;
    }
    return 0;
}

int pipeline_require_set(struct client *c, struct client_op *op, const struct seqset *set,
                         struct error *err)
{
    if (set->saved) {
        return pipeline_require(c, op, CAP_SEARCHRES, err);
    }
    return seqset_is_empty(set) ? pipeline_refuse(op, err, "%s of no message", op->row->name) : 0;
}

static enum writer_literals literals_of(const struct client *c)
{
    if (client_has(c, CAP_LITERAL_PLUS)) {
        return WRITER_LITERAL_PLUS;
    }
    return client_has(c, CAP_LITERAL_MINUS) ? WRITER_LITERAL_MINUS : WRITER_LITERAL_SYNC;
}

int pipeline_open(struct client *c, struct client_op *op, enum command_id id,
                  const struct client_op_hooks *hooks, struct arena *arena, struct error *err)
{
    return pipeline_open_row(c, op, command_row(id), hooks, arena, err);
}

int pipeline_open_row(struct client *c, struct client_op *op, const struct command_row *row,
                      const struct client_op_hooks *hooks, struct arena *arena, struct error *err)
{
    *op = (struct client_op){0};
    if (error_is_set(&c->failure)) {
        *err = c->failure;
        return -(int)err->code;
    }
    if (check_state(c, row, err) < 0) {
        return -(int)err->code;
    }
    if (row->capability >= 0 &&
        pipeline_require(c, op, (enum capability)row->capability, err) < 0) {
        return error_wrap(err, "%s", row->name);
    }
    bool by_uid = str_starts(str_from(row->name), STR("UID "));
    if ((row->flags & COMMAND_USES_SEQS) != 0 && !by_uid && await_sequences(c, row, err) < 0) {
        return -(int)err->code;
    }
    op->row = row;
    op->hooks = hooks;
    op->arena = arena;
    snprintf(op->tag, sizeof op->tag, "A%" PRIu32, c->tags + 1);
    writer_clear(&c->writer);
    c->writer.literals = literals_of(c);
    c->writer.utf8 = client_speaks_utf8(c);
    writer_format(&c->writer, "%s %s", op->tag, row->name);
    c->arguments_at = c->writer.buf.len;
    return 0;
}

int pipeline_require(struct client *c, struct client_op *op, enum capability cap, struct error *err)
{
    if (client_has(c, cap)) {
        return 0;
    }
    op->row = NULL;
    return error_set(err, ERR_CAPABILITY, SCOPE_MAILBOX, "%s does not have %s", c->host,
                     capability_name(cap));
}

static void enqueue(struct client *c, struct client_op *op)
{
    if (c->first == NULL) {
        c->first = op;
        c->turn_open = true;
    } else {
        c->last->next = op;
    }
    c->last = op;
    c->tags++;
}

static void dequeue(struct client *c, struct client_op *op)
{
    struct client_op *before = NULL;
    for (struct client_op *at = c->first; at != op; at = at->next) {
        before = at;
    }
    if (before == NULL) {
        c->first = op->next;
    } else {
        before->next = op->next;
    }
    if (c->last == op) {
        c->last = before;
    }
    op->next = NULL;
}

/* Reads answers until `size` more bytes fit the window. The answers to APPEND are short, however
 * long it is. */
static int make_room(struct client *c, const struct client_op *sending, size_t size,
                     struct error *err)
{
    for (;;) {
        size_t bytes = 0;
        bool may_flood = false;
        for (const struct client_op *op = c->first; op != NULL; op = op->next) {
            bytes += op->bytes;
            may_flood = may_flood || (op != sending && op->row->id != CMD_APPEND);
        }
        if (!may_flood || bytes + size <= WINDOW_BYTES) {
            return 0;
        }
        if (dispatch_response(c, err) < 0) {
            return -(int)err->code;
        }
    }
}

static int write_bytes(struct client *c, struct client_op *op, struct str bytes, struct error *err)
{
    op->bytes += bytes.len;
    c->unflushed = true;
    if (stream_write(c->stream, bytes.ptr, bytes.len, err) < 0) {
        return client_fail(c, err);
    }
    return 0;
}

int pipeline_write(struct client *c, struct client_op *op, struct str bytes, struct error *err)
{
    client_restart_deadline(c);
    if (make_room(c, op, bytes.len, err) < 0) {
        return -(int)err->code;
    }
    while (c->first != NULL && stream_has_input(c->stream)) {
        if (dispatch_response(c, err) < 0) {
            return -(int)err->code;
        }
    }
    return write_bytes(c, op, bytes, err);
}

int pipeline_await_continuation(struct client *c, struct client_op *op, struct error *err)
{
    c->round_trips++;
    c->turn_open = false;
    c->continuation.awaited = true;
    c->continuation.come = false;
    client_restart_deadline(c);
    while (!c->continuation.come && op->result == STATUS_NONE) {
        if (dispatch_response(c, err) < 0) {
            return -(int)err->code;
        }
    }
    c->continuation.awaited = false;
    c->turn_open = c->continuation.come;
    return 0;
}

/* The line from `from` on, stopping at each break for the server's word. */
static int write_line(struct client *c, struct client_op *op, size_t from, struct error *err)
{
    struct str line = buf_str(&c->writer.buf);
    for (size_t i = 0; i < c->writer.breaks_len; i++) {
        size_t to = c->writer.breaks[i];
        if (write_bytes(c, op, str_sub(line, from, to - from), err) < 0 ||
            pipeline_await_continuation(c, op, err) < 0) {
            return -(int)err->code;
        }
        if (op->result != STATUS_NONE) {
            return 0;
        }
        from = to;
    }
    return write_bytes(c, op, str_from_offset(line, from), err);
}

/* The name may be seen, the arguments not; and they do not stay in memory. */
static int write_secret_line(struct client *c, struct client_op *op, struct error *err)
{
    struct buf *buf = &c->writer.buf;
    int result = write_bytes(c, op, str_make(buf->data, c->arguments_at), err);
    if (c->tap != NULL) {
        tap_hide(c->tap, true);
    }
    if (result == 0) {
        result = write_line(c, op, c->arguments_at, err);
    }
    if (c->tap != NULL) {
        tap_hide(c->tap, false);
    }
    explicit_bzero(buf->data, buf->cap);
    return result;
}

int pipeline_send_open(struct client *c, struct client_op *op, struct error *err)
{
    bool secret = (op->row->flags & COMMAND_SECRET) != 0;
    int result = writer_finish(&c->writer, err);
    if (result == 0) {
        client_restart_deadline(c);
        result = make_room(c, op, c->writer.buf.len, err);
    }
    if (result < 0) {
        op->row = NULL;
        return result;
    }
    enqueue(c, op);
    result = secret ? write_secret_line(c, op, err) : write_line(c, op, 0, err);
    if (result < 0) {
        xfree(&op->refusal);
    }
    return result;
}

int pipeline_send_more(struct client *c, struct client_op *op, struct error *err)
{
    int result = writer_finish(&c->writer, err);
    if (result < 0) {
        error_widen(err, SCOPE_CONNECTION);
        return client_fail(c, err);
    }
    client_restart_deadline(c);
    result = make_room(c, op, c->writer.buf.len, err);
    return result < 0 ? result : write_line(c, op, 0, err);
}

int pipeline_send(struct client *c, struct client_op *op, struct error *err)
{
    writer_crlf(&c->writer);
    return pipeline_send_open(c, op, err);
}

/* Dovecot tells behind its words how long it took, "(0.001 + 0.000 secs).": two refusals for one
 * reason would not read the same. */
static struct str without_seconds(struct str text)
{
    static const char tail[] = " secs).";
    ptrdiff_t open = str_rfind(text, '(');
    if (open < 1 || text.ptr[open - 1] != ' ' || !str_ends(text, str_from(tail))) {
        return text;
    }
    for (size_t i = (size_t)open + 1; i < text.len - strlen(tail); i++) {
        if (strchr("0123456789.+ ", text.ptr[i]) == NULL || text.ptr[i] == '\0') {
            return text;
        }
    }
    return str_sub(text, 0, (size_t)open - 1);
}

static void keep_refusal(struct client *c, struct client_op *op,
                         const struct imap_response_status *status)
{
    enum error_code code = status->status == STATUS_NO ? ERR_NO : ERR_BAD;
    bool coded = status->code != CODE_NONE && status->code_name.len > 0;
    op->refusal = xcalloc(1, sizeof *op->refusal);
    error_set(op->refusal, code, SCOPE_MAILBOX, "%s answers %s to %s: %s%.*s%s%.*s", c->host,
              imap_status_name(status->status), op->row->name, coded ? "[" : "",
              coded ? (int)status->code_name.len : 0, coded ? status->code_name.ptr : "",
              coded ? "] " : "", STR_ARG(without_seconds(status->text)));
    if (coded) {
        snprintf(op->refusal->response_code, sizeof op->refusal->response_code, "%.*s",
                 STR_ARG(status->code_name));
    }
}

static void copy_printable(char *to, size_t size, struct str from)
{
    size_t len = from.len < size ? from.len : size - 1;
    if (len > 0) {
        memcpy(to, from.ptr, len);
    }
    to[str_make_printable(to, len)] = '\0';
}

static void keep_answer(struct client *c, const struct imap_response_status *status)
{
    struct client_answer *answer = &c->answer;
    *answer = (struct client_answer){.status = status->status, .code = status->code};
    if (status->code != CODE_NONE) {
        copy_printable(answer->code_name, sizeof answer->code_name, status->code_name);
    }
    copy_printable(answer->text, sizeof answer->text, status->text);
    if (status->code == CODE_MESSAGELIMIT) {
        answer->number = status->number;
        answer->uid = status->uid;
    }
}

void pipeline_complete(struct client *c, struct client_op *op,
                       const struct imap_response_status *status)
{
    dequeue(c, op);
    op->result = status->status;
    keep_answer(c, status);
    op->limit = c->answer.number;
    op->limit_uid = c->answer.uid;
    if (status->status != STATUS_OK) {
        keep_refusal(c, op, status);
    }
}

int pipeline_end(struct client *c, struct client_op *op, struct error *err)
{
    if (op->row == NULL) {
        return error_set(err, ERR_STATE, SCOPE_MAILBOX, "the command was never sent");
    }
    if (op->result == STATUS_NONE) {
        client_restart_deadline(c);
    }
    while (op->result == STATUS_NONE) {
        if (error_is_set(&c->failure)) {
            *err = c->failure;
            return -(int)err->code;
        }
        if (dispatch_response(c, err) < 0) {
            return -(int)err->code;
        }
    }
    if (op->result == STATUS_OK && op->orphan && op->row->states == STATE_SELECTED) {
        return error_set(err, ERR_NO, SCOPE_MAILBOX,
                         "%s counted on a mailbox that could not be selected", op->row->name);
    }
    if (op->result == STATUS_OK) {
        return 0;
    }
    if (op->refusal == NULL) {
        return error_set(err, op->result == STATUS_NO ? ERR_NO : ERR_BAD, SCOPE_MAILBOX,
                         "%s was refused by %s", op->row->name, c->host);
    }
    *err = *op->refusal;
    xfree(&op->refusal);
    return -(int)err->code;
}

int pipeline_run(struct client *c, struct client_op *op, struct error *err)
{
    int result = pipeline_send(c, op, err);
    return result < 0 ? result : pipeline_end(c, op, err);
}

int pipeline_check_told(const struct client *c, const struct client_op *op, bool told,
                        struct error *err)
{
    return told ? 0
                : error_set(err, ERR_PROTOCOL, SCOPE_MAILBOX,
                            "%s answers OK to %s and tells nothing", c->host, op->row->name);
}

int client_op_end(struct client *c, struct client_op *op, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return pipeline_end(c, op, err);
}

void client_batch_begin(struct client *c)
{
    client_lock(c);
    c->batch = true;
}

int client_batch_end(struct client *c, struct error *err)
{
    assert(c->batch);
    int result = 0;
    c->batch = false;
    client_restart_deadline(c);
    while (result == 0 && c->first != NULL) {
        result = dispatch_response(c, err);
    }
    client_unlock(c);
    return result;
}
