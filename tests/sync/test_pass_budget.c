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

static void assert_at_most(struct engine *e, unsigned commands, unsigned round_trips)
{
    if (e->counts.commands > commands || e->counts.round_trips > round_trips) {
        engine_tell(e);
        fail_msg("%u commands and %u round trips, more than %u and %u", e->counts.commands,
                 e->counts.round_trips, commands, round_trips);
    }
}

/* ---- login ---- */

/* Round trips from the greeting, which is one, up to the first LIST. */
static unsigned turns_of_login(const struct engine *e)
{
    struct str rest = buf_str(&e->transcript);
    struct str line;
    unsigned turns = 1;
    bool told = false;
    while (str_split(&rest, '\n', &line)) {
        bool ours = str_starts(line, STR("C: "));
        if (ours && memmem(line.ptr, line.len, " LIST ", 6) != NULL) {
            break;
        }
        turns += ours && told;
        told = !ours;
    }
    return turns;
}

static void login_takes_few_round_trips(void **state)
{
    static const struct {
        const char *account;
        unsigned turns;
    } cases[] = {
        {"    auth: [plain]\n", 3},
        {"    auth: [login]\n", 3},
        {"    auth: [scram-sha-256]\n", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        begin(&e, cases[i].account, 1, 3);
        engine_pass_ends(&e, 0);
        unsigned turns = turns_of_login(&e);
        if (turns != cases[i].turns) {
            engine_tell(&e);
            fail_msg("%s%u round trips, not %u", cases[i].account, turns, cases[i].turns);
        }
        engine_free(&e);
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

/* LIST, and at most three round trips more, for each kind of change and for two together. */
static void one_mailbox_changed_in_every_way(void **state)
{
    static const unsigned sizes[] = {10, 400};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct engine e;
        begin(&e, NULL, MAILBOXES, sizes[i]);
        local_flags(&e, "INBOX", "m1", "S");
        engine_pass_ends(&e, 0);
        assert_at_most(&e, 3, 1 + 3);
        local_add(&e, "INBOX", "here", "");
        engine_pass_ends(&e, 0);
        assert_at_most(&e, 3, 1 + 3);
        local_remove(&e, "INBOX", "m2");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.deleted_remote, 1);
        assert_at_most(&e, 5, 1 + 3);
        engine_pass_ends(&e, 0);
        server_flags(&e, "INBOX", "m3", "F");
        (void)server_append(&e, "INBOX", "there", "");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.downloaded, 1);
        assert_at_most(&e, 3, 1 + 3);
        local_flags(&e, "INBOX", "m4", "S");
        local_add(&e, "INBOX", "more", "");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.uploaded, 1);
        assert_at_most(&e, 4, 1 + 3);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Flags, new mail and gone mail on both sides: LIST, SELECT, STORE with APPEND, FETCH. */
static void one_mailbox_changed_on_both_sides(void **state)
{
    struct engine e;
    begin(&e, NULL, 3, 20);
    local_flags(&e, "INBOX", "m1", "S");
    local_add(&e, "INBOX", "here", "");
    server_flags(&e, "INBOX", "m2", "F");
    (void)server_append(&e, "INBOX", "there", "");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.flags_to_remote, 1);
    assert_int_equal(e.report.messages.flags_to_local, 1);
    assert_int_equal(e.report.messages.uploaded, 1);
    assert_int_equal(e.report.messages.downloaded, 1);
    assert_cost(&e, 5, 1 + 3);
    engine_assert_settled(&e);
    engine_free(&e);
}

/* What writes waits for its own SELECT, which goes with the STORE of the mailbox before. */
static void flags_in_many_mailboxes_cost_a_round_trip_each(void **state)
{
    struct engine e;
    begin(&e, NULL, MAILBOXES, 1);
    for (unsigned i = 1; i <= 8; i++) {
        (void)server_append(&e, arena_printf(e.arena, "box%02u", i), "m", "");
    }
    engine_pass_ends(&e, 0);
    for (unsigned i = 1; i <= 8; i++) {
        local_flags(&e, arena_printf(e.arena, "box%02u", i), "m", "S");
    }
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.flags_to_remote, 8);
    assert_cost(&e, 1 + 8 + 2 * 8, 1 + 1 + 8 + 1);
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ---- the pass after a push ---- */

static void told_pass(struct engine *e, const char *first, const char *second)
{
    const char *const told[] = {first, second, NULL};
    const struct pass_options options = {.told = told};
    assert_int_equal(engine_pass(e, &options), 0);
}

/* What the pass was told of is opened behind the LIST: one round trip for both, one for the bodies.
 */
static void what_was_told_of_is_opened_at_once(void **state)
{
    static const char *const accounts[] = {NULL, "    disable: [QRESYNC]\n"};
    for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        bool qresync = accounts[i] == NULL;
        struct engine e;
        begin(&e, accounts[i], MAILBOXES, 20);
        (void)server_append(&e, "INBOX", "new", "");
        told_pass(&e, "INBOX", NULL);
        assert_int_equal(e.report.messages.downloaded, 1);
        assert_cost(&e, qresync ? 3 : 4, 2);
        server_flags(&e, "INBOX", "m3", "S");
        told_pass(&e, "inbox", NULL);
        assert_int_equal(e.report.messages.flags_to_local, 1);
        assert_cost(&e, qresync ? 2 : 3, 1);
        (void)server_append(&e, "INBOX", "one", "");
        (void)server_append(&e, "box07", "two", "");
        told_pass(&e, "INBOX", "box07");
        assert_int_equal(e.report.messages.downloaded, 2);
        assert_at_most(&e, 1 + (qresync ? 2 : 4) + 4, 2);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void what_was_told_in_vain_costs_no_round_trip(void **state)
{
    static const char *const names[] = {"INBOX", "box02", "gone", "", "no such mailbox"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct engine e;
        begin(&e, NULL, 3, 20);
        told_pass(&e, names[i], NULL);
        assert_int_equal(e.report.mailboxes_changed, 0);
        assert_cost(&e, i < 2 ? 2 : 1, 1);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* The SELECT of what was told of sees it first; it counts once all mailboxes were looked at since.
 */
static void law1_what_is_told_to_be_gone_waits_for_a_second_look(void **state)
{
    struct engine e;
    begin(&e, NULL, 3, 20);
    server_expunge(&e, "INBOX", "m4");
    told_pass(&e, "INBOX", NULL);
    assert_int_equal(e.report.messages.deleted_local, 1);
    assert_cost(&e, 3, 2);
    server_move(&e, "INBOX", "box01", "m5");
    told_pass(&e, "INBOX", NULL);
    assert_int_equal(e.report.messages.moved_local, 1);
    assert_int_equal(e.counts.bodies, 0);
    engine_assert_settled(&e);
    engine_free(&e);
}

/* K changed, with one connection: 4 R and K/8 R. */
static void mailboxes_changed_cost_an_eighth_each(void **state)
{
    static const unsigned changed[] = {1, 8, 17, 39};
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        struct engine e;
        begin(&e, NULL, MAILBOXES, 10);
        for (unsigned k = 1; k <= changed[i]; k++) {
            (void)server_append(&e, arena_printf(e.arena, "box%02u", k),
                                arena_printf(e.arena, "new%u", k), "");
        }
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.downloaded, changed[i]);
        assert_at_most(&e, 1 + 5 * changed[i], 4 + changed[i] / 8);
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
    assert_cost(&e, 1 + 16 + 2 * 16, 3);
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

#define MOVED 500

static void moves_cost_no_body(void **state)
{
    struct engine e;
    begin(&e, NULL, 3, MOVED + 1);
    for (unsigned i = 1; i <= MOVED; i++) {
        local_move(&e, "INBOX", "box01", arena_printf(e.arena, "m%u", i));
    }
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.moved_remote, MOVED);
    assert_int_equal(e.report.messages.uploaded + e.report.messages.downloaded, 0);
    assert_int_equal(e.counts.bodies, 0);
    assert_at_most(&e, 8, 4);
    server_move_all(&e, "box01", "box02");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.moved_local, MOVED);
    assert_int_equal(e.counts.bodies, 0);
    assert_at_most(&e, 8, 4);
    assert_int_equal(folder_count(&e, "box02"), MOVED);
    engine_assert_settled(&e);
    engine_free(&e);
}

/* What a message costs on the wire besides its bytes: APPEND with flags and date. */
static void uploads_cost_their_bytes(void **state)
{
    struct engine e;
    begin(&e, NULL, 1, 1);
    local_fill(&e, "INBOX", "one", 1);
    engine_pass_ends(&e, 0);
    uint64_t one = lockstep_env_last_counters(&e.env).bytes_in;
    local_fill(&e, "INBOX", "up", 1000);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.uploaded, 1000);
    uint64_t all = lockstep_env_last_counters(&e.env).bytes_in;
    assert_true(all > one);
    assert_true(all < 1000 * one);
    assert_at_most(&e, 2 + 1000, 4);
    engine_free(&e);
}

/* Two slices of a listing go together: 40 of them, 20 round trips. */
static void a_listing_in_slices_is_pipelined(void **state)
{
    const struct pass_options sliced = {.listing_slice = 10};
    struct engine e;
    begin(&e, "    disable: [QRESYNC, CONDSTORE]\n", 1, 400);
    server_flags(&e, "INBOX", "m3", "S");
    assert_int_equal(engine_pass(&e, &sliced), 0);
    assert_int_equal(e.report.messages.flags_to_local, 1);
    assert_at_most(&e, 2 + 41, 2 + 41);
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
    assert_cost(&e, 19, 3);
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
        cmocka_unit_test(login_takes_few_round_trips),
        cmocka_unit_test(nothing_changed_with_list_status),
        cmocka_unit_test(nothing_changed_without_list_status),
        cmocka_unit_test(nothing_changed_is_no_matter_of_qresync),
        cmocka_unit_test(one_mailbox_changed_on_the_server),
        cmocka_unit_test(one_mailbox_changed_in_every_way),
        cmocka_unit_test(one_mailbox_changed_on_both_sides),
        cmocka_unit_test(flags_in_many_mailboxes_cost_a_round_trip_each),
        cmocka_unit_test(what_was_told_of_is_opened_at_once),
        cmocka_unit_test(what_was_told_in_vain_costs_no_round_trip),
        cmocka_unit_test(law1_what_is_told_to_be_gone_waits_for_a_second_look),
        cmocka_unit_test(mailboxes_changed_cost_an_eighth_each),
        cmocka_unit_test(many_mailboxes_changed),
        cmocka_unit_test(a_thousand_flags_to_the_server),
        cmocka_unit_test(a_thousand_flags_to_the_files),
        cmocka_unit_test(moves_cost_no_body),
        cmocka_unit_test(uploads_cost_their_bytes),
        cmocka_unit_test(a_listing_in_slices_is_pipelined),
        cmocka_unit_test(uploads_are_pipelined),
        cmocka_unit_test(a_first_download_is_pipelined),
        cmocka_unit_test(the_report_counts_what_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
