#include "base/alloc.h"
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { MANY = 100000, FLAGGED_AND_LEFT = 948 };

static void fill_inbox(struct conversation *c)
{
    struct error err = ERROR_INIT;
    for (uint32_t i = 0; i < MANY; i++) {
        char text[40];
        uint32_t uid;
        int len = snprintf(text, sizeof text, "Subject: %u\r\n\r\n", i);
        assert_int_equal(mem_backend_append(c->env.backend, "u", "INBOX",
                                            str_make(text, (size_t)len), 0, 0, &uid, &err),
                         0);
        assert_int_equal(uid, i + 1);
    }
}

static size_t say(struct session *session, const char *text)
{
    struct buf out AUTO_BUF = BUF_INIT((size_t)256 << 20);
    enum session_next next;
    struct str input = str_from(text);
    size_t lines = 0;
    do {
        next = session_feed(session, input, &out);
        input = STR_EMPTY;
    } while (next == SESSION_MORE);
    for (size_t i = 0; i < out.len; i++) {
        lines += out.data[i] == '\n';
    }
    return lines;
}

/* Anything quadratic here takes minutes. */
static void a_hundred_thousand_messages(void **state)
{
    struct conversation c;
    struct buf line AUTO_BUF = BUF_INIT((size_t)4 << 20);
    conversation_init(&c);
    fill_inbox(&c);
    struct backend vtable = mem_backend_vtable(c.env.backend);
    struct session *one = session_new(&vtable, &c.env.options);
    struct session *two = session_new(&vtable, &c.env.options);
    say(one, "l LOGIN u p\r\ns SELECT INBOX\r\n");
    say(two, "l LOGIN u p\r\ne ENABLE QRESYNC\r\ns SELECT INBOX\r\n");
    assert_int_equal(say(one, "a UID FETCH 1:* (FLAGS RFC822.SIZE)\r\n"), MANY + 1);
    assert_int_equal(say(one, "a UID STORE 1:* +FLAGS.SILENT (\\Seen)\r\n"), 1);
    assert_int_equal(say(two, "a NOOP\r\n"), MANY + 1);
    /* One by one, and every other one: the worst for what is kept in order. */
    for (int i = 0; i < 1000; i++) {
        buf_clear(&line);
        buf_addf(&line, "a UID STORE %d +FLAGS.SILENT (\\Flagged)\r\n", i * 97 + 1);
        assert_int_equal(say(one, line.data), 1);
    }
    /* INPROGRESS at every thousandth but the last, EXISTS, the reply. */
    assert_int_equal(say(one, "a UID COPY 1:* INBOX\r\n"), MANY / 1000 - 1 + 2);
    buf_clear(&line);
    buf_add_cstr(&line, "a UID STORE 1:* -FLAGS.SILENT (\\Deleted)\r\nb UID STORE 1");
    for (int i = 3; i < 10000; i += 2) {
        buf_addf(&line, ",%d", i);
    }
    buf_add_cstr(&line, " +FLAGS.SILENT (\\Deleted)\r\n");
    say(one, line.data);
    assert_int_equal(say(one, "a EXPUNGE\r\n"), 5001);
    /* VANISHED, EXISTS, what was flagged and is still there, the reply. */
    assert_int_equal(say(two, "a NOOP\r\n"), 1 + 1 + FLAGGED_AND_LEFT + 1);
    session_free(&one);
    session_free(&two);
    conversation_free(&c);
}

struct bodies {
    const char *at[4];
    size_t len;
};

static bool note_body(void *self, const struct backend_message *message, struct str body)
{
    struct bodies *bodies = self;
    bodies->at[bodies->len++] = body.ptr;
    return bodies->len < 4;
}

static void copies_share_their_bytes(void **state)
{
    struct conversation c;
    struct bodies bodies = {.len = 0};
    struct error err = ERROR_INIT;
    conversation_init(&c);
    conversation_play(
        &c, "copy",
        "1> a APPEND INBOX (key) {3+}$abc\n1< a OK …\n1> s EXAMINE INBOX\n1< * FLAGS "
        "(\\Answered \\Flagged \\Deleted \\Seen \\Draft key)\n1< * OK …\n1< * 1 EXISTS\n"
        "1< * 0 RECENT\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n1< s OK …\n"
        "1> b COPY 1 INBOX\n1< * 2 EXISTS\n1< b OK …\n"
        "1> c FETCH 2 FLAGS\n1< * 2 FETCH (FLAGS (key))\n1< c OK …\n");
    assert_int_equal(mem_backend_each(c.env.backend, "u", "INBOX", note_body, &bodies, &err), 0);
    assert_int_equal(bodies.len, 2);
    assert_ptr_equal(bodies.at[0], bodies.at[1]);
    assert_int_equal(mem_backend_expunge(c.env.backend, "u", "INBOX", 1, &err), 0);
    bodies.len = 0;
    assert_int_equal(mem_backend_each(c.env.backend, "u", "INBOX", note_body, &bodies, &err), 0);
    assert_memory_equal(bodies.at[0], "abc", 3);
    conversation_free(&c);
}

static void uidvalidity_goes_up(void **state)
{
    conversation_run("again",
                     "1> a CREATE x\n1< a OK [MAILBOXID (F2)] …\n1> b STATUS x (UIDVALIDITY)\n"
                     "1< * STATUS x (UIDVALIDITY 1704067202)\n1< b OK …\n1> c DELETE x\n"
                     "1< c OK …\n1> d CREATE x\n1< d OK [MAILBOXID (F3)] …\n"
                     "1> e STATUS x (UIDVALIDITY)\n"
                     "1< * STATUS x (UIDVALIDITY 1704067203)\n1< e OK …\n");
}

static void errors_from_the_side(void **state)
{
    struct conversation c;
    struct error err = ERROR_INIT;
    conversation_init(&c);
    struct mem_backend *b = c.env.backend;
    assert_int_equal(mem_backend_create(b, "nobody", "x", 0, &err), -ERR_NOT_FOUND);
    assert_int_equal(mem_backend_create(b, "u", "INBOX", 0, &err), -ERR_EXISTS);
    assert_int_equal(mem_backend_append(b, "u", "x", STR("x"), 0, 0, NULL, &err), -ERR_NOT_FOUND);
    assert_int_equal(mem_backend_expunge(b, "u", "INBOX", 1, &err), -ERR_NOT_FOUND);
    assert_int_equal(mem_backend_set_flags(b, "u", "INBOX", 1, 0, &err), -ERR_NOT_FOUND);
    assert_int_equal(mem_backend_renumber(b, "u", "x", &err), -ERR_NOT_FOUND);
    conversation_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_messages),
        cmocka_unit_test(copies_share_their_bytes),
        cmocka_unit_test(uidvalidity_goes_up),
        cmocka_unit_test(errors_from_the_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
