#include "base/str.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void comparisons(void **state)
{
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_eq(str_make(NULL, 0), STR("")));
    assert_true(str_eq_nocase(STR("InBoX"), STR("INBOX")));
    assert_false(str_eq_nocase(STR("[a"), STR("{A")));
    assert_false(str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR("x"), STR("x")), 0);
}

static void parts(void **state)
{
    assert_true(str_starts(STR("Archive/2024"), STR("Archive/")));
    assert_false(str_starts(STR("A"), STR("Ab")));
    assert_true(str_starts_nocase(STR("inbox/x"), STR("INBOX")));
    assert_true(str_ends(STR("file.txt"), STR(".txt")));
    assert_true(str_ends(STR("x"), STR("")));
    assert_false(str_ends(STR("txt"), STR("a.txt")));
    assert_true(str_eq(str_from_offset(STR("abc"), 1), STR("bc")));
    assert_int_equal(str_from_offset(STR("abc"), 9).len, 0);
    assert_true(str_eq(str_sub(STR("abcdef"), 2, 3), STR("cde")));
    assert_true(str_eq(str_sub(STR("abc"), 2, 30), STR("c")));
    assert_int_equal(str_sub(STR("abc"), 7, 1).len, 0);
    assert_int_equal(str_find(STR("a.b.c"), '.'), 1);
    assert_int_equal(str_rfind(STR("a.b.c"), '.'), 3);
    assert_int_equal(str_find(STR("abc"), '.'), -1);
    assert_int_equal(str_rfind(STR_EMPTY, '.'), -1);
    assert_true(str_eq(str_trim(STR(" \t a b \r\n")), STR("a b")));
    assert_int_equal(str_trim(STR(" \n")).len, 0);
}

static void split(void **state)
{
    struct str rest = STR("a::b:");
    struct str head;
    static const char *const expected[] = {"a", "", "b"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_split(&rest, ':', &head));
        assert_true(str_eq(head, str_from(expected[i])));
    }
    assert_false(str_split(&rest, ':', &head));
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        bool is_u32;
        bool is_u64;
        uint64_t value;
    } cases[] = {
        {"0", true, true, 0},
        {"007", true, true, 7},
        {"4294967295", true, true, UINT32_MAX},
        {"4294967296", false, true, UINT64_C(4294967296)},
        {"18446744073709551615", false, true, UINT64_MAX},
        {"18446744073709551616", false, false, 0},
        {"99999999999999999999999", false, false, 0},
        {"", false, false, 0},
        {"-1", false, false, 0},
        {"+1", false, false, 0},
        {" 1", false, false, 0},
        {"1x", false, false, 0},
        {"1:", false, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t small = 77;
        uint64_t large = 77;
        assert_int_equal(str_to_u32(str_from(cases[i].text), &small), cases[i].is_u32);
        assert_int_equal(str_to_u64(str_from(cases[i].text), &large), cases[i].is_u64);
        assert_true(small == (cases[i].is_u32 ? cases[i].value : 77));
        assert_true(large == (cases[i].is_u64 ? cases[i].value : 77));
    }
}

static void utf8(void **state)
{
    static const struct {
        struct str bytes;
        bool ok;
    } cases[] = {
        {STR_INIT(""), true},
        {STR_INIT("ascii"), true},
        {STR_INIT("\0"), true},
        {STR_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), true},
        {STR_INIT("\xef\xbf\xbf"), true},
        {STR_INIT("\xf4\x8f\xbf\xbf"), true},
        {STR_INIT("\xf4\x90\x80\x80"), false},
        {STR_INIT("\xed\xa0\x80"), false},
        {STR_INIT("\xed\x9f\xbf"), true},
        {STR_INIT("\xc0\x80"), false},
        {STR_INIT("\xc1\xbf"), false},
        {STR_INIT("\xe0\x9f\xbf"), false},
        {STR_INIT("\xf0\x8f\xbf\xbf"), false},
        {STR_INIT("\x80"), false},
        {STR_INIT("\xc3"), false},
        {STR_INIT("\xe2\x82"), false},
        {STR_INIT("\xc3x"), false},
        {STR_INIT("\xff"), false},
        {STR_INIT("\xf5\x80\x80\x80"), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(str_is_utf8(cases[i].bytes), cases[i].ok);
    }
    assert_int_equal(str_utf8_char(STR("\xe2\x82\xacx")), 3);
    assert_int_equal(str_utf8_char(STR_EMPTY), 0);
    assert_true(str_is_ascii(STR("a\x7f")));
    assert_false(str_is_ascii(STR("a\x80")));
}

static void hashes_are_stable(void **state)
{
    /* Published values of FNV-1a. */
    assert_true(str_hash(STR_EMPTY) == UINT64_C(0xcbf29ce484222325));
    assert_true(str_hash(STR("a")) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(str_hash(STR("foobar")) == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons), cmocka_unit_test(parts), cmocka_unit_test(split),
        cmocka_unit_test(numbers),     cmocka_unit_test(utf8),  cmocka_unit_test(hashes_are_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
