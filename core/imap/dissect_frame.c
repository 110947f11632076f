#include "imap/dissect_frame.h"
#include "base/alloc.h"
#include "wire/chars.h"
#include "imap/dissect_private.h"
#include "imap/limits.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_BYTES ((size_t)64 * 1024)
/* Enough of a line to tell what it is. */
#define HEAD_BYTES ((size_t)512)
#define PREFIX_BYTES ((size_t)320)

/* ---- heads ---- */

bool frame_head_is_server(enum frame_head head)
{
    return head == HEAD_UNTAGGED || head == HEAD_STATUS || head == HEAD_TAGGED ||
           head == HEAD_CONTINUE;
}

static bool is_status_word(struct str word, bool tagged)
{
    static const struct str words[] = {STR_INIT("OK"), STR_INIT("NO"), STR_INIT("BAD"),
                                       STR_INIT("PREAUTH"), STR_INIT("BYE")};
    size_t len = tagged ? 3 : sizeof words / sizeof words[0];
    for (size_t i = 0; i < len; i++) {
        if (str_eq_nocase(word, words[i])) {
            return true;
        }
    }
    return false;
}

static bool all_are(struct str s, unsigned classes)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!char_is(s.ptr[i], classes)) {
            return false;
        }
    }
    return true;
}

/* DONE, `*`, or base64: one word, or nothing; or what a trace has in its place. */
static bool is_answer(struct str line)
{
    if (str_eq(line, STR(DISSECT_HIDDEN))) {
        return true;
    }
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '+' && c != '/' && c != '=') {
            return str_eq(line, STR("*"));
        }
    }
    return true;
}

enum frame_head frame_head_of(struct str line)
{
    ptrdiff_t end = str_find(line, '\n');
    line = end < 0 ? line : str_sub(line, 0, (size_t)end);
    line.len -= str_ends(line, STR("\r")) ? 1 : 0;
    if (str_starts(line, STR("+")) && (line.len == 1 || line.ptr[1] == ' ')) {
        return HEAD_CONTINUE;
    }
    if (str_starts(line, STR("[")) && !str_eq(line, STR(DISSECT_HIDDEN))) {
        return HEAD_STATUS;
    }
    struct str first;
    struct str word;
    struct str rest = line;
    (void)str_split(&rest, ' ', &first);
    while (rest.len > 0 && rest.ptr[0] == ' ') {
        rest = str_from_offset(rest, 1);
    }
    if (!str_split(&rest, ' ', &word)) {
        return is_answer(line) ? HEAD_ANSWER : HEAD_UNKNOWN;
    }
    if (str_eq(first, STR("*"))) {
        bool code = word.ptr[0] == '[';
        return code || is_status_word(word, false) ? HEAD_STATUS : HEAD_UNTAGGED;
    }
    if (first.len == 0 || !all_are(first, CHAR_TAG)) {
        return HEAD_UNKNOWN;
    }
    if (is_status_word(word, true)) {
        return HEAD_TAGGED;
    }
    bool name = word.len > 0 && all_are(word, CHAR_NAME) && !char_is(word.ptr[0], CHAR_DIGIT);
    return name ? HEAD_COMMAND : HEAD_UNKNOWN;
}

/* ---- the window ---- */

void frame_open(struct frame *f, const struct reader_source *source, struct str memory,
                struct error *err)
{
    *f = (struct frame){.source = source, .err = err, .line_start = true, .crlf = true};
    if (source != NULL) {
        f->memory = xmalloc(WINDOW_BYTES);
        f->pos = f->end = f->memory;
    } else {
        f->pos = memory.len > 0 ? memory.ptr : "";
        f->end = f->pos + memory.len;
        f->end_offset = memory.len;
        f->ended = true;
    }
}

static void waiting_clear(struct frame *f)
{
    VEC_FOREACH (struct frame_waiting, line, &f->waiting) {
        free(line->bytes);
    }
    vec_free(&f->waiting);
}

void frame_close(struct frame *f)
{
    waiting_clear(f);
    xfree(&f->memory);
}

uint64_t frame_offset(const struct frame *f)
{
    return f->end_offset - (uint64_t)(f->end - f->pos);
}

/* Reads until `n` bytes are there, or all that come; a view of what is. */
static struct str frame_peek(struct frame *f, size_t n)
{
    while (!f->ended && (size_t)(f->end - f->pos) < n) {
        size_t held = (size_t)(f->end - f->pos);
        assert(n < WINDOW_BYTES);
        memmove(f->memory, f->pos, held);
        ssize_t got =
            f->source->read(f->source->self, f->memory + held, WINDOW_BYTES - held, f->err);
        f->failed = got < 0;
        f->ended = got <= 0;
        f->pos = f->memory;
        f->end = f->memory + held + (got > 0 ? (size_t)got : 0);
        f->end_offset += got > 0 ? (uint64_t)got : 0;
    }
    return str_make(f->pos, (size_t)(f->end - f->pos));
}

static void frame_take(struct frame *f, size_t n)
{
    assert(n > 0 && n <= (size_t)(f->end - f->pos));
    f->line_start = f->pos[n - 1] == '\n';
    f->pos += n;
}

/* The bytes of "2026-01-31T12:00:00.123Z ACCOUNT ", which stand before "S: " in a trace. */
static size_t stamp_len(struct str line)
{
    static const char form[] = "0000-00-00T00:00:00.000Z ";
    size_t n = sizeof form - 1;
    if (line.len <= n) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (form[i] == '0' ? !char_is(line.ptr[i], CHAR_DIGIT) : line.ptr[i] != form[i]) {
            return 0;
        }
    }
    while (n < line.len && line.ptr[n] != ' ' && line.ptr[n] != '\n') {
        n++;
    }
    return n < line.len && line.ptr[n] == ' ' ? n + 1 : 0;
}

/* The bytes of "S: " at the beginning of a line, with white space or a time and an account before
 * it; 0 if there is none. */
static size_t prefix_len(struct str line, enum dissect_direction *direction)
{
    size_t n = stamp_len(line);
    while (n < line.len && n < PREFIX_BYTES && (line.ptr[n] == ' ' || line.ptr[n] == '\t')) {
        n++;
    }
    struct str rest = str_from_offset(line, n);
    if (rest.len < 2 || rest.ptr[1] != ':' || (rest.ptr[0] != 'C' && rest.ptr[0] != 'S')) {
        return 0;
    }
    *direction = rest.ptr[0] == 'C' ? DISSECT_CLIENT : DISSECT_SERVER;
    if (rest.len == 2 || rest.ptr[2] == '\r' || rest.ptr[2] == '\n') {
        return n + 2;
    }
    return rest.ptr[2] == ' ' ? n + 3 : 0;
}

/* ---- units ---- */

/* White space alone; `line` is its beginning. */
static bool is_blank(struct str line)
{
    size_t n = 0;
    while (n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t' || line.ptr[n] == '\r')) {
        n++;
    }
    return n < line.len ? line.ptr[n] == '\n' : n < HEAD_BYTES;
}

/* Past the LF of the line that begins here. */
static void take_line(struct frame *f)
{
    for (;;) {
        struct str view = frame_peek(f, 1);
        if (view.len == 0) {
            return;
        }
        ptrdiff_t lf = str_find(view, '\n');
        frame_take(f, lf < 0 ? view.len : (size_t)lf + 1);
        if (lf >= 0) {
            return;
        }
    }
}

static void begin_line(struct frame *f, struct str line)
{
    enum dissect_direction direction = DISSECT_SERVER;
    size_t n = f->prefixed ? prefix_len(line, &direction) : 0;
    f->misled = f->prefixed && n == 0;
    if (n > 0) {
        frame_take(f, n);
        line = str_from_offset(line, n);
    }
    f->head = frame_head_of(line);
    if (!f->prefixed) {
        direction = frame_head_is_server(f->head) ? DISSECT_SERVER : DISSECT_CLIENT;
    } else if (frame_head_is_server(f->head) != (direction == DISSECT_SERVER)) {
        f->head = HEAD_UNKNOWN;
    }
    f->direction = direction;
    f->server_seen = f->server_seen || direction == DISSECT_SERVER;
}

bool frame_begin(struct frame *f)
{
    enum dissect_direction ignored;
    assert(f->state == FRAME_BETWEEN || f->state == FRAME_DONE);
    waiting_clear(f);
    f->state = FRAME_BETWEEN;
    for (;;) {
        struct str line = frame_peek(f, HEAD_BYTES);
        if (line.len == 0 || f->failed) {
            return false;
        }
        if (!is_blank(line)) {
            f->prefixed = f->begun ? f->prefixed : prefix_len(line, &ignored) > 0;
            f->begun = true;
            f->offset = frame_offset(f);
            begin_line(f, line);
            break;
        }
        take_line(f);
    }
    line_tail_clear(&f->tail);
    f->state = FRAME_LINE;
    return true;
}

/* Whether a literal may follow a line of this unit: it does not follow text. */
static bool has_literals(const struct frame *f)
{
    return !f->misled && (f->head == HEAD_UNTAGGED || f->head == HEAD_COMMAND);
}

/* Past the line end that ends a view. */
static void end_line(struct frame *f, struct str view)
{
    uint64_t size;
    bool sync;
    line_tail_add(&f->tail, view);
    f->crlf = f->tail.len >= 2 && f->tail.bytes[f->tail.len - 2] == '\r';
    if (!has_literals(f) || !line_tail_literal(&f->tail, &size, &sync)) {
        f->state = FRAME_DONE;
        return;
    }
    f->literal_left = size;
    f->literal_sync = sync;
    f->state = FRAME_LITERAL_BEGIN;
}

static bool next_in_line(struct frame *f, struct str *out)
{
    enum dissect_direction direction;
    if (f->prefixed && f->line_start && f->tail.len == 0) { /* the line behind a literal */
        size_t n = prefix_len(frame_peek(f, HEAD_BYTES), &direction);
        if (n > 0 && direction == f->direction) {
            frame_take(f, n);
        }
    }
    struct str view = frame_peek(f, 1);
    if (view.len == 0) {
        f->state = FRAME_DONE;
        return false;
    }
    ptrdiff_t lf = str_find(view, '\n');
    *out = lf < 0 ? view : str_sub(view, 0, (size_t)lf + 1);
    frame_take(f, out->len);
    if (lf >= 0) {
        end_line(f, *out);
    } else {
        line_tail_add(&f->tail, *out);
    }
    return true;
}

/* Puts the other side's line aside; false if the next line is none. */
static bool put_aside(struct frame *f)
{
    enum dissect_direction direction = DISSECT_SERVER;
    struct str line =
        str_sub(frame_peek(f, LIMIT_DISSECT_WAITING_BYTES), 0, LIMIT_DISSECT_WAITING_BYTES);
    size_t n = f->prefixed ? prefix_len(line, &direction) : 0;
    struct str said = str_from_offset(line, n);
    bool other = f->prefixed ? n > 0 && direction != f->direction
                             : f->direction == DISSECT_CLIENT && f->literal_sync &&
                                   f->server_seen && frame_head_of(said) == HEAD_CONTINUE;
    ptrdiff_t lf = str_find(said, '\n');
    if (!other || lf < 0 || f->waiting.len == LIMIT_DISSECT_WAITING_LINES) {
        return false;
    }
    said = str_sub(said, 0, (size_t)lf + 1);
    struct frame_waiting waiting = {.offset = frame_offset(f),
                                    .direction = direction,
                                    .bytes = xmemdup(said.ptr, said.len),
                                    .len = said.len};
    vec_push(&f->waiting, waiting);
    frame_take(f, n + said.len);
    return true;
}

/* "S: [literal of 5000 bytes]", which a trace has in the place of a large one, up to where the line
 * behind the literal goes on. */
static bool take_elided(struct frame *f)
{
    enum dissect_direction direction;
    char wanted[64];
    struct str line = frame_peek(f, HEAD_BYTES);
    size_t n = prefix_len(line, &direction);
    int len = snprintf(wanted, sizeof wanted, "[literal of %llu bytes]",
                       (unsigned long long)f->literal_left);
    if (f->literal_left > LIMIT_SERVER_LITERAL_BYTES || direction != f->direction ||
        !str_starts(str_from_offset(line, n), str_make(wanted, (size_t)len))) {
        return false;
    }
    take_line(f);
    return true;
}

static void begin_literal(struct frame *f)
{
    enum dissect_direction direction;
    while (put_aside(f)) {
        if (!f->prefixed) {
            break; /* one `+`; the next may be the literal's own */
        }
    }
    f->literal_prefixed = f->prefixed && prefix_len(frame_peek(f, HEAD_BYTES), &direction) > 0;
    f->literal_elided = f->literal_prefixed && take_elided(f);
    f->line_start = true;
    line_tail_clear(&f->tail);
    f->state = f->literal_left > 0 ? FRAME_LITERAL : FRAME_LINE;
}

/* A line or less of a literal in a transcript of lines, whose LF may stand for CRLF. */
static struct str literal_line(struct frame *f, struct str view)
{
    ptrdiff_t lf = str_find(view, '\n');
    if (lf < 0 || f->crlf) {
        return lf < 0 ? view : str_sub(view, 0, (size_t)lf + 1);
    }
    if (lf > 0) {
        return str_sub(view, 0, (size_t)lf);
    }
    return STR_EMPTY;
}

/* Nobody knows the bytes; blanks stand for them. */
static void next_elided(struct frame *f, struct str *out)
{
    static const char blanks[] = "                                                                ";
    size_t n = sizeof blanks - 1;
    *out = str_make(blanks, f->literal_left < n ? (size_t)f->literal_left : n);
    f->literal_left -= out->len;
    f->state = f->literal_left > 0 ? FRAME_LITERAL : FRAME_LINE;
}

static bool next_in_literal(struct frame *f, struct str *out)
{
    enum dissect_direction direction;
    if (f->literal_elided) {
        next_elided(f, out);
        return true;
    }
    if (f->literal_prefixed && f->line_start) {
        size_t n = prefix_len(frame_peek(f, HEAD_BYTES), &direction);
        if (n > 0) {
            frame_take(f, n);
            f->line_start = false;
        }
    }
    struct str view = frame_peek(f, 1);
    if (view.len == 0) {
        f->state = FRAME_DONE;
        return false;
    }
    if (f->prefixed) {
        struct str line = literal_line(f, view);
        if (line.len == 0) {
            frame_take(f, 1);
            *out = str_sub(STR("\r\n"), 0, (size_t)(f->literal_left < 2 ? f->literal_left : 2));
            f->literal_left -= out->len;
            f->state = f->literal_left > 0 ? FRAME_LITERAL : FRAME_LINE;
            return true;
        }
        view = line;
    }
    *out = view.len < f->literal_left ? view : str_sub(view, 0, (size_t)f->literal_left);
    frame_take(f, out->len);
    f->literal_left -= out->len;
    f->state = f->literal_left > 0 ? FRAME_LITERAL : FRAME_LINE;
    return true;
}

bool frame_next(struct frame *f, struct str *out)
{
    if (f->state == FRAME_LITERAL_BEGIN) {
        begin_literal(f);
    }
    if (f->state == FRAME_LITERAL) {
        return next_in_literal(f, out);
    }
    return f->state == FRAME_LINE && next_in_line(f, out);
}

void frame_drain(struct frame *f)
{
    struct str ignored;
    while (frame_next(f, &ignored)) {
    }
    f->state = FRAME_DONE;
}
