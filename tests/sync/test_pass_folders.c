#include "sync/folder_sides.h"

/* Mailboxes renamed on either side: the other follows, and no message is carried. */

/* ---- on the server ---- */

/* By what a renamed mailbox can be known again. */
static const struct server {
    const char *name;
    enum capability lacks[8];
} servers[] = {
    {"all", {CAP_IMAP4REV1}},
    {"no OBJECTID", {CAP_OBJECTID, CAP_IMAP4REV1}},
    {"no LIST-STATUS", {CAP_LIST_STATUS, CAP_IMAP4REV1}},
    {"neither", {CAP_LIST_STATUS, CAP_OBJECTID, CAP_IMAP4REV1}},
    {"no CONDSTORE", {CAP_CONDSTORE, CAP_QRESYNC, CAP_OBJECTID, CAP_IMAP4REV1}},
    {"nothing",
     {CAP_CONDSTORE, CAP_QRESYNC, CAP_OBJECTID, CAP_LIST_STATUS, CAP_LIST_EXTENDED, CAP_IMAP4REV1}},
};
#define SERVERS (sizeof servers / sizeof servers[0])

static void begin(struct engine *e, const struct server *server, const char *account)
{
    engine_init(e, account);
    if (server != NULL) {
        server_lacks(e, server->lacks);
    }
    server_create(e, "a");
    server_create(e, "b");
    server_fill(e, "a", "a", 3);
    server_fill(e, "b", "b", 4);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[] a[a1 a2 a3] b[b1 b2 b3 b4]");
}

static void renamed_on_the_server(void **state)
{
    for (size_t i = 0; i < SERVERS; i++) {
        struct engine e;
        begin(&e, &servers[i], NULL);
        server_rename(&e, "a", "c");
        engine_pass_ends(&e, 0);
        assert_nothing_moved(&e);
        assert_both(&e, "INBOX[] b[b1 b2 b3 b4] c[a1 a2 a3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Little is left of what was known, and some of it was deleted by the last pass: what is removed
 * here meanwhile does not come back under the new name. */
static void renamed_and_emptied_on_the_server(void **state)
{
    for (size_t i = 0; i < SERVERS; i++) {
        struct engine e;
        begin(&e, &servers[i], NULL);
        server_expunge(&e, "a", "a1");
        server_expunge(&e, "a", "a2");
        (void)server_append(&e, "a", "new", "");
        local_remove(&e, "b", "b1");
        local_remove(&e, "b", "b2");
        server_rename(&e, "a", "c");
        local_remove(&e, "a", "a3");
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[] b[b3 b4] c[new]");
        server_rename(&e, "b", "d");
        local_remove(&e, "b", "b3");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[] c[new] d[b4]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void renamed_along_a_chain_on_the_server(void **state)
{
    for (size_t i = 0; i < SERVERS; i++) {
        struct engine e;
        begin(&e, &servers[i], NULL);
        server_rename(&e, "b", "c");
        server_rename(&e, "a", "b");
        engine_pass_ends(&e, 0);
        assert_nothing_moved(&e);
        assert_both(&e, "INBOX[] b[a1 a2 a3] c[b1 b2 b3 b4]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void two_trade_names_on_the_server(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        struct engine e;
        begin(&e, &servers[i], NULL);
        server_rename(&e, "b", "c");
        server_rename(&e, "a", "b");
        server_rename(&e, "c", "a");
        engine_pass_ends(&e, 0);
        assert_nothing_moved(&e);
        assert_both(&e, "INBOX[] a[b1 b2 b3 b4] b[a1 a2 a3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void parents_take_their_children_along_on_the_server(void **state)
{
    static const char *const layouts[] = {NULL, "    layout: flat\n", "    layout: maildir++\n"};
    static const char *const before[] = {"a/x a/x/y", "a.x a.x.y", ".a.x .a.x.y"};
    static const char *const after[] = {
        "INBOX[] b[b1 b2 b3 b4] n[] n/c[a1 a2 a3] n/c/x[m] n/c/x/y[o]",
        "INBOX[] b[b1 b2 b3 b4] n[] n.c[a1 a2 a3] n.c.x[m] n.c.x.y[o]",
        ".[] .b[b1 b2 b3 b4] .n[] .n.c[a1 a2 a3] .n.c.x[m] .n.c.x.y[o]"};
    for (size_t i = 0; i < 3; i++) {
        struct engine e;
        engine_init(&e, layouts[i]);
        server_create(&e, "a");
        server_create(&e, "b");
        server_create(&e, "a/x");
        server_create(&e, "a/x/y");
        server_fill(&e, "a", "a", 3);
        server_fill(&e, "b", "b", 4);
        (void)server_append(&e, "a/x", "m", "");
        (void)server_append(&e, "a/x/y", "o", "");
        engine_pass_ends(&e, 0);
        struct str rest = str_from(before[i]);
        struct str path;
        while (str_split(&rest, ' ', &path)) {
            assert_true(local_has(&e, arena_str(e.arena, path).ptr));
        }
        server_rename(&e, "a", "n/c");
        engine_pass_ends(&e, 0);
        assert_nothing_moved(&e);
        assert_local(&e, after[i]);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void a_mailbox_goes_into_itself_on_the_server(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    server_rename(&e, "a", "c");
    server_rename(&e, "c", "a/c");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] a[] a/c[a1 a2 a3] b[b1 b2 b3 b4]");
    server_rename(&e, "a/c", "z");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] a[] b[b1 b2 b3 b4] z[a1 a2 a3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void a_new_mailbox_takes_the_old_name(void **state)
{
    for (size_t i = 0; i < SERVERS; i++) {
        struct engine e;
        begin(&e, &servers[i], NULL);
        local_remove(&e, "a", "a2");
        server_rename(&e, "a", "c");
        server_create(&e, "a");
        (void)server_append(&e, "a", "new", "");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.counts.bodies, 1);
        assert_both(&e, "INBOX[] a[new] b[b1 b2 b3 b4] c[a1 a3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* What cannot be told of a mailbox now is not that it is another one. What is removed here
 * meanwhile is not back under the new name. */
static void a_renamed_mailbox_is_known_though_status_is_refused(void **state)
{
    for (size_t i = 0; i < SERVERS * 4; i++) {
        struct engine e;
        begin(&e, &servers[i / 4], NULL);
        local_remove(&e, "a", "a2");
        server_rename(&e, "a", "c");
        lockstep_env_fault(
            &e.env,
            (struct fault){.kind = FAULT_NO, .command = "STATUS", .at = 1 + (unsigned)i % 4});
        engine_pass_ends(&e, 0);
        assert_int_equal(e.counts.bodies, 0);
        lockstep_env_clear_faults(&e.env);
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[] b[b1 b2 b3 b4] c[a1 a3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void what_cannot_be_looked_into_now_is_not_another_mailbox(void **state)
{
    static const char *const refused[] = {"EXAMINE", "STATUS"};
    for (size_t i = 1; i < SERVERS; i++) {
        struct engine e;
        begin(&e, &servers[i], "    sync: {remove: both}\n");
        server_rename(&e, "a", "c");
        (void)server_append(&e, "b", "b5", "");
        for (unsigned k = 0; k < 2; k++) {
            for (unsigned at = 1; at < 5; at++)
                lockstep_env_fault(
                    &e.env, (struct fault){.kind = FAULT_NO, .command = refused[k], .at = at});
        }
        (void)engine_pass(&e, NULL);
        bool known = strcmp(local_view(&e), "INBOX[] b[b1 b2 b3 b4 b5] c[a1 a2 a3]") == 0;
        if (!known)
            assert_local(&e, "INBOX[] a[a1 a2 a3] b[b1 b2 b3 b4 b5]");
        assert_int_equal(e.counts.bodies, 1);
        lockstep_env_clear_faults(&e.env);
        engine_pass_ends(&e, 0);
        assert_int_equal(e.counts.bodies, 0);
        assert_both(&e, "INBOX[] b[b1 b2 b3 b4 b5] c[a1 a2 a3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void what_changed_meanwhile_is_carried_too(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    server_rename(&e, "a", "c");
    (void)server_append(&e, "c", "there", "");
    server_expunge(&e, "c", "a1");
    local_add(&e, "a", "here", "");
    local_flags(&e, "a", "a2", "FS");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[] b[b1 b2 b3 b4] c[a2/FS a3 here there]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* What is left is known by its UIDs and sizes, and nothing else ever came. */
static void emptied_but_for_one_on_the_server(void **state)
{
    for (size_t i = 0; i < SERVERS; i++) {
        struct engine e;
        begin(&e, &servers[i], NULL);
        server_rename(&e, "a", "c");
        server_move(&e, "c", "INBOX", "a1");
        local_move(&e, "a", "INBOX", "a2");
        server_expunge(&e, "c", "a3");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[a1 a2] b[b1 b2 b3 b4] c[]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* ---- here ---- */

/* Its directories and one file of it are enough. */
static void emptied_but_for_one_here(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    local_rename(&e, "a", "c");
    local_move(&e, "c", "INBOX", "a1");
    local_remove(&e, "c", "a2");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[a1] b[b1 b2 b3 b4] c[a3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void renamed_here(void **state)
{
    for (size_t i = 0; i < SERVERS; i++) {
        struct engine e;
        begin(&e, &servers[i], NULL);
        local_rename(&e, "a", "c");
        engine_pass_ends(&e, 0);
        assert_nothing_moved(&e);
        assert_both(&e, "INBOX[] b[b1 b2 b3 b4] c[a1 a2 a3]");
        assert_true(server_is_subscribed(&e, "c"));
        assert_false(server_is_subscribed(&e, "a"));
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void renamed_right_after_the_first_pass(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_create(&e, "a");
    server_create(&e, "empty");
    server_fill(&e, "a", "a", 3);
    engine_pass_ends(&e, 0);
    local_rename(&e, "a", "c");
    local_rename(&e, "empty", "void");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] c[a1 a2 a3] void[]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void renamed_along_a_chain_here(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    local_rename(&e, "b", "c");
    local_rename(&e, "a", "b");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] b[a1 a2 a3] c[b1 b2 b3 b4]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void two_trade_names_here(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    local_rename(&e, "b", "c");
    local_rename(&e, "a", "b");
    local_rename(&e, "c", "a");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] a[b1 b2 b3 b4] b[a1 a2 a3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* What is made above a mailbox that comes first would have the parent's name. */
static void a_parent_goes_before_what_is_put_below_it(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    local_rename(&e, "a", "b/x");
    local_rename(&e, "b", "c");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] c[b1 b2 b3 b4] c/x[a1 a2 a3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* Each side gives "b" to another: the server's stands, and what was to have it here goes back. */
static void one_name_that_both_sides_give_is_the_server_s(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    server_create(&e, "d");
    server_fill(&e, "d", "d", 1);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    server_rename(&e, "a", "x");
    server_rename(&e, "b", "a");
    server_rename(&e, "x", "b");
    local_rename(&e, "b", "x");
    local_rename(&e, "d", "b");
    local_rename(&e, "x", "d");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] a[b1 b2 b3 b4] b[a1 a2 a3] d[d1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void parents_take_their_children_along_here(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    server_create(&e, "a/x");
    server_create(&e, "a/x/y");
    (void)server_append(&e, "a/x", "m", "");
    (void)server_append(&e, "a/x/y", "o", "");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    local_rename(&e, "a", "c");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] b[b1 b2 b3 b4] c[a1 a2 a3] c/x[m] c/x/y[o]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* In a flat layout the parent alone can be renamed; on the server its children go along, and must
 * be put back. */
static void a_parent_leaves_its_children_here(void **state)
{
    struct engine e;
    engine_init(&e, "    layout: flat\n");
    server_create(&e, "a");
    server_create(&e, "a/x");
    (void)server_append(&e, "a", "m", "");
    (void)server_append(&e, "a/x", "o", "");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    local_rename(&e, "a", "c");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_server(&e, "INBOX[] a[] a/x[o] c[m]");
    assert_local(&e, "INBOX[] a.x[o] c[m]");
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[] a[] a.x[o] c[m]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* Moved to another file system and back, or restored file by file: other directories. */
static void a_copied_folder_is_known_by_its_files(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    disk_copy(&e, "mail/a", "mail/c");
    local_remove_folder(&e, "a");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] b[b1 b2 b3 b4] c[a1 a2 a3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void renamed_on_both_sides(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    server_rename(&e, "a", "there");
    local_rename(&e, "a", "here");
    server_rename(&e, "b", "same");
    local_rename(&e, "b", "same");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] same[b1 b2 b3 b4] there[a1 a2 a3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ---- policy ---- */

static void a_rename_that_is_not_carried_stays_where_it_is(void **state)
{
    static const struct {
        const char *account;
        const char *server, *local;
    } cases[] = {
        {"    sync: {rename: to_local}\n", "INBOX[] b[b1 b2 b3 b4] there[a1 a2 a3]",
         "INBOX[] here[b1 b2 b3 b4] there[a1 a2 a3]"},
        {"    sync: {rename: to_remote}\n", "INBOX[] here[b1 b2 b3 b4] there[a1 a2 a3]",
         "INBOX[] a[a1 a2 a3] here[b1 b2 b3 b4]"},
        {"    sync: {rename: none}\n", "INBOX[] b[b1 b2 b3 b4] there[a1 a2 a3]",
         "INBOX[] a[a1 a2 a3] here[b1 b2 b3 b4]"},
        {"    sync: {direction: pull}\n", "INBOX[] b[b1 b2 b3 b4] there[a1 a2 a3]",
         "INBOX[] here[b1 b2 b3 b4] there[a1 a2 a3]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        begin(&e, NULL, cases[i].account);
        server_rename(&e, "a", "there");
        local_rename(&e, "b", "here");
        engine_pass_ends(&e, 0);
        assert_nothing_moved(&e);
        assert_server(&e, cases[i].server);
        assert_local(&e, cases[i].local);
        (void)server_append(&e, "there", "new", "");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.downloaded, 1);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* ---- trouble ---- */

static void a_refused_rename_stops_nothing_else(void **state)
{
    struct engine e;
    begin(&e, NULL, NULL);
    local_rename(&e, "a", "c");
    (void)server_append(&e, "a", "new", "");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "RENAME", .at = 1});
    engine_pass_ends(&e, 75);
    assert_server(&e, "INBOX[] a[a1 a2 a3 new] b[b1 b2 b3 b4]");
    assert_local(&e, "INBOX[] b[b1 b2 b3 b4] c[a1 a2 a3 new]");
    lockstep_env_clear_faults(&e.env);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[] b[b1 b2 b3 b4] c[a1 a2 a3 new]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* The connection ends at each command of the pass, before and after it was carried out. */
static void law4_a_pass_that_renames_is_taken_up(void **state)
{
    static const enum fault_kind kinds[] = {FAULT_BYE, FAULT_DO_AND_CUT};
    static const size_t which[] = {0, 1, 3};
    for (size_t s = 0; s < 3; s++) {
        for (size_t k = 0; k < 2; k++) {
            for (uint64_t at = 1; at < 60; at++) {
                struct engine e;
                begin(&e, &servers[which[s]], NULL);
                server_rename(&e, "a", "there");
                local_rename(&e, "b", "here");
                lockstep_env_fault(&e.env, (struct fault){.kind = kinds[k], .at = at});
                bool hit = engine_pass(&e, NULL) != 0;
                lockstep_env_clear_faults(&e.env);
                engine_pass_ends(&e, 0);
                assert_nothing_moved(&e);
                assert_both(&e, "INBOX[] here[b1 b2 b3 b4] there[a1 a2 a3]");
                engine_assert_settled(&e);
                engine_free(&e);
                if (!hit) {
                    break;
                }
            }
        }
    }
}

static void a_dry_run_tells_and_does_nothing(void **state)
{
    struct engine e;
    const struct pass_options dry = {.dry_run = true};
    begin(&e, NULL, NULL);
    server_rename(&e, "a", "there");
    local_rename(&e, "b", "here");
    const char *before = disk_view(&e);
    assert_int_equal(engine_pass(&e, &dry), 0);
    assert_string_equal(disk_view(&e), before);
    buf_add_byte(&e.plan, '\0');
    assert_non_null(strstr(e.plan.data, "there: rename here the folder there"));
    assert_non_null(strstr(e.plan.data, "rename the mailbox on the server here"));
    engine_free(&e);
}

/* Its messages could not be recorded, so it is looked at like one that was synced before: what
 * comes from a mailbox in step is known all the same. */
static void what_moves_into_one_that_the_server_did_not_make(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", 3);
    local_create(&e, "made");
    local_add(&e, "made", "here", "");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "CREATE", .at = 1});
    engine_pass_ends(&e, 75);
    lockstep_env_clear_faults(&e.env);
    local_move(&e, "INBOX", "made", "m1");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.held, 0);
    assert_int_equal(e.report.messages.moved_remote, 1);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m2 m3] made[here m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renamed_on_the_server),
        cmocka_unit_test(renamed_and_emptied_on_the_server),
        cmocka_unit_test(what_moves_into_one_that_the_server_did_not_make),
        cmocka_unit_test(renamed_along_a_chain_on_the_server),
        cmocka_unit_test(two_trade_names_on_the_server),
        cmocka_unit_test(parents_take_their_children_along_on_the_server),
        cmocka_unit_test(a_mailbox_goes_into_itself_on_the_server),
        cmocka_unit_test(a_new_mailbox_takes_the_old_name),
        cmocka_unit_test(a_renamed_mailbox_is_known_though_status_is_refused),
        cmocka_unit_test(what_cannot_be_looked_into_now_is_not_another_mailbox),
        cmocka_unit_test(what_changed_meanwhile_is_carried_too),
        cmocka_unit_test(emptied_but_for_one_on_the_server),
        cmocka_unit_test(emptied_but_for_one_here),
        cmocka_unit_test(renamed_here),
        cmocka_unit_test(renamed_right_after_the_first_pass),
        cmocka_unit_test(renamed_along_a_chain_here),
        cmocka_unit_test(two_trade_names_here),
        cmocka_unit_test(a_parent_goes_before_what_is_put_below_it),
        cmocka_unit_test(one_name_that_both_sides_give_is_the_server_s),
        cmocka_unit_test(parents_take_their_children_along_here),
        cmocka_unit_test(a_parent_leaves_its_children_here),
        cmocka_unit_test(a_copied_folder_is_known_by_its_files),
        cmocka_unit_test(renamed_on_both_sides),
        cmocka_unit_test(a_rename_that_is_not_carried_stays_where_it_is),
        cmocka_unit_test(a_refused_rename_stops_nothing_else),
        cmocka_unit_test(law4_a_pass_that_renames_is_taken_up),
        cmocka_unit_test(a_dry_run_tells_and_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
