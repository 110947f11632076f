#include "imap/mailbox_name.h"
#include "core/wire/dice.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void modified_utf7_both_ways(void **state)
{
    static const struct {
        struct str utf7;
        struct str utf8;
    } cases[] = {
        {{"INBOX", 5}, {"INBOX", 5}},
        {{"", 0}, {"", 0}},
        {{"a&-b", 4}, {"a&b", 3}},
        {{"&-&-", 4}, {"&&", 2}},
        {{"~peter/mail/&U,BTFw-/&ZeVnLIqe-", 31},
         {"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 28}},
        {{"Entw&APw-rfe", 12}, {"Entw\xc3\xbcrfe", 9}},
        {{"Gel&APY-schte &- mehr", 21}, {"Gel\xc3\xb6schte & mehr", 17}},
        {{"&2D3eAA-", 8}, {"\xf0\x9f\x98\x80", 4}},
        {{"&AAk-tab", 8}, {"\ttab", 4}},
        {{"&AH8-", 5}, {"\x7f", 1}},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str out;
        assert_true(mailbox_name_decode(arena, cases[i].utf7, &out));
        assert_true(str_eq(out, cases[i].utf8));
        assert_int_equal(out.ptr[out.len], '\0');
        assert_true(mailbox_name_encode(arena, cases[i].utf8, &out));
        assert_true(str_eq(out, cases[i].utf7));
    }
    arena_free(&arena);
}

/* These stay as they are: decoding them would lose which one it was. */
static void what_is_not_canonical_stays_raw(void **state)
{
    static const struct str cases[] = {
        {"a&b", 3},                                         /* shift that never ends */
        {"&", 1},           {"&AOk", 4},        {"&A-", 3}, /* too few digits */
        {"&AO-", 4},        {"&AOkA-", 6},                  /* a digit too much */
        {"&AOn-", 5},                                       /* padding bits not zero */
        {"&AGE-", 5},                                       /* `a` need not be shifted */
        {"&ACY-", 5},                                       /* neither need `&` */
        {"&AOk-&AOk-", 10},                                 /* one shift would do */
        {"&2D0-", 5},                                       /* half a surrogate pair */
        {"&3gA-", 5},       {"&3gDYPQ-", 8},                /* the wrong way around */
        {"&AAA-", 5},                                       /* NUL */
        {"&AO/k-", 6},                                      /* `/` is no digit here */
        {"&AO k-", 6},      {"caf\xc3\xa9", 5},             /* UTF-8 as it is */
        {"caf\xe9", 4},     {"tab\t", 4},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str out = STR_EMPTY;
        if (mailbox_name_decode(arena, cases[i], &out)) {
            fail_msg("%.*s decoded as %.*s", STR_ARG(cases[i]), STR_ARG(out));
        }
        assert_true(str_eq(out, cases[i]));
    }
    assert_false(mailbox_name_encode(arena, STR("caf\xe9"), &(struct str){0}));
    assert_false(mailbox_name_encode(arena, STR("\xed\xa0\x80"), &(struct str){0}));
    arena_free(&arena);
}

static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6) {
        out[i] = (char)(0x80 | (code & 63));
    }
    out[0] = (char)(code | (0xf00u >> len & 0xf0u));
    return len;
}

static void random_names_come_back(void **state)
{
    struct dice dice = {31};
    for (unsigned round = 0; round < 5000; round++) {
        char name[200];
        size_t len = 0;
        struct arena *arena = arena_new();
        struct str encoded, decoded;
        for (uint32_t left = dice_below(&dice, 45); left > 0; left--) {
            static const uint32_t tops[] = {0x7f, 0x7f, 0x7ff, 0xffff, 0x10ffff};
            uint32_t code = 1 + dice_below(&dice, tops[dice_below(&dice, 5)]);
            if (code < 0xd800 || code > 0xdfff) {
                len += put_utf8(name + len, code);
            }
        }
        assert_true(mailbox_name_encode(arena, str_make(name, len), &encoded));
        assert_true(str_is_ascii(encoded));
        assert_true(mailbox_name_decode(arena, encoded, &decoded));
        assert_true(str_eq(decoded, str_make(name, len)));
        arena_free(&arena);
    }
}

/* Whatever bytes: what decodes encodes to the same bytes again. */
static void noise_is_raw_or_comes_back(void **state)
{
    static const char likely[] = "&&--AOk,+2D3eAA/a";
    struct dice dice = {32};
    for (unsigned round = 0; round < 20000; round++) {
        char name[30];
        size_t len = dice_below(&dice, sizeof name);
        struct arena *arena = arena_new();
        struct str decoded, again;
        for (size_t i = 0; i < len; i++) {
            name[i] = likely[dice_below(&dice, sizeof likely - 1)];
        }
        if (mailbox_name_decode(arena, str_make(name, len), &decoded)) {
            assert_true(mailbox_name_encode(arena, decoded, &again));
            assert_true(str_eq(again, str_make(name, len)));
        }
        arena_free(&arena);
    }
}

static void inbox_in_any_case(void **state)
{
    assert_true(mailbox_name_is_inbox(STR("InBoX")));
    assert_false(mailbox_name_is_inbox(STR("INBOX/x")));
    assert_false(mailbox_name_is_inbox(STR("INBO")));
}

static void patterns_match_as_in_list(void **state)
{
    static const struct {
        const char *name;
        const char *pattern;
        char delimiter;
        bool matches;
    } cases[] = {
        {"INBOX", "*", '/', true},
        {"INBOX", "inbox", '/', true},
        {"Inbox2", "inbox2", '/', false},
        {"a/b/c", "*", '/', true},
        {"a/b/c", "%", '/', false},
        {"a", "%", '/', true},
        {"a/b/c", "a/%", '/', false},
        {"a/b", "a/%", '/', true},
        {"a/b/c", "a/%/c", '/', true},
        {"a/b/c", "%/%/%", '/', true},
        {"a/b/c", "%/%", '/', false},
        {"a/b/c", "*c", '/', true},
        {"a/b/c", "%c", '/', false},
        {"a/bc", "*/%c", '/', true},
        {"abcbc", "a%bc", '/', true},
        {"a.b", "%", '/', true},
        {"a/b", "%", 0, true},
        {"", "", '/', true},
        {"", "*", '/', true},
        {"", "%", '/', true},
        {"a", "", '/', false},
        {"ab", "a", '/', false},
        {"a", "ab", '/', false},
        {"x/aab/y", "*a%b/y", '/', true},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
         "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*%a%a%a%a%a%a%a%a%a%c", '/', false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool matches = mailbox_name_matches(str_from(cases[i].name), str_from(cases[i].pattern),
                                            cases[i].delimiter);
        if (matches != cases[i].matches) {
            fail_msg("%s and %s", cases[i].name, cases[i].pattern);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modified_utf7_both_ways),
        cmocka_unit_test(what_is_not_canonical_stays_raw),
        cmocka_unit_test(random_names_come_back),
        cmocka_unit_test(noise_is_raw_or_comes_back),
        cmocka_unit_test(inbox_in_any_case),
        cmocka_unit_test(patterns_match_as_in_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
