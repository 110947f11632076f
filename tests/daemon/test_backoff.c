#include "daemon/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct backoff SECONDS = {.first_ms = 1000, .most_ms = 60000};

/* With `random` at the top of its range the wait is the bound itself. */
static int64_t bound_after(uint32_t failures)
{
    int64_t longest = 0;
    for (uint64_t random = 0; random <= 60000; random++) {
        int64_t delay = backoff_delay_ms(&SECONDS, failures, random, 0);
        longest = delay > longest ? delay : longest;
        assert_true(delay >= 0);
    }
    return longest;
}

static void the_bound_doubles_up_to_the_most(void **state)
{
    (void)state;
    static const struct {
        uint32_t failures;
        int64_t bound_ms;
    } rows[] = {{0, 0},     {1, 1000},  {2, 2000},   {3, 4000},          {6, 32000},
                {7, 60000}, {8, 60000}, {64, 60000}, {UINT32_MAX, 60000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(bound_after(rows[i].failures), rows[i].bound_ms);
}

static void a_hint_of_the_server_is_the_least(void **state)
{
    (void)state;
    assert_int_equal(backoff_delay_ms(&SECONDS, 0, 7, 5000), 5000);
    assert_int_equal(backoff_delay_ms(&SECONDS, 1, 0, 90000), 90000);
    assert_int_equal(backoff_delay_ms(&SECONDS, 1, 250, 90000), 90250);
    assert_int_equal(backoff_delay_ms(&SECONDS, 1, 250, -1), 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_doubles_up_to_the_most),
        cmocka_unit_test(a_hint_of_the_server_is_the_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
