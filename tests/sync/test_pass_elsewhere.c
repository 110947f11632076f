#include "sync/folder_sides.h"
#include <stdio.h>

/* Moves of which a pass sees one end only. */

static void begin(struct engine *e)
{
    engine_init(e, NULL);
    server_create(e, "Archive");
    server_fill(e, "INBOX", "m", 4);
    engine_pass_ends(e, 0);
}

static void begin_moved(struct engine *e)
{
    begin(e);
    local_move(e, "INBOX", "Archive", "m2");
}

/* Both sides moved a message, each to a place of its own. */
static void begin_moved_by_both(struct engine *e)
{
    begin(e);
    server_create(e, "Lists");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    local_move(e, "INBOX", "Archive", "m2");
    server_move(e, "INBOX", "Lists", "m2");
}

static void law1_a_move_out_of_the_target_is_no_deletion(void **state)
{
    static const char *const targets[] = {"INBOX", NULL};
    const struct pass_options options = {.mailboxes = targets};
    struct engine e;
    begin_moved(&e);
    assert_int_equal(engine_pass(&e, &options), 0);
    assert_server(&e, "Archive[] INBOX[m1 m2 m3 m4]");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 0);
    assert_both(&e, "Archive[m2] INBOX[m1 m3 m4]");
    engine_free(&e);
}

static void law1_a_move_into_a_mailbox_that_fails_is_no_deletion(void **state)
{
    struct engine e;
    begin_moved(&e);
    /* The second SELECT is that of Archive. */
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "SELECT", .at = 2});
    assert_int_not_equal(engine_pass(&e, NULL), 0);
    assert_server(&e, "Archive[] INBOX[m1 m2 m3 m4]");
    lockstep_env_clear_faults(&e.env);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 0);
    assert_both(&e, "Archive[m2] INBOX[m1 m3 m4]");
    engine_free(&e);
}

/* One of the mailboxes cannot be opened. The server's place is where it ends. */
static void law2_what_both_moved_waits_for_a_mailbox_that_fails(void **state)
{
    bool failed = true;
    for (unsigned at = 1; failed; at++) {
        struct engine e;
        begin_moved_by_both(&e);
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "SELECT", .at = at});
        failed = engine_pass(&e, NULL) != 0;
        lockstep_env_clear_faults(&e.env);
        for (int pass = 0; pass < 3; pass++) {
            if (e.counts.bodies + e.report.messages.uploaded > 0) {
                engine_tell(&e);
                fail_msg("SELECT %u fails, pass %d: a body was sent", at, pass);
            }
            engine_pass_ends(&e, 0);
        }
        assert_both(&e, "Archive[] INBOX[m1 m3 m4] Lists[m2]");
        engine_assert_settled(&e);
        engine_free(&e);
        assert_true(at < 20);
    }
}

/* Into a folder that is new here, whose mailbox cannot be made just then. */
static void law2_what_both_moved_waits_for_a_mailbox_to_be_made(void **state)
{
    struct engine e;
    begin(&e);
    local_create(&e, "New");
    local_move(&e, "INBOX", "New", "m2");
    server_move(&e, "INBOX", "Archive", "m2");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "CREATE", .at = 1});
    assert_int_not_equal(engine_pass(&e, NULL), 0);
    lockstep_env_clear_faults(&e.env);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies + e.report.messages.uploaded, 0);
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[m2] INBOX[m1 m3 m4] New[]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* The same where one of them is not asked for. */
static void law2_what_both_moved_waits_for_the_whole(void **state)
{
    static const char *const targets[][3] = {
        {"INBOX", NULL}, {"INBOX", "Archive", NULL}, {"INBOX", "Lists", NULL}, {"Archive", NULL},
        {"Lists", NULL}, {"Archive", "Lists", NULL},
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const struct pass_options options = {.mailboxes = targets[i]};
        struct engine e;
        begin_moved_by_both(&e);
        assert_int_equal(engine_pass(&e, &options), 0);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[] INBOX[m1 m3 m4] Lists[m2]");
        engine_free(&e);
    }
}

static void law1_a_move_out_of_the_target_on_the_server_is_no_deletion(void **state)
{
    static const char *const targets[] = {"INBOX", NULL};
    const struct pass_options options = {.mailboxes = targets};
    struct engine e;
    begin(&e);
    server_move(&e, "INBOX", "Archive", "m2");
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(engine_pass(&e, &options), 0);
        assert_local(&e, "Archive[] INBOX[m1 m2 m3 m4]");
    }
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 0);
    assert_both(&e, "Archive[m2] INBOX[m1 m3 m4]");
    /* Nothing new elsewhere: it is gone. */
    server_expunge(&e, "INBOX", "m3");
    assert_int_equal(engine_pass(&e, &options), 0);
    assert_both(&e, "Archive[m2] INBOX[m1 m4]");
    engine_free(&e);
}

/* One that was never looked at before, too. */
static void law1_a_move_into_a_new_mailbox_that_fails_is_no_deletion(void **state)
{
    struct engine e;
    begin(&e);
    server_create(&e, "Lists");
    server_move(&e, "INBOX", "Lists", "m2");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "SELECT", .at = 2});
    assert_int_not_equal(engine_pass(&e, NULL), 0);
    assert_local(&e, "Archive[] INBOX[m1 m2 m3 m4]");
    lockstep_env_clear_faults(&e.env);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 0);
    assert_both(&e, "Archive[] INBOX[m1 m3 m4] Lists[m2]");
    engine_free(&e);
}

/* What was here is not left on the server by limits that came since. Where no Message-ID tells, it
 * is likely enough. */
static void law1_nor_is_one_out_of_a_mailbox_that_fails_left_out(void **state)
{
    for (unsigned i = 0; i < 8; i++) {
        struct engine e;
        begin(&e);
        if (i / 4 > 0)
            capabilities_set(&e.env.options.capabilities, CAP_OBJECTID, false);
        (void)server_append(&e, "INBOX", "anon", "");
        engine_agree(&e);
        engine_configure(&e, "    sync: {max_size: 10}\n");
        engine_pass_ends(&e, 0);
        server_move(&e, "INBOX", "Archive", "anon");
        server_move(&e, "INBOX", "Archive", "m2");
        lockstep_env_fault(&e.env,
                           (struct fault){.kind = FAULT_NO, .command = "SELECT", .at = 1 + i % 4});
        (void)engine_pass(&e, NULL);
        lockstep_env_clear_faults(&e.env);
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[anon m2] INBOX[m1 m3 m4]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void what_was_deleted_in_the_target_is_deleted(void **state)
{
    static const char *const targets[] = {"INBOX", NULL};
    const struct pass_options options = {.mailboxes = targets};
    struct engine e;
    begin_moved(&e);
    local_remove(&e, "INBOX", "m3");
    assert_int_equal(engine_pass(&e, &options), 0);
    assert_server(&e, "Archive[] INBOX[m1 m2 m4]");
    engine_free(&e);
}

/* Of the record that the moved file has, the UID is another message's by now. */
static void law6_a_uid_of_before_is_no_other_message(void **state)
{
    struct engine e;
    begin(&e);
    server_expunge(&e, "INBOX", "m1");
    engine_pass_ends(&e, 0);
    local_move(&e, "INBOX", "Archive", "m2");
    server_renumber(&e, "INBOX");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[m2] INBOX[m2 m3 m4]");
    engine_free(&e);
}

/* Its folder is gone and the mailbox stays, so that no pass looks at it again. */
static void law2_what_both_moved_out_of_a_mailbox_left_alone_is_one(void **state)
{
    struct engine e;
    engine_begin(&e, NULL, 1, "Lists", "l", 1);
    server_flags(&e, "Lists", "l1", "S");
    server_move(&e, "Lists", "INBOX", "l1");
    local_move(&e, "Lists", "INBOX", "l1");
    local_remove_folder(&e, "Lists");
    for (int pass = 0; pass < 2; pass++) {
        engine_pass_ends(&e, 0);
        assert_int_equal(e.counts.bodies + e.report.messages.uploaded, 0);
    }
    assert_server(&e, "INBOX[l1/S m1] Lists[]");
    assert_local(&e, "INBOX[l1/S m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* It was copied on one side and moved on the other, and the mailbox that it left cannot be looked
 * at just then: there are two of it, and taken out of one place it stays in the other. */
static void law1_a_copy_and_a_move_are_not_met_as_one(void **state)
{
    static const char *const commands[] = {"SELECT", "UID FETCH"};
    for (size_t k = 0; k < 2 * sizeof commands / sizeof commands[0]; k++) {
        bool failed = true;
        for (unsigned at = 1; failed; at++) {
            struct engine e;
            begin(&e);
            if (k % 2 == 0) {
                local_add(&e, "Archive", "m2", "");
                server_move(&e, "INBOX", "Archive", "m2");
            } else {
                server_copy(&e, "INBOX", "Archive", "m2");
                local_move(&e, "INBOX", "Archive", "m2");
            }
            lockstep_env_fault(
                &e.env, (struct fault){.kind = FAULT_NO, .command = commands[k / 2], .at = at});
            failed = engine_pass(&e, NULL) != 0;
            lockstep_env_clear_faults(&e.env);
            local_remove(&e, "Archive", "m2");
            engine_pass_ends(&e, 0);
            engine_pass_ends(&e, 0);
            if (strstr(server_view(&e), "m2") == NULL || strstr(local_view(&e), "m2") == NULL) {
                engine_tell(&e);
                fail_msg("%zu, %s %u fails: the server has %s", k % 2, commands[k / 2], at,
                         server_view(&e));
            }
            engine_assert_settled(&e);
            engine_free(&e);
        }
    }
}

/* A mailbox that the configuration leaves out is looked at by no pass: nothing waits for one. */
static void what_comes_from_a_mailbox_left_out_is_fetched(void **state)
{
    struct engine e;
    begin(&e);
    engine_configure(&e, "    mailboxes: {patterns: [\"*\", \"!INBOX\"]}\n");
    server_move(&e, "INBOX", "Archive", "m2");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_local(&e, "Archive[m2] INBOX[m1 m2 m3 m4]");
    engine_free(&e);
}

/* The question of what it is that is new there is refused once: by its id, by its header, or, where
 * no Message-ID tells it from others, by its body. */
static bool both_move_and_a_question_is_refused(const char *account, const char *subject,
                                                struct fault fault)
{
    struct engine e;
    AUTO_ARENA struct arena *arena = arena_new();
    engine_init(&e, account);
    server_create(&e, "Archive");
    server_append(&e, "INBOX", subject, "");
    server_fill(&e, "INBOX", "m", 2);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    local_move(&e, "INBOX", "Archive", subject);
    server_move(&e, "INBOX", "Archive", subject);
    lockstep_env_fault(&e.env, fault);
    (void)engine_pass(&e, NULL);
    const struct str told = buf_str(&e.transcript);
    bool failed = memmem(told.ptr, told.len, "Not now", 7) != NULL;
    lockstep_env_clear_faults(&e.env);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(e.report.messages.downloaded + e.report.messages.uploaded, 0);
        engine_pass_ends(&e, 0);
    }
    assert_both(&e, arena_printf(arena, "Archive[%s] INBOX[m1 m2]", subject));
    engine_assert_settled(&e);
    engine_free(&e);
    return failed;
}

static void law2_what_both_moved_is_asked_for_again(void **state)
{
    static const enum fault_kind kinds[] = {FAULT_NO, FAULT_BAD};
    static const char without_ids[] = "    disable: [OBJECTID]\n";
    static const struct {
        const char *account, *subject;
    } cases[] = {{NULL, "a"}, {without_ids, "a"}, {without_ids, "anon"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool failed = true;
        for (unsigned at = 1; failed; at++) {
            failed = false;
            for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
                struct fault fault = {.kind = kinds[k], .command = "UID FETCH", .at = at};
                failed = both_move_and_a_question_is_refused(cases[i].account, cases[i].subject,
                                                             fault) ||
                         failed;
            }
        }
    }
}

static unsigned lines_until_it_moves;

static struct str move_on_at_a_line(struct engine *e, struct str line)
{
    bool is_new = strstr(local_view(e), "Lists[m2]") != NULL;
    if (lines_until_it_moves > 0 && --lines_until_it_moves == 0 && is_new)
        local_move(e, "Lists", "INBOX", "m2");
    return line;
}

/* Both sides have moved the message, and its file goes back to where it was before it is read. */
static void law2_a_file_moves_on_at_every_line(void **state)
{
    bool more = true;
    for (unsigned at = 1; more; at++) {
        struct engine e;
        engine_init(&e, NULL);
        server_create(&e, "Archive");
        server_create(&e, "Lists");
        server_fill(&e, "INBOX", "m", 3);
        engine_agree(&e);
        server_move(&e, "INBOX", "Archive", "m2");
        local_move(&e, "INBOX", "Lists", "m2");
        lines_until_it_moves = at;
        e.twist = move_on_at_a_line;
        (void)engine_pass(&e, NULL);
        more = lines_until_it_moves == 0;
        e.twist = NULL;
        for (int pass = 0; pass < 3; pass++) {
            engine_wait(&e, 61);
            engine_pass_ends(&e, 0);
        }
        assert_server(&e, "Archive[m2] INBOX[m1 m3] Lists[]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Where a move is a copy and a deletion, its original is known until it is seen to be gone. */
static void law2_a_file_moved_back_at_once_is_moved_on_the_server(void **state)
{
    struct engine e;
    engine_begin(&e, "    disable: [MOVE]\n", 2, "Lists", "l", 1);
    server_flags(&e, "Lists", "l1", "T");
    local_move(&e, "Lists", "INBOX", "l1");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.moved_remote, 1);
    local_move(&e, "INBOX", "Lists", "l1");
    for (int pass = 0; pass < 2; pass++) {
        engine_pass_ends(&e, 0);
        assert_int_equal(e.counts.bodies + e.report.messages.uploaded, 0);
    }
    assert_both(&e, "INBOX[m1 m2] Lists[l1/T]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void flag_what_was_moved(struct engine *e)
{
    local_flags_all(e, "Archive", "S");
}

static void move_all_here(struct engine *e, const char *from, const char *to)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    local_flags_all(e, from, "");
    assert_int_equal(maildir_scan(e->maildir, from, &snapshot, &err), 0);
    for (size_t i = 0; i < snapshot.files.len; i++) {
        const char *name = snapshot.files.items[i].name.ptr;
        assert_int_equal(rename(arena_printf(e->arena, "%s/%s/cur/%s", e->root, from, name),
                                arena_printf(e->arena, "%s/%s/cur/%s", e->root, to, name)),
                         0);
    }
    maildir_snapshot_free(&snapshot);
}

/* It is read in two forms, one after the other, and gets a flag meanwhile: no deletion is made of
 * its move. */
static void law1_a_moved_file_kept_byte_for_byte_is_flagged_at_every_line(void **state)
{
    const struct str text = STR("Subject: raw\r\n\r\nA bare \n in it\r\n");
    bool more = true;
    for (unsigned at = 1; more; at++) {
        struct engine e;
        struct error err = ERROR_INIT;
        uint32_t uid;
        uint64_t moved = 0;
        engine_begin(&e, NULL, 1, "Lists", "l", 2);
        server_create(&e, "Archive");
        server_create(&e, "Raw");
        assert_int_equal(mem_backend_append(e.env.backend, LOCKSTEP_USER, "Raw", text, 0,
                                            1600000000, &uid, &err),
                         0);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        engine_wait(&e, 300);
        move_all_here(&e, "Raw", "Archive");
        server_move(&e, "Lists", "INBOX", "l1");
        more = engine_pass_at_line(&e, at, flag_what_was_moved);
        for (int pass = 0; pass < 3; pass++) {
            if (e.report.messages.deleted_remote + e.report.messages.uploaded > 0) {
                engine_tell(&e);
                fail_msg("flagged at line %u: it was not moved", at);
            }
            moved += e.report.messages.moved_remote;
            engine_wait(&e, 61);
            engine_pass_ends(&e, 0);
        }
        assert_int_equal(moved, 1);
        engine_free(&e);
    }
}

static void move_to_a_new_folder(struct engine *e)
{
    if (strstr(local_view(e), "INBOX[m1 m2 m3]") == NULL)
        return;
    local_create(e, "New");
    local_move(e, "INBOX", "New", "m2");
}

/* The server has moved the message, and its file goes to a folder that is made while the pass looks
 * for folders, for what is in them, and for a mailbox that is gone. */
static void law2_a_file_moves_to_a_new_folder_at_every_line(void **state)
{
    bool more = true;
    for (unsigned at = 1; more; at++) {
        struct engine e;
        engine_begin(&e, "    sync: {remove: both}\n", 3, "Lists", "l", 1);
        server_create(&e, "Archive");
        engine_pass_ends(&e, 0);
        engine_wait(&e, 300);
        server_move(&e, "INBOX", "Archive", "m2");
        server_remove(&e, "Lists");
        more = engine_pass_at_line(&e, at, move_to_a_new_folder);
        for (int pass = 0; pass < 3; pass++) {
            engine_wait(&e, 61);
            engine_pass_ends(&e, 0);
        }
        const char *view = server_view(&e);
        const char *once = strstr(view, "m2");
        if (once == NULL || strstr(once + 1, "m2") != NULL) {
            engine_tell(&e);
            fail_msg("moved at line %u: the server has %s", at, view);
        }
        assert_both(&e, view);
        engine_free(&e);
    }
}

/* When the survey comes to this folder. */
struct goes_away {
    struct engine *e;
    const char *from, *to; /* to NULL: done */
};

static void rename_at_survey(void *self, const struct progress *progress)
{
    struct goes_away *g = self;
    if (progress->stage != PROGRESS_SURVEY || progress->mailbox == NULL || g->to == NULL ||
        strcmp(progress->mailbox, g->from) != 0)
        return;
    local_rename(g->e, g->from, g->to);
    g->to = NULL;
}

/* Both sides moved the message, and the folder that it came from is renamed before it is read:
 * whether the file is gone from there nobody knows. */
static void law2_what_both_moved_waits_for_a_folder_that_goes_away(void **state)
{
    struct engine e;
    engine_begin(&e, NULL, 1, "Lists", "l", 3);
    server_move(&e, "Lists", "INBOX", "l1");
    local_move(&e, "Lists", "INBOX", "l1");
    struct goes_away g = {&e, "Lists", "Other"};
    const struct progress_sink sink = {rename_at_survey, &g};
    const struct pass_options options = {.progress = &sink};
    assert_int_equal(engine_pass(&e, &options), 75);
    assert_null(g.to);
    for (int pass = 0; pass < 3; pass++) {
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
    }
    assert_both(&e, "INBOX[l1 m1] Other[l2 l3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law2_what_both_moved_waits_for_a_folder_that_goes_away),
        cmocka_unit_test(law1_a_copy_and_a_move_are_not_met_as_one),
        cmocka_unit_test(what_comes_from_a_mailbox_left_out_is_fetched),
        cmocka_unit_test(law2_what_both_moved_is_asked_for_again),
        cmocka_unit_test(law2_what_both_moved_out_of_a_mailbox_left_alone_is_one),
        cmocka_unit_test(law1_a_move_out_of_the_target_is_no_deletion),
        cmocka_unit_test(law1_a_move_out_of_the_target_on_the_server_is_no_deletion),
        cmocka_unit_test(law1_a_move_into_a_mailbox_that_fails_is_no_deletion),
        cmocka_unit_test(law2_what_both_moved_waits_for_a_mailbox_that_fails),
        cmocka_unit_test(law2_what_both_moved_waits_for_a_mailbox_to_be_made),
        cmocka_unit_test(law2_what_both_moved_waits_for_the_whole),
        cmocka_unit_test(law6_a_uid_of_before_is_no_other_message),
        cmocka_unit_test(law1_a_move_into_a_new_mailbox_that_fails_is_no_deletion),
        cmocka_unit_test(law1_nor_is_one_out_of_a_mailbox_that_fails_left_out),
        cmocka_unit_test(what_was_deleted_in_the_target_is_deleted),
        cmocka_unit_test(law2_a_file_moves_on_at_every_line),
        cmocka_unit_test(law2_a_file_moved_back_at_once_is_moved_on_the_server),
        cmocka_unit_test(law2_a_file_moves_to_a_new_folder_at_every_line),
        cmocka_unit_test(law1_a_moved_file_kept_byte_for_byte_is_flagged_at_every_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
