#include "store/message_digest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct digests {
    struct digest header;
    struct digest body;
};

/* Fed in pieces of `piece` bytes. */
static struct digests digests_of(const char *message, size_t piece)
{
    struct message_digester *d = message_digester_new();
    size_t len = strlen(message);
    for (size_t at = 0; at < len; at += piece) {
        message_digester_add(d, message + at, len - at < piece ? len - at : piece);
    }
    struct digests out;
    message_digester_finish(d, &out.header, &out.body);
    message_digester_free(&d);
    return out;
}

static struct digest plain(const char *text)
{
    struct digester *d = digester_new();
    digester_add(d, text, strlen(text));
    struct digest out = digester_finish(d);
    digester_free(&d);
    return out;
}

static void law5_digests_cover_header_and_body(void **state)
{
    static const struct {
        const char *message;
        const char *header; /* what the header digest is of */
        const char *body;
    } cases[] = {
        {"", "", ""},
        {"Subject: x\r\n\r\nbody\r\n", "Subject: x\r\n", "body\r\n"},
        {"Subject: x\r\n\r\n", "Subject: x\r\n", ""},
        {"Subject: x\r\n", "Subject: x\r\n", ""},
        {"Subject: x", "Subject: x", ""},
        {"\r\nbody", "", "body"},
        {"A: 1\r\n\r\n\r\nStatus: O\r\n", "A: 1\r\n", "\r\nStatus: O\r\n"},
        /* Stored bytes: bare LF ends a line too. */
        {"A: 1\n\nbody\n", "A: 1\n", "body\n"},
        {"A: 1\r\n\r", "A: 1\r\n\r", ""},
        {"A: 1\rB: 2\r\n\r\nx", "A: 1\rB: 2\r\n", "x"},
        {"no colon here\r\n\r\nx", "no colon here\r\n", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct digest header = plain(cases[i].header);
        struct digest body = plain(cases[i].body);
        for (size_t piece = 1; piece < 32; piece++) {
            struct digests found = digests_of(cases[i].message, piece);
            assert_true(digest_eq(&found.header, &header));
            assert_true(digest_eq(&found.body, &body));
        }
    }
}

static void law6_book_keeping_lines_leave_the_digest_alone(void **state)
{
    static const char *const lines[] = {
        "X-TUID: 0123456789AB\r\n",
        "x-tuid: lower case\r\n",
        "X-OfflineIMAP: 12345\r\n",
        "Status: RO\r\n",
        "X-Status: A\r\n",
        "Lines: 12\r\n",
        "Content-Length: 1234\r\n",
        "X-Keywords: one\r\n two\r\n\tthree\r\n",
        "X-UID: 5\r\n",
        "Status:\r\n",
        "Status: x\r\n \r\n",
    };
    static const char first[] = "From: a\r\n";
    static const char rest[] = "Subject: folded\r\n here\r\n";
    struct digests expected = digests_of("From: a\r\nSubject: folded\r\n here\r\n\r\nbody", 100);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *const orders[][3] = {
            {lines[i], first, rest}, {first, lines[i], rest}, {first, rest, lines[i]}};
        for (size_t order = 0; order < 3; order++) {
            struct message_digester *d = message_digester_new();
            for (size_t part = 0; part < 3; part++) {
                message_digester_add(d, orders[order][part], strlen(orders[order][part]));
            }
            message_digester_add(d, "\r\nbody", 6);
            struct digests found;
            message_digester_finish(d, &found.header, &found.body);
            message_digester_free(&d);
            assert_true(digest_eq(&found.header, &expected.header));
            assert_true(digest_eq(&found.body, &expected.body));
        }
    }
}

static void other_lines_count(void **state)
{
    static const char *const lines[] = {
        "X-Statuses: RO\r\n",
        "X-Statu: RO\r\n",
        "Line: 12\r\n",
        "X-Label: a\r\n",
        " Status: folded\r\n",
        "Status RO\r\n",
        "A-name-that-is-longer-than-any-that-is-left-out: 1\r\n",
    };
    struct digests without = digests_of("From: a\r\n\r\nbody", 100);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        for (size_t piece = 1; piece < 8; piece++) {
            char message[200];
            size_t len = strlen(lines[i]);
            memcpy(message, "From: a\r\n", 9);
            memcpy(message + 9, lines[i], len);
            memcpy(message + 9 + len, "\r\nbody", 7);
            struct digests found = digests_of(message, piece);
            assert_false(digest_eq(&found.header, &without.header));
            assert_true(digest_eq(&found.body, &without.body));
        }
    }
}

static void law6_book_keeping_is_counted(void **state)
{
    static const struct {
        const char *message;
        uint64_t left_out_bytes;
        bool from_sync_tool;
    } cases[] = {
        {"Subject: x\r\n\r\nX-TUID: body\r\n", 0, false},
        {"X-TUID: abcdefghijkl\r\nSubject: x\r\n\r\n", 22, true},
        {"Subject: x\nStatus: RO\n\n", 11, false},
        {"X-OfflineIMAP: 1\r\n 2\r\nSubject: x\r\n", 22, true},
        {"Subject: x\r\nx-tuid: a", 9, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t piece = 1; piece < 32; piece++) {
            struct message_digester *d = message_digester_new();
            struct digest header, body;
            const char *message = cases[i].message;
            for (size_t at = 0; at < strlen(message); at += piece) {
                size_t left = strlen(message) - at;
                message_digester_add(d, message + at, left < piece ? left : piece);
            }
            struct message_traits traits = message_digester_traits(d);
            assert_int_equal(traits.left_out_bytes, cases[i].left_out_bytes);
            assert_int_equal(traits.from_sync_tool, cases[i].from_sync_tool);
            message_digester_finish(d, &header, &body);
            assert_int_equal(message_digester_traits(d).left_out_bytes, 0);
            message_digester_free(&d);
        }
    }
}

static void finish_and_reset_begin_anew(void **state)
{
    struct message_digester *d = message_digester_new();
    struct digests expected = digests_of("A: 1\r\n\r\nx", 100);
    struct digests found;
    for (int i = 0; i < 3; i++) {
        message_digester_add(d, "Status: half", 12);
        message_digester_reset(d);
        message_digester_add(d, "A: 1\r\n\r\nx", 9);
        message_digester_finish(d, &found.header, &found.body);
        assert_true(digest_eq(&found.header, &expected.header));
        assert_true(digest_eq(&found.body, &expected.body));
    }
    message_digester_free(&d);
    message_digester_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law5_digests_cover_header_and_body),
        cmocka_unit_test(law6_book_keeping_lines_leave_the_digest_alone),
        cmocka_unit_test(other_lines_count),
        cmocka_unit_test(law6_book_keeping_is_counted),
        cmocka_unit_test(finish_and_reset_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
