#include "daemon/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    enum error_code code;
    const char *response_code, *text;
    enum fate fate;
    int64_t hint_ms;
    bool limit;
} ROWS[] = {
    {ERR_NETWORK, "", "refused", FATE_NETWORK, 0, false},
    {ERR_TIMEOUT, "", "no answer in time", FATE_NETWORK, 0, false},
    {ERR_BYE, "", "BYE shutting down", FATE_NETWORK, 0, false},
    {ERR_BYE, "UNAVAILABLE", "BYE", FATE_BUSY, 0, false},
    {ERR_NO, "LIMIT", "NO slow down", FATE_BUSY, 0, true},
    {ERR_NO, "INUSE", "NO locked", FATE_BUSY, 0, false},
    {ERR_BYE, "", "Maximum number of connections from user+IP exceeded", FATE_BUSY, 0, true},
    {ERR_BAD, "", "BAD Request is throttled. Suggested Backoff Time: 298873 milliseconds",
     FATE_BUSY, 298873, false},
    {ERR_NO, "", "Suggested Backoff Time: 30 seconds", FATE_BUSY, 30000, false},
    {ERR_NO, "", "Suggested Backoff Time: 99999999999999999999 milliseconds", FATE_BUSY, 86400000,
     false},
    {ERR_NO, "", "Suggested Backoff Time: soon", FATE_BUSY, 0, false},
    {ERR_AUTH, "AUTHENTICATIONFAILED", "wrong password", FATE_REFUSED, 0, false},
    {ERR_CANCELLED, "", "stopped", FATE_STOPPED, 0, false},
    {ERR_WRITE, "", "disk full", FATE_LOCAL, 0, false},
    {ERR_PROTOCOL, "", "nonsense", FATE_PROTOCOL, 0, false},
};

static void no_error_is_taken_for_success(void **state)
{
    for (int code = ERR_NONE + 1; code <= ERR_DEFECT; code++) {
        struct error err = ERROR_INIT;
        (void)error_set(&err, (enum error_code)code, SCOPE_ACCOUNT, "x");
        assert_int_not_equal(fate_of(&err), FATE_OK);
    }
}

static void what_errors_mean(void **state)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct error err = ERROR_INIT;
        (void)error_set(&err, ROWS[i].code, SCOPE_ACCOUNT, "%s", ROWS[i].text);
        (void)snprintf(err.response_code, sizeof err.response_code, "%s", ROWS[i].response_code);
        assert_int_equal(fate_of(&err), ROWS[i].fate);
        assert_int_equal(hint_ms(&err), ROWS[i].hint_ms);
        assert_int_equal(fate_is_limit(&err), ROWS[i].limit);
    }
}

static void every_fate_has_a_name_and_waits(void **state)
{
    for (int fate = 0; fate < FATES; fate++) {
        assert_non_null(fate_name((enum fate)fate));
        assert_true(fate_backoff((enum fate)fate)->first_ms > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_error_is_taken_for_success),
        cmocka_unit_test(what_errors_mean),
        cmocka_unit_test(every_fate_has_a_name_and_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
