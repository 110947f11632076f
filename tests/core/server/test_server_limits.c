/* What a client may make the server hold, and what it may say at all. */
#include "base/alloc.h"
#include "imap/limits.h"
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct limit_case {
    const char *name;
    const char *before; /* then `count` times `repeat` */
    const char *repeat;
    size_t count;
    const char *after;
    const char *answer; /* how the last line said begins */
    bool logged_in;
    bool ends;
};

static const struct limit_case cases[] = {
    {"LIMIT_SERVER_LINE_BYTES", "a NOOP ", "x", LIMIT_SERVER_LINE_BYTES - 9, "\r\n", "a BAD ", true,
     false},
    {"LIMIT_SERVER_LINE_BYTES and one", "a NOOP ", "x", LIMIT_SERVER_LINE_BYTES - 6, "",
     "* BYE The command is too long", true, true},
    {"endless line", "a ", "x", 70000, "", "* BYE The command is too long", true, true},
    {"long line", "a NOOP ", "x", 60000, "\r\n", "a BAD ", true, false},
    {"lines joined by literals", "a LIST ", "{0+}\r\n ", 20000, "", "* BYE ", true, true},
    {"literal before login", "a LOGIN {100000}\r\n", "", 0, "", "a BAD [TOOBIG]", false, false},
    {"literal at once before login", "a LOGIN {100000+}\r\n", "", 0, "", "* BYE ", false, true},
    {"message before login", "a APPEND x {10}\r\n", "", 0, "", "a BAD Log in first", false, false},
    {"huge literal at once", "a APPEND INBOX {99999999999999999999999+}\r\n", "", 0, "", "* BYE ",
     true, true},
    {"huge literal", "a SELECT {4294967296}\r\n", "", 0, "", "a BAD [TOOBIG]", true, false},
    {"deep search", "a SEARCH ", "(", 200, "ALL\r\n", "a BAD ", true, false},
    {"deep search by words", "a SEARCH ", "NOT ", 5000, "ALL\r\n", "a BAD ", true, false},
    {"deep list", "a LIST (", "(", 500, "\r\n", "a BAD ", true, false},
    {"one less than LIMIT_SERVER_BAD_COMMANDS", "", "x\r\n", LIMIT_SERVER_BAD_COMMANDS - 1, "",
     "x BAD ", true, false},
    {"LIMIT_SERVER_BAD_COMMANDS", "", "x\r\n", LIMIT_SERVER_BAD_COMMANDS, "", "* BYE Too many bad",
     true, true},
    {"one less than LIMIT_SERVER_FAILED_LOGINS", "", "a LOGIN u x\r\n",
     LIMIT_SERVER_FAILED_LOGINS - 1, "", "a NO ", false, false},
    {"LIMIT_SERVER_FAILED_LOGINS", "", "a LOGIN u x\r\n", LIMIT_SERVER_FAILED_LOGINS, "", "* BYE ",
     false, true},
    {"LIMIT_MAILBOX_NAME_BYTES", "a CREATE ", "x", LIMIT_MAILBOX_NAME_BYTES, "\r\n", "a OK ", true,
     false},
    {"LIMIT_MAILBOX_NAME_BYTES and one", "a CREATE ", "x", LIMIT_MAILBOX_NAME_BYTES + 1, "\r\n",
     "a NO [CANNOT]", true, false},
    {"LIMIT_DEPTH", "a LIST (", "(", LIMIT_DEPTH, "\r\n", "a BAD ", true, false},
    {"long name", "a CREATE ", "x", 5000, "\r\n", "a NO [CANNOT]", true, false},
    {"endless DONE", "a IDLE\r\n", "x", 70000, "", "* BYE ", true, true},
    {"endless SASL", "a AUTHENTICATE PLAIN\r\n", "x", 70000, "", "* BYE ", false, true},
    {"control characters", "a SELECT x\001y", "\002", 3, "\r\n", "a BAD ", true, false},
};

static struct str last_line(const struct buf *said)
{
    struct str rest = buf_str(said);
    struct str line = STR_EMPTY;
    struct str next;
    while (str_split(&rest, '\n', &next)) {
        line = next;
    }
    return line;
}

static void limits(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conversation c;
        struct buf sent AUTO_BUF = BUF_INIT((size_t)1 << 20);
        struct buf said AUTO_BUF = BUF_INIT((size_t)1 << 20);
        struct error err = ERROR_INIT;
        conversation_init(&c);
        assert_int_equal(
            mem_backend_append(c.env.backend, "u", "INBOX", STR("x\r\n"), 0, 0, NULL, &err), 0);
        struct backend vtable = mem_backend_vtable(c.env.backend);
        struct session *session = session_new(&vtable, &c.env.options);
        if (cases[i].logged_in) {
            session_feed(session, STR("l LOGIN u p\r\ns SELECT INBOX\r\n"), &said);
        }
        buf_add_cstr(&sent, cases[i].before);
        for (size_t n = 0; n < cases[i].count; n++) {
            buf_add_cstr(&sent, cases[i].repeat);
        }
        buf_add_cstr(&sent, cases[i].after);
        enum session_next next = session_feed(session, buf_str(&sent), &said);
        struct str line = last_line(&said);
        if (!str_starts(line, str_from(cases[i].answer)) ||
            (next == SESSION_CLOSE) != cases[i].ends) {
            fail_msg("%s: %d, \"%.*s\"", cases[i].name, (int)next, STR_ARG(line));
        }
        session_free(&session);
        conversation_free(&c);
    }
}

static void keywords_are_bounded(void **state)
{
    struct conversation c;
    conversation_init(&c);
    struct backend vtable = mem_backend_vtable(c.env.backend);
    struct session *session = session_new(&vtable, &c.env.options);
    struct buf said AUTO_BUF = BUF_INIT((size_t)16 << 20);
    session_feed(session, STR("l LOGIN u p\r\na APPEND INBOX {1+}\r\nx\r\ns SELECT INBOX\r\n"),
                 &said);
    for (int i = 0; i <= LIMIT_FLAGS; i++) {
        struct buf line AUTO_BUF = BUF_INIT(100);
        assert_false(str_starts(last_line(&said), STR("a NO")));
        buf_addf(&line, "a STORE 1 FLAGS (key%d)\r\n", i);
        session_feed(session, buf_str(&line), &said);
    }
    assert_true(str_starts(last_line(&said), STR("a NO [CANNOT]")));
    session_free(&session);
    conversation_free(&c);
}

/* What a session that is logged in and has INBOX selected answers to one line, formatted. */
static void hear(struct conversation *c, struct buf *said, const char *format, uint64_t number)
{
    struct backend vtable = mem_backend_vtable(c->env.backend);
    struct session *session = session_new(&vtable, &c->env.options);
    AUTO_FREE char *digits = xasprintf("%llu", (unsigned long long)number);
    const char *place = strchr(format, '#');
    struct buf line AUTO_BUF = BUF_INIT((size_t)1 << 20);
    session_feed(session, STR("l LOGIN u p\r\ns SELECT INBOX\r\n"), said);
    buf_add(&line, format, (size_t)(place - format));
    buf_add_cstr(&line, digits);
    buf_add_cstr(&line, place + 1);
    session_feed(session, buf_str(&line), said);
    session_free(&session);
}

static void limit_server_literal_bytes(void **state)
{
    for (unsigned more = 0; more < 2; more++) {
        struct conversation c;
        struct buf said AUTO_BUF = BUF_INIT((size_t)1 << 20);
        conversation_init(&c);
        hear(&c, &said, "a APPEND INBOX {#}\r\n", LIMIT_SERVER_LITERAL_BYTES + more);
        assert_true(str_starts(last_line(&said), more == 0 ? STR("+ ") : STR("a NO [TOOBIG]")));
        conversation_free(&c);
    }
}

static void limit_server_metadata_bytes(void **state)
{
    for (unsigned more = 0; more < 2; more++) {
        struct conversation c;
        struct buf said AUTO_BUF = BUF_INIT((size_t)1 << 20);
        struct buf line AUTO_BUF = BUF_INIT((size_t)1 << 20);
        conversation_init(&c);
        buf_addf(&line, "a SETMETADATA INBOX (/private/comment {#+}\r\n%0*d)\r\n",
                 (int)LIMIT_SERVER_METADATA_BYTES + (int)more, 0);
        hear(&c, &said, line.data, LIMIT_SERVER_METADATA_BYTES + more);
        assert_true(str_starts(last_line(&said),
                               more == 0 ? STR("a OK") : STR("a NO [METADATA MAXSIZE 32768]")));
        conversation_free(&c);
    }
}

/* A message is taken whole and with all that was sent behind it, but no more than that. */
static void limit_server_input_bytes(void **state)
{
    struct conversation c;
    struct buf said AUTO_BUF = BUF_INIT((size_t)1 << 20);
    conversation_init(&c);
    struct backend vtable = mem_backend_vtable(c.env.backend);
    struct session *session = session_new(&vtable, &c.env.options);
    size_t size = (size_t)1 << 20;
    AUTO_FREE char *bytes = xcalloc(1, size);
    memset(bytes, 'x', size);
    enum session_next next =
        session_feed(session, STR("l LOGIN u p\r\na APPEND INBOX {67108864+}\r\n"), &said);
    size_t fed = 0;
    for (; next != SESSION_CLOSE && fed < 2 * LIMIT_SERVER_INPUT_BYTES; fed += size) {
        next = session_feed(session, str_make(bytes, size), &said);
    }
    assert_int_equal(next, SESSION_CLOSE);
    assert_true(fed > LIMIT_SERVER_LITERAL_BYTES && fed <= LIMIT_SERVER_INPUT_BYTES + size);
    session_free(&session);
    conversation_free(&c);
}

/* One message told so many times that the answer is larger than a step can hold. */
static void limit_server_output_bytes(void **state)
{
    struct conversation c;
    struct error err = ERROR_INIT;
    conversation_init(&c);
    size_t size = LIMIT_SERVER_LITERAL_BYTES / 4;
    size_t times = LIMIT_SERVER_OUTPUT_BYTES / size + 1;
    AUTO_FREE char *bytes = xcalloc(1, size);
    memset(bytes, 'x', size);
    assert_int_equal(
        mem_backend_append(c.env.backend, "u", "INBOX", str_make(bytes, size), 0, 0, NULL, &err),
        0);
    struct buf line AUTO_BUF = BUF_INIT((size_t)1 << 20);
    buf_add_cstr(&line, "a FETCH # (UID");
    for (size_t i = 0; i < times; i++) {
        buf_addf(&line, " BODY[]<0.%u>", (unsigned)(size - i));
    }
    buf_add_cstr(&line, ")\r\n");
    struct buf said AUTO_BUF = BUF_INIT(2 * LIMIT_SERVER_OUTPUT_BYTES);
    hear(&c, &said, line.data, 1);
    assert_false(said.overflowed);
    assert_true(str_starts(last_line(&said), STR("* BYE")));
    conversation_free(&c);
}

/* ---- anything at all ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static size_t random_below(uint64_t *seed, size_t limit)
{
    return (size_t)(next_random(seed) % limit);
}

static const char *const lines[] = {
    "a CAPABILITY\r\n",
    "a NOOP\r\n",
    "a ID (\"name\" NIL)\r\n",
    "a LOGIN u p\r\n",
    "a LOGIN {1+}\r\nu {1+}\r\np\r\n",
    "a AUTHENTICATE PLAIN AHUAcA==\r\n",
    "a ENABLE QRESYNC CONDSTORE\r\n",
    "a NAMESPACE\r\n",
    "a SELECT INBOX\r\n",
    "a SELECT INBOX (QRESYNC (1704067201 1 1:5 (1:3 1:3)))\r\n",
    "a EXAMINE \"x\"\r\n",
    "a CLOSE\r\n",
    "a UNSELECT\r\n",
    "a CREATE x/y (USE (\\Sent))\r\n",
    "a DELETE x\r\n",
    "a RENAME x z\r\n",
    "a RENAME INBOX z\r\n",
    "a SUBSCRIBE x\r\n",
    "a UNSUBSCRIBE x\r\n",
    "a LIST (SUBSCRIBED) \"\" (* %) RETURN (CHILDREN STATUS (MESSAGES UIDNEXT))\r\n",
    "a LSUB \"\" *\r\n",
    "a STATUS INBOX (MESSAGES SIZE HIGHESTMODSEQ)\r\n",
    "a APPEND INBOX (\\Seen k) \"01-Jan-2024 00:00:00 +0000\" {5+}\r\na\r\nb\r\n\r\n",
    "a APPEND x {3}\r\nabc\r\n",
    "a CHECK\r\n",
    "a EXPUNGE\r\n",
    "a UID EXPUNGE 1:*\r\n",
    "a SEARCH OR (SEEN FROM x) NOT HEADER a {1+}\r\nb SINCE 1-Jan-2024\r\n",
    "a UID SEARCH UID 1:3 MODSEQ 2 SENTON 1-Jan-2024\r\n",
    "a FETCH 1:* (FLAGS UID BODY[] BODY.PEEK[HEADER.FIELDS (a b)]<1.2>)\r\n",
    "a UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)\r\n",
    "a FETCH 1 ALL\r\n",
    "a STORE 1:* (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Deleted k1 k2)\r\n",
    "a UID STORE 1:2 -FLAGS \\Seen\r\n",
    "a COPY 1:* INBOX\r\n",
    "a UID MOVE 1 x\r\n",
    "a IDLE\r\n",
    "DONE\r\n",
    "a AUTHENTICATE PLAIN\r\n",
};

static void mutate(uint64_t *seed, struct buf *line)
{
    static const char odd[] = "\r\n\0{}()[]<>*%\"\\ +~&:,0123456789\377\200az";
    for (size_t changes = random_below(seed, 3); changes > 0 && line->len > 0; changes--) {
        size_t at = random_below(seed, line->len);
        switch (random_below(seed, 4)) {
        case 0:
            line->data[at] = odd[random_below(seed, sizeof odd - 1)];
            break;
        case 1:
            line->len = at;
            break;
        case 2:
            memmove(line->data + at, line->data + at + 1, line->len - at - 1);
            line->len--;
            break;
        default: {
            char *copy AUTO_FREE = xmemdup(line->data, line->len);
            buf_add(line, copy, at);
        }
        }
    }
}

/* Feeds in pieces of any size; false when the session has ended. */
static bool feed_in_pieces(uint64_t *seed, struct session *session, struct str rest,
                           struct buf *said)
{
    enum session_next next = SESSION_READ;
    while (rest.len > 0 || next == SESSION_MORE) {
        size_t len = next == SESSION_MORE ? 0 : 1 + random_below(seed, rest.len);
        next = session_feed(session, str_sub(rest, 0, len), said);
        rest = str_from_offset(rest, len);
        if (next != SESSION_READ && next != SESSION_MORE) {
            return false;
        }
    }
    return true;
}

static void anything_at_all(void **state)
{
    for (uint64_t run = 1; run <= 300; run++) {
        struct conversation c;
        uint64_t seed = run * 0x9E3779B97F4A7C15u;
        conversation_init(&c);
        struct backend vtable = mem_backend_vtable(c.env.backend);
        struct session *session = session_new(&vtable, &c.env.options);
        struct buf said AUTO_BUF = BUF_INIT((size_t)64 << 20);
        bool alive =
            feed_in_pieces(&seed, session, STR("l LOGIN u p\r\ns SELECT INBOX\r\n"), &said);
        for (size_t step = 0; alive && step < 60; step++) {
            struct buf line AUTO_BUF = BUF_INIT((size_t)1 << 20);
            buf_add_cstr(&line, lines[random_below(&seed, sizeof lines / sizeof *lines)]);
            mutate(&seed, &line);
            alive = feed_in_pieces(&seed, session, buf_str(&line), &said);
            assert_false(said.overflowed);
            buf_clear(&said);
        }
        session_free(&session);
        conversation_free(&c);
    }
}

/* Bytes without sense are answered BAD, until there is enough of them. */
static void garbage_ends_in_bye(void **state)
{
    for (uint64_t run = 1; run <= 50; run++) {
        struct conversation c;
        uint64_t seed = run * 0x9E3779B97F4A7C15u;
        struct buf said AUTO_BUF = BUF_INIT((size_t)1 << 20);
        enum session_next next = SESSION_READ;
        conversation_init(&c);
        struct backend vtable = mem_backend_vtable(c.env.backend);
        struct session *session = session_new(&vtable, &c.env.options);
        session_feed(session, STR_EMPTY, &said);
        buf_clear(&said);
        for (size_t step = 0; next == SESSION_READ && step < 200000; step++) {
            char bytes[64];
            for (size_t i = 0; i < sizeof bytes; i++) {
                bytes[i] = (char)next_random(&seed);
            }
            next = session_feed(session, str_make(bytes, sizeof bytes), &said);
        }
        assert_int_equal(next, SESSION_CLOSE);
        assert_true(str_starts(last_line(&said), STR("* BYE")));
        struct str rest = buf_str(&said);
        struct str line;
        while (str_split(&rest, '\n', &line)) {
            assert_true(str_starts(line, STR("* BYE")) || strstr(line.ptr, " BAD ") != NULL);
        }
        session_free(&session);
        conversation_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(keywords_are_bounded),
        cmocka_unit_test(limit_server_literal_bytes),
        cmocka_unit_test(limit_server_metadata_bytes),
        cmocka_unit_test(limit_server_input_bytes),
        cmocka_unit_test(limit_server_output_bytes),
        cmocka_unit_test(anything_at_all),
        cmocka_unit_test(garbage_ends_in_bye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
