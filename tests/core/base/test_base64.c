#include "base/base64.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* RFC 4648 section 10, and bytes beyond ASCII. */
static const struct {
    struct str plain;
    struct str encoded;
} pairs[] = {
    {STR_INIT(""), STR_INIT("")},
    {STR_INIT("f"), STR_INIT("Zg==")},
    {STR_INIT("fo"), STR_INIT("Zm8=")},
    {STR_INIT("foo"), STR_INIT("Zm9v")},
    {STR_INIT("foob"), STR_INIT("Zm9vYg==")},
    {STR_INIT("fooba"), STR_INIT("Zm9vYmE=")},
    {STR_INIT("foobar"), STR_INIT("Zm9vYmFy")},
    {STR_INIT("\xff\xfe\xfd"), STR_INIT("//79")},
    {STR_INIT("\0\0"), STR_INIT("AAA=")},
    {STR_INIT("\xfb\xef\xbe\xff"), STR_INIT("++++/w==")},
    {STR_INIT("\0alice\0secret"), STR_INIT("AGFsaWNlAHNlY3JldA==")},
};

static void both_ways(void **state)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        AUTO_BUF struct buf encoded = BUF_INIT(100);
        AUTO_BUF struct buf plain = BUF_INIT(100);
        base64_encode(&encoded, pairs[i].plain);
        assert_true(str_eq(buf_str(&encoded), pairs[i].encoded));
        assert_true(base64_decode(&plain, pairs[i].encoded));
        assert_true(str_eq(buf_str(&plain), pairs[i].plain));
    }
}

static void what_is_not_strict_is_refused(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",  "Z===",     "====",     "=",    "Zg==Zg==", "Zm9v\n",
        "Zm 9", "Zh==", "Zm9=", "Zm9vYmF*", "Zg==Zm9v", "Z=g=", "Zm-_",     "Zm9\xc3",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_BUF struct buf out = BUF_INIT(100);
        buf_add_cstr(&out, "kept");
        assert_false(base64_decode(&out, str_from(bad[i])));
        assert_true(str_eq(buf_str(&out), STR("kept")));
    }
}

static void a_full_buffer_is_marked(void **state)
{
    AUTO_BUF struct buf out = BUF_INIT(7);
    base64_encode(&out, STR("foobar"));
    assert_true(out.overflowed);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(what_is_not_strict_is_refused),
        cmocka_unit_test(a_full_buffer_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
