/*
 * Where a command ends: at the end of a line that announces no literal. Literals are judged when
 * they are announced, so that a client that waits learns of a refusal before it sends the bytes; of
 * one that does not wait the bytes are taken and dropped (RFC 7888 section 4).
 */
#include "server/session_private.h"

struct announced {
    uint64_t size;
    bool sync;
};

/* "… {12}" or "… {12+}"; `line` without its end. */
static bool line_announces(struct str line, struct announced *out)
{
    if (line.len < 3 || line.ptr[line.len - 1] != '}') {
        return false;
    }
    ptrdiff_t open = str_rfind(line, '{');
    if (open < 0) {
        return false;
    }
    struct str digits = str_sub(line, (size_t)open + 1, line.len - (size_t)open - 2);
    out->sync = !str_ends(digits, STR("+"));
    if (!out->sync) {
        digits.len--;
    }
    if (digits.len == 0) {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return false;
        }
    }
    if (!str_to_u64(digits, &out->size)) {
        out->size = UINT64_MAX;
    }
    return true;
}

static void refuse(struct frame *frame, enum imap_status status, enum response_code code,
                   const char *text)
{
    frame->refused = true;
    frame->refusal.status = status;
    frame->refusal.code = code;
    frame->refusal.text = str_from(text);
}

/* "REPLACE 4 " and "UID REPLACE 4 " have the message before the mailbox. */
static bool peek_name(struct reader *reader, const struct command_row **row_out)
{
    struct str name;
    uint32_t number;
    if (!reader_expect_sp(reader) || !reader_expect_atom(reader, &name)) {
        return false;
    }
    if (!str_eq_nocase(name, STR("UID"))) {
        *row_out = command_find(name);
    } else if (reader_accept_sp(reader) && reader_accept_word(reader, "REPLACE")) {
        *row_out = command_row(CMD_UID_REPLACE);
    }
    if (*row_out == NULL || ((*row_out)->id != CMD_REPLACE && (*row_out)->id != CMD_UID_REPLACE)) {
        return *row_out != NULL;
    }
    return reader_expect_sp(reader) && reader_expect_number(reader, &number);
}

/* The command's row and, where it is complete already, the mailbox it names. */
static const struct command_row *peek_command(struct session *s, size_t end, struct arena *arena,
                                              struct str *first_out)
{
    struct memory_source source = {str_make(s->in.data + s->frame.start, end - s->frame.start)};
    struct reader *reader = conn_reader(&source, arena);
    const struct command_row *row = NULL;
    struct str tag;
    if (!reader_expect_tag(reader, &tag) || !peek_name(reader, &row) || !reader_expect_sp(reader) ||
        !reader_expect_astring(reader, first_out) || !reader_expect_sp(reader)) {
        *first_out = STR_EMPTY;
    }
    reader_free(&reader);
    return row;
}

static bool mailbox_is_missing(struct session *s, struct str wire, struct arena *arena)
{
    struct command probe = {.arena = arena};
    struct backend_mailbox *mailbox = NULL;
    struct error err = ERROR_INIT;
    struct str name;
    if (!names_from_wire(s, &probe, wire, &name)) {
        return true;
    }
    if (s->backend.ops->open(s->user, name, &mailbox, &err) < 0) {
        return err.code == ERR_NOT_FOUND;
    }
    s->backend.ops->close(mailbox);
    return false;
}

static void judge_append(struct session *s, struct str mailbox, const struct announced *literal,
                         struct arena *arena)
{
    uint64_t limit = s->options.capabilities.append_limit;
    if (limit == 0 || limit > LIMIT_SERVER_LITERAL_BYTES) {
        limit = LIMIT_SERVER_LITERAL_BYTES;
    }
    if ((s->state & STATES_AUTH) == 0) {
        refuse(&s->frame, STATUS_BAD, CODE_NONE, "Log in first");
    } else if (literal->size > limit) {
        refuse(&s->frame, STATUS_NO, CODE_TOOBIG, "The message is too big");
    } else if (mailbox.len > 0 && mailbox_is_missing(s, mailbox, arena)) {
        refuse(&s->frame, STATUS_NO, CODE_TRYCREATE, "There is no such mailbox");
    }
}

static void judge(struct session *s, size_t end, const struct announced *literal)
{
    struct arena *arena AUTO_ARENA = arena_new();
    struct str first;
    bool announced_minus = session_offers(s, CAP_LITERAL_MINUS) && literal->size <= 4096;
    const struct command_row *row = peek_command(s, end, arena, &first);
    if (!literal->sync && !announced_minus && !session_offers(s, CAP_LITERAL_PLUS)) {
        refuse(&s->frame, STATUS_BAD, CODE_NONE, "Non-synchronizing literals are not on offer");
    } else if (row != NULL &&
               (row->id == CMD_APPEND || row->id == CMD_REPLACE || row->id == CMD_UID_REPLACE)) {
        judge_append(s, first, literal, arena);
    } else if (literal->size > LIMIT_SERVER_LINE_BYTES) {
        refuse(&s->frame, STATUS_BAD, CODE_TOOBIG, "The literal is too long");
    }
}

/* What is held of one command, dropped or not. */
static uint64_t held_limit(const struct session *s)
{
    return (s->state & STATES_AUTH) != 0 ? LIMIT_SERVER_LITERAL_BYTES : LIMIT_SERVER_LINE_BYTES;
}

void frame_reset(struct session *s, size_t start)
{
    s->frame = (struct frame){.start = start, .line_start = start, .scan = start};
}

/* The line end at or behind frame.scan. */
static bool find_line(struct session *s, size_t *end_out)
{
    struct frame *frame = &s->frame;
    if (frame->scan >= s->in.len) {
        return false;
    }
    const char *found = memchr(s->in.data + frame->scan, '\n', s->in.len - frame->scan);
    if (found == NULL) {
        frame->scan = s->in.len;
        return false;
    }
    *end_out = (size_t)(found - s->in.data) + 1;
    return true;
}

static struct str line_without_end(const struct session *s, size_t end)
{
    struct str line = str_make(s->in.data + s->frame.line_start, end - 1 - s->frame.line_start);
    if (str_ends(line, STR("\r"))) {
        line.len--;
    }
    return line;
}

enum frame_result frame_scan(struct session *s, size_t *end_out)
{
    struct frame *frame = &s->frame;
    struct announced literal;
    size_t end;
    while (find_line(s, &end)) {
        if (frame->line_bytes + (end - frame->line_start) > LIMIT_SERVER_LINE_BYTES) {
            return FRAME_BROKEN;
        }
        if (!line_announces(line_without_end(s, end), &literal)) {
            *end_out = end;
            return FRAME_COMPLETE;
        }
        if (!frame->refused) {
            judge(s, end, &literal);
        }
        if (literal.sync && frame->refused) {
            *end_out = end;
            return FRAME_COMPLETE;
        }
        if (literal.size > held_limit(s) - frame->literal_bytes) {
            return FRAME_BROKEN;
        }
        if (literal.sync) {
            writer_cstr(&s->out, "+ Go ahead\r\n");
        }
        frame->line_bytes += end - frame->line_start;
        frame->literal_bytes += literal.size;
        frame->line_start = frame->scan = end + (size_t)literal.size;
    }
    size_t open_line = s->in.len > frame->line_start ? s->in.len - frame->line_start : 0;
    return frame->line_bytes + open_line > LIMIT_SERVER_LINE_BYTES ? FRAME_BROKEN
                                                                   : FRAME_INCOMPLETE;
}
