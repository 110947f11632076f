#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <cmocka.h>

static int64_t fixed(void *self)
{
    return *(int64_t *)self;
}

static void deadlines_do_not_overflow(void **state)
{
    int64_t now = 1000;
    struct clock clock = {fixed, fixed, &now};
    assert_int_equal(clock_deadline(&clock, 500), 1500);
    assert_int_equal(clock_deadline(&clock, 0), 1000);
    assert_true(clock_deadline(&clock, DEADLINE_NEVER) == DEADLINE_NEVER);
    assert_true(clock_deadline(&clock, DEADLINE_NEVER - 10) == DEADLINE_NEVER);
}

static void the_system_clock_goes_forward(void **state)
{
    int64_t before = clock_monotonic_ms(&clock_system);
    int64_t after = clock_monotonic_ms(&clock_system);
    assert_true(before > 0 && after >= before);
    int64_t wall = clock_wall_ms(&clock_system);
    int64_t seconds = (int64_t)time(NULL);
    assert_true(wall / 1000 <= seconds && wall / 1000 >= seconds - 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_do_not_overflow),
        cmocka_unit_test(the_system_clock_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
