#include "base/alloc.h"
#include "base/files.h"
#include "store/fixture.h"
#include "store/message_digest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

static int enter(void **state)
{
    (void)fixture_enter(state);
    struct fixture *f = *state;
    ok(f, maildir_create(f->md, "A", &f->err));
    return 0;
}

static const struct maildir_file *stored(struct fixture *f, struct str bytes)
{
    struct maildir_file *file = arena_alloc(f->arena, sizeof *file);
    put_file(f, "mail/A/cur/m:2,S", bytes);
    *file = (struct maildir_file){.name = STR("m:2,S")};
    maildir_name_parse(f->md, f->arena, file->name, &file->parsed);
    return file;
}

static struct maildir_message *opened(struct fixture *f, struct str bytes)
{
    struct maildir_message *message;
    ok(f, maildir_message_open(f->md, "A", stored(f, bytes), &message, &f->err));
    return message;
}

static void digests_of(struct str bytes, struct digest *header, struct digest *body)
{
    struct message_digester *digester = message_digester_new();
    message_digester_add(digester, bytes.ptr, bytes.len);
    message_digester_finish(digester, header, body);
    message_digester_free(&digester);
}

static void assert_digests(struct str bytes, const struct digest *header, const struct digest *body)
{
    struct digest expected_header;
    struct digest expected_body;
    digests_of(bytes, &expected_header, &expected_body);
    assert_true(digest_eq(header, &expected_header));
    assert_true(digest_eq(body, &expected_body));
}

static void assert_wire(struct fixture *f, struct str bytes, struct str wire, size_t piece)
{
    struct maildir_message *message = opened(f, bytes);
    assert_int_equal(maildir_message_wire_size(message), wire.len);
    struct digest header;
    struct digest body;
    maildir_message_digests(message, &header, &body);
    assert_digests(wire, &header, &body);
    ok(f, maildir_message_stored_digests(message, &header, &body, &f->err));
    assert_digests(bytes, &header, &body);
    AUTO_FREE char *out = xmalloc(wire.len + piece);
    size_t len = 0;
    ssize_t got;
    while ((got = maildir_message_read(message, out + len, piece, &f->err)) > 0) {
        assert_true((size_t)got <= piece);
        len += (size_t)got;
        assert_true(len <= wire.len);
    }
    assert_int_equal(got, 0);
    assert_true(str_eq(str_make(out, len), wire));
    maildir_message_free(&message);
    assert_null(message);
}

static void law5_bare_lf_becomes_crlf_and_all_else_stays(void **state)
{
    struct fixture *f = *state;
    const struct {
        struct str bytes, wire;
    } cases[] = {
        {STR(""), STR("")},
        {STR("a"), STR("a")},
        {STR("\n"), STR("\r\n")},
        {STR("a: b\n\nc\n"), STR("a: b\r\n\r\nc\r\n")},
        {STR("a: b\r\n\r\nc\r\n"), STR("a: b\r\n\r\nc\r\n")},
        {STR("a\r\nb\nc\r\n"), STR("a\r\nb\r\nc\r\n")},
        {STR("a\rb\n"), STR("a\rb\r\n")},
        {STR("a\r\r\n"), STR("a\r\r\n")},
        {STR("\n\n\r\n\n"), STR("\r\n\r\n\r\n\r\n")},
        {STR("a\0b\n"), STR("a\0b\r\n")},
        {STR("a\r"), STR("a\r")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t piece = 1; piece < 5; piece++) {
            assert_wire(f, cases[i].bytes, cases[i].wire, piece);
        }
    }
}

static void law5_large_messages_too(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {16383, 16384, 16385, 32768, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_wire(f, repeated(f, "\n", sizes[i]), repeated(f, "\r\n", sizes[i]), 7000);
        assert_wire(f, repeated(f, "x", sizes[i]), repeated(f, "x", sizes[i]), 70000);
        /* A CRLF across the edge of a piece. */
        struct str crlf = repeated(f, "abc\r\n", sizes[i]);
        assert_wire(f, crlf, crlf, 4096);
    }
}

static void law5_what_was_delivered_is_sent_as_it_came(void **state)
{
    struct fixture *f = *state;
    const struct str messages[] = {
        STR("a: b\r\n\r\nc\r\n"),
        STR("a: b\r\n\r\nc\rd\r\n"),
        STR("a: b\r\n\r\nc\0d\r\n"),
        STR("no header"),
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        struct maildir_delivery *delivery;
        struct maildir_delivered delivered;
        ok(f, maildir_delivery_begin(f->md, "A", &delivery, &f->err));
        ok(f, maildir_delivery_write(delivery, messages[i].ptr, messages[i].len, &f->err));
        ok(f, maildir_delivery_finish(delivery, 77, &delivered, &f->err));
        struct str base = str_from(arena_printf(f->arena, "m%zu", i));
        ok(f, maildir_delivery_publish(delivery, base, 0, STR_EMPTY, &f->err));
        maildir_delivery_free(&delivery);
        struct maildir_file file = {.name = base, .parsed = {.base = base}, .in_new = true};
        struct maildir_message *message;
        ok(f, maildir_message_open(f->md, "A", &file, &message, &f->err));
        struct digest header;
        struct digest body;
        maildir_message_digests(message, &header, &body);
        assert_true(digest_eq(&header, &delivered.header_digest));
        assert_true(digest_eq(&body, &delivered.body_digest));
        assert_int_equal(maildir_message_wire_size(message), delivered.wire_size);
        assert_int_equal(maildir_message_mtime_s(message), 77);
        maildir_message_free(&message);
    }
}

/* Reads to the end, or to an error. */
static int read_all(struct fixture *f, struct maildir_message *message, uint64_t *given)
{
    char piece[5000];
    ssize_t got;
    *given = 0;
    while ((got = maildir_message_read(message, piece, sizeof piece, &f->err)) > 0) {
        *given += (uint64_t)got;
    }
    return (int)got;
}

static void law8_a_file_that_changes_is_not_sent_as_if_it_had_not(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t lines;
        const char *after;
        size_t after_lines;
    } cases[] = {
        {30000, "line\n", 10},        /* shorter */
        {30000, "line\n", 40000},     /* longer */
        {30000, "\n\n\n\n\n", 30000}, /* other bytes */
        {10, "line\n", 9},            /* in memory; still not what the file holds */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str before = repeated(f, "line\n", cases[i].lines);
        struct maildir_message *message = opened(f, before);
        set_age(f, "mail/A/cur/m:2,S", 1000);
        put_file(f, "mail/A/cur/m:2,S", repeated(f, cases[i].after, cases[i].after_lines));
        uint64_t given;
        fails(f, read_all(f, message, &given), ERR_CHANGED);
        /* Never more than was announced, nor all of it. */
        assert_true(given < maildir_message_wire_size(message));
        maildir_message_free(&message);
    }
}

static void law8_a_file_that_is_renamed_or_removed_is_sent(void **state)
{
    struct fixture *f = *state;
    struct str lines = repeated(f, "line\n", 30000);
    struct maildir_message *message = opened(f, lines);
    AUTO_FREE char *from = path_join(f->root, "A/cur/m:2,S");
    AUTO_FREE char *to = path_join(f->root, "A/cur/m:2,FS");
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(unlink(to), 0);
    uint64_t given;
    ok(f, read_all(f, message, &given));
    assert_int_equal(given, 30000 * 6);
    maildir_message_free(&message);
}

static void what_is_no_file_is_not_opened(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *pipe = path_join(f->root, "A/cur/pipe");
    AUTO_FREE char *link = path_join(f->root, "A/cur/link");
    AUTO_FREE char *directory = path_join(f->root, "A/cur/directory");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(mkdir(directory, 0700), 0);
    static const char *const names[] = {"pipe", "link", "directory"};
    for (size_t i = 0; i < 3; i++) {
        struct maildir_file file = {.name = str_from(names[i])};
        struct maildir_message *message;
        fails(f, maildir_message_open(f->md, "A", &file, &message, &f->err), ERR_READ);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(law5_bare_lf_becomes_crlf_and_all_else_stays),
        TEST(law5_large_messages_too),
        TEST(law5_what_was_delivered_is_sent_as_it_came),
        TEST(law8_a_file_that_changes_is_not_sent_as_if_it_had_not),
        TEST(law8_a_file_that_is_renamed_or_removed_is_sent),
        TEST(what_is_no_file_is_not_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
