#include "imap/date.h"
#include "core/imap/imap_case.h"
#include "core/wire/dice.h"
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <cmocka.h>

static bool date(struct reader *r, struct arena *arena, struct writer *w)
{
    struct imap_date value;
    bool good = imap_date_read(r, &value);
    if (good) {
        writer_format(w, "%lld %d ", (long long)value.unix_s, (int)value.zone_s);
        imap_date_write(w, &value);
    }
    return good;
}

static const char nothing[] = "0 0 \" 1-Jan-1970 00:00:00 +0000\"";

static void dates_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"RFC 9051's", date, "\"17-Jul-1996 02:44:25 -0700\"",
         "837596665 -25200 \"17-Jul-1996 02:44:25 -0700\""},
        {"space for a digit", date, "\" 1-Feb-2024 00:00:00 +0000\"",
         "1706745600 0 \" 1-Feb-2024 00:00:00 +0000\""},
        {"half an hour", date, "\"01-Jan-2000 00:00:00 +0530\"",
         "946665000 19800 \" 1-Jan-2000 00:00:00 +0530\""},
        {"leap day", date, "\"29-Feb-2000 12:00:00 +0000\"",
         "951825600 0 \"29-Feb-2000 12:00:00 +0000\""},
        {"leap second", date, "\"31-Dec-2016 23:59:60 +0000\"",
         "1483228800 0 \" 1-Jan-2017 00:00:00 +0000\""},
        {"before 1970", date, "\"31-Dec-1969 23:59:59 +0000\"",
         "-1 0 \"31-Dec-1969 23:59:59 +0000\""},
        {"after 2038", date, "\"19-Jan-2106 03:14:08 +0000\"",
         "4293314048 0 \"19-Jan-2106 03:14:08 +0000\""},
        {"missing space", date, "\"1-Feb-2024 00:00:00 +0000\"",
         "1706745600 0 \" 1-Feb-2024 00:00:00 +0000\""},
        {"extra spaces", date, "\"  1-Feb-2024  00:00:00   +0000 \"",
         "1706745600 0 \" 1-Feb-2024 00:00:00 +0000\""},
        {"lower case", date, "\"01-feb-2024 00:00:00 +0000\"",
         "1706745600 0 \" 1-Feb-2024 00:00:00 +0000\""},
        {"no zone", date, "\"01-Feb-2024 00:00:00\"",
         "1706745600 0 \" 1-Feb-2024 00:00:00 +0000\""},
        {"a literal", date, "{26}\r\n01-Feb-2024 00:00:00 +0000",
         "1706745600 0 \" 1-Feb-2024 00:00:00 +0000\""},
        {"day and month zero", date, "\"00-Jan-0000 00:00:00 +0000\"", nothing},
        {"30 February", date, "\"30-Feb-2024 00:00:00 +0000\"", nothing},
        {"29 February 1900", date, "\"29-Feb-1900 00:00:00 +0000\"", nothing},
        {"31 April", date, "\"31-Apr-2024 00:00:00 +0000\"", nothing},
        {"hour 24", date, "\"01-Feb-2024 24:00:00 +0000\"", nothing},
        {"minute 60", date, "\"01-Feb-2024 00:60:00 +0000\"", nothing},
        {"unknown month", date, "\"01-Foo-2024 00:00:00 +0000\"", nothing},
        {"no date", date, "\"yesterday\"", nothing},
        {"empty", date, "\"\"", nothing},
        {"NIL", date, "NIL", nothing},
        {"no string", date, "01-Feb-2024", NULL},
    };
    IMAP_CASES_RUN(cases);
}

/* Against the C library, over the years 0 to 9999. */
static void civil_time_agrees_with_the_c_library(void **state)
{
    struct dice dice = {21};
    const int64_t span =
        date_from_civil(9999, 12, 31, 23, 59, 59) - date_from_civil(0, 1, 1, 0, 0, 0);
    for (unsigned round = 0; round < 20000; round++) {
        int64_t unix_s =
            date_from_civil(0, 1, 1, 0, 0, 0) + (int64_t)(dice_next(&dice) % (uint64_t)span);
        time_t seconds = (time_t)unix_s;
        struct tm tm;
        int year;
        unsigned month, day, hour, minute, second;
        assert_non_null(gmtime_r(&seconds, &tm));
        date_to_civil(unix_s, &year, &month, &day, &hour, &minute, &second);
        assert_int_equal(year, tm.tm_year + 1900);
        assert_int_equal(month, tm.tm_mon + 1);
        assert_int_equal(day, tm.tm_mday);
        assert_int_equal(hour, tm.tm_hour);
        assert_int_equal(minute, tm.tm_min);
        assert_int_equal(second, tm.tm_sec);
        assert_true(date_from_civil(year, month, day, hour, minute, second) == unix_s);
    }
}

static void a_year_of_five_digits_cannot_be_written(void **state)
{
    struct writer w;
    struct error err = ERROR_INIT;
    writer_init(&w, WRITER_LITERAL_SYNC, false, 100);
    imap_date_write(&w, &(struct imap_date){.unix_s = INT64_C(253402300800)});
    assert_int_equal(writer_finish(&w, &err), -ERR_STATE);
    writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read),
        cmocka_unit_test(civil_time_agrees_with_the_c_library),
        cmocka_unit_test(a_year_of_five_digits_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
