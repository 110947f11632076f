/*
 * Raw commands. The bytes of the answer are kept beside the reader, which takes them apart as ever:
 * where a response begins and ends is known by the reader's offset.
 */
#include "client/cmd_raw.h"
#include "imap/limits.h"
#include "client/client_private.h"

static const enum command_id own_functions[] = {
    CMD_STARTTLS, CMD_AUTHENTICATE, CMD_LOGIN, CMD_COMPRESS, CMD_IDLE, CMD_UNAUTHENTICATE,
};

/* ---- what comes ---- */

static void begin_capture(struct client *c, struct client_raw *h)
{
    stream_unread(c->stream, reader_take_buffered(c->reader));
    client_renew_reader(c);
    buf_clear(&c->capture.bytes);
    c->capture.raw = h;
    c->capture.begin = reader_offset(c->reader);
}

static void end_capture(struct client *c)
{
    c->capture.raw = NULL;
    buf_free(&c->capture.bytes);
}

static struct str without_line_end(struct str bytes)
{
    while (bytes.len > 0 &&
           (bytes.ptr[bytes.len - 1] == '\n' || bytes.ptr[bytes.len - 1] == '\r')) {
        bytes.len--;
    }
    return bytes;
}

void raw_take(struct client *c)
{
    struct client_raw *h = c->capture.raw;
    if (c->capture.bytes.overflowed) {
        h->cut = true;
        end_capture(c);
        return;
    }
    uint64_t end = reader_offset(c->reader);
    size_t size = (size_t)(end - c->capture.begin);
    struct str response = without_line_end(str_sub(buf_str(&c->capture.bytes), 0, size));
    struct str kept = arena_str(h->arena, response);
    if (h->op.result != STATUS_NONE && h->tagged.len == 0) {
        h->tagged = kept;
    } else {
        h->untagged = arena_grow(h->arena, h->untagged, h->untagged_len, &h->untagged_cap,
                                 sizeof *h->untagged);
        h->untagged[h->untagged_len++] = kept;
    }
    buf_consume(&c->capture.bytes, size);
    c->capture.begin = end;
}

/* ---- what is sent ---- */

/* "UID FETCH" and "NOOP" alike. */
static struct str name_of(struct str line)
{
    struct str rest = line;
    struct str word = STR_EMPTY;
    (void)str_split(&rest, '\r', &word);
    rest = word;
    (void)str_split(&rest, ' ', &word);
    if (str_eq_nocase(word, STR("UID")) && rest.len > 0) {
        struct str second = STR_EMPTY;
        (void)str_split(&rest, ' ', &second);
        word.len += 1 + second.len;
    }
    return word;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!char_is(name.ptr[i], CHAR_NAME) && name.ptr[i] != ' ') {
            return false;
        }
    }
    return name.len > 0;
}

static int make_row(struct client_raw *h, struct str line, struct error *err)
{
    struct str name = name_of(line);
    const struct command_row *known = command_find(name);
    for (size_t i = 0; known != NULL && i < sizeof own_functions / sizeof own_functions[0]; i++) {
        if (known->id == own_functions[i]) {
            return pipeline_refuse(&h->op, err, "%s cannot be sent raw", known->name);
        }
    }
    if (!is_name(name)) {
        return pipeline_refuse(&h->op, err, "a raw line begins with the name of a command");
    }
    h->row = (struct command_row){
        .id = CMD_COUNT,
        .name = arena_printf(h->arena, "%.*s", STR_ARG(name)),
        .states = known != NULL ? known->states : STATES_ANY,
        .capability = -1,
        .flags = COMMAND_CHANGES_STATE | COMMAND_BREAKS_SEQS,
    };
    return 0;
}

/* The size of the literal that `text` announces at its end, which is cut off. */
static bool take_header(struct str *text, uint64_t *size, bool *binary)
{
    ptrdiff_t open = str_ends(*text, STR("}")) ? str_rfind(*text, '{') : -1;
    if (open < 0) {
        return false;
    }
    struct str digits = str_sub(*text, (size_t)open + 1, text->len - (size_t)open - 2);
    if (str_ends(digits, STR("+"))) {
        digits.len--;
    }
    if (!str_to_u64(digits, size)) {
        return false;
    }
    *binary = open > 0 && text->ptr[open - 1] == '~';
    text->len = (size_t)open - (*binary ? 1 : 0);
    return true;
}

/* Up to the next literal or the end: its text into the writer, its bytes into *literal. False where
 * a line end stands that is none of a literal's. */
static bool next_part(struct client *c, struct str *rest, struct str *literal, bool *has_literal)
{
    ptrdiff_t end = str_find(*rest, '\r');
    struct str text = end < 0 ? *rest : str_sub(*rest, 0, (size_t)end);
    uint64_t size = 0;
    bool binary = false;
    *rest = end < 0 ? STR_EMPTY : str_from_offset(*rest, (size_t)end);
    *has_literal = str_starts(*rest, STR("\r\n")) && take_header(&text, &size, &binary);
    if (*has_literal && size <= rest->len - 2) {
        *literal = str_sub(*rest, 2, (size_t)size);
        *rest = str_from_offset(*rest, 2 + (size_t)size);
    } else if (rest->len > 0 && (*has_literal || !str_eq(*rest, STR("\r\n")))) {
        return false;
    }
    writer_text(&c->writer, text);
    if (*has_literal) {
        writer_literal_header(&c->writer, size, binary);
    }
    return true;
}

/* All literals are whole. */
static bool is_well_formed(struct client *c, struct str rest)
{
    bool has_literal = true;
    struct str literal;
    struct writer kept = c->writer;
    bool ok = true;
    writer_init(&c->writer, kept.literals, true, kept.buf.max);
    while (ok && has_literal) {
        ok = next_part(c, &rest, &literal, &has_literal);
    }
    struct error ignored = ERROR_INIT;
    ok = ok && writer_finish(&c->writer, &ignored) == 0;
    writer_free(&c->writer);
    c->writer = kept;
    return ok;
}

static int send_parts(struct client *c, struct client_raw *h, struct str rest, struct error *err)
{
    bool has_literal = true;
    struct str literal = STR_EMPTY;
    for (bool first = true; has_literal; first = false) {
        if (!first) {
            writer_clear(&c->writer);
        }
        (void)next_part(c, &rest, &literal, &has_literal);
        if (!has_literal) {
            writer_crlf(&c->writer);
        }
        int result =
            first ? pipeline_send_open(c, &h->op, err) : pipeline_send_more(c, &h->op, err);
        if (result == 0 && has_literal && h->op.result == STATUS_NONE) {
            result = pipeline_write(c, &h->op, literal, err);
        }
        if (result < 0 || h->op.result != STATUS_NONE) {
            return result;
        }
    }
    return 0;
}

/* ---- what it means ---- */

static void select_named(struct client *c, struct str arguments)
{
    const struct reader_limits limits = {
        .token_bytes = LIMIT_TOKEN_BYTES,
        .literal_bytes = LIMIT_TOKEN_BYTES,
        .depth = LIMIT_DEPTH,
        .unit_bytes = LIMIT_RESPONSE_BYTES,
    };
    struct reader *reader = reader_new_memory(arguments, &limits);
    struct str name = STR_EMPTY;
    reader_begin(reader, c->scratch);
    (void)(reader_expect_sp(reader) && reader_expect_astring(reader, &name));
    client_set_selected(c, &name);
    reader_free(&reader);
}

static void follow(struct client *c, const struct client_raw *h, struct str arguments)
{
    const struct command_row *known = command_find(str_from(h->row.name));
    bool ok = h->op.result == STATUS_OK;
    switch (known == NULL ? CMD_COUNT : known->id) {
    case CMD_SELECT:
    case CMD_EXAMINE:
        if (ok) {
            select_named(c, arguments);
        } else if (h->op.result == STATUS_NO) {
            client_set_selected(c, NULL);
        }
        break;
    case CMD_CLOSE:
    case CMD_UNSELECT:
        if (ok) {
            client_set_selected(c, NULL);
        }
        break;
    case CMD_NOTIFY:
        c->notifies = ok ? str_starts_nocase(arguments, STR(" SET")) : c->notifies;
        break;
    case CMD_LOGOUT:
        client_set_state(c, STATE_LOGOUT);
        break;
    default:
        break;
    }
}

int client_raw(struct client *c, struct client_raw *h, struct str line, struct arena *arena,
               struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    *h = (struct client_raw){.arena = arena, .tagged = STR_EMPTY};
    if (make_row(h, line, err) < 0 ||
        pipeline_open_row(c, &h->op, &h->row, &no_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    struct str arguments = str_from_offset(line, strlen(h->row.name));
    if (!is_well_formed(c, arguments)) {
        return pipeline_refuse(&h->op, err, "the line breaks off, or has a line end in its middle");
    }
    bool byes = c->bye_expected;
    c->bye_expected = byes || str_eq_nocase(str_from(h->row.name), STR("LOGOUT"));
    begin_capture(c, h);
    int result = send_parts(c, h, arguments, err);
    if (result == 0) {
        result = pipeline_end(c, &h->op, err);
    }
    end_capture(c);
    follow(c, h, arguments);
    return result;
}
