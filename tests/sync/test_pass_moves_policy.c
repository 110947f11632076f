#include "imap/list.h"
#include "sync/engine.h"
#include <string.h>

/* What policy makes of deletions, and what the guard makes of moves. */

static void begin(struct engine *e, const char *account, unsigned messages)
{
    struct error err = ERROR_INIT;
    engine_init(e, account);
    server_create(e, "Archive");
    assert_int_equal(mem_backend_create(e->env.backend, LOCKSTEP_USER, "Bin", LIST_TRASH, &err), 0);
    assert_int_equal(mem_backend_create(e->env.backend, LOCKSTEP_USER, "Drafts", LIST_DRAFTS, &err),
                     0);
    server_fill(e, "INBOX", "m", messages);
    engine_agree(e);
}

static void lacks(struct engine *e, enum capability capability)
{
    capabilities_set(&e->env.options.capabilities, capability, false);
}

static void fill_and_pass(struct engine *e, const char *mailbox, const char *subject)
{
    (void)server_append(e, mailbox, subject, "");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
}

/* ---- the guard ---- */

/* mutt copies at once, and deletes when it is left: two passes see the halves. */
static void law11_mutt_archives_two_hundred(void **state)
{
    static const char *const policies[] = {"", "    sync: {delete: trash}\n"};
    for (size_t p = 0; p < 2; p++) {
        struct engine e;
        begin(&e, policies[p], 200);
        local_fill(&e, "Archive", "m", 200);
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.moved_remote, 200);
        assert_int_equal(e.report.messages.uploaded, 0);
        assert_false(engine_body_crossed(&e));
        for (unsigned i = 1; i <= 200; i++) {
            local_remove(&e, "INBOX", arena_printf(e.arena, "m%u", i));
        }
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.held, 0);
        assert_int_equal(e.report.messages.deleted_remote, 200);
        assert_int_equal(server_count(&e, "INBOX"), 0);
        assert_int_equal(server_count(&e, "Archive"), 200);
        assert_int_equal(server_count(&e, "Bin"), 0);
        engine_pass_ends(&e, 0);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Both copies go at once: then neither stays, and the guard counts. */
static void law11_copies_that_go_together_are_no_copies(void **state)
{
    struct engine e;
    begin(&e, NULL, 100);
    local_fill(&e, "Archive", "m", 100);
    engine_pass_ends(&e, 0);
    engine_wait(&e, 7200);
    for (unsigned i = 1; i <= 100; i++) {
        const char *subject = arena_printf(e.arena, "m%u", i);
        local_remove(&e, "INBOX", subject);
        local_remove(&e, "Archive", subject);
    }
    engine_pass_ends(&e, 1);
    assert_int_equal(e.report.messages.held, 200);
    assert_int_equal(server_count(&e, "INBOX"), 100);
    assert_int_equal(server_count(&e, "Archive"), 100);
    engine_free(&e);
}

/* ---- delete: trash ---- */

static void a_deletion_here_is_a_move_to_the_trash(void **state)
{
    static const enum capability without[] = {CAP_IMAP4REV1, CAP_MOVE, CAP_UIDPLUS};
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        struct engine e;
        begin(&e, "    sync: {delete: trash}\n", 4);
        lacks(&e, without[i] == CAP_IMAP4REV1 ? CAP_SASL_IR : without[i]);
        local_remove(&e, "INBOX", "m1");
        local_remove(&e, "INBOX", "m2");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.deleted_remote, 2);
        buf_add_byte(&e.plan, '\0');
        assert_string_equal(e.plan.data,
                            "INBOX: move on the server to \\Trash UID 1 (deleted here)\n"
                            "INBOX: move on the server to \\Trash UID 2 (deleted here)\n");
        assert_server(&e, "Archive[] Bin[m1 m2] Drafts[] INBOX[m3 m4]");
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[] Bin[m1 m2] Drafts[] INBOX[m3 m4]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void in_the_trash_and_in_drafts_it_is_an_expunge(void **state)
{
    struct engine e;
    begin(&e, "    sync: {delete: trash}\n", 1);
    fill_and_pass(&e, "Bin", "b");
    fill_and_pass(&e, "Drafts", "d");
    local_remove(&e, "Bin", "b");
    local_remove(&e, "Drafts", "d");
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[] Bin[] Drafts[] INBOX[m1]");
    engine_pass_ends(&e, 0);
    engine_assert_settled(&e);
    engine_free(&e);
}

/* A file moved to the trash by the mail program is a move like any other. */
static void a_move_to_the_trash_is_a_move(void **state)
{
    struct engine e;
    begin(&e, "    sync: {delete: trash}\n", 2);
    local_move(&e, "INBOX", "Bin", "m1");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.moved_remote, 1);
    assert_both(&e, "Archive[] Bin[m1] Drafts[] INBOX[m2]");
    engine_pass_ends(&e, 0);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void without_a_trash_nothing_is_deleted(void **state)
{
    struct engine e;
    engine_init(&e, "    sync: {delete: trash}\n");
    server_fill(&e, "INBOX", "m", 2);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    local_remove(&e, "INBOX", "m1");
    engine_pass_ends(&e, 75);
    assert_error(&e, ERR_REFUSED, "\\Trash");
    assert_server(&e, "INBOX[m1 m2]");
    engine_free(&e);
}

static void law2_a_lost_answer_does_not_double_the_trash(void **state)
{
    static const enum capability without[] = {CAP_SASL_IR, CAP_MOVE, CAP_UIDPLUS};
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        for (uint64_t at = 1; at < 14; at++) {
            struct engine e;
            begin(&e, "    sync: {delete: trash}\n", 3);
            lacks(&e, without[i]);
            local_remove(&e, "INBOX", "m1");
            lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_DO_AND_CUT, .at = at});
            (void)engine_pass(&e, NULL);
            lockstep_env_clear_faults(&e.env);
            for (int pass = 0; pass < 3; pass++) {
                engine_wait(&e, 61);
                engine_pass_ends(&e, 0);
            }
            assert_both(&e, "Archive[] Bin[m1] Drafts[] INBOX[m2 m3]");
            engine_free(&e);
        }
    }
}

/* ---- marked: expunge ---- */

static void what_is_marked_on_either_side_goes(void **state)
{
    struct engine e;
    begin(&e, "    sync: {marked: expunge, keep_deleted: 7d}\n", 4);
    local_flags(&e, "INBOX", "m1", "ST");
    server_flags(&e, "INBOX", "m2", "T");
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[] Bin[] Drafts[] INBOX[m3 m4]");
    assert_int_equal(e.report.messages.deleted_remote, 2);
    engine_pass_ends(&e, 0);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void what_was_marked_before_goes_too(void **state)
{
    struct engine e;
    begin(&e, NULL, 4);
    local_flags(&e, "INBOX", "m1", "T");
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[] Bin[] Drafts[] INBOX[m1/T m2 m3 m4]");
    engine_configure(&e, "    sync: {marked: expunge}\n");
    const struct pass_options full = {.full = true};
    assert_int_equal(engine_pass(&e, &full), 0);
    assert_both(&e, "Archive[] Bin[] Drafts[] INBOX[m2 m3 m4]");
    engine_free(&e);
}

static void law11_the_guard_counts_what_is_marked(void **state)
{
    struct engine e;
    begin(&e, "    sync: {marked: expunge}\n", 100);
    local_flags_all(&e, "INBOX", "T");
    engine_pass_ends(&e, 1);
    assert_int_equal(e.report.messages.held, 100);
    assert_int_equal(server_count(&e, "INBOX"), 100);
    assert_int_equal(folder_count(&e, "INBOX"), 100);
    const struct pass_options approve = {.approve_deletions = true};
    assert_int_equal(engine_pass(&e, &approve), 0);
    assert_both(&e, "Archive[] Bin[] Drafts[] INBOX[]");
    engine_free(&e);
}

static void law4_an_interrupted_expunge_is_finished(void **state)
{
    for (uint64_t at = 1; at < 14; at++) {
        struct engine e;
        begin(&e, "    sync: {marked: expunge}\n", 3);
        local_flags(&e, "INBOX", "m1", "T");
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_DO_AND_CUT, .at = at});
        (void)engine_pass(&e, NULL);
        lockstep_env_clear_faults(&e.env);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[] Bin[] Drafts[] INBOX[m2 m3]");
        engine_free(&e);
    }
}

/* Of two copies one is marked on the server and its file removed, the other's file is moved: what
 * is moved is the one that nobody deleted. */
static void law1_a_moved_copy_is_not_the_marked_one(void **state)
{
    for (uint32_t marked = 1; marked <= 2; marked++) {
        struct engine e;
        struct error err = ERROR_INIT;
        begin(&e, "    sync: {marked: expunge}\n", 0);
        (void)server_append(&e, "INBOX", "twin", "");
        (void)server_append(&e, "INBOX", "twin", "");
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[] Bin[] Drafts[] INBOX[twin twin]");
        assert_int_equal(mem_backend_set_flags(e.env.backend, LOCKSTEP_USER, "INBOX", marked,
                                               FLAG_DELETED, &err),
                         0);
        local_remove(&e, "INBOX", "twin");
        local_move(&e, "INBOX", "Archive", "twin");
        for (int pass = 0; pass < 3; pass++)
            engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[twin] Bin[] Drafts[] INBOX[]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* The message is marked on the server, and its file stands elsewhere, unmarked: it may be another
 * copy than the one that an interrupted pass removed for the mark. */
static void law1_a_file_elsewhere_is_not_expunged_for_the_mark(void **state)
{
    static const struct {
        const char *folder, *mailbox; /* of the file and of the message, by now */
        const char *end;
    } cases[] = {
        {"Archive", "INBOX", "Archive[m1] Bin[] Drafts[] INBOX[]"},
        {"INBOX", "INBOX", "Archive[] Bin[] Drafts[] INBOX[m1]"},
        {"Archive", "Archive", "Archive[m1] Bin[] Drafts[] INBOX[]"},
        {"Bin", "Archive", "Archive[m1] Bin[] Drafts[] INBOX[]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        begin(&e, "    sync: {marked: expunge}\n", 1);
        server_flags(&e, "INBOX", "m1", "T");
        if (strcmp(cases[i].mailbox, "INBOX") != 0)
            server_move(&e, "INBOX", cases[i].mailbox, "m1");
        local_remove(&e, "INBOX", "m1");
        local_add(&e, cases[i].folder, "m1", "");
        for (int pass = 0; pass < 3; pass++)
            engine_pass_ends(&e, 0);
        assert_both(&e, cases[i].end);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void in_the_trash_a_mark_is_not_sent(void **state)
{
    struct engine e;
    begin(&e, NULL, 1);
    fill_and_pass(&e, "Bin", "b");
    local_flags(&e, "Bin", "b", "ST");
    engine_pass_ends(&e, 0);
    assert_server(&e, "Archive[] Bin[b/S] Drafts[] INBOX[m1]");
    assert_local(&e, "Archive[] Bin[b/ST] Drafts[] INBOX[m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ---- expunge_without_uidplus: careful ---- */

static void a_careful_expunge_keeps_other_marks(void **state)
{
    struct engine e;
    begin(&e, "    sync: {expunge_without_uidplus: careful}\n", 4);
    lacks(&e, CAP_UIDPLUS);
    server_flags(&e, "INBOX", "m3", "ST");
    engine_pass_ends(&e, 0);
    local_remove(&e, "INBOX", "m1");
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[] Bin[] Drafts[] INBOX[m2 m3/ST m4]");
    engine_pass_ends(&e, 0);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void law4_marks_taken_off_are_put_back(void **state)
{
    for (uint64_t at = 1; at < 16; at++) {
        struct engine e;
        begin(&e, "    sync: {expunge_without_uidplus: careful}\n", 4);
        lacks(&e, CAP_UIDPLUS);
        server_flags(&e, "INBOX", "m3", "T");
        engine_pass_ends(&e, 0);
        local_remove(&e, "INBOX", "m1");
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_DO_AND_CUT, .at = at});
        (void)engine_pass(&e, NULL);
        lockstep_env_clear_faults(&e.env);
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_local(&e, "Archive[] Bin[] Drafts[] INBOX[m2 m3/T m4]");
        if (strstr(server_view(&e), "m3/T") == NULL) {
            engine_tell(&e);
            fail_msg("cut after command %u: %s", (unsigned)at, server_view(&e));
        }
        engine_free(&e);
    }
}

/* ---- limits ---- */

/* What is here and would not be fetched any more is not lost by a move on the server. */
static void law1_a_move_is_not_new_to_the_limits(void **state)
{
    static const bool by_id[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct engine e;
        begin(&e, NULL, 3);
        if (!by_id[i]) {
            lacks(&e, CAP_OBJECTID);
        }
        engine_configure(&e, "    sync: {max_size: 10}\n");
        engine_pass_ends(&e, 0);
        server_move(&e, "INBOX", "Archive", "m1");
        (void)server_append(&e, "INBOX", "large", "");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.moved_local, 1);
        assert_local(&e, "Archive[m1] Bin[] Drafts[] INBOX[m2 m3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* m1 to m3 and one without a Message-ID; then a limit that leaves out what is larger. */
static void begin_limited(struct engine *e, bool has_objectid)
{
    begin(e, NULL, 3);
    if (!has_objectid)
        lacks(e, CAP_OBJECTID);
    (void)server_append(e, "INBOX", "anon", "");
    engine_pass_ends(e, 0);
    engine_configure(e, "    sync: {max_size: 10}\n");
    engine_pass_ends(e, 0);
}

static void pass_with_refused_select(struct engine *e)
{
    lockstep_env_fault(&e->env, (struct fault){.kind = FAULT_NO, .command = "SELECT", .at = 1});
    assert_int_not_equal(engine_pass(e, NULL), 0);
    lockstep_env_clear_faults(&e->env);
}

/* Where nothing says for certain that it is the same message, it is fetched. */
static void law1_nor_is_what_only_seems_to_have_moved(void **state)
{
    struct engine e;
    begin_limited(&e, false);
    server_move(&e, "INBOX", "Archive", "anon");
    (void)server_append(&e, "Archive", "large", "");
    engine_pass_ends(&e, 0);
    assert_local(&e, "Archive[anon] Bin[] Drafts[] INBOX[m1 m2 m3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* Nor what came out of a mailbox that cannot be looked at just then. */
static void law1_a_move_out_of_a_mailbox_that_fails_is_not_new_to_the_limits(void **state)
{
    static const char *const moved[] = {"m1", "anon"};
    for (size_t i = 0; i < 4; i++) {
        struct engine e;
        begin_limited(&e, i < 2);
        server_move(&e, "INBOX", "Archive", moved[i % 2]);
        pass_with_refused_select(&e);
        engine_pass_ends(&e, 0);
        assert_local(&e, i % 2 == 0 ? "Archive[m1] Bin[] Drafts[] INBOX[anon m2 m3]"
                                    : "Archive[anon] Bin[] Drafts[] INBOX[m1 m2 m3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Nor what was moved away and back, of which an earlier pass saw one half. */
static void law1_a_move_away_and_back_is_not_new_to_the_limits(void **state)
{
    static const char *const moved[] = {"m1", "anon"};
    for (size_t i = 0; i < 4; i++) {
        struct engine e;
        begin_limited(&e, i < 2);
        server_move(&e, "INBOX", "Archive", moved[i % 2]);
        server_move(&e, "Archive", "INBOX", moved[i % 2]);
        pass_with_refused_select(&e);
        engine_pass_ends(&e, 0);
        assert_local(&e, "Archive[] Bin[] Drafts[] INBOX[anon m1 m2 m3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* What both sides moved is not sent from where it was moved here. */
static void law2_what_both_moved_is_not_left_out_by_limits(void **state)
{
    static const char *const subjects[] = {"anon", "told"};
    for (unsigned i = 0; i < 4; i++) {
        struct engine e;
        begin(&e, NULL, 3);
        lacks(&e, CAP_OBJECTID);
        (void)server_append(&e, "INBOX", subjects[i % 2], "");
        engine_pass_ends(&e, 0);
        engine_configure(&e, "    sync: {max_size: 10}\n");
        engine_pass_ends(&e, 0);
        server_move(&e, "INBOX", "Archive", subjects[i % 2]);
        local_move(&e, "INBOX", i / 2 == 0 ? "Archive" : "Bin", subjects[i % 2]);
        engine_pass_ends(&e, 0);
        assert_both(&e, i % 2 == 0 ? "Archive[anon] Bin[] Drafts[] INBOX[m1 m2 m3]"
                                   : "Archive[told] Bin[] Drafts[] INBOX[m1 m2 m3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void mark_m1_there(struct engine *e)
{
    server_flags(e, "INBOX", "m1", "T");
}

/* Another client marks the original right before it is copied: the copy gets the mark with it, and
 * stays, since nobody deleted that one. */
static void law1_a_copy_is_not_expunged_for_the_mark_of_its_original(void **state)
{
    struct engine e;
    engine_init(&e, "    sync: {marked: expunge}\n");
    server_create(&e, "There");
    server_fill(&e, "INBOX", "m", 2);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    local_add(&e, "There", "m1", "");
    e.meanwhile = mark_m1_there;
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(&e, 0);
        assert_non_null(strstr(server_view(&e), "There[m1]"));
        assert_int_equal(e.counts.bodies + e.report.messages.uploaded, 0);
    }
    assert_both(&e, "INBOX[m2] There[m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law1_a_copy_is_not_expunged_for_the_mark_of_its_original),
        cmocka_unit_test(law11_mutt_archives_two_hundred),
        cmocka_unit_test(law11_copies_that_go_together_are_no_copies),
        cmocka_unit_test(a_deletion_here_is_a_move_to_the_trash),
        cmocka_unit_test(in_the_trash_and_in_drafts_it_is_an_expunge),
        cmocka_unit_test(a_move_to_the_trash_is_a_move),
        cmocka_unit_test(without_a_trash_nothing_is_deleted),
        cmocka_unit_test(law2_a_lost_answer_does_not_double_the_trash),
        cmocka_unit_test(what_is_marked_on_either_side_goes),
        cmocka_unit_test(what_was_marked_before_goes_too),
        cmocka_unit_test(law11_the_guard_counts_what_is_marked),
        cmocka_unit_test(law4_an_interrupted_expunge_is_finished),
        cmocka_unit_test(law1_a_moved_copy_is_not_the_marked_one),
        cmocka_unit_test(law1_a_file_elsewhere_is_not_expunged_for_the_mark),
        cmocka_unit_test(in_the_trash_a_mark_is_not_sent),
        cmocka_unit_test(a_careful_expunge_keeps_other_marks),
        cmocka_unit_test(law4_marks_taken_off_are_put_back),
        cmocka_unit_test(law1_a_move_is_not_new_to_the_limits),
        cmocka_unit_test(law1_nor_is_what_only_seems_to_have_moved),
        cmocka_unit_test(law1_a_move_out_of_a_mailbox_that_fails_is_not_new_to_the_limits),
        cmocka_unit_test(law1_a_move_away_and_back_is_not_new_to_the_limits),
        cmocka_unit_test(law2_what_both_moved_is_not_left_out_by_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
