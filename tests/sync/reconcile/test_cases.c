#include "base/buf.h"
#include "base/files.h"
#include "reconcile/cases.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define BIT(state) (1u << (unsigned)(state))
#define BASES 6
#define SIDES 5

/* What a survey can tell of a message, by what the index knows of it: a record always has a
 * server's side; only those that have a file are missed on this one. */
static const struct {
    enum case_base base;
    unsigned remote;
    unsigned local;
} SURVEYS[] = {
    {BASE_NONE, BIT(SIDE_NEW), BIT(SIDE_ABSENT)},
    {BASE_NONE, BIT(SIDE_ABSENT), BIT(SIDE_NEW)},
    {BASE_SYNCED, BIT(SIDE_SAME) | BIT(SIDE_FLAGS) | BIT(SIDE_GONE),
     BIT(SIDE_SAME) | BIT(SIDE_FLAGS) | BIT(SIDE_GONE)},
    {BASE_DELETED_HERE,
     BIT(SIDE_SAME) | BIT(SIDE_FLAGS) | BIT(SIDE_GONE) | BIT(SIDE_NEW) | BIT(SIDE_NEW),
     BIT(SIDE_ABSENT) | BIT(SIDE_NEW)},
    {BASE_GONE_THERE, BIT(SIDE_SAME) | BIT(SIDE_FLAGS) | BIT(SIDE_GONE),
     BIT(SIDE_SAME) | BIT(SIDE_FLAGS) | BIT(SIDE_GONE)},
    {BASE_SKIPPED, BIT(SIDE_SAME) | BIT(SIDE_FLAGS) | BIT(SIDE_GONE), BIT(SIDE_ABSENT)},
    {BASE_HELD, BIT(SIDE_SAME) | BIT(SIDE_FLAGS) | BIT(SIDE_GONE), BIT(SIDE_ABSENT)},
};
#define SURVEYS_LEN (sizeof SURVEYS / sizeof SURVEYS[0])

static bool survey_gives(unsigned base, unsigned remote, unsigned local)
{
    for (size_t i = 0; i < SURVEYS_LEN; i++) {
        if (SURVEYS[i].base == base && (SURVEYS[i].remote & BIT(remote)) != 0 &&
            (SURVEYS[i].local & BIT(local)) != 0) {
            return true;
        }
    }
    return false;
}

static bool row_has(const struct case_row *row, unsigned base, unsigned remote, unsigned local)
{
    return row->base == base && (row->remote & BIT(remote)) != 0 && (row->local & BIT(local)) != 0;
}

static size_t rows_with(unsigned base, unsigned remote, unsigned local)
{
    size_t count = 0;
    for (size_t i = 0; i < CASES_LEN; i++) {
        count += row_has(&CASES[i], base, remote, local);
    }
    return count;
}

static void every_combination_has_one_row(void **state)
{
    for (unsigned base = 0; base < BASES; base++) {
        for (unsigned remote = 0; remote < SIDES; remote++) {
            for (unsigned local = 0; local < SIDES; local++) {
                size_t rows = rows_with(base, remote, local);
                if (rows > 1 || (rows == 0 && survey_gives(base, remote, local))) {
                    fail_msg("base %u, remote %u, local %u: %zu rows", base, remote, local, rows);
                }
            }
        }
    }
}

static void no_row_is_dead(void **state)
{
    for (size_t i = 0; i < CASES_LEN; i++) {
        bool reached = false;
        for (unsigned remote = 0; remote < SIDES; remote++) {
            for (unsigned local = 0; local < SIDES; local++) {
                reached = reached || (row_has(&CASES[i], CASES[i].base, remote, local) &&
                                      survey_gives(CASES[i].base, remote, local));
            }
        }
        if (!reached) {
            fail_msg("no survey leads to row %zu: %s", i, CASES[i].why);
        }
    }
}

static void finds_the_row_of_a_combination(void **state)
{
    for (unsigned base = 0; base < BASES; base++) {
        for (unsigned remote = 0; remote < SIDES; remote++) {
            for (unsigned local = 0; local < SIDES; local++) {
                if (survey_gives(base, remote, local)) {
                    const struct case_row *row = case_find(base, remote, local);
                    assert_true(row_has(row, base, remote, local));
                }
            }
        }
    }
}

/* A message goes only where the other side's loss of it is known: law 1 as the table has it. */
static void law1_only_a_disappearance_deletes(void **state)
{
    for (size_t i = 0; i < CASES_LEN; i++) {
        const struct case_row *row = &CASES[i];
        bool gone_there_only = row->remote == BIT(SIDE_GONE);
        bool gone_here_only = row->local == BIT(SIDE_GONE);
        if (row->action == CASE_DELETE_LOCAL) {
            assert_true(row->base == BASE_SYNCED && gone_there_only);
        }
        if (row->action == CASE_DELETE_REMOTE) {
            assert_true(row->base == BASE_SYNCED && gone_here_only);
        }
        if (row->action == CASE_FORGET) {
            assert_false((row->local & (BIT(SIDE_SAME) | BIT(SIDE_FLAGS) | BIT(SIDE_NEW))) != 0 &&
                         row->base != BASE_SKIPPED && row->base != BASE_HELD);
        }
    }
}

/* Nothing that the index has as being on both sides is sent or fetched. */
static void law2_nothing_known_is_carried_again(void **state)
{
    for (size_t i = 0; i < CASES_LEN; i++) {
        const struct case_row *row = &CASES[i];
        if (row->action == CASE_DOWNLOAD && row->base != BASE_NONE) {
            assert_int_equal(row->base, BASE_DELETED_HERE);
            assert_false((row->local & (BIT(SIDE_SAME) | BIT(SIDE_FLAGS) | BIT(SIDE_NEW))) != 0);
        }
        if (row->action == CASE_UPLOAD && row->base != BASE_NONE) {
            assert_int_equal(row->remote, BIT(SIDE_GONE));
        }
    }
}

static void base_follows_the_record_s_state(void **state)
{
    static const struct {
        enum message_state state;
        enum case_base base;
    } cases[] = {
        {MESSAGE_SYNCED, BASE_SYNCED},
        {MESSAGE_DELETED_HERE, BASE_DELETED_HERE},
        {MESSAGE_GONE_THERE, BASE_GONE_THERE},
        {MESSAGE_SKIPPED, BASE_SKIPPED},
        {MESSAGE_HELD, BASE_HELD},
    };
    assert_int_equal(case_base_of(NULL), BASE_NONE);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct index_message record = {.state = cases[i].state};
        assert_int_equal(case_base_of(&record), cases[i].base);
    }
}

/* ---- README.md prints the same table ---- */

static const char *const BASE_WORDS[BASES] = {
    [BASE_NONE] = "no record",
    [BASE_SYNCED] = "synced",
    [BASE_DELETED_HERE] = "deleted here",
    [BASE_GONE_THERE] = "gone there",
    [BASE_SKIPPED] = "skipped",
    [BASE_HELD] = "held",
};
static const char *const SIDE_WORDS[SIDES] = {
    [SIDE_ABSENT] = "absent", [SIDE_SAME] = "same", [SIDE_FLAGS] = "flags",
    [SIDE_GONE] = "gone",     [SIDE_NEW] = "new",
};
static const char *const ACTION_WORDS[] = {
    [CASE_NOTHING] = "nothing",
    [CASE_MERGE] = "merge flags",
    [CASE_DOWNLOAD] = "download",
    [CASE_UPLOAD] = "upload",
    [CASE_DELETE_LOCAL] = "delete here",
    [CASE_DELETE_REMOTE] = "delete on the server",
    [CASE_FORGET] = "forget",
    [CASE_REVIVE] = "revive",
    [CASE_RETRY] = "retry",
};

static void add_sides(struct buf *out, unsigned set)
{
    bool first = true;
    if (set == BIT(SIDES) - 1) {
        buf_addf(out, " any |");
        return;
    }
    for (unsigned side = 0; side < SIDES; side++) {
        if ((set & BIT(side)) != 0) {
            buf_addf(out, "%s%s", first ? " " : ", ", SIDE_WORDS[side]);
            first = false;
        }
    }
    buf_addf(out, " |");
}

static void add_row(struct buf *out, const struct case_row *row)
{
    buf_addf(out, "| %s |", BASE_WORDS[row->base]);
    add_sides(out, row->remote);
    add_sides(out, row->local);
    buf_addf(out, " %s | %s |\n", ACTION_WORDS[row->action], row->why);
}

static void readme_prints_the_table(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_BUF struct buf readme = BUF_INIT(64 * 1024);
    AUTO_BUF struct buf table = BUF_INIT(64 * 1024);
    if (file_read(AT_FDCWD, SYNC_README, &readme, &err) < 0) {
        fail_msg("%s", err.text);
    }
    buf_addf(&table, "| index | server | Maildir | action | why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < CASES_LEN; i++) {
        add_row(&table, &CASES[i]);
    }
    buf_addf(&table, "\n");
    buf_add_byte(&readme, '\0');
    buf_add_byte(&table, '\0');
    if (strstr(readme.data, table.data) == NULL) {
        fail_msg("sync/README.md does not hold this table:\n%s", table.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_has_one_row),
        cmocka_unit_test(no_row_is_dead),
        cmocka_unit_test(finds_the_row_of_a_combination),
        cmocka_unit_test(law1_only_a_disappearance_deletes),
        cmocka_unit_test(law2_nothing_known_is_carried_again),
        cmocka_unit_test(base_follows_the_record_s_state),
        cmocka_unit_test(readme_prints_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
