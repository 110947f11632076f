#include "imap/dissect.h"
#include "imap/dissect_frame.h"
#include "imap/dissect_private.h"
#include "imap/limits.h"

/* A transcript is held a line at a time, but for its large literals. */
static const struct reader_limits dissect_limits = {
    .token_bytes = LIMIT_TOKEN_BYTES / 2,
    .literal_bytes = UINT64_MAX / 2,
    .depth = LIMIT_DEPTH,
    .unit_bytes = LIMIT_RESPONSE_BYTES,
};

/* ---- literals ---- */

void dissect_literal_begin(struct dissect_reader *d, const struct section *section, uint64_t size)
{
    d->literals =
        arena_grow(d->arena, d->literals, d->literals_len, &d->literals_cap, sizeof *d->literals);
    d->literal = &d->literals[d->literals_len++];
    *d->literal = (struct dissect_literal){.section = *section, .size = size};
    d->passed = 0;
    d->kept = NULL;
    if (size <= DISSECT_LITERAL_KEPT_BYTES) {
        d->kept = arena_alloc(d->arena, (size_t)size + 1);
        d->literal->bytes = str_make(d->kept, 0);
    }
}

bool dissect_literal_piece(struct dissect_reader *d, struct str piece)
{
    struct dissect_literal *literal = d->literal;
    uint64_t at = d->passed;
    d->passed += piece.len;
    if (d->kept != NULL) {
        memcpy(d->kept + at, piece.ptr, piece.len);
        literal->bytes.len += piece.len;
        return true;
    }
    if (d->visitor->literal != NULL && !d->stopped) {
        d->stopped = d->visitor->literal(d->visitor->self, at, piece, d->err) < 0;
    }
    return !d->stopped;
}

/* ---- units ---- */

bool dissect_read_text(struct dissect_reader *d)
{
    struct buf whole AUTO_BUF = BUF_INIT(DISSECT_LITERAL_KEPT_BYTES);
    struct str text;
    d->unit->value = DISSECT_TEXT;
    (void)reader_accept_sp(d->r);
    if (!reader_expect_text(d->r, &text) || !reader_expect_crlf(d->r)) {
        return false;
    }
    d->unit->text = text;
    if (reader_at_end(d->r)) {
        return true;
    }
    buf_add_str(&whole, text);
    while (!reader_at_end(d->r)) {
        if (!reader_expect_text(d->r, &text) || !reader_expect_crlf(d->r)) {
            return false;
        }
        buf_add_cstr(&whole, "\r\n");
        buf_add_str(&whole, text);
    }
    if (!whole.overflowed) {
        d->unit->text = arena_str(d->arena, buf_str(&whole));
    }
    return true;
}

static void unit_free(struct dissect_unit *unit)
{
    switch (unit->value) {
    case DISSECT_STATUS_RESPONSE:
        imap_response_status_free(&unit->status_response);
        break;
    case DISSECT_SEARCH:
        search_result_free(&unit->search_result);
        break;
    case DISSECT_VANISHED:
        seqset_free(&unit->vanished.uids);
        break;
    case DISSECT_SELECT:
        seqset_free(&unit->select.params.known_uids);
        break;
    case DISSECT_FETCH_REQUEST:
        seqset_free(&unit->fetch_request.set);
        break;
    case DISSECT_STORE:
        seqset_free(&unit->store.set);
        break;
    case DISSECT_COPY:
        seqset_free(&unit->copy.set);
        break;
    default:
        break;
    }
}

struct dissection {
    struct frame frame;
    struct str rest; /* of the frame's last view, not yet read */
    struct arena *arena;
    const struct dissect_visitor *visitor;
    uint64_t bad_units;
    bool answer_due; /* a client's line may answer a challenge */
    struct error *err;
};

/* DONE, or what answers a challenge and may be a password. */
static bool read_answer(struct dissect_reader *d)
{
    struct str text;
    d->unit->kind = DISSECT_CONTINUATION;
    if (!reader_expect_text(d->r, &text) || !reader_expect_crlf(d->r)) {
        return false;
    }
    bool known = str_eq_nocase(text, STR("DONE")) || str_eq(text, STR("*")) || text.len == 0;
    d->unit->value = known ? DISSECT_TEXT : DISSECT_SECRET;
    d->unit->text = known ? text : STR_EMPTY;
    return true;
}

static bool read_unit(struct dissect_reader *d, enum frame_head head, bool misled, bool answer_due)
{
    if (misled) {
        return reader_fail(d->r, "neither \"C: \" nor \"S: \" stands before it");
    }
    if (head == HEAD_COMMAND) {
        return dissect_read_command(d);
    }
    if (head == HEAD_ANSWER && answer_due) {
        return read_answer(d);
    }
    if (frame_head_is_server(head)) {
        return dissect_read_response(d);
    }
    return reader_fail(d->r, "neither a command nor a response");
}

/* What the server asks for, or a command that it will ask about, is answered until the next
 * command. */
static void note_answer(struct dissection *x, const struct dissect_unit *unit)
{
    if (unit->kind == DISSECT_COMMAND) {
        x->answer_due = str_eq(unit->name, STR("AUTHENTICATE")) ||
                        str_eq(unit->name, STR("LOGIN")) || str_eq(unit->name, STR("IDLE"));
    } else if (unit->kind == DISSECT_CONTINUATION) {
        x->answer_due = true;
    }
}

/* What `r` reads, told to the visitor. A negative return is the visitor's. */
static int tell_unit(struct dissection *x, struct reader *r, struct dissect_unit *unit,
                     enum frame_head head, bool misled)
{
    struct error reason = ERROR_INIT;
    struct dissect_reader d = {
        .r = r, .arena = x->arena, .visitor = x->visitor, .unit = unit, .err = x->err};
    reader_begin(r, x->arena);
    if (!read_unit(&d, head, misled, x->answer_due)) {
        (void)reader_check(r, &reason);
        unit_free(unit);
        unit->kind = DISSECT_ERROR;
        unit->value = DISSECT_NONE;
        unit->reason = reason.text;
        x->bad_units++;
    }
    note_answer(x, unit);
    int result = d.stopped ? -(int)x->err->code : 0;
    if (result == 0 && unit->length == 0) { /* of a stream: known at its end only */
        frame_drain(&x->frame);
        unit->length = frame_offset(&x->frame) - unit->offset;
    }
    if (result == 0 && !x->frame.failed) {
        result = x->visitor->unit(x->visitor->self, unit, x->err);
    }
    unit_free(unit);
    arena_reset(x->arena);
    return result;
}

static struct dissect_unit unit_of(const struct frame *f)
{
    return (struct dissect_unit){.offset = f->offset,
                                 .length = frame_offset(f) - f->offset,
                                 .direction = f->direction,
                                 .tag = STR_EMPTY,
                                 .name = STR_EMPTY,
                                 .text = STR_EMPTY};
}

/* What was said in the middle of the unit. */
static int tell_waiting(struct dissection *x)
{
    int result = 0;
    for (size_t i = 0; i < x->frame.waiting.len && result == 0; i++) {
        const struct frame_waiting *line = &x->frame.waiting.items[i];
        struct str bytes = str_make(line->bytes, line->len);
        struct dissect_unit unit = unit_of(&x->frame);
        unit.offset = line->offset;
        unit.length = line->len;
        unit.direction = line->direction;
        enum frame_head head = frame_head_of(bytes);
        bool server = frame_head_is_server(head);
        head = server == (line->direction == DISSECT_SERVER) ? head : HEAD_UNKNOWN;
        struct reader *r = reader_new_memory(bytes, &dissect_limits);
        result = tell_unit(x, r, &unit, head, false);
        reader_free(&r);
    }
    return result;
}

/* ---- from a source ---- */

static ssize_t read_frame(void *self, void *out, size_t size, struct error *err)
{
    struct dissection *x = self;
    if (x->rest.len == 0 && !frame_next(&x->frame, &x->rest)) {
        x->rest = STR_EMPTY;
        if (x->frame.failed) {
            *err = *x->err;
            return -(ssize_t)err->code;
        }
        return 0;
    }
    size_t n = x->rest.len < size ? x->rest.len : size;
    memcpy(out, x->rest.ptr, n);
    x->rest = str_from_offset(x->rest, n);
    return (ssize_t)n;
}

static int stream_unit(struct dissection *x)
{
    const struct reader_source source = {read_frame, x};
    struct dissect_unit unit = unit_of(&x->frame);
    struct reader *r = reader_new(&source, &dissect_limits);
    x->rest = STR_EMPTY;
    unit.length = 0;
    int result = tell_unit(x, r, &unit, x->frame.head, x->frame.misled);
    reader_free(&r);
    return result;
}

/* ---- from memory ---- */

/* The whole unit: where it stands, or in `copy` where something stood in the middle of it. */
static struct str whole_unit(struct frame *f, struct buf *copy)
{
    struct str whole = STR_EMPTY;
    struct str view;
    while (frame_next(f, &view)) {
        if (whole.len == 0) {
            whole = view;
        } else if (copy->len == 0 && whole.ptr + whole.len == view.ptr) {
            whole.len += view.len;
        } else {
            if (copy->len == 0) {
                buf_add_str(copy, whole);
            }
            buf_add_str(copy, view);
        }
    }
    return copy->len > 0 ? buf_str(copy) : whole;
}

static int memory_unit(struct dissection *x)
{
    struct buf copy AUTO_BUF = BUF_INIT(SIZE_MAX / 2);
    struct str whole = whole_unit(&x->frame, &copy);
    struct dissect_unit unit = unit_of(&x->frame);
    struct reader *r = reader_new_memory(whole, &dissect_limits);
    int result = tell_unit(x, r, &unit, x->frame.head, x->frame.misled);
    reader_free(&r);
    return result;
}

/* ---- all of it ---- */

static int run(struct dissection *x, uint64_t *bad_units, struct error *err)
{
    int result = 0;
    x->arena = arena_new();
    while (result == 0 && frame_begin(&x->frame)) {
        result = x->frame.source != NULL ? stream_unit(x) : memory_unit(x);
        result = result == 0 ? tell_waiting(x) : result;
    }
    if (result == 0 && x->frame.failed) {
        result = -(int)err->code;
    }
    *bad_units = x->bad_units;
    frame_close(&x->frame);
    arena_free(&x->arena);
    return result;
}

int dissect(const struct reader_source *source, const struct dissect_visitor *visitor,
            uint64_t *bad_units, struct error *err)
{
    struct dissection x = {.visitor = visitor, .err = err};
    frame_open(&x.frame, source, STR_EMPTY, err);
    return run(&x, bad_units, err);
}

int dissect_memory(struct str input, const struct dissect_visitor *visitor, uint64_t *bad_units,
                   struct error *err)
{
    struct dissection x = {.visitor = visitor, .err = err};
    frame_open(&x.frame, NULL, input, err);
    return run(&x, bad_units, err);
}

/* ---- looking ---- */

/* The word at the beginning, which is cut off with the spaces behind it. */
static struct str take_word(struct str *s)
{
    size_t n = 0;
    while (n < s->len && char_is(s->ptr[n], CHAR_TAG)) {
        n++;
    }
    struct str word = str_sub(*s, 0, n);
    while (n < s->len && s->ptr[n] == ' ') {
        n++;
    }
    *s = str_from_offset(*s, n);
    return word;
}

/* Behind "* ". */
static bool is_untagged(struct str s)
{
    uint32_t ignored;
    struct str word = take_word(&s);
    if (str_to_u32(word, &ignored)) {
        word = take_word(&s);
    }
    return dissect_is_response(word);
}

static bool is_command(struct str s)
{
    char name[32];
    (void)take_word(&s);
    struct str word = take_word(&s);
    size_t uid = str_eq_nocase(word, STR("UID")) ? 4 : 0;
    if (uid > 0) {
        memcpy(name, "UID ", uid);
        word = take_word(&s);
    }
    if (word.len > sizeof name - uid) {
        return false;
    }
    memcpy(name + uid, word.ptr, word.len);
    return command_find(str_make(name, uid + word.len)) != NULL;
}

bool looks_like_imap(struct str first_bytes)
{
    struct str s = first_bytes;
    while (s.len > 0 && strchr(" \t\r\n", s.ptr[0]) != NULL && s.ptr[0] != '\0') {
        s = str_from_offset(s, 1);
    }
    if (str_starts(s, STR("C: ")) || str_starts(s, STR("S: "))) {
        s = str_from_offset(s, 3);
    }
    switch (frame_head_of(s)) {
    case HEAD_STATUS:
        return s.ptr[0] == '*';
    case HEAD_TAGGED:
        return true;
    case HEAD_UNTAGGED:
        return is_untagged(str_from_offset(s, 2));
    case HEAD_COMMAND:
        return is_command(s);
    default:
        return false;
    }
}
