#include "wire/chars.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static bool in(const char *set, int c)
{
    return c != 0 && strchr(set, c) != NULL;
}

/* Each class as the RFC's grammar puts it, for all 256 bytes. */
static void classes_are_those_of_rfc9051(void **state)
{
    for (int c = 0; c < 256; c++) {
        unsigned char byte = (unsigned char)c;
        bool control = c < 0x20 || c == 0x7f;
        bool is_char = c >= 1 && c <= 0x7f;
        bool atom = is_char && !control && !in("(){ %*\"\\]", c);
        assert_int_equal(char_is_atom(byte), atom);
        assert_int_equal(char_is_astring(byte), atom || c == ']');
        assert_int_equal(char_is_list(byte), atom || in("%*]", c));
        assert_int_equal(char_is_tag(byte), (atom || c == ']') && c != '+');
        assert_int_equal(char_is_quotable(byte), is_char && c != '\r' && c != '\n');
        assert_int_equal(char_is((char)byte, CHAR_8BIT), c >= 0x80);
        assert_int_equal(char_is((char)byte, CHAR_DIGIT), c >= '0' && c <= '9');
        assert_int_equal(char_is((char)byte, CHAR_IN_QUOTES), c != 0 && !in("\r\n\"\\", c));
        assert_int_equal(char_is((char)byte, CHAR_WORD), !control && !in(" ()\"", c));
        assert_int_equal(char_is((char)byte, CHAR_NAME),
                         (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                             (c >= 'a' && c <= 'z') || in("-._", c));
    }
}

static void upper_folds_ascii_only(void **state)
{
    for (int c = 0; c < 256; c++) {
        int expected = c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
        assert_int_equal(char_upper((unsigned char)c), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_those_of_rfc9051),
        cmocka_unit_test(upper_folds_ascii_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
