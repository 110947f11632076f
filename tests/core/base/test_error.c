#include "base/error.h"
#include "base/str.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void set_describes(void **state)
{
    struct error err = ERROR_INIT;
    assert_false(error_is_set(&err));
    int rc = error_set(&err, ERR_NO, SCOPE_MAILBOX, "SELECT %s: %s", "Work", "no such mailbox");
    assert_int_equal(rc, -ERR_NO);
    assert_int_equal(err.code, ERR_NO);
    assert_int_equal(err.scope, SCOPE_MAILBOX);
    assert_string_equal(err.text, "SELECT Work: no such mailbox");
    assert_int_equal(err.os_errno, 0);
    error_clear(&err);
    assert_false(error_is_set(&err));
}

/* Law 7: a server's words end up in errors. */
static void law7_any_bytes_become_one_printable_line(void **state)
{
    static const struct {
        const char *given;
        const char *shown;
    } cases[] = {
        {"a\r\nb\tc", "a  b c"},
        {"\x1b[31mred\x7f", " [31mred "},
        {"Entw\xc3\xbcrfe \xe2\x82\xac \xf0\x9f\x98\x80",
         "Entw\xc3\xbcrfe \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"latin \xe4 end", "latin ? end"},
        {"\xc2\x85next", "  next"},
        {"\xc0\xaf\xed\xa0\x80x", "?????x"},
        {"cut \xe2\x82", "cut "},
        {"%s%n", "%s%n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        error_set(&err, ERR_BAD, SCOPE_CONNECTION, "%s", cases[i].given);
        assert_string_equal(err.text, cases[i].shown);
    }
}

static void long_texts_are_cut_between_characters(void **state)
{
    char text[ERROR_TEXT_MAX + 50];
    size_t len = 0;
    while (len + 3 < sizeof text) {
        memcpy(text + len, "\xe2\x82\xac", 3);
        len += 3;
    }
    text[len] = '\0';
    struct error err = ERROR_INIT;
    error_set(&err, ERR_BAD, SCOPE_CONNECTION, "%s", text);
    assert_int_equal(strlen(err.text), (ERROR_TEXT_MAX - 1) / 3 * 3);
    assert_true(str_is_utf8(str_from(err.text)));
    error_wrap(&err, "x");
    assert_true(strlen(err.text) < ERROR_TEXT_MAX);
    assert_true(str_is_utf8(str_from(err.text)));
}

static void wrap_puts_context_before(void **state)
{
    struct error err = ERROR_INIT;
    error_set(&err, ERR_READ, SCOPE_MESSAGE, "cannot open x");
    assert_int_equal(error_wrap(&err, "mailbox %s", "INBOX"), -ERR_READ);
    assert_string_equal(err.text, "mailbox INBOX: cannot open x");
    /* The old text as an argument. */
    assert_int_equal(error_set(&err, ERR_NO, SCOPE_MESSAGE, "again (%s)", err.text), -ERR_NO);
    assert_string_equal(err.text, "again (mailbox INBOX: cannot open x)");
}

static void advise_puts_advice_behind(void **state)
{
    struct error err = ERROR_INIT;
    error_set(&err, ERR_READ, SCOPE_MESSAGE, "cannot open x");
    assert_int_equal(error_advise(&err, "try %d", 2), -ERR_READ);
    assert_string_equal(err.text, "cannot open x; try 2");
}

static void errno_gives_words_and_the_full_disk_is_a_write_error(void **state)
{
    struct error err = ERROR_INIT;
    int rc = error_set_errno(&err, ERR_READ, SCOPE_MAILBOX, EACCES, "cannot open %s", "cur");
    assert_int_equal(rc, -ERR_READ);
    assert_string_equal(err.text, "cannot open cur: Permission denied");
    assert_int_equal(err.os_errno, EACCES);
    static const int disk[] = {ENOSPC, EDQUOT, EROFS};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(error_set_errno(&err, ERR_READ, SCOPE_MAILBOX, disk[i], "x"), -ERR_WRITE);
    }
}

static void widen_only_widens(void **state)
{
    struct error err = ERROR_INIT;
    error_set(&err, ERR_NO, SCOPE_MAILBOX, "x");
    error_widen(&err, SCOPE_MESSAGE);
    assert_int_equal(err.scope, SCOPE_MAILBOX);
    assert_int_equal(error_widen(&err, SCOPE_ACCOUNT), -ERR_NO);
    assert_int_equal(err.scope, SCOPE_ACCOUNT);
}

static void every_code_and_scope_has_a_word(void **state)
{
    for (int a = ERR_NONE; a <= ERR_DEFECT; a++) {
        assert_non_null(error_code_name((enum error_code)a));
        for (int b = ERR_NONE; b < a; b++) {
            assert_string_not_equal(error_code_name((enum error_code)a),
                                    error_code_name((enum error_code)b));
        }
    }
    for (int scope = SCOPE_MESSAGE; scope <= SCOPE_CANCELLED; scope++) {
        assert_non_null(error_scope_name((enum error_scope)scope));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_describes),
        cmocka_unit_test(law7_any_bytes_become_one_printable_line),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(wrap_puts_context_before),
        cmocka_unit_test(advise_puts_advice_behind),
        cmocka_unit_test(errno_gives_words_and_the_full_disk_is_a_write_error),
        cmocka_unit_test(widen_only_widens),
        cmocka_unit_test(every_code_and_scope_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
