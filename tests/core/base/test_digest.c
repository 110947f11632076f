#include "base/digest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void is_the_beginning_of_sha256(void **state)
{
    static const struct {
        const char *text;
        const char *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb924"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039"},
    };
    struct digester *d = digester_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char hex[33];
        /* In two pieces, with the digester of the case before. */
        size_t len = strlen(cases[i].text);
        digester_add(d, cases[i].text, len / 3);
        digester_add(d, cases[i].text + len / 3, len - len / 3);
        struct digest digest = digester_finish(d);
        digest_to_hex(&digest, hex);
        assert_string_equal(hex, cases[i].hex);
    }
    digester_free(&d);
    assert_null(d);
}

static void reset_forgets(void **state)
{
    struct digester *d = digester_new();
    struct digest empty = digester_finish(d);
    digester_add(d, "something", 9);
    digester_reset(d);
    struct digest again = digester_finish(d);
    assert_true(digest_eq(&empty, &again));
    digester_add(d, "something", 9);
    struct digest other = digester_finish(d);
    assert_false(digest_eq(&empty, &other));
    digester_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_beginning_of_sha256),
        cmocka_unit_test(reset_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
