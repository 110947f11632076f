#include "base/files.h"
#include "store/marker.h"
#include "sync/engine.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* What a pass refuses to touch, and that then nothing changes on either side or on disk. */

static int enter(void **state)
{
    struct engine *e = xcalloc(1, sizeof *e);
    engine_init(e, NULL);
    server_create(e, "Other");
    (void)server_append(e, "INBOX", "m1", "");
    (void)server_append(e, "INBOX", "m2", "S");
    (void)server_append(e, "Other", "o1", "");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m2/S] Other[o1]");
    *state = e;
    return 0;
}

static int leave(void **state)
{
    struct engine *e = *state;
    engine_free(e);
    xfree(&e);
    return 0;
}

static char *below(const struct engine *e, const char *name)
{
    return arena_printf(e->arena, "%s/%s", e->dir, name);
}

/* A pass that ends so, again and again, without touching a thing. */
static void assert_refused(struct engine *e, int exit_code, enum error_code code, const char *words)
{
    const struct pass_options variants[] = {
        {0}, {.full = true}, {.approve_deletions = true}, {.dry_run = true}};
    const char *server = server_view(e);
    const char *disk = disk_view(e);
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        int ended = engine_pass(e, &variants[i]);
        if (ended != exit_code) {
            fail_msg("variant %zu ended with %d: %s", i, ended, e->report.error.text);
        }
        assert_error(e, code, words);
        assert_string_equal(server_view(e), server);
        if (strcmp(disk_view(e), disk) != 0) {
            fail_msg("variant %zu changed the disk:\n%s\nwas\n%s", i, disk_view(e), disk);
        }
        engine_wait(e, 120);
    }
}

/* ---- the Maildir and the index do not fit ---- */

static void law11_a_missing_marker_stops_the_account(void **state)
{
    struct engine *e = *state;
    assert_int_equal(unlink(below(e, "mail/.maildird")), 0);
    assert_refused(e, 74, ERR_READ, "marker");
}

/* A disk that is not mounted: an empty directory, or none. */
static void law11_an_unmounted_maildir_deletes_nothing(void **state)
{
    struct engine *e = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(rename(e->root, below(e, "away")), 0);
    assert_refused(e, 74, ERR_READ, "missing");
    assert_int_equal(file_mkdir(AT_FDCWD, e->root, 0700, &err), 0);
    assert_refused(e, 74, ERR_READ, "marker");
    assert_int_equal(rmdir(e->root), 0);
    assert_int_equal(rename(below(e, "away"), e->root), 0);
    engine_assert_settled(e);
}

static void change_generation(struct engine *e, int64_t by)
{
    struct marker marker;
    struct error err = ERROR_INIT;
    assert_int_equal(marker_read(e->root, &marker, &err), 1);
    marker.generation = (uint64_t)((int64_t)marker.generation + by);
    assert_int_equal(marker_write(e->root, &marker, &err), 0);
}

static void law6_an_index_one_pass_older_is_noticed(void **state)
{
    struct engine *e = *state;
    change_generation(e, 1);
    local_remove(e, "INBOX", "m1");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m2/S] Other[o1]");
    (void)server_append(e, "INBOX", "m3", "");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m2/S m3] Other[o1]");
}

static void another_account_s_maildir_is_refused(void **state)
{
    struct engine *e = *state;
    struct marker marker;
    struct error err = ERROR_INIT;
    assert_int_equal(marker_read(e->root, &marker, &err), 1);
    marker.identity[0] = marker.identity[0] == 'a' ? 'b' : 'a';
    assert_int_equal(marker_write(e->root, &marker, &err), 0);
    assert_refused(e, 74, ERR_REFUSED, "another index");
}

/* ---- the server ---- */

/* An empty list of mailboxes is not the loss of all of them. */
static struct str without_lists(struct engine *e, struct str line)
{
    bool list = str_starts(line, STR("* LIST ")) || str_starts(line, STR("* STATUS "));
    return list ? STR_EMPTY : line;
}

static void law7_an_empty_list_is_not_believed(void **state)
{
    struct engine *e = *state;
    e->twist = without_lists;
    for (int pass = 0; pass < 3; pass++) {
        (void)engine_pass(e, NULL);
        assert_both(e, "INBOX[m1 m2/S] Other[o1]");
        engine_wait(e, 120);
    }
    e->twist = NULL;
    engine_assert_settled(e);
}

static void an_unreachable_server_changes_nothing(void **state)
{
    struct engine *e = *state;
    e->unreachable = true;
    local_remove(e, "INBOX", "m1");
    local_add(e, "INBOX", "m3", "");
    engine_pass_ends(e, 69);
    assert_error(e, ERR_NETWORK, "no route");
    assert_int_equal(e->report.result, REPORT_FAILED);
    e->unreachable = false;
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m2/S m3] Other[o1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(law11_a_missing_marker_stops_the_account, enter, leave),
        cmocka_unit_test_setup_teardown(law11_an_unmounted_maildir_deletes_nothing, enter, leave),
        cmocka_unit_test_setup_teardown(law6_an_index_one_pass_older_is_noticed, enter, leave),
        cmocka_unit_test_setup_teardown(another_account_s_maildir_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(law7_an_empty_list_is_not_believed, enter, leave),
        cmocka_unit_test_setup_teardown(an_unreachable_server_changes_nothing, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
