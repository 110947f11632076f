#include "store/index.h"
#include "sync/engine.h"
#include <unistd.h>

/* Law 7: what cannot be fetched or sent is held, retried with growing delay, and stops nothing. */

static void law7_a_message_that_does_not_come_is_held_and_retried(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", 5);
    lockstep_env_fault(
        &e.env, (struct fault){.kind = FAULT_HIDE_UID, .value = server_uid(&e, "INBOX", "m3")});
    engine_pass_ends(&e, 1);
    assert_local(&e, "INBOX[m1 m2 m4 m5]");
    assert_int_equal(e.report.messages.held, 1);
    engine_pass_ends(&e, 1); /* not due yet: not asked for */
    assert_int_equal(engine_sent(&e, "UID FETCH 3 "), 0);
    engine_wait(&e, 61);
    engine_pass_ends(&e, 1); /* due, and still hidden */
    assert_true(engine_sent(&e, "UID FETCH 3 ") > 0);
    lockstep_env_clear_faults(&e.env);
    engine_wait(&e, 61);
    engine_pass_ends(&e, 1); /* the delay has grown to two minutes */
    assert_local(&e, "INBOX[m1 m2 m4 m5]");
    engine_wait(&e, 61);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1 m2 m3 m4 m5]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void law7_a_held_message_may_go(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", 3);
    lockstep_env_fault(
        &e.env, (struct fault){.kind = FAULT_HIDE_UID, .value = server_uid(&e, "INBOX", "m2")});
    engine_pass_ends(&e, 1);
    server_expunge(&e, "INBOX", "m2");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1 m3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void law7_a_message_that_is_refused_is_held_and_retried(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    local_fill(&e, "INBOX", "m", 3);
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO,
                                              .command = "APPEND",
                                              .at = 2,
                                              .text = "[LIMIT] this one is too good for us"});
    engine_pass_ends(&e, 1);
    assert_int_equal(server_count(&e, "INBOX"), 2);
    assert_int_equal(folder_count(&e, "INBOX"), 3);
    lockstep_env_clear_faults(&e.env);
    engine_pass_ends(&e, 1); /* not due yet */
    assert_int_equal(server_count(&e, "INBOX"), 2);
    engine_wait(&e, 61);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1 m2 m3]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void approve_all(struct engine *e)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct error err = ERROR_INIT;
    struct index_held held;
    enum index_opened opened;
    struct index *index;
    uint64_t cursor = 0;
    assert_int_equal(index_open(e->state, &index, &opened, &err), 0);
    assert_int_equal(index_begin_write(index, &txn, &err), 0);
    while (index_held_next(txn, e->arena, &cursor, &held, &err) > 0) {
        held.answer = HELD_APPROVED;
        assert_int_equal(index_held_put(txn, &held, &err), 0);
    }
    assert_int_equal(index_commit(&txn, &err), 0);
    index_close(&index);
}

/* Approved, it is tried at once, and once: from then on as before, with a delay that grows. */
static void law7_what_is_approved_and_refused_again_is_not_tried_in_each_pass(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", 3);
    engine_pass_ends(&e, 0);
    local_add(&e, "INBOX", "m4", "");
    server_append(&e, "INBOX", "m5", "");
    lockstep_env_fault(
        &e.env, (struct fault){.kind = FAULT_HIDE_UID, .value = server_uid(&e, "INBOX", "m5")});
    for (unsigned at = 1; at <= 2; at++)
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "APPEND", .at = at});
    engine_pass_ends(&e, 1);
    approve_all(&e);
    engine_pass_ends(&e, 1);
    assert_int_equal(engine_sent(&e, "APPEND"), 1);
    assert_int_equal(engine_sent(&e, "BODY.PEEK[]"), 1);
    engine_pass_ends(&e, 1);
    assert_int_equal(engine_sent(&e, "APPEND"), 0);
    assert_int_equal(engine_sent(&e, "BODY.PEEK[]"), 0);
    lockstep_env_clear_faults(&e.env);
    engine_wait(&e, 121);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1 m2 m3 m4 m5]");
    engine_free(&e);
}

static void law7_a_held_file_may_go(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    local_add(&e, "INBOX", "m1", "");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "APPEND", .at = 1});
    engine_pass_ends(&e, 1);
    local_remove(&e, "INBOX", "m1");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[]");
    engine_free(&e);
}

/* It was held as a second one of a kind; then the first one is removed, and it is that one. */
static void law7_a_held_file_takes_the_place_of_another(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    local_add_as(&e, "INBOX", "first", "m1");
    engine_pass_ends(&e, 0);
    local_add_as(&e, "INBOX", "second", "m1");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "APPEND", .at = 1});
    engine_pass_ends(&e, 1);
    assert_int_equal(unlink(arena_printf(e.arena, "%s/INBOX/new/first", e.root)), 0);
    engine_wait(&e, 61);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* Moved by both sides, there in two steps: the connection broke when the copy came. */
static void law2_what_broke_the_connection_is_what_was_moved(void **state)
{
    static const struct {
        const char *account, *subject, *to;
        unsigned at; /* its FETCH */
    } cases[] = {
        {NULL, "m", "Lists", 1},
        {NULL, "m", "Archive", 1},
        {"    disable: [OBJECTID]\n", "m", "Lists", 1},
        {"    disable: [OBJECTID]\n", "anon", "Archive", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        const char *subject = cases[i].subject;
        engine_begin(&e, cases[i].account, 3, "Archive", "a", 6);
        server_create(&e, "Lists");
        server_append(&e, "INBOX", subject, "");
        engine_pass_ends(&e, 0);
        server_copy(&e, "INBOX", "Archive", subject);
        server_flags(&e, "Archive", subject, "F");
        lockstep_env_fault(
            &e.env, (struct fault){.kind = FAULT_BYE, .command = "UID FETCH", .at = cases[i].at});
        (void)engine_pass(&e, NULL);
        assert_int_equal(folder_count(&e, "Archive"), 6);
        lockstep_env_clear_faults(&e.env);
        server_expunge(&e, "INBOX", subject);
        local_move(&e, "INBOX", cases[i].to, subject);
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.downloaded + e.report.messages.uploaded, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e,
                    arena_printf(e.arena, "Archive[a1 a2 a3 a4 a5 a6 %s/F] INBOX[m1 m2 m3] Lists[]",
                                 subject));
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* A size told wrong is no reason to lose or double anything. */
static void law7_wrong_sizes_are_borne(void **state)
{
    static const uint64_t lies[] = {1, (uint64_t)-1, 1000000};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct engine e;
        engine_init(&e, NULL);
        server_fill(&e, "INBOX", "m", 3);
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_LIE_SIZE, .value = lies[i]});
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO_UIDPLUS_CODES});
        engine_pass_ends(&e, 0);
        local_add(&e, "INBOX", "here", "");
        engine_pass_ends(&e, 0);
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[here m1 m2 m3]");
        engine_free(&e);
    }
}

/* ---- an APPEND whose answer was lost ---- */

static void lose_an_append(struct engine *e, enum fault_kind kind)
{
    engine_init(e, NULL);
    engine_pass_ends(e, 0);
    local_add(e, "INBOX", "m1", "");
    lockstep_env_fault(&e->env, (struct fault){.kind = kind, .command = "APPEND", .at = 1});
    engine_pass_ends(e, 69);
    lockstep_env_clear_faults(&e->env);
}

static void law2_an_append_that_happened_is_found(void **state)
{
    struct engine e;
    lose_an_append(&e, FAULT_DO_AND_CUT);
    assert_server(&e, "INBOX[m1]");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.uploaded, 0);
    assert_both(&e, "INBOX[m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void what_was_taken_off_an_append_that_was_lost_stays_off(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    local_add(&e, "INBOX", "m1", "FS");
    lockstep_env_fault(&e.env,
                       (struct fault){.kind = FAULT_DO_AND_CUT, .command = "APPEND", .at = 1});
    engine_pass_ends(&e, 69);
    lockstep_env_clear_faults(&e.env);
    server_flags(&e, "INBOX", "m1", "S");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1/S]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ... is sent again only after two looks that found nothing, a minute apart. */
static void law2_an_append_that_did_not_happen_waits_a_minute(void **state)
{
    struct engine e;
    lose_an_append(&e, FAULT_BYE);
    assert_server(&e, "INBOX[]");
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[]");
    engine_wait(&e, 59);
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[]");
    engine_wait(&e, 1);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ... and appears in between: another client's answer, or a slow server's. */
static void law2_an_append_that_happens_late_is_found(void **state)
{
    struct engine e;
    lose_an_append(&e, FAULT_BYE);
    engine_pass_ends(&e, 0);
    (void)server_append(&e, "INBOX", "m1", "");
    engine_wait(&e, 61);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void law2_a_clock_set_back_waits_anew(void **state)
{
    struct engine e;
    lose_an_append(&e, FAULT_BYE);
    engine_pass_ends(&e, 0);
    engine_wait(&e, -3600);
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[]");
    engine_wait(&e, 61);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1]");
    engine_free(&e);
}

/* Several that are the same, some of which came through: settled by count. */
static void law2_identical_messages_are_settled_by_count(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    for (unsigned i = 1; i <= 5; i++) {
        local_add_as(&e, "INBOX", arena_printf(e.arena, "file%u", i), "same");
    }
    lockstep_env_fault(&e.env,
                       (struct fault){.kind = FAULT_DO_AND_CUT, .command = "APPEND", .at = 3});
    engine_pass_ends(&e, 69);
    assert_int_equal(server_count(&e, "INBOX"), 3);
    lockstep_env_clear_faults(&e.env);
    for (int pass = 0; pass < 3; pass++) {
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
    }
    assert_both(&e, "INBOX[same same same same same]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* The file is gone by the time the message is found: it was deleted here. */
static void law2_a_file_removed_meanwhile_is_deleted_there(void **state)
{
    struct engine e;
    lose_an_append(&e, FAULT_DO_AND_CUT);
    local_remove(&e, "INBOX", "m1");
    engine_pass_ends(&e, 0);
    engine_wait(&e, 61);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* The file is moved on before the message is looked for: what is found then is the other half of
 * the move, also where nothing else is known yet. */
static void law2_a_file_moved_after_its_lost_upload_is_moved_there(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_create(&e, "There");
    engine_pass_ends(&e, 0);
    local_add(&e, "INBOX", "m1", "");
    lockstep_env_fault(&e.env,
                       (struct fault){.kind = FAULT_DO_AND_CUT, .command = "APPEND", .at = 1});
    assert_int_not_equal(engine_pass(&e, NULL), 0);
    lockstep_env_clear_faults(&e.env);
    local_move(&e, "INBOX", "There", "m1");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.uploaded, 0);
    assert_int_equal(e.report.messages.moved_remote, 1);
    assert_int_equal(e.counts.bodies, 0);
    assert_both(&e, "INBOX[] There[m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law2_a_file_moved_after_its_lost_upload_is_moved_there),
        cmocka_unit_test(law7_a_message_that_does_not_come_is_held_and_retried),
        cmocka_unit_test(law7_a_held_message_may_go),
        cmocka_unit_test(law7_a_message_that_is_refused_is_held_and_retried),
        cmocka_unit_test(law7_what_is_approved_and_refused_again_is_not_tried_in_each_pass),
        cmocka_unit_test(law7_a_held_file_may_go),
        cmocka_unit_test(law2_what_broke_the_connection_is_what_was_moved),
        cmocka_unit_test(law7_a_held_file_takes_the_place_of_another),
        cmocka_unit_test(law7_wrong_sizes_are_borne),
        cmocka_unit_test(law2_an_append_that_happened_is_found),
        cmocka_unit_test(what_was_taken_off_an_append_that_was_lost_stays_off),
        cmocka_unit_test(law2_an_append_that_did_not_happen_waits_a_minute),
        cmocka_unit_test(law2_an_append_that_happens_late_is_found),
        cmocka_unit_test(law2_a_clock_set_back_waits_anew),
        cmocka_unit_test(law2_identical_messages_are_settled_by_count),
        cmocka_unit_test(law2_a_file_removed_meanwhile_is_deleted_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
