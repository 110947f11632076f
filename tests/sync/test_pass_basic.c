#include "sync/engine.h"

/* A pass in each direction, on a server that has everything. */

static int enter(void **state)
{
    struct engine *e = xcalloc(1, sizeof *e);
    engine_init(e, NULL);
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

/* INBOX with m1, m2 (seen) and m3 on both sides. */
static int enter_synced(void **state)
{
    enter(state);
    struct engine *e = *state;
    (void)server_append(e, "INBOX", "m1", "");
    (void)server_append(e, "INBOX", "m2", "S");
    (void)server_append(e, "INBOX", "m3", "");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m2/S m3]");
    return 0;
}

static void first_download(void **state)
{
    struct engine *e = *state;
    server_create(e, "Lists/C");
    server_create(e, "Empty");
    (void)server_append(e, "INBOX", "m1", "");
    (void)server_append(e, "INBOX", "m2", "FRS");
    (void)server_append(e, "Lists/C", "c1", "T");
    engine_pass_ends(e, 0);
    assert_both(e, "Empty[] INBOX[m1 m2/FRS] Lists[] Lists/C[c1/T]");
    assert_int_equal(e->report.messages.downloaded, 3);
    assert_int_equal(e->report.result, REPORT_OK);
    assert_int_equal(e->report.mailboxes_total, 4);
    engine_assert_settled(e);
}

static void an_empty_account(void **state)
{
    struct engine *e = *state;
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[]");
    engine_assert_settled(e);
}

static void new_mail_each_way(void **state)
{
    struct engine *e = *state;
    (void)server_append(e, "INBOX", "there", "F");
    local_add(e, "INBOX", "here", "S");
    local_add(e, "INBOX", "unseen", "");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[here/S m1 m2/S m3 there/F unseen]");
    assert_int_equal(e->report.messages.downloaded, 1);
    assert_int_equal(e->report.messages.uploaded, 2);
    engine_assert_settled(e);
}

static void flags_each_way(void **state)
{
    struct engine *e = *state;
    server_flags(e, "INBOX", "m1", "FS");
    local_flags(e, "INBOX", "m2", "");
    local_flags(e, "INBOX", "m3", "RT");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1/FS m2 m3/RT]");
    assert_int_equal(e->report.messages.flags_to_local, 1);
    assert_int_equal(e->report.messages.flags_to_remote, 2);
    engine_assert_settled(e);
}

static void flags_changed_on_both_sides_are_merged(void **state)
{
    struct engine *e = *state;
    server_flags(e, "INBOX", "m1", "F");
    local_flags(e, "INBOX", "m1", "S");
    server_flags(e, "INBOX", "m2", "RS");
    local_flags(e, "INBOX", "m2", "D");
    server_flags(e, "INBOX", "m3", "S");
    local_flags(e, "INBOX", "m3", "S");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1/FS m2/DR m3/S]");
    engine_assert_settled(e);
}

static void deletions_each_way(void **state)
{
    struct engine *e = *state;
    server_expunge(e, "INBOX", "m1");
    local_remove(e, "INBOX", "m3");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m2/S]");
    assert_int_equal(e->report.messages.deleted_local, 1);
    assert_int_equal(e->report.messages.deleted_remote, 1);
    engine_assert_settled(e);
}

static void a_deletion_beats_a_change_of_flags(void **state)
{
    struct engine *e = *state;
    server_expunge(e, "INBOX", "m1");
    local_flags(e, "INBOX", "m1", "FS");
    local_remove(e, "INBOX", "m2");
    server_flags(e, "INBOX", "m2", "F");
    server_expunge(e, "INBOX", "m3");
    local_remove(e, "INBOX", "m3");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[]");
    engine_assert_settled(e);
}

/* \Deleted is a flag; nothing is removed for it. */
static void the_deleted_flag_removes_nothing(void **state)
{
    struct engine *e = *state;
    server_flags(e, "INBOX", "m1", "T");
    local_flags(e, "INBOX", "m3", "T");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1/T m2/S m3/T]");
    engine_assert_settled(e);
}

static void new_mailboxes_each_way(void **state)
{
    struct engine *e = *state;
    server_create(e, "There");
    (void)server_append(e, "There", "t1", "");
    local_create(e, "Here/Below");
    local_add(e, "Here/Below", "h1", "F");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_both(e, "Here[] Here/Below[h1/F] INBOX[m1 m2/S m3] There[t1]");
    engine_assert_settled(e);
}

/* ... a folder gone from one side is neither removed from the other nor made again. */
static void law1_a_gone_mailbox_stays_on_its_other_side(void **state)
{
    struct engine *e = *state;
    struct error err = ERROR_INIT;
    server_create(e, "A");
    server_create(e, "B");
    (void)server_append(e, "A", "a1", "");
    (void)server_append(e, "B", "b1", "");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_int_equal(mem_backend_remove(e->env.backend, LOCKSTEP_USER, "A", &err), 0);
    local_remove_folder(e, "B");
    for (int i = 0; i < 3; i++) {
        engine_pass_ends(e, 0);
        assert_server(e, "B[b1] INBOX[m1 m2/S m3]");
        assert_local(e, "A[a1] INBOX[m1 m2/S m3]");
    }
}

static void a_moved_file_is_removed_there_and_sent_here(void **state)
{
    struct engine *e = *state;
    server_create(e, "Archive");
    engine_pass_ends(e, 0);
    local_move(e, "INBOX", "Archive", "m2");
    engine_pass_ends(e, 0);
    assert_both(e, "Archive[m2/S] INBOX[m1 m3]");
    engine_pass_ends(e, 0);
    engine_assert_settled(e);
}

/* A file that was removed here, and on the server, is put back: it is mail again. */
static void a_removed_file_that_comes_back_is_sent(void **state)
{
    struct engine *e = *state;
    local_create(e, "Aside");
    engine_pass_ends(e, 0);
    engine_configure(e, "    mailboxes: {patterns: [\"*\", \"!Aside\"]}\n");
    local_move(e, "INBOX", "Aside", "m2");
    engine_pass_ends(e, 0);
    assert_server(e, "Aside[] INBOX[m1 m3]");
    local_move(e, "Aside", "INBOX", "m2");
    engine_pass_ends(e, 0);
    assert_server(e, "Aside[] INBOX[m1 m2/S m3]");
    engine_assert_settled(e);
}

/* Without UIDPLUS a deletion is a mark, which another client may take off again. */
static void an_undeleted_message_comes_back(void **state)
{
    struct engine *e = *state;
    engine_configure(e, "    disable: [UIDPLUS]\n");
    local_remove(e, "INBOX", "m2");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_server(e, "INBOX[m1 m2/ST m3]");
    assert_local(e, "INBOX[m1 m3]");
    server_flags(e, "INBOX", "m2", "FST");
    engine_pass_ends(e, 0);
    assert_local(e, "INBOX[m1 m3]");
    server_flags(e, "INBOX", "m2", "FS");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m2/FS m3]");
    engine_assert_settled(e);
}

static void identical_messages_are_each_a_message(void **state)
{
    struct engine *e = *state;
    for (int i = 0; i < 3; i++) {
        (void)server_append(e, "INBOX", "same", "");
    }
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m2/S m3 same same same]");
    local_remove(e, "INBOX", "same");
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m2/S m3 same same]");
    engine_assert_settled(e);
}

static void targets_leave_the_others_alone(void **state)
{
    static const char *const targets[] = {"A*", NULL};
    const struct pass_options options = {.mailboxes = targets};
    struct engine *e = *state;
    server_create(e, "A1");
    server_create(e, "B1");
    (void)server_append(e, "A1", "a", "");
    (void)server_append(e, "B1", "b", "");
    (void)server_append(e, "INBOX", "m4", "");
    assert_int_equal(engine_pass(e, &options), 0);
    assert_local(e, "A1[a] INBOX[m1 m2/S m3]");
    engine_pass_ends(e, 0);
    assert_both(e, "A1[a] B1[b] INBOX[m1 m2/S m3 m4]");
}

/* ---- one way ---- */

static void one_way_carries_one_way(void **state)
{
    static const struct {
        const char *account, *server, *local;
    } cases[] = {
        {"    sync: {direction: pull}\n", "INBOX[m2/FS m3 there]", "INBOX[here m2/FS there]"},
        {"    sync: {direction: push}\n", "INBOX[here m2/FS there]", "INBOX[here m1 m2/S]"},
        {"    sync: {flags: none}\n", "INBOX[here m2/FS there]", "INBOX[here m2/S there]"},
        {"    sync: {deletions: none}\n", "INBOX[here m2/FS m3 there]",
         "INBOX[here m1 m2/FS there]"},
        {"    sync: {new: none}\n", "INBOX[m2/FS there]", "INBOX[here m2/FS]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enter_synced(state);
        struct engine *e = *state;
        engine_configure(e, cases[i].account);
        (void)server_append(e, "INBOX", "there", "");
        local_add(e, "INBOX", "here", "");
        server_flags(e, "INBOX", "m2", "FS");
        server_expunge(e, "INBOX", "m1");
        local_remove(e, "INBOX", "m3");
        for (int pass = 0; pass < 3; pass++) {
            engine_pass_ends(e, 0);
            assert_server(e, cases[i].server);
            assert_local(e, cases[i].local);
        }
        leave(state);
    }
}

/* What is not carried stays on its own side, also when another flag is. */
static void a_flag_of_one_s_own_stays_where_flags_are_pulled(void **state)
{
    struct engine *e = *state;
    engine_configure(e, "    sync: {flags: to_local}\n");
    local_flags(e, "INBOX", "m1", "F");
    engine_pass_ends(e, 0);
    server_flags(e, "INBOX", "m1", "S");
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(e, 0);
        assert_local(e, "INBOX[m1/FS m2/S m3]");
        assert_server(e, "INBOX[m1/S m2/S m3]");
    }
}

/* ---- a dry run ---- */

static void a_dry_run_changes_nothing(void **state)
{
    const struct pass_options options = {.dry_run = true};
    struct engine *e = *state;
    (void)server_append(e, "INBOX", "there", "");
    server_create(e, "There");
    local_create(e, "Here");
    local_add(e, "INBOX", "here", "S");
    server_flags(e, "INBOX", "m1", "F");
    local_flags(e, "INBOX", "m2", "");
    server_expunge(e, "INBOX", "m3");
    const char *server = server_view(e);
    const char *disk = disk_view(e);
    assert_int_equal(engine_pass(e, &options), 0);
    assert_server(e, server);
    assert_string_equal(disk_view(e), disk);
    assert_int_equal(lockstep_env_last_counters(&e->env).changing_commands, 0);
    buf_add_byte(&e->plan, '\0');
    assert_string_equal(e->plan.data,
                        "INBOX: flags to the server UID 2 (flags changed here)\n"
                        "INBOX: upload here.user:2,S (new here)\n"
                        "INBOX: download 1 message (new on the server)\n"
                        "INBOX: flags to the file UID 1 (flags changed on the server)\n"
                        "INBOX: delete here UID 3 (deleted on the server)\n"
                        "Here: create the mailbox on the server Here (new here)\n"
                        "There: create here the folder There (new on the server)\n");
}

static void a_dry_run_of_a_new_account_leaves_no_trace(void **state)
{
    const struct pass_options options = {.dry_run = true};
    struct engine *e = *state;
    (void)server_append(e, "INBOX", "m1", "");
    const char *disk = disk_view(e);
    assert_int_equal(engine_pass(e, &options), 0);
    assert_string_equal(disk_view(e), disk);
    buf_add_byte(&e->plan, '\0');
    assert_string_equal(e->plan.data, "INBOX: create here the folder INBOX (new on the server)\n"
                                      "INBOX: download 1 message (new on the server)\n");
}

static void a_full_pass_believes_no_mark(void **state)
{
    const struct pass_options options = {.full = true};
    struct engine *e = *state;
    assert_int_equal(engine_pass(e, &options), 0);
    assert_true(engine_sent(e, "UID FETCH 1:") > 0);
    assert_both(e, "INBOX[m1 m2/S m3]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_download, enter, leave),
        cmocka_unit_test_setup_teardown(an_empty_account, enter, leave),
        cmocka_unit_test_setup_teardown(new_mail_each_way, enter_synced, leave),
        cmocka_unit_test_setup_teardown(flags_each_way, enter_synced, leave),
        cmocka_unit_test_setup_teardown(flags_changed_on_both_sides_are_merged, enter_synced,
                                        leave),
        cmocka_unit_test_setup_teardown(deletions_each_way, enter_synced, leave),
        cmocka_unit_test_setup_teardown(a_deletion_beats_a_change_of_flags, enter_synced, leave),
        cmocka_unit_test_setup_teardown(the_deleted_flag_removes_nothing, enter_synced, leave),
        cmocka_unit_test_setup_teardown(new_mailboxes_each_way, enter_synced, leave),
        cmocka_unit_test_setup_teardown(law1_a_gone_mailbox_stays_on_its_other_side, enter_synced,
                                        leave),
        cmocka_unit_test_setup_teardown(a_moved_file_is_removed_there_and_sent_here, enter_synced,
                                        leave),
        cmocka_unit_test_setup_teardown(a_removed_file_that_comes_back_is_sent, enter_synced,
                                        leave),
        cmocka_unit_test_setup_teardown(an_undeleted_message_comes_back, enter_synced, leave),
        cmocka_unit_test_setup_teardown(identical_messages_are_each_a_message, enter_synced, leave),
        cmocka_unit_test_setup_teardown(targets_leave_the_others_alone, enter_synced, leave),
        cmocka_unit_test(one_way_carries_one_way),
        cmocka_unit_test_setup_teardown(a_flag_of_one_s_own_stays_where_flags_are_pulled,
                                        enter_synced, leave),
        cmocka_unit_test_setup_teardown(a_dry_run_changes_nothing, enter_synced, leave),
        cmocka_unit_test_setup_teardown(a_dry_run_of_a_new_account_leaves_no_trace, enter, leave),
        cmocka_unit_test_setup_teardown(a_full_pass_believes_no_mark, enter_synced, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
