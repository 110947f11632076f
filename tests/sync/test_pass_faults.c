#include "sync/scenario.h"

/* The server fails at each command of a pass in turn. */

static const struct scenario_server EVERYTHING = {.name = "a full server"};

static void law4_each_command_refused(void **state)
{
    scenario_with_fault(&EVERYTHING, FAULT_NO, "NO to command", 1);
}

static void law4_each_command_called_bad(void **state)
{
    scenario_with_fault(&EVERYTHING, FAULT_BAD, "BAD to command", 1);
}

static void law4_bye_at_each_command(void **state)
{
    scenario_with_fault(&EVERYTHING, FAULT_BYE, "BYE at command", 1);
}

static void law2_each_command_done_and_not_answered(void **state)
{
    scenario_with_fault(&EVERYTHING, FAULT_SILENCE, "silence after command", 1);
}

static void law2_each_command_done_and_cut(void **state)
{
    scenario_with_fault(&EVERYTHING, FAULT_DO_AND_CUT, "cut after command", 1);
}

static void law2_each_command_done_and_refused(void **state)
{
    static const struct scenario_server servers[] = {
        {.name = "a full server"},
        {.name = "a server without MOVE", .lacks = {CAP_MOVE, CAP_OBJECTID}},
    };
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        scenario_with_fault(&servers[i], FAULT_DO_AND_NO, "NO after command", 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law4_each_command_refused),
        cmocka_unit_test(law4_each_command_called_bad),
        cmocka_unit_test(law4_bye_at_each_command),
        cmocka_unit_test(law2_each_command_done_and_not_answered),
        cmocka_unit_test(law2_each_command_done_and_cut),
        cmocka_unit_test(law2_each_command_done_and_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
