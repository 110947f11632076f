/* Exit codes are a contract with scripts. */
#include "pass/report.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void each_error_has_its_exit_code(void **state)
{
    static const struct {
        enum error_code code;
        int exit_code;
    } cases[] = {
        {ERR_NONE, 0},       {ERR_NETWORK, 69},  {ERR_TLS, 69},         {ERR_TIMEOUT, 69},
        {ERR_CANCELLED, 75}, {ERR_PROTOCOL, 76}, {ERR_NO, 69},          {ERR_BAD, 76},
        {ERR_BYE, 69},       {ERR_STATE, 70},    {ERR_CAPABILITY, 76},  {ERR_AUTH, 77},
        {ERR_CONFIG, 78},    {ERR_USAGE, 64},    {ERR_WRITE, 73},       {ERR_READ, 74},
        {ERR_NOT_FOUND, 74}, {ERR_EXISTS, 73},   {ERR_CHANGED, 75},     {ERR_REFUSED, 74},
        {ERR_LOCKED, 75},    {ERR_SKIPPED, 75},  {ERR_UNSUPPORTED, 76}, {ERR_DEFECT, 70},
        {ERR_DAMAGED, 74},
    };
    assert_int_equal(sizeof cases / sizeof *cases, ERR_DEFECT + 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {.code = cases[i].code};
        assert_int_equal(exit_code_of(&err), cases[i].exit_code);
    }
}

static void results_have_exit_codes(void **state)
{
    static const struct {
        enum report_result result;
        enum error_code code;
        int exit_code;
    } cases[] = {
        {REPORT_OK, ERR_NONE, 0},           {REPORT_HELD, ERR_NONE, 1},
        {REPORT_PARTIAL, ERR_NO, 75},       {REPORT_PARTIAL, ERR_PROTOCOL, 75},
        {REPORT_PARTIAL, ERR_NONE, 75},     {REPORT_PARTIAL, ERR_DEFECT, 70},
        {REPORT_FAILED, ERR_AUTH, 77},      {REPORT_FAILED, ERR_NETWORK, 69},
        {REPORT_FAILED, ERR_CANCELLED, 75}, {REPORT_FAILED, ERR_WRITE, 73},
        {REPORT_FAILED, ERR_NONE, 70}, /* failed without a reason: a defect of ours */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct report report = {.result = cases[i].result, .error = {.code = cases[i].code}};
        assert_int_equal(report_exit_code(&report), cases[i].exit_code);
    }
}

static void the_worst_of_several_stands(void **state)
{
    static const int order[] = {70, 78, 77, 76, 69, 73, 74, 75, 1, 0};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        for (size_t j = i; j < sizeof order / sizeof *order; j++) {
            assert_int_equal(exit_code_worse(order[i], order[j]), order[i]);
            assert_int_equal(exit_code_worse(order[j], order[i]), order[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_exit_code),
        cmocka_unit_test(results_have_exit_codes),
        cmocka_unit_test(the_worst_of_several_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
