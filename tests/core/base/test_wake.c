#include "base/wake.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void signalled_until_cleared(void **state)
{
    struct wake wake;
    struct error err = ERROR_INIT;
    assert_int_equal(wake_init(&wake, &err), 0);
    assert_false(wake_is_signalled(&wake));
    errno = 7;
    wake_signal(&wake);
    wake_signal(&wake);
    assert_int_equal(errno, 7);
    assert_true(wake_is_signalled(&wake));
    assert_true(wake_is_signalled(&wake));
    wake_clear(&wake);
    assert_false(wake_is_signalled(&wake));
    wake_clear(&wake);
    wake_close(&wake);
    assert_int_equal(wake.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(signalled_until_cleared)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
