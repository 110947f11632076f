#include "base/alloc.h"
#include "base/buf.h"
#include "base/files.h"
#include "base/vec.h"
#include "support/transcript.h"
#include <fcntl.h>
#include <stdio.h>

#define FILE_MAX_BYTES (1024 * 1024)
#define STEP_MAX_BYTES (64 * 1024 * 1024)

struct transcript {
    char *file;
    VEC(struct transcript_step) steps;
    size_t at;   /* the step under way */
    size_t done; /* its bytes that have passed */
    size_t read_max;
    bool ended; /* by the client's closing */
    struct buf problem;
};

/* ---- reading the file ---- */

static void give_up(const char *file, unsigned line, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, what);
    exit(1);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* What stands inside `$(…)`. */
static bool expand(struct str inside, struct buf *out)
{
    struct str hex;
    struct str times = inside;
    uint64_t count = 1;
    struct buf bytes = BUF_INIT(1024);
    (void)str_split(&times, '*', &hex);
    bool ok = hex.len % 2 == 0 && (times.len == 0 || str_to_u64(times, &count));
    for (size_t i = 0; ok && i < hex.len; i += 2) {
        int high = hex_digit(hex.ptr[i]);
        int low = hex_digit(hex.ptr[i + 1]);
        ok = high >= 0 && low >= 0;
        buf_add_byte(&bytes, (char)(high * 16 + low));
    }
    for (uint64_t i = 0; ok && i < count; i++) {
        buf_add_str(out, buf_str(&bytes));
    }
    buf_free(&bytes);
    return ok && !out->overflowed;
}

static struct str read_text(const char *file, unsigned line, struct str text)
{
    struct buf out = BUF_INIT(STEP_MAX_BYTES);
    bool crlf = !str_ends(text, STR("$(-)"));
    if (!crlf) {
        text.len -= strlen("$(-)");
    }
    while (text.len > 0) {
        if (!str_starts(text, STR("$("))) {
            buf_add_byte(&out, text.ptr[0]);
            text = str_from_offset(text, 1);
            continue;
        }
        ptrdiff_t end = str_find(text, ')');
        if (end < 0 || !expand(str_sub(text, 2, (size_t)end - 2), &out)) {
            give_up(file, line, "not hexadecimal");
        }
        text = str_from_offset(text, (size_t)end + 1);
    }
    if (crlf) {
        buf_add_cstr(&out, "\r\n");
    }
    struct str bytes = str_make(xmemdup(out.len > 0 ? out.data : "", out.len + 1), out.len);
    buf_free(&out);
    return bytes;
}

static void read_line(struct transcript *t, unsigned number, struct str line)
{
    static const struct {
        const char *prefix;
        enum transcript_kind kind;
    } kinds[] = {
        {"C:", TRANSCRIPT_CLIENT},        {"S:", TRANSCRIPT_SERVER},
        {"S! close", TRANSCRIPT_CLOSE},   {"S! silence", TRANSCRIPT_SILENCE},
        {"S! cancel", TRANSCRIPT_CANCEL},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct str prefix = str_from(kinds[i].prefix);
        if (!str_starts(line, prefix)) {
            continue;
        }
        struct str text = str_from_offset(line, prefix.len + 1);
        struct transcript_step step = {.kind = kinds[i].kind, .line = number};
        if (step.kind == TRANSCRIPT_CLIENT || step.kind == TRANSCRIPT_SERVER) {
            step.bytes = read_text(t->file, number, text);
        }
        vec_push(&t->steps, step);
        return;
    }
    give_up(t->file, number, "neither C: nor S:");
}

static bool read_case(struct transcript *t, struct str text, struct str name)
{
    struct str line;
    bool here = false;
    bool found = false;
    for (unsigned number = 1; str_split(&text, '\n', &line); number++) {
        if (str_starts(line, STR("== "))) {
            here = str_eq(str_from_offset(line, 3), name);
            found = found || here;
        } else if (here && line.len > 0 && line.ptr[0] != '#') {
            read_line(t, number, line);
        }
    }
    return found;
}

struct transcript *transcript_load(const char *file, const char *name)
{
    struct transcript *t = xcalloc(1, sizeof *t);
    struct buf text = BUF_INIT(FILE_MAX_BYTES);
    struct error err = ERROR_INIT;
    t->file = path_join(TRANSCRIPTS_DIR, file);
    buf_init(&t->problem, 4096);
    if (file_read(AT_FDCWD, t->file, &text, &err) < 0) {
        give_up(t->file, 0, err.text);
    }
    if (!read_case(t, buf_str(&text), str_from(name))) {
        fprintf(stderr, "no case \"%s\" in\n", name);
        give_up(t->file, 0, "unknown case");
    }
    buf_free(&text);
    return t;
}

void transcript_free(struct transcript **t)
{
    VEC_FOREACH (struct transcript_step, step, &(*t)->steps) {
        const void *bytes = step->bytes.ptr;
        xfree(&bytes);
    }
    vec_free(&(*t)->steps);
    xfree(&(*t)->file);
    buf_free(&(*t)->problem);
    xfree(t);
}

const struct transcript_step *transcript_steps(const struct transcript *t, size_t *len_out)
{
    *len_out = t->steps.len;
    return t->steps.items;
}

/* ---- the server's end of a stream ---- */

static const struct transcript_step *current(const struct transcript *t)
{
    return t->at < t->steps.len ? &t->steps.items[t->at] : NULL;
}

/* Only the first counts: what follows is its consequence. */
static void note(struct transcript *t, const char *what, struct str said)
{
    const struct transcript_step *step = current(t);
    if (t->problem.len > 0) {
        return;
    }
    buf_addf(&t->problem, "%s:%u: %s", t->file, step != NULL ? step->line : 0, what);
    if (said.len > 0) {
        buf_addf(&t->problem, " \"%.*s\"", (int)(said.len < 300 ? said.len : 300), said.ptr);
    }
    if (step != NULL && step->bytes.len > 0) {
        struct str left = str_from_offset(step->bytes, t->done);
        buf_addf(&t->problem, ", expected \"%.*s\"", (int)(left.len < 300 ? left.len : 300),
                 left.ptr);
    }
}

static void advance(struct transcript *t, size_t bytes)
{
    t->done += bytes;
    if (t->done == t->steps.items[t->at].bytes.len) {
        t->at++;
        t->done = 0;
    }
}

static ssize_t peer_read(struct stream_layer *layer, void *out, size_t size, enum stream_want *want,
                         struct error *err)
{
    struct transcript *t = layer->self;
    size_t max = t->read_max != 0 && t->read_max < size ? t->read_max : size;
    size_t got = 0;
    const struct transcript_step *step = current(t);
    (void)err;
    if (step != NULL && step->kind == TRANSCRIPT_CLOSE) {
        return 0;
    }
    while (got < max && step != NULL && step->kind == TRANSCRIPT_SERVER) {
        struct str left = str_from_offset(step->bytes, t->done);
        size_t take = left.len < max - got ? left.len : max - got;
        memcpy((char *)out + got, left.ptr, take);
        got += take;
        advance(t, take);
        step = current(t);
    }
    *want = STREAM_WANT_READ;
    return got > 0 ? (ssize_t)got : STREAM_AGAIN;
}

static ssize_t peer_write(struct stream_layer *layer, const void *data, size_t size,
                          enum stream_want *want, struct error *err)
{
    struct transcript *t = layer->self;
    struct str said = str_make(data, size);
    (void)want;
    while (said.len > 0) {
        const struct transcript_step *step = current(t);
        if (step == NULL || step->kind != TRANSCRIPT_CLIENT) {
            note(t, step == NULL ? "at the end the client says" : "out of turn the client says",
                 said);
            return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "not in the transcript");
        }
        struct str left = str_from_offset(step->bytes, t->done);
        size_t take = left.len < said.len ? left.len : said.len;
        if (memcmp(left.ptr, said.ptr, take) != 0) {
            note(t, "the client says", said);
            return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "not in the transcript");
        }
        said = str_from_offset(said, take);
        advance(t, take);
    }
    return (ssize_t)size;
}

/* A step that only happens is over when it has happened, if more is to come. */
static void pass_by(struct transcript *t)
{
    if (t->at + 1 < t->steps.len) {
        t->at++;
    }
}

static int peer_wait(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
                     const struct wake *wake, const struct clock *clock, struct error *err)
{
    struct transcript *t = layer->self;
    const struct transcript_step *step = current(t);
    (void)deadline_ms;
    (void)wake;
    (void)clock;
    if ((want & STREAM_WANT_WRITE) != 0 ||
        (step != NULL && (step->kind == TRANSCRIPT_SERVER || step->kind == TRANSCRIPT_CLOSE))) {
        return 0;
    }
    if (step != NULL && step->kind == TRANSCRIPT_CANCEL) {
        pass_by(t);
        return error_set(err, ERR_CANCELLED, SCOPE_CANCELLED, "cancelled");
    }
    if (step == NULL || step->kind != TRANSCRIPT_SILENCE) {
        note(t, "the client waits", STR_EMPTY);
    } else {
        pass_by(t);
    }
    return error_set(err, ERR_TIMEOUT, SCOPE_CONNECTION, "no answer");
}

static void peer_close(struct stream_layer *layer)
{
    struct transcript *t = layer->self;
    t->ended = true;
}

static const struct stream_layer_ops peer_ops = {
    .name = "transcript",
    .try_read = peer_read,
    .try_write = peer_write,
    .wait = peer_wait,
    .close = peer_close,
};

struct stream *transcript_stream(struct transcript *t, size_t read_max, const struct wake *wake,
                                 const struct clock *clock)
{
    t->read_max = read_max;
    return stream_from_layer(&peer_ops, t, wake, clock);
}

const char *transcript_problem(struct transcript *t)
{
    const struct transcript_step *step = current(t);
    bool said_all = step == NULL || step->kind == TRANSCRIPT_CLOSE ||
                    step->kind == TRANSCRIPT_SILENCE || step->kind == TRANSCRIPT_CANCEL;
    if (!said_all) {
        note(t, "the conversation ends", STR_EMPTY);
    }
    return t->problem.len > 0 ? t->problem.data : NULL;
}
