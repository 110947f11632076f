#include "store/index.h"
#include "sync/folder_sides.h"

/* Mailboxes removed on one side, under every policy. */

static void begin(struct engine *e, const char *account, unsigned messages)
{
    engine_init(e, account);
    server_create(e, "a");
    server_create(e, "b");
    server_fill(e, "a", "a", messages);
    (void)server_append(e, "b", "b", "");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
}

#define BOTH "    sync: {remove: both}\n"

static void by_default_nothing_is_removed(void **state)
{
    struct engine e;
    begin(&e, NULL, 2);
    server_remove(&e, "a");
    local_remove_folder(&e, "b");
    for (int i = 0; i < 3; i++) {
        engine_pass_ends(&e, 0);
        assert_nothing_moved(&e);
        assert_server(&e, "INBOX[] b[b]");
        assert_local(&e, "INBOX[] a[a1 a2]");
    }
    engine_free(&e);
}

static void what_moves_out_of_one_that_is_left_alone_is_carried(void **state)
{
    struct engine e;
    begin(&e, NULL, 2);
    server_fill(&e, "b", "b", 2);
    engine_pass_ends(&e, 0);
    server_remove(&e, "a");
    local_remove_folder(&e, "b");
    engine_pass_ends(&e, 0);
    local_move(&e, "a", "INBOX", "a1");
    server_move(&e, "b", "INBOX", "b2");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[a1 b2] b[b b1]");
    assert_local(&e, "INBOX[a1 b2] a[a2]");
    engine_free(&e);
}

static void what_moves_into_one_that_is_left_alone_is_forgotten(void **state)
{
    struct engine e;
    begin(&e, BOTH, 2);
    server_remove(&e, "a");
    local_move(&e, "b", "a", "b");
    server_expunge(&e, "b", "b");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[] b[]");
    assert_local(&e, "INBOX[] a[a1 a2 b] b[]");
    /* Nothing is left to look at. */
    engine_pass_ends(&e, 0);
    assert_int_equal(engine_sent(&e, " SELECT b"), 0);
    engine_free(&e);
}

static void gone_on_the_server(void **state)
{
    static const struct {
        const char *account, *local;
    } cases[] = {
        {BOTH, "INBOX[] b[b]"},
        {"    sync: {remove: to_local}\n", "INBOX[] b[b]"},
        {"    sync: {remove: to_remote}\n", "INBOX[] a[a1 a2] b[b]"},
        {"    sync: {remove: both, deletions: to_remote}\n", "INBOX[] a[a1 a2] b[b]"},
        {"    sync: {remove: none}\n    overrides: [{match: a, sync: {remove: both}}]\n",
         "INBOX[] b[b]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        begin(&e, cases[i].account, 2);
        server_remove(&e, "a");
        engine_pass_ends(&e, 0);
        assert_local(&e, cases[i].local);
        assert_server(&e, "INBOX[] b[b]");
        engine_pass_ends(&e, 0);
        assert_local(&e, cases[i].local);
        assert_server(&e, "INBOX[] b[b]");
        engine_free(&e);
    }
}

static void gone_here(void **state)
{
    struct engine e;
    const struct pass_options approve = {.approve_deletions = true};
    begin(&e, BOTH, 2);
    local_remove_folder(&e, "a");
    /* Its directory is gone: that waits for a person, however few they are. */
    engine_pass_ends(&e, 1);
    assert_server(&e, "INBOX[] a[a1 a2] b[b]");
    assert_int_equal(e.report.messages.held, 2);
    assert_int_equal(engine_pass(&e, &approve), 0);
    assert_both(&e, "INBOX[] b[b]");
    assert_false(server_is_subscribed(&e, "a"));
    engine_assert_settled(&e);
    engine_free(&e);
}

static void an_empty_one_goes_at_once(void **state)
{
    struct engine e;
    begin(&e, BOTH, 0);
    server_create(&e, "c/d");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    local_remove_folder(&e, "a");
    server_remove(&e, "c/d");
    engine_pass_ends(&e, 0);
    assert_false(local_has(&e, "c/d"));
    assert_true(strstr(server_view(&e), " a[") == NULL);
    engine_pass_ends(&e, 0);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void another_takes_the_name_of_one_that_is_gone(void **state)
{
    struct engine e;
    begin(&e, BOTH, 2);
    server_remove(&e, "a");
    server_rename(&e, "b", "a");
    engine_pass_ends(&e, 75); /* its folder cannot have the name yet */
    assert_local(&e, "INBOX[] a[a1 a2] b[b]");
    engine_pass_ends(&e, 75);
    assert_local(&e, "INBOX[] b[b]");
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[] a[b]");
    assert_local(&e, "INBOX[] a[b]");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    engine_free(&e);
}

static void gone_on_both_sides_it_is_forgotten(void **state)
{
    struct engine e;
    begin(&e, NULL, 2);
    server_remove(&e, "a");
    local_remove_folder(&e, "a");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[] b[b]");
    /* A new one of that name is new. */
    server_create(&e, "a");
    (void)server_append(&e, "a", "new", "");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[] a[new] b[b]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void law1_what_the_other_side_does_not_know_stays(void **state)
{
    struct engine e;
    begin(&e, BOTH, 2);
    server_remove(&e, "a");
    local_add(&e, "a", "new", "");
    local_remove_folder(&e, "b");
    (void)server_append(&e, "b", "new", "");
    for (int i = 0; i < 3; i++) {
        engine_pass_ends(&e, 0);
        assert_nothing_moved(&e);
        assert_server(&e, "INBOX[] b[b new]");
        assert_local(&e, "INBOX[] a[a1 a2 new]");
    }
    engine_free(&e);
}

/* What does not fit was never here: it is not known to be deleted. */
static void law1_messages_left_on_the_server_keep_their_mailbox(void **state)
{
    struct engine e;
    begin(&e, "    sync: {remove: both, new: to_remote}\n", 2);
    assert_local(&e, "INBOX[] a[] b[]");
    local_remove_folder(&e, "a");
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[] a[a1 a2] b[b]");
    engine_free(&e);
}

static void law11_a_mailbox_of_ten_waits_for_a_person(void **state)
{
    struct engine e;
    const struct pass_options approve = {.approve_deletions = true};
    begin(&e, BOTH, 10);
    server_remove(&e, "a");
    engine_pass_ends(&e, 1);
    assert_int_equal(e.report.messages.held, 10);
    assert_int_equal(folder_count(&e, "a"), 10);
    assert_int_equal(engine_pass(&e, &approve), 0);
    assert_both(&e, "INBOX[] b[b]");
    engine_free(&e);
}

/* ---- law 6: a server restored from a backup lacks what was made since ---- */

static void append_to_b(struct engine *e)
{
    (void)server_append(e, "b", "later", "");
}

static void flag_b(struct engine *e)
{
    server_flags(e, "b", "b", "S");
}

static void law6_a_mailbox_made_since_the_backup_is_not_removed(void **state)
{
    static void (*const changes[])(struct engine *) = {append_to_b, flag_b};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct engine e;
        begin(&e, BOTH, 2);
        struct mem_backup *backup = mem_backup_new(e.env.backend, LOCKSTEP_USER);
        server_create(&e, "c");
        (void)server_append(&e, "c", "c", "");
        changes[i](&e);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        mem_backup_restore(e.env.backend, LOCKSTEP_USER, backup);
        for (int pass = 0; pass < 4; pass++) {
            (void)engine_pass(&e, NULL);
            assert_non_null(strstr(local_view(&e), "c[c]"));
        }
        /* When it is back, its messages are known again. */
        server_create(&e, "c");
        (void)server_append(&e, "c", "c", "");
        (void)engine_pass(&e, NULL);
        assert_non_null(strstr(local_view(&e), "c[c]"));
        mem_backup_free(&backup);
        engine_free(&e);
    }
}

/* As long as one mailbox cannot be looked at, nobody knows whether the server went back. */
static void law1_nothing_is_removed_until_all_others_are_seen(void **state)
{
    struct engine e;
    begin(&e, BOTH, 2);
    server_remove(&e, "a");
    flag_b(&e);
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "SELECT", .at = 1});
    engine_pass_ends(&e, 75);
    assert_local(&e, "INBOX[] a[a1 a2] b[b]");
    lockstep_env_clear_faults(&e.env);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[] b[b/S]");
    engine_free(&e);
}

/* ---- law 1: what is out of view is not gone ---- */

static struct str hide_a(struct engine *e, struct str line)
{
    bool lists = str_starts(line, STR("* LIST")) || str_starts(line, STR("* STATUS a"));
    if (lists && (str_ends(line, STR(" a\r\n")) || str_starts(line, STR("* STATUS a")))) {
        return STR_EMPTY;
    }
    return line;
}

/* The server lists everything but this one, also when asked for it by name. */
static void law1_a_list_that_lacks_what_is_there_removes_nothing(void **state)
{
    struct engine e;
    begin(&e, BOTH, 2);
    e.twist = hide_a;
    engine_pass_ends(&e, 0);
    assert_true(e.twisted > 0);
    assert_nothing_moved(&e);
    e.twist = NULL;
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[] a[a1 a2] b[b]");
    engine_free(&e);
}

/* In the pass after a change of configuration what is missing may have been taken out of view. */
static void law1_a_changed_configuration_removes_nothing(void **state)
{
    static const char *const accounts[] = {
        BOTH "    mailboxes: {patterns: [\"*\", \"!a\"]}\n",
        BOTH "    mailboxes: {patterns: [b]}\n",
        BOTH "    mailboxes: {subscribed: true}\n",
        BOTH "    mailboxes: {rename: {a: x, \"b\": \"y/z\"}}\n",
        BOTH "    mailboxes: {rename: {a: b, b: a}}\n",
        BOTH "    mailboxes: {special: {trash: a}}\n",
        BOTH "    namespace: \"Other/\"\n",
        BOTH "    layout: flat\n",
        BOTH "    layout: flat\n    separator: \"-\"\n",
        BOTH "    layout: maildir++\n",
        BOTH "    inbox: Inbox\n",
        BOTH "    disable: [LIST-STATUS, OBJECTID, LIST-EXTENDED, SPECIAL-USE, NAMESPACE]\n",
        "    sync: {remove: none, create: none, rename: none}\n",
    };
    for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        struct engine e;
        begin(&e, BOTH, 2);
        server_create(&e, "c/d");
        (void)server_append(&e, "c/d", "d", "");
        engine_pass_ends(&e, 0);
        engine_configure(&e, accounts[i]);
        for (int pass = 0; pass < 3; pass++) {
            engine_pass_ends(&e, 0);
            assert_nothing_moved(&e);
            assert_server(&e, "INBOX[] a[a1 a2] b[b] c[] c/d[d]");
        }
        engine_configure(&e, BOTH);
        for (int pass = 0; pass < 3; pass++) {
            engine_pass_ends(&e, 0);
            assert_nothing_moved(&e);
        }
        assert_both(&e, "INBOX[] a[a1 a2] b[b] c[] c/d[d]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* One that is left alone for this pass: another cannot be looked at, or the configuration changed.
 */
enum left_for_now { BY_ANOTHER_THAT_FAILS, BY_THE_CONFIGURATION };

static void pass_that_leaves_it(struct engine *e, enum left_for_now by)
{
    if (by == BY_THE_CONFIGURATION) {
        engine_configure(e, "    mailboxes: {patterns: [\"*\", \"!nowhere\"]}\n" BOTH);
        engine_pass_ends(e, 0);
        return;
    }
    (void)server_append(e, "c", "c", "");
    /* The third SELECT is that of c. */
    lockstep_env_fault(&e->env, (struct fault){.kind = FAULT_NO, .command = "SELECT", .at = 3});
    engine_pass_ends(e, 75);
    lockstep_env_clear_faults(&e->env);
}

static void begin_to_leave(struct engine *e)
{
    begin(e, BOTH, 2);
    server_create(e, "c");
    server_fill(e, "INBOX", "m", 2);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    server_expunge(e, "INBOX", "m2");
}

/* There are two of it: taken out of one place it stays in the other. */
static void law1_a_copy_and_a_move_out_of_one_left_for_now_are_two(void **state)
{
    for (enum left_for_now by = 0; by <= BY_THE_CONFIGURATION; by++) {
        struct engine e;
        begin_to_leave(&e);
        local_add(&e, "b", "a1", "");
        server_move(&e, "a", "b", "a1");
        server_remove(&e, "a");
        pass_that_leaves_it(&e, by);
        local_remove(&e, "b", "a1");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        if (strstr(server_view(&e), "a1") == NULL || strstr(local_view(&e), "a1") == NULL)
            fail_msg("%u: lost: %s", by, local_view(&e));
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void law2_what_both_moved_out_of_one_left_for_now_is_one(void **state)
{
    for (unsigned k = 0; k < 4; k++) {
        struct engine e;
        begin_to_leave(&e);
        local_move(&e, "a", k / 2 == 0 ? "b" : "INBOX", "a1");
        server_move(&e, "a", "b", "a1");
        server_remove(&e, "a");
        pass_that_leaves_it(&e, k % 2);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_local(&e, k % 2 == 0 ? "INBOX[m1] b[a1 b] c[c]" : "INBOX[m1] b[a1 b] c[]");
        assert_server(&e, local_view(&e));
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* One that is gone on both sides is asked for by a pass that has it in its target. */
static void law2_what_both_moved_out_of_one_out_of_the_target_is_one(void **state)
{
    static const char *const targets[] = {"INBOX", "b", NULL};
    const struct pass_options options = {.mailboxes = targets};
    for (unsigned k = 0; k < 2; k++) {
        struct engine e;
        begin_to_leave(&e);
        local_move(&e, "a", k == 0 ? "b" : "INBOX", "a1");
        local_remove_folder(&e, "a");
        server_move(&e, "a", "b", "a1");
        server_remove(&e, "a");
        assert_int_equal(engine_pass(&e, &options), 0);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[m1] b[a1 b] c[]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* ---- what was done with mailboxes is told ---- */

static void take_event(void *self, const struct index_event *event, size_t messages)
{
    struct engine *e = self;
    if (messages == 0)
        buf_addf(&e->plan, "%.*s: %.*s%s%.*s\n", STR_ARG(event->mailbox), STR_ARG(event->what),
                 event->from.len > 0 ? " from " : "", STR_ARG(event->from));
}

/* In `log`, and in the line that ends the pass. */
static void assert_told(struct engine *e, const char *events, const char *summary)
{
    const struct event_sink sink = {take_event, e};
    AUTO_BUF struct buf line = BUF_INIT(4096);
    assert_int_equal(engine_pass(e, &(struct pass_options){.events = &sink}), 0);
    buf_add_byte(&e->plan, '\0');
    const char *at = strstr(e->plan.data, events);
    if (at == NULL || at + strlen(events) != e->plan.data + e->plan.len - 1)
        fail_msg("told was: %s", e->plan.data);
    report_summary(&e->report, &line);
    assert_true(str_starts(buf_str(&line), str_from(summary)));
}

static void what_is_made_renamed_and_removed_is_told(void **state)
{
    struct engine e;
    engine_init(&e, "    sync: {remove: both}\n");
    engine_pass_ends(&e, 0);
    server_create(&e, "a");
    local_create(&e, "b");
    assert_told(&e, "a: folder made here\nb: mailbox made on the server\n", "2 mailboxes made; ");
    server_rename(&e, "a", "c");
    local_rename(&e, "b", "d");
    assert_told(&e,
                "c: folder renamed here from a\n"
                "d: mailbox renamed on the server from b\n",
                "2 mailboxes renamed; ");
    server_remove(&e, "c");
    local_remove_folder(&e, "d");
    assert_told(&e, "c: folder removed here\nd: mailbox removed on the server\n",
                "2 mailboxes removed; ");
    assert_told(&e, "", "in step; ");
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_nothing_is_removed),
        cmocka_unit_test(what_moves_out_of_one_that_is_left_alone_is_carried),
        cmocka_unit_test(what_moves_into_one_that_is_left_alone_is_forgotten),
        cmocka_unit_test(gone_on_the_server),
        cmocka_unit_test(gone_here),
        cmocka_unit_test(an_empty_one_goes_at_once),
        cmocka_unit_test(another_takes_the_name_of_one_that_is_gone),
        cmocka_unit_test(gone_on_both_sides_it_is_forgotten),
        cmocka_unit_test(law1_what_the_other_side_does_not_know_stays),
        cmocka_unit_test(law1_messages_left_on_the_server_keep_their_mailbox),
        cmocka_unit_test(law11_a_mailbox_of_ten_waits_for_a_person),
        cmocka_unit_test(law6_a_mailbox_made_since_the_backup_is_not_removed),
        cmocka_unit_test(law1_nothing_is_removed_until_all_others_are_seen),
        cmocka_unit_test(law1_a_list_that_lacks_what_is_there_removes_nothing),
        cmocka_unit_test(law1_a_changed_configuration_removes_nothing),
        cmocka_unit_test(law1_a_copy_and_a_move_out_of_one_left_for_now_are_two),
        cmocka_unit_test(law2_what_both_moved_out_of_one_left_for_now_is_one),
        cmocka_unit_test(law2_what_both_moved_out_of_one_out_of_the_target_is_one),
        cmocka_unit_test(what_is_made_renamed_and_removed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
