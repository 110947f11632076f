#include "core/server/conversation.h"
#include "base/alloc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define SAID_MAX ((size_t)64 * 1024 * 1024)

void conversation_init(struct conversation *c)
{
    memset(c, 0, sizeof *c);
    lockstep_env_init(&c->env);
    for (size_t i = 0; i < 10; i++) {
        buf_init(&c->said[i], SAID_MAX);
    }
}

void conversation_free(struct conversation *c)
{
    for (size_t i = 0; i < 10; i++) {
        session_free(&c->sessions[i]);
        buf_free(&c->said[i]);
    }
    lockstep_env_free(&c->env);
}

static void hear(struct conversation *c, size_t number, struct str input)
{
    enum session_next next;
    do {
        next = session_feed(c->sessions[number], input, &c->said[number]);
        input = STR_EMPTY;
    } while (next == SESSION_MORE);
    c->ended[number] = next == SESSION_CLOSE || next == SESSION_CUT;
}

static void begin(struct conversation *c, size_t number)
{
    struct backend vtable = c->backend != NULL ? *c->backend : mem_backend_vtable(c->env.backend);
    c->sessions[number] = session_new(&vtable, &c->env.options);
    if (c->raw) {
        hear(c, number, STR_EMPTY);
        return;
    }
    hear(c, number, STR("login LOGIN u p\r\n"));
    buf_clear(&c->said[number]);
}

static struct str take_line(struct buf *said)
{
    struct str rest = buf_str(said);
    ptrdiff_t end = str_find(rest, '\n');
    if (end < 0) {
        return rest;
    }
    struct str line = str_sub(rest, 0, (size_t)end);
    return str_ends(line, STR("\r")) ? str_sub(line, 0, line.len - 1) : line;
}

static bool line_is(struct str line, struct str expected)
{
    static const struct str any = {"…", sizeof "…" - 1};
    if (str_ends(expected, any)) {
        return str_starts(line, str_sub(expected, 0, expected.len - any.len));
    }
    return str_eq(line, expected);
}

static void expect(struct conversation *c, const char *name, size_t number, struct str expected)
{
    struct buf *said = &c->said[number];
    struct str line = take_line(said);
    if (said->len == 0 || !line_is(line, expected)) {
        fail_msg("%s: session %zu should say \"%.*s\" and says \"%.*s\"", name, number,
                 STR_ARG(expected), STR_ARG(line));
    }
    ptrdiff_t end = str_find(buf_str(said), '\n');
    buf_consume(said, end < 0 ? said->len : (size_t)end + 1);
}

static void expect_silence(struct conversation *c, const char *name, size_t number,
                           struct str before)
{
    if (c->said[number].len > 0) {
        fail_msg("%s: before \"%.*s\" session %zu has also said \"%.*s\"", name, STR_ARG(before),
                 number, STR_ARG(buf_str(&c->said[number])));
    }
}

/* Passes everything over but the end, which must be the tagged OK. */
static void expect_ok(struct conversation *c, const char *name, size_t number, struct str command)
{
    struct buf *said = &c->said[number];
    struct str last = buf_str(said);
    struct str tag;
    (void)str_split(&command, ' ', &tag);
    last.len -= last.len >= 2 ? 2 : last.len;
    last = str_from_offset(last, (size_t)(str_rfind(last, '\n') + 1));
    if (!str_starts(last, tag) || !str_starts(str_from_offset(last, tag.len), STR(" OK"))) {
        fail_msg("%s: session %zu should say \"%.*s OK …\" at last and says \"%.*s\"", name, number,
                 STR_ARG(tag), STR_ARG(last));
    }
    buf_clear(said);
}

/* With `$` for a line end, and `\$` for itself. */
static void add_words(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (str_starts(str_from_offset(text, i), STR("\\$"))) {
            buf_add_byte(out, text.ptr[++i]);
        } else if (text.ptr[i] == '$') {
            buf_add_cstr(out, "\r\n");
        } else {
            buf_add_byte(out, text.ptr[i]);
        }
    }
}

static void play_line(struct conversation *c, const char *name, struct str line)
{
    size_t number = (size_t)(line.ptr[0] - '0');
    struct str text = str_from_offset(line, 3);
    struct buf sent AUTO_BUF = BUF_INIT(SAID_MAX);
    if (line.len < 2 || number > 9) {
        fail_msg("%s: what is \"%.*s\"?", name, STR_ARG(line));
    }
    if (c->sessions[number] == NULL) {
        begin(c, number);
    }
    switch (line.ptr[1]) {
    case '<':
        expect(c, name, number, text);
        return;
    case '.':
        expect_silence(c, name, number, line);
        return;
    case '!':
        if (!c->ended[number]) {
            fail_msg("%s: session %zu should have ended", name, number);
        }
        return;
    case '?':
        hear(c, number, STR_EMPTY);
        return;
    default:
        expect_silence(c, name, number, line);
        add_words(&sent, text);
        buf_add_cstr(&sent, line.ptr[1] == '+' ? "" : "\r\n");
        hear(c, number, buf_str(&sent));
    }
    if (line.ptr[1] == '~') {
        expect_ok(c, name, number, text);
    }
}

void conversation_play(struct conversation *c, const char *name, const char *script)
{
    struct str rest = str_from(script);
    struct str line;
    while (str_split(&rest, '\n', &line)) {
        if (line.len > 0 && line.ptr[0] != '#') {
            play_line(c, name, line);
        }
    }
    for (size_t i = 0; i < 10; i++) {
        expect_silence(c, name, i, STR("the end"));
    }
}

void conversation_run_all(const struct script *scripts, size_t len, const char *before)
{
    for (size_t i = 0; i < len; i++) {
        struct conversation c;
        conversation_init(&c);
        if (before != NULL) {
            conversation_play(&c, scripts[i].name, before);
        }
        conversation_play(&c, scripts[i].name, scripts[i].text);
        conversation_free(&c);
    }
}

void conversation_run(const char *name, const char *script)
{
    struct conversation c;
    conversation_init(&c);
    conversation_play(&c, name, script);
    conversation_free(&c);
}

void conversation_run_without(const struct script_without *scripts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct conversation c;
        conversation_init(&c);
        capabilities_set(&c.env.options.capabilities, scripts[i].capability, false);
        conversation_play(&c, capability_name(scripts[i].capability), scripts[i].text);
        conversation_free(&c);
    }
}
