#include "imap/command.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void every_row_is_found_by_its_name(void **state)
{
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        const struct command_row *row = command_row((enum command_id)i);
        assert_int_equal(row->id, i);
        assert_ptr_equal(command_find(str_from(row->name)), row);
        assert_true(row->states != 0 && (row->states & ~(unsigned)STATES_ANY) == 0);
        assert_true(row->capability >= -1 && row->capability < CAP_COUNT);
    }
    assert_ptr_equal(command_find(STR("uid fetch")), command_row(CMD_UID_FETCH));
    assert_null(command_find(STR("UID")));
    assert_null(command_find(STR("UID NOOP")));
    assert_null(command_find(STR("")));
}

/* RFC 9051 section 7.5.1, RFC 5256 section 3: only these keep EXPUNGE back. */
static void law1_sequence_numbers_move_in_all_but_five(void **state)
{
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        const struct command_row *row = command_row((enum command_id)i);
        bool keeps =
            i == CMD_FETCH || i == CMD_STORE || i == CMD_SEARCH || i == CMD_SORT || i == CMD_THREAD;
        if ((row->states & STATE_SELECTED) != 0) {
            assert_int_equal((row->flags & COMMAND_BREAKS_SEQS) == 0, keeps);
        }
        if (keeps) {
            assert_true((row->flags & COMMAND_NO_SYNC) != 0);
        }
    }
}

static void law10_logging_in_is_secret(void **state)
{
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        bool secret = (command_row((enum command_id)i)->flags & COMMAND_SECRET) != 0;
        assert_int_equal(secret, i == CMD_LOGIN || i == CMD_AUTHENTICATE);
    }
}

static void states_and_capabilities_are_those_of_the_standards(void **state)
{
    static const struct {
        enum command_id id;
        unsigned states;
        int capability;
        bool changes_data;
    } cases[] = {
        {CMD_NOOP, STATES_ANY, -1, false},
        {CMD_LOGIN, STATE_NOT_AUTHENTICATED, -1, false},
        {CMD_STARTTLS, STATE_NOT_AUTHENTICATED, CAP_STARTTLS, false},
        {CMD_ENABLE, STATE_AUTHENTICATED, CAP_ENABLE, false},
        {CMD_SELECT, STATES_AUTH, -1, false},
        {CMD_APPEND, STATES_AUTH, -1, true},
        {CMD_UID_FETCH, STATE_SELECTED, -1, false},
        {CMD_UID_STORE, STATE_SELECTED, -1, true},
        {CMD_UID_MOVE, STATE_SELECTED, CAP_MOVE, true},
        {CMD_UID_EXPUNGE, STATE_SELECTED, CAP_UIDPLUS, true},
        {CMD_CLOSE, STATE_SELECTED, -1, true},
        {CMD_UNSELECT, STATE_SELECTED, CAP_UNSELECT, false},
        {CMD_IDLE, STATES_AUTH, CAP_IDLE, false},
        {CMD_NOTIFY, STATES_AUTH, CAP_NOTIFY, false},
        {CMD_UNAUTHENTICATE, STATES_AUTH, CAP_UNAUTHENTICATE, false},
        {CMD_SETACL, STATES_AUTH, CAP_ACL, true},
        {CMD_GETQUOTAROOT, STATES_AUTH, CAP_QUOTA, false},
        {CMD_SETMETADATA, STATES_AUTH, CAP_METADATA_SERVER, true},
        {CMD_UID_SORT, STATE_SELECTED, CAP_SORT, false},
        {CMD_UID_REPLACE, STATE_SELECTED, CAP_REPLACE, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct command_row *row = command_row(cases[i].id);
        assert_int_equal(row->states, cases[i].states);
        assert_int_equal(row->capability, cases[i].capability);
        assert_int_equal((row->flags & COMMAND_CHANGES_DATA) != 0, cases[i].changes_data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_by_its_name),
        cmocka_unit_test(law1_sequence_numbers_move_in_all_but_five),
        cmocka_unit_test(law10_logging_in_is_secret),
        cmocka_unit_test(states_and_capabilities_are_those_of_the_standards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
