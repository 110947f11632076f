#include "sync/engine.h"
#include <stdio.h>

/* A listing in slices: what happens between two of them. */

#define MESSAGES 30
#define SLICE 4

static const struct pass_options SLICED = {.listing_slice = SLICE};

static void begin(struct engine *e, const char *account)
{
    engine_init(e, account);
    server_create(e, "Other");
    server_fill(e, "INBOX", "m", MESSAGES);
    assert_int_equal(engine_pass(e, &SLICED), 0);
    assert_int_equal(folder_count(e, "INBOX"), MESSAGES);
    assert_int_equal(engine_pass(e, &SLICED), 0);
}

static const char *const PLAIN = "    disable: [QRESYNC, CONDSTORE]\n";

/* Two passes with nothing in the way: both sides are alike, and stay so. */
static void assert_converges(struct engine *e)
{
    for (int pass = 0; pass < 2; pass++) {
        engine_wait(e, 61);
        if (engine_pass(e, &SLICED) != 0) {
            engine_tell(e);
            fail_msg("%s", e->report.error.text);
        }
    }
    assert_string_equal(local_view(e), server_view(e));
    engine_assert_settled(e);
}

static void changes_are_found_in_every_slice(void **state)
{
    static const char *const accounts[] = {PLAIN,
                                           "    disable: [QRESYNC, CONDSTORE, LIST-STATUS]\n",
                                           "    disable: [QRESYNC]\n", NULL};
    for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        const struct pass_options full = {.full = true, .listing_slice = SLICE};
        struct engine e;
        begin(&e, accounts[i]);
        for (unsigned n = 1; n <= MESSAGES; n += 3) {
            server_expunge(&e, "INBOX", arena_printf(e.arena, "m%u", n));
            server_flags(&e, "INBOX", arena_printf(e.arena, "m%u", n + 1), "FS");
        }
        server_fill(&e, "INBOX", "new", 9);
        assert_int_equal(engine_pass(&e, &full), 0);
        assert_true(engine_sent(&e, "UID FETCH 1:4 (UID FLAGS)") > 0);
        assert_true(engine_sent(&e, "UID FETCH 5:") > 0);
        assert_int_equal(engine_sent(&e, ":*"), 0);
        assert_string_equal(local_view(&e), server_view(&e));
        assert_converges(&e);
        engine_free(&e);
    }
}

/* UIDs that are far apart, with crowds between them. */
static void sparse_uids_take_few_slices(void **state)
{
    struct engine e;
    begin(&e, PLAIN);
    for (int round = 0; round < 10; round++) {
        server_fill(&e, "Other", "x", 50);
        for (unsigned n = 1; n <= 49; n++) {
            server_expunge(&e, "Other", arena_printf(e.arena, "x%u", n));
        }
        server_flags(&e, "Other", "x50", "S");
        server_move(&e, "Other", "INBOX", "x50");
        (void)server_append(&e, "Other", arena_printf(e.arena, "kept%d", round), "");
    }
    const struct pass_options full = {.full = true, .listing_slice = SLICE};
    assert_int_equal(engine_pass(&e, &full), 0);
    assert_true(e.counts.commands < 80);
    assert_string_equal(local_view(&e), server_view(&e));
    assert_converges(&e);
    engine_free(&e);
}

/* ---- between two slices ---- */

/* When message 2 is listed, with the second slice: the fourth is not asked for yet. */
static bool is_listed(struct str line, const char *uid)
{
    return str_starts(line, STR("* ")) && memmem(line.ptr, line.len, uid, strlen(uid)) != NULL;
}

static struct str delivered(struct engine *e, struct str line)
{
    if (is_listed(line, "UID 5 ") && e->twist_uid == 0) {
        e->twist_uid = server_append(e, "INBOX", "meanwhile", "");
    }
    return line;
}

static struct str expunged(struct engine *e, struct str line)
{
    if (is_listed(line, "UID 5 ") && e->twist_uid == 0) {
        e->twist_uid = server_uid(e, "INBOX", "m28");
        server_expunge(e, "INBOX", "m28");
    }
    return line;
}

/* What is there no more and what came, so that the count is right. */
static struct str replaced(struct engine *e, struct str line)
{
    (void)expunged(e, line);
    if (is_listed(line, "UID 6 ") && e->twist_uid != 0 && server_count(e, "INBOX") < MESSAGES) {
        (void)server_append(e, "INBOX", "meanwhile", "");
    }
    return line;
}

static void law1_a_mailbox_that_changes_between_slices(void **state)
{
    static struct str (*const twists[])(struct engine *, struct str) = {delivered, expunged,
                                                                        replaced};
    for (size_t i = 0; i < sizeof twists / sizeof twists[0]; i++) {
        struct engine e;
        begin(&e, PLAIN);
        server_expunge(&e, "INBOX", "m2");
        server_append(&e, "INBOX", "new", "");
        e.twist = twists[i];
        (void)engine_pass(&e, &SLICED);
        assert_true(e.twist_uid != 0);
        assert_true(folder_count(&e, "INBOX") >= MESSAGES - 1);
        e.twist = NULL;
        assert_converges(&e);
        engine_free(&e);
    }
}

/* A message that no slice tells, though EXISTS counts it. */
static struct str with_a_hole(struct engine *e, struct str line)
{
    return is_listed(line, "UID 14 ") ? STR_EMPTY : line;
}

static void law1_slices_with_a_hole_delete_nothing(void **state)
{
    struct engine e;
    begin(&e, PLAIN);
    server_expunge(&e, "INBOX", "m2");
    e.twist = with_a_hole;
    for (int pass = 0; pass < 3; pass++) {
        (void)engine_pass(&e, &SLICED);
        assert_int_equal(folder_count(&e, "INBOX"), MESSAGES);
        engine_wait(&e, 61);
    }
    e.twist = NULL;
    assert_converges(&e);
    assert_int_equal(folder_count(&e, "INBOX"), MESSAGES - 1);
    engine_free(&e);
}

static void law1_a_cut_or_a_refusal_at_any_slice(void **state)
{
    static const enum fault_kind kinds[] = {FAULT_DO_AND_CUT, FAULT_SILENCE, FAULT_NO, FAULT_BAD,
                                            FAULT_BYE};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (unsigned at = 1; at <= 9; at++) {
            struct engine e;
            begin(&e, PLAIN);
            server_expunge(&e, "INBOX", "m2");
            server_append(&e, "INBOX", "new", "");
            lockstep_env_fault(&e.env,
                               (struct fault){.kind = kinds[i], .command = "UID FETCH", .at = at});
            assert_true(engine_pass(&e, &SLICED) != 0 || at > 7);
            assert_true(folder_count(&e, "INBOX") >= MESSAGES - 1);
            lockstep_env_clear_faults(&e.env);
            assert_converges(&e);
            engine_free(&e);
        }
    }
}

/* ---- a first download that is cut off ---- */

#define CUT_FIRST 2500
#define CUT_LAST 14000
#define CUT_STEP 700

/* Cut at this byte, changed meanwhile, and then let be. Whether it went on without a listing. */
static bool goes_on(const char *account, const char *then, uint64_t at)
{
    struct engine e;
    engine_init(&e, account);
    server_fill(&e, "INBOX", "m", MESSAGES);
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_CUT_OUT, .at = at});
    (void)engine_pass(&e, &SLICED);
    lockstep_env_clear_faults(&e.env);
    uint64_t came = e.report.messages.downloaded;
    server_expunge(&e, "INBOX", "m5");
    server_expunge(&e, "INBOX", "m25");
    server_flags(&e, "INBOX", "m6", "FS");
    server_flags(&e, "INBOX", "m26", "FS");
    server_fill(&e, "INBOX", "new", 3);
    if (then != NULL)
        engine_configure(&e, then);
    engine_wait(&e, 61);
    (void)engine_pass(&e, &SLICED);
    bool listed = engine_sent(&e, "UID FETCH 1:") > 0;
    assert_converges(&e);
    assert_int_equal(folder_count(&e, "INBOX"), MESSAGES + 1);
    engine_free(&e);
    return came > 0 && came < MESSAGES && !listed;
}

static void law4_a_cut_first_download_knows_what_it_has_still_to_bring(void **state)
{
    static const struct {
        const char *account, *then;
        bool listed; /* always */
    } cases[] = {
        {NULL, NULL, false}, {"    disable: [QRESYNC]\n", NULL, true},
        {PLAIN, NULL, true}, {NULL, "    sync: {max_size: 1M}\n", true},
        {NULL, PLAIN, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned without = 0;
        for (uint64_t at = CUT_FIRST; at < CUT_LAST; at += CUT_STEP)
            without += goes_on(cases[i].account, cases[i].then, at);
        assert_int_equal(without == 0, cases[i].listed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_found_in_every_slice),
        cmocka_unit_test(law4_a_cut_first_download_knows_what_it_has_still_to_bring),
        cmocka_unit_test(sparse_uids_take_few_slices),
        cmocka_unit_test(law1_a_mailbox_that_changes_between_slices),
        cmocka_unit_test(law1_slices_with_a_hole_delete_nothing),
        cmocka_unit_test(law1_a_cut_or_a_refusal_at_any_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
