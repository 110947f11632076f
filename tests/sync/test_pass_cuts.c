#include "sync/scenario.h"

/* The connection breaks at byte n of either direction. The steps are coarse, and no divisor of
 * anything, so that every kind of place is met. */

static const struct scenario_server EVERYTHING = {.name = "a full server"};
static const struct scenario_server PLAIN = {
    .name = "a bare server",
    .lacks = {CAP_QRESYNC, CAP_CONDSTORE, CAP_LIST_STATUS, CAP_LIST_EXTENDED, CAP_LITERAL_PLUS,
              CAP_ENABLE, CAP_OBJECTID, CAP_NAMESPACE},
};

static void law4_cut_on_the_way_to_the_client(void **state)
{
    scenario_with_fault(&EVERYTHING, FAULT_CUT_OUT, "cut after byte out", 97);
}

static void law2_cut_on_the_way_to_the_server(void **state)
{
    scenario_with_fault(&EVERYTHING, FAULT_CUT_IN, "cut after byte in", 37);
}

static void law4_cut_on_the_way_from_a_bare_server(void **state)
{
    scenario_with_fault(&PLAIN, FAULT_CUT_OUT, "cut after byte out", 131);
}

static void law2_cut_on_the_way_to_a_bare_server(void **state)
{
    scenario_with_fault(&PLAIN, FAULT_CUT_IN, "cut after byte in", 53);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law4_cut_on_the_way_to_the_client),
        cmocka_unit_test(law2_cut_on_the_way_to_the_server),
        cmocka_unit_test(law4_cut_on_the_way_from_a_bare_server),
        cmocka_unit_test(law2_cut_on_the_way_to_a_bare_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
