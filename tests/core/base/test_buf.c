#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void appends_and_stays_terminated(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(1000);
    assert_int_equal(buf_str(&b).len, 0);
    assert_non_null(buf_str(&b).ptr);
    buf_add(&b, "ab", 2);
    buf_add_str(&b, STR("cd"));
    buf_add_cstr(&b, "ef");
    buf_add_byte(&b, 'g');
    buf_addf(&b, "-%d-%s", 42, "x");
    buf_add(&b, NULL, 0);
    assert_string_equal(b.data, "abcdefg-42-x");
    buf_consume(&b, 3);
    assert_string_equal(b.data, "defg-42-x");
    char *room = buf_reserve(&b, 10);
    memcpy(room, "yz", 2);
    buf_commit(&b, 2);
    assert_string_equal(b.data, "defg-42-xyz");
    buf_clear(&b);
    assert_string_equal(b.data, "");
}

static void grows_through_many_appends(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(100000);
    for (int i = 0; i < 100000; i++) {
        buf_add_byte(&b, (char)('a' + i % 26));
    }
    assert_false(b.overflowed);
    assert_int_equal(b.len, 100000);
    assert_int_equal(b.data[99999], 'a' + 99999 % 26);
    assert_int_equal(b.data[100000], '\0');
}

static void law9_beyond_the_maximum_nothing_is_stored(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(5);
    struct error err = ERROR_INIT;
    buf_add_cstr(&b, "12345");
    assert_int_equal(buf_check(&b, "the name", SCOPE_MAILBOX, &err), 0);
    assert_false(error_is_set(&err));
    buf_add_byte(&b, '6');
    assert_string_equal(b.data, "12345");
    assert_int_equal(buf_check(&b, "the name", SCOPE_MAILBOX, &err), -ERR_PROTOCOL);
    assert_int_equal(err.scope, SCOPE_MAILBOX);
    assert_string_equal(err.text, "the name is larger than 5 bytes");
}

static void after_an_overflow_nothing_follows(void **state)
{
    AUTO_BUF struct buf b = BUF_INIT(5);
    buf_add_cstr(&b, "123");
    buf_add_cstr(&b, "too long");
    buf_add_cstr(&b, "4");
    assert_string_equal(b.data, "123");
    assert_null(buf_reserve(&b, 1));
    buf_clear(&b);
    buf_add_cstr(&b, "45");
    assert_string_equal(b.data, "45");
    buf_addf(&b, "%s", "6789");
    assert_true(b.overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_and_stays_terminated),
        cmocka_unit_test(grows_through_many_appends),
        cmocka_unit_test(law9_beyond_the_maximum_nothing_is_stored),
        cmocka_unit_test(after_an_overflow_nothing_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
