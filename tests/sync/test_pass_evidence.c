#include "sync/engine.h"
#include <stdio.h>

/* Law 1: a message leaves a side only on evidence that the other lost it. The server here lies: it
 * leaves lines out. */

static bool names_uid(struct str line, uint32_t uid)
{
    char word[32];
    int len = snprintf(word, sizeof word, "UID %u", uid);
    const char *at = memmem(line.ptr, line.len, word, (size_t)len);
    return str_starts(line, STR("* ")) && at != NULL && (at[len] == ' ' || at[len] == ')');
}

/* Left out of the first listing only. */
static bool swallow_once(struct engine *e, struct str line)
{
    return e->swallowed == 0 && names_uid(line, e->swallow_uid);
}

/* ... together with what would tell that it is. */
static bool swallow_once_unnoticed(struct engine *e, struct str line)
{
    if (names_uid(line, e->swallow_uid)) {
        e->swallow_uid = 0;
        return true;
    }
    return e->swallow_uid != 0 && str_ends(line, STR(" EXISTS\r\n"));
}

static bool swallow_always(struct engine *e, struct str line)
{
    return names_uid(line, e->swallow_uid);
}

static void begin(struct engine *e, const char *account)
{
    engine_init(e, account);
    server_create(e, "Other");
    server_fill(e, "INBOX", "m", 5);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m2 m3 m4 m5] Other[]");
    e->swallow_uid = server_uid(e, "INBOX", "m3");
}

static const char *const ACCOUNTS[] = {
    NULL,
    "    disable: [QRESYNC]\n",
    "    disable: [QRESYNC, CONDSTORE]\n",
    "    disable: [QRESYNC, CONDSTORE, LIST-STATUS]\n",
};
#define ACCOUNTS_LEN (sizeof ACCOUNTS / sizeof ACCOUNTS[0])

static void law1_a_uid_missing_from_one_listing_is_not_deleted(void **state)
{
    for (size_t i = 0; i < ACCOUNTS_LEN; i++) {
        const struct pass_options full = {.full = true};
        struct engine e;
        begin(&e, ACCOUNTS[i]);
        e.swallow = swallow_once_unnoticed;
        assert_int_equal(engine_pass(&e, &full), 0);
        assert_int_equal(e.swallow_uid, 0);
        assert_both(&e, "INBOX[m1 m2 m3 m4 m5] Other[]");
        e.swallow = NULL;
        engine_assert_settled(&e);
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
        e.swallow = swallow_once;
        engine_pass_ends(&e, 0);
        engine_wait(&e, 61);
        e.swallow = NULL;
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
        e.swallow = swallow_always;
        for (int pass = 0; pass < 3; pass++) {
            (void)engine_pass(&e, &full);
            assert_local(&e, "INBOX[m1 m2 m3 m4 m5] Other[]");
            engine_wait(&e, 61);
        }
        engine_free(&e);
    }
}

static bool swallow_vanished(struct engine *e, struct str line)
{
    return str_starts(line, STR("* VANISHED"));
}

/* A server that says QRESYNC and forgets to tell what vanished: a listing finds it. */
static void law1_without_vanished_a_listing_tells(void **state)
{
    struct engine e;
    begin(&e, NULL);
    server_expunge(&e, "INBOX", "m2");
    e.swallow = swallow_vanished;
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
static bool swallow_fetches(struct engine *e, struct str line)
{
    return str_starts(line, STR("* ")) &&
           memmem(line.ptr, line.len, " FETCH (", sizeof " FETCH (" - 1) != NULL;
}

static void law1_an_empty_listing_deletes_nothing(void **state)
{
    for (size_t i = 0; i < ACCOUNTS_LEN; i++) {
        const struct pass_options full = {.full = true};
        struct engine e;
        begin(&e, ACCOUNTS[i]);
        e.swallow = swallow_fetches;
        for (int pass = 0; pass < 3; pass++) {
            (void)engine_pass(&e, &full);
            assert_local(&e, "INBOX[m1 m2 m3 m4 m5] Other[]");
            engine_wait(&e, 61);
        }
        e.swallow = NULL;
        engine_pass_ends(&e, 0);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* MESSAGELIMIT: what a limited answer lacks says nothing. */
static bool swallow_under_limit(struct engine *e, struct str line)
{
    return names_uid(line, e->swallow_uid);
}

static void law1_absence_under_messagelimit_is_no_evidence(void **state)
{
    const struct pass_options full = {.full = true};
    struct engine e;
    begin(&e, "    disable: [QRESYNC]\n");
    capabilities_set(&e.env.options.capabilities, CAP_MESSAGELIMIT, true);
    e.env.options.capabilities.message_limit = 1000;
    e.swallow = swallow_under_limit;
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
        cmocka_unit_test(law1_a_uid_missing_from_one_listing_is_not_deleted),
        cmocka_unit_test(law1_a_listing_with_a_hole_carries_the_rest),
        cmocka_unit_test(law1_exists_that_does_not_add_up_deletes_nothing),
        cmocka_unit_test(law1_without_vanished_a_listing_tells),
        cmocka_unit_test(a_server_with_a_short_memory),
        cmocka_unit_test(law1_an_empty_listing_deletes_nothing),
        cmocka_unit_test(law1_absence_under_messagelimit_is_no_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
