#include "sync/engine.h"
#include <stdio.h>

/* Law 1: a message leaves a side only on evidence that the other lost it. The server here lies. */

static bool names_uid(struct str line, uint32_t uid)
{
    char word[32];
    int len = snprintf(word, sizeof word, "UID %u", uid);
    const char *at = memmem(line.ptr, line.len, word, (size_t)len);
    return str_starts(line, STR("* ")) && at != NULL && (at[len] == ' ' || at[len] == ')');
}

/* A message left out of the first listing only. */
static struct str without_it_once(struct engine *e, struct str line)
{
    return e->twisted == 0 && names_uid(line, e->twist_uid) ? STR_EMPTY : line;
}

/* Left out of everything but EXISTS. */
static struct str without_it(struct engine *e, struct str line)
{
    return names_uid(line, e->twist_uid) ? STR_EMPTY : line;
}

/* Left out of all listings and of the count of them: who asks for it by its UID is told. */
static struct str hidden_in_listings(struct engine *e, struct str line)
{
    bool listed = memmem(line.ptr, line.len, "FLAGS", 5) != NULL;
    if (str_eq(line, STR("* 5 EXISTS\r\n"))) {
        return STR("* 4 EXISTS\r\n");
    }
    if (str_starts(line, STR("* STATUS INBOX (MESSAGES 5 "))) {
        return str_from(arena_printf(e->arena, "* STATUS INBOX (MESSAGES 4 %.*s",
                                     STR_ARG(str_from_offset(line, 27))));
    }
    return listed && names_uid(line, e->twist_uid) ? STR_EMPTY : line;
}

/* ... and also who asks. */
static struct str hidden_altogether(struct engine *e, struct str line)
{
    return names_uid(line, e->twist_uid) ? STR_EMPTY : hidden_in_listings(e, line);
}

static void begin(struct engine *e, const char *account)
{
    engine_begin(e, account, 5, "Other", "", 0);
    assert_both(e, "INBOX[m1 m2 m3 m4 m5] Other[]");
    e->twist_uid = server_uid(e, "INBOX", "m3");
}

static const char *const ACCOUNTS[] = {
    NULL,
    "    disable: [QRESYNC]\n",
    "    disable: [QRESYNC, CONDSTORE]\n",
    "    disable: [QRESYNC, CONDSTORE, LIST-STATUS]\n",
};
#define ACCOUNTS_LEN (sizeof ACCOUNTS / sizeof ACCOUNTS[0])

static void law1_a_uid_missing_from_listings_is_asked_for(void **state)
{
    for (size_t i = 0; i < ACCOUNTS_LEN; i++) {
        const struct pass_options full = {.full = true};
        struct engine e;
        begin(&e, ACCOUNTS[i]);
        e.twist = hidden_in_listings;
        assert_int_equal(engine_pass(&e, &full), 0);
        assert_true(e.twisted > 0);
        assert_true(engine_sent(&e, "UID FETCH 3 (UID)") > 0);
        assert_both(&e, "INBOX[m1 m2 m3 m4 m5] Other[]");
        e.twist = NULL;
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* What is neither listed, nor counted, nor told when it is asked for, is gone. */
static void law1_what_is_not_told_by_any_means_is_gone(void **state)
{
    for (size_t i = 0; i < ACCOUNTS_LEN; i++) {
        const struct pass_options full = {.full = true};
        struct engine e;
        begin(&e, ACCOUNTS[i]);
        e.twist = hidden_altogether;
        assert_int_equal(engine_pass(&e, &full), 0);
        assert_local(&e, "INBOX[m1 m2 m4 m5] Other[]");
        engine_free(&e);
    }
}

/* ... and neither where other news is told with it. */
static void law1_a_listing_with_a_hole_carries_the_rest(void **state)
{
    for (size_t i = 0; i < ACCOUNTS_LEN; i++) {
        struct engine e;
        begin(&e, ACCOUNTS[i]);
        server_expunge(&e, "INBOX", "m1");
        (void)server_append(&e, "INBOX", "m6", "");
        e.twist = without_it_once;
        engine_pass_ends(&e, 0);
        engine_wait(&e, 61);
        e.twist = NULL;
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[m2 m3 m4 m5 m6] Other[]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* A message that is counted by EXISTS and never told. */
static void law1_exists_that_does_not_add_up_deletes_nothing(void **state)
{
    for (size_t i = 0; i < ACCOUNTS_LEN; i++) {
        const struct pass_options full = {.full = true};
        struct engine e;
        begin(&e, ACCOUNTS[i]);
        e.twist = without_it;
        for (int pass = 0; pass < 3; pass++) {
            (void)engine_pass(&e, &full);
            assert_local(&e, "INBOX[m1 m2 m3 m4 m5] Other[]");
            engine_wait(&e, 61);
        }
        engine_free(&e);
    }
}

static struct str without_vanished(struct engine *e, struct str line)
{
    return str_starts(line, STR("* VANISHED")) ? STR_EMPTY : line;
}

/* A server that says QRESYNC and forgets to tell what vanished: a listing finds it. */
static void law1_without_vanished_a_listing_tells(void **state)
{
    struct engine e;
    begin(&e, NULL);
    server_expunge(&e, "INBOX", "m2");
    e.twist = without_vanished;
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1 m3 m4 m5] Other[]");
    engine_free(&e);
}

/* A server that forgot what it expunged tells all UIDs that are not there. */
static void a_server_with_a_short_memory(void **state)
{
    struct engine e;
    struct error err = ERROR_INIT;
    begin(&e, NULL);
    server_expunge(&e, "INBOX", "m2");
    assert_int_equal(mem_backend_forget_expunged(e.env.backend, LOCKSTEP_USER, "INBOX", &err), 0);
    (void)server_append(&e, "INBOX", "m6", "");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1 m3 m4 m5 m6] Other[]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* A mailbox that lists nothing though it says that it has messages. */
static struct str without_fetches(struct engine *e, struct str line)
{
    bool fetch = memmem(line.ptr, line.len, " FETCH (", sizeof " FETCH (" - 1) != NULL;
    return fetch && str_starts(line, STR("* ")) ? STR_EMPTY : line;
}

static void law1_an_empty_listing_deletes_nothing(void **state)
{
    for (size_t i = 0; i < ACCOUNTS_LEN; i++) {
        const struct pass_options full = {.full = true};
        struct engine e;
        begin(&e, ACCOUNTS[i]);
        e.twist = without_fetches;
        for (int pass = 0; pass < 3; pass++) {
            (void)engine_pass(&e, &full);
            assert_local(&e, "INBOX[m1 m2 m3 m4 m5] Other[]");
            engine_wait(&e, 61);
        }
        e.twist = NULL;
        engine_pass_ends(&e, 0);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* MESSAGELIMIT: what a limited answer lacks says nothing. */
static void law1_absence_under_messagelimit_is_no_evidence(void **state)
{
    const struct pass_options full = {.full = true};
    struct engine e;
    begin(&e, "    disable: [QRESYNC]\n");
    capabilities_set(&e.env.options.capabilities, CAP_MESSAGELIMIT, true);
    e.env.options.capabilities.message_limit = 1000;
    e.twist = hidden_altogether;
    for (int pass = 0; pass < 3; pass++) {
        (void)engine_pass(&e, &full);
        assert_local(&e, "INBOX[m1 m2 m3 m4 m5] Other[]");
        engine_wait(&e, 61);
    }
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law1_a_uid_missing_from_listings_is_asked_for),
        cmocka_unit_test(law1_what_is_not_told_by_any_means_is_gone),
        cmocka_unit_test(law1_a_listing_with_a_hole_carries_the_rest),
        cmocka_unit_test(law1_exists_that_does_not_add_up_deletes_nothing),
        cmocka_unit_test(law1_without_vanished_a_listing_tells),
        cmocka_unit_test(a_server_with_a_short_memory),
        cmocka_unit_test(law1_an_empty_listing_deletes_nothing),
        cmocka_unit_test(law1_absence_under_messagelimit_is_no_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
