#include "sync/engine.h"

/* What a pass costs: commands and round trips after login, the LIST that every pass begins with
 * among them. */

#define MAILBOXES 40

static void begin(struct engine *e, const char *account, unsigned mailboxes, unsigned messages)
{
    engine_init(e, account);
    for (unsigned i = 1; i < mailboxes; i++) {
        server_create(e, arena_printf(e->arena, "box%02u", i));
    }
    server_fill(e, "INBOX", "m", messages);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_int_equal(folder_count(e, "INBOX"), messages);
}

static void assert_cost(struct engine *e, unsigned commands, unsigned round_trips)
{
    if (e->counts.commands != commands || e->counts.round_trips != round_trips) {
        engine_tell(e);
        fail_msg("%u commands and %u round trips, not %u and %u", e->counts.commands,
                 e->counts.round_trips, commands, round_trips);
    }
}

/* ---- nothing changed ---- */

static void nothing_changed_with_list_status(void **state)
{
    static const unsigned mailboxes[] = {1, 3, MAILBOXES};
    for (size_t i = 0; i < sizeof mailboxes / sizeof mailboxes[0]; i++) {
        struct engine e;
        begin(&e, NULL, mailboxes[i], 20);
        engine_pass_ends(&e, 0);
        assert_cost(&e, 1, 1);
        engine_free(&e);
    }
}

static void nothing_changed_without_list_status(void **state)
{
    struct engine e;
    begin(&e, "    disable: [LIST-STATUS]\n", MAILBOXES, 20);
    engine_pass_ends(&e, 0);
    assert_cost(&e, 1 + MAILBOXES, 2); /* LIST, and the STATUSes in one turn */
    engine_free(&e);
}

static void nothing_changed_is_no_matter_of_qresync(void **state)
{
    struct engine e;
    begin(&e, "    disable: [QRESYNC]\n", MAILBOXES, 20);
    engine_pass_ends(&e, 0);
    assert_cost(&e, 1, 1);
    engine_free(&e);
}

/* ---- one mailbox changed ---- */

static void one_mailbox_changed_on_the_server(void **state)
{
    static const unsigned sizes[] = {10, 400};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct engine e;
        begin(&e, NULL, MAILBOXES, sizes[i]);
        server_flags(&e, "INBOX", "m3", "S");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.flags_to_local, 1);
        assert_cost(&e, 1 + 1, 1 + 1);
        (void)server_append(&e, "INBOX", "new", "");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.counts.bodies, 1);
        assert_cost(&e, 1 + 2, 1 + 2);
        server_expunge(&e, "INBOX", "m4");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.deleted_local, 1);
        assert_cost(&e, 2 + 1, 2 + 1);
        engine_free(&e);
    }
}

static void many_mailboxes_changed(void **state)
{
    struct engine e;
    begin(&e, NULL, MAILBOXES, 10);
    for (unsigned i = 1; i <= 16; i++) {
        (void)server_append(&e, arena_printf(e.arena, "box%02u", i), "new", "");
    }
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.downloaded, 16);
    assert_cost(&e, 1 + 16 + 2 * 16, 4);
    engine_free(&e);
}

/* ---- many changes at once ---- */

static void a_thousand_flags_to_the_server(void **state)
{
    struct engine e;
    begin(&e, NULL, 3, 1000);
    local_flags_all(&e, "INBOX", "S");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.flags_to_remote, 1000);
    assert_cost(&e, 3, 3);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void a_thousand_flags_to_the_files(void **state)
{
    struct engine e;
    begin(&e, NULL, 3, 1000);
    for (unsigned i = 1; i <= 1000; i++) {
        server_flags(&e, "INBOX", arena_printf(e.arena, "m%u", i), i % 2 == 0 ? "S" : "FRS");
    }
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.flags_to_local, 1000);
    assert_int_equal(e.counts.bodies, 0);
    assert_cost(&e, 2, 2);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void uploads_are_pipelined(void **state)
{
    struct engine e;
    begin(&e, NULL, 3, 10);
    local_fill(&e, "INBOX", "up", 2000);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.uploaded, 2000);
    assert_cost(&e, 2 + 2000, 3);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void a_first_download_is_pipelined(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", 1000);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.downloaded, 1000);
    assert_int_equal(e.counts.bodies, 1000);
    assert_cost(&e, 7, 3);
    engine_free(&e);
}

/* ---- what is counted is what is told ---- */

static void the_report_counts_what_was_sent(void **state)
{
    struct engine e;
    begin(&e, NULL, 3, 10);
    (void)server_append(&e, "INBOX", "new", "");
    local_add(&e, "INBOX", "here", "");
    engine_pass_ends(&e, 0);
    struct session_counters told = lockstep_env_last_counters(&e.env);
    assert_int_equal(e.report.wire.commands, e.counts.all);
    assert_int_equal(e.report.wire.commands, told.commands);
    assert_int_equal(e.report.wire.bytes_in, told.bytes_out);
    assert_int_equal(e.report.wire.bytes_out, told.bytes_in);
    assert_int_equal(e.report.wire.connections, 1);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changed_with_list_status),
        cmocka_unit_test(nothing_changed_without_list_status),
        cmocka_unit_test(nothing_changed_is_no_matter_of_qresync),
        cmocka_unit_test(one_mailbox_changed_on_the_server),
        cmocka_unit_test(many_mailboxes_changed),
        cmocka_unit_test(a_thousand_flags_to_the_server),
        cmocka_unit_test(a_thousand_flags_to_the_files),
        cmocka_unit_test(uploads_are_pipelined),
        cmocka_unit_test(a_first_download_is_pipelined),
        cmocka_unit_test(the_report_counts_what_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
