#include "sync/scenario.h"

/* Servers that lack one thing or another, without and with trouble on the way. */

static const struct scenario_server SERVERS[] = {
    {.name = "no QRESYNC", .lacks = {CAP_QRESYNC}},
    {.name = "no CONDSTORE", .lacks = {CAP_QRESYNC, CAP_CONDSTORE}},
    {.name = "no LIST-STATUS", .lacks = {CAP_LIST_STATUS}},
    {.name = "no LIST-EXTENDED", .lacks = {CAP_LIST_STATUS, CAP_LIST_EXTENDED}},
    {.name = "no CONDSTORE and no LIST-STATUS",
     .lacks = {CAP_QRESYNC, CAP_CONDSTORE, CAP_LIST_STATUS}},
    {.name = "no UIDPLUS", .lacks = {CAP_UIDPLUS}, .keeps_deleted = true},
    {.name = "no codes of UIDPLUS", .no_uidplus_codes = true},
    {.name = "silent ENABLE", .silent_enable = true},
    {.name = "no LITERAL+", .lacks = {CAP_LITERAL_PLUS}},
    {.name = "no MOVE", .lacks = {CAP_MOVE}},
    {.name = "no NAMESPACE", .lacks = {CAP_NAMESPACE}},
    {.name = "no ENABLE", .lacks = {CAP_ENABLE}},
    {.name = "no ID", .lacks = {CAP_ID}},
    {.name = "no UNSELECT", .lacks = {CAP_UNSELECT}},
    {.name = "no OBJECTID", .lacks = {CAP_OBJECTID}},
    {.name = "no SPECIAL-USE", .lacks = {CAP_SPECIAL_USE, CAP_CREATE_SPECIAL_USE}},
    {.name = "no SASL-IR", .lacks = {CAP_SASL_IR}},
    {.name = "IMAP4rev1 alone",
     .lacks = {CAP_QRESYNC, CAP_CONDSTORE, CAP_LIST_STATUS, CAP_LIST_EXTENDED, CAP_UIDPLUS,
               CAP_LITERAL_PLUS, CAP_MOVE, CAP_NAMESPACE, CAP_ENABLE, CAP_ID, CAP_UNSELECT,
               CAP_OBJECTID, CAP_SPECIAL_USE, CAP_CREATE_SPECIAL_USE, CAP_SASL_IR},
     .keeps_deleted = true},
};
#define SERVERS_LEN (sizeof SERVERS / sizeof SERVERS[0])

static void every_server_is_synced(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        (void)scenario_size(&SERVERS[i]);
    }
}

static void law2_commands_done_and_cut_on_every_server(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        scenario_with_fault(&SERVERS[i], FAULT_DO_AND_CUT, "cut after command", 3);
    }
}

static void law4_commands_refused_on_every_server(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        scenario_with_fault(&SERVERS[i], FAULT_NO, "NO to command", 5);
    }
}

/* What the client is told not to use is as if it were not there. */
static void extensions_turned_off_by_the_configuration(void **state)
{
    static const struct {
        const char *account, *never;
    } cases[] = {
        {"    disable: [QRESYNC]\n", "(QRESYNC"},
        {"    disable: [QRESYNC, CONDSTORE]\n", "HIGHESTMODSEQ"},
        {"    disable: [LIST-STATUS]\n", "RETURN (SPECIAL-USE STATUS"},
        {"    disable: [LIST-STATUS, LIST-EXTENDED]\n", "RETURN"},
        {"    disable: [LITERAL+]\n", "+}"},
        {"    disable: [UIDPLUS]\n", "UID EXPUNGE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        engine_init(&e, cases[i].account);
        server_fill(&e, "INBOX", "m", 3);
        engine_pass_ends(&e, 0);
        local_add(&e, "INBOX", "here", "");
        local_remove(&e, "INBOX", "m1");
        engine_pass_ends(&e, 0);
        assert_local(&e, "INBOX[here m2 m3]");
        if (engine_sent(&e, cases[i].never) > 0) {
            fail_msg("%ssent: %s", cases[i].account, cases[i].never);
        }
        engine_free(&e);
    }
}

/* Names are UTF-8 on the wire there, without anything having been enabled. */
static void names_on_a_server_of_imap4rev2_alone(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    capabilities_set(&e.env.options.capabilities, CAP_IMAP4REV1, false);
    server_create(&e, "Entwürfe");
    server_create(&e, "Q&A");
    (void)server_append(&e, "Entwürfe", "there", "");
    local_create(&e, "台北");
    local_add(&e, "台北", "here", "");
    engine_pass_ends(&e, 0);
    assert_both(&e, "Entwürfe[there] INBOX[] Q&A[] 台北[here]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* The pass goes on by the next means; those after it do not try it again, but for a full one. */
static void law7_an_extension_that_is_announced_and_broken_is_dropped(void **state)
{
    static const struct {
        const char *account, *words, *next;
    } cases[] = {
        {NULL, "(QRESYNC", "CHANGEDSINCE"},
        {"    disable: [QRESYNC]\n", "(CONDSTORE", "(UID FLAGS)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        engine_begin(&e, cases[i].account, 3, "a", "a", 3);
        for (int pass = 0; pass < 2; pass++) {
            const char *more = arena_printf(e.arena, "more%d", pass);
            (void)server_append(&e, "INBOX", more, "");
            server_expunge(&e, "a", pass == 0 ? "a1" : "a2");
            if (pass == 0) {
                lockstep_env_fault(&e.env,
                                   (struct fault){.kind = FAULT_BAD, .command = "SELECT", .at = 1});
            }
            engine_pass_ends(&e, 0);
            lockstep_env_clear_faults(&e.env);
            assert_int_equal(engine_sent(&e, cases[i].words) > 0, pass == 0);
            assert_true(engine_sent(&e, cases[i].next) > 0);
        }
        assert_both(&e, "INBOX[m1 m2 m3 more0 more1] a[a3]");
        const struct pass_options full = {.full = true};
        assert_int_equal(engine_pass(&e, &full), 0);
        (void)server_append(&e, "INBOX", "last", "");
        engine_pass_ends(&e, 0);
        assert_true(engine_sent(&e, cases[i].words) > 0);
        engine_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_server_is_synced),
        cmocka_unit_test(law2_commands_done_and_cut_on_every_server),
        cmocka_unit_test(law4_commands_refused_on_every_server),
        cmocka_unit_test(names_on_a_server_of_imap4rev2_alone),
        cmocka_unit_test(extensions_turned_off_by_the_configuration),
        cmocka_unit_test(law7_an_extension_that_is_announced_and_broken_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
