#include "sync/engine.h"

/* Backups of a side put back, of many messages or of what has moved since (law 6): nothing is
 * deleted, nothing doubled, and no body is transferred that both sides have. */

#define MANY 200

/* Two weeks older, and one in a hundred missing. */
static void law6_an_old_backup_deletes_and_doubles_nothing(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", MANY);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    disk_copy(&e, "mail", "copy");
    server_fill(&e, "INBOX", "new", 20);
    engine_pass_ends(&e, 0);
    disk_put_back(&e, "copy", "mail");
    local_remove(&e, "INBOX", "m7");
    local_remove(&e, "INBOX", "m77");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 22);
    assert_int_equal(server_count(&e, "INBOX"), MANY + 20);
    assert_int_equal(folder_count(&e, "INBOX"), MANY + 20);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void law6_an_old_server_deletes_and_doubles_nothing(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", MANY);
    engine_pass_ends(&e, 0);
    server_fill(&e, "INBOX", "new", 20);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    engine_replace_server(&e);
    server_fill(&e, "INBOX", "m", MANY);
    engine_pass_ends(&e, 1);
    assert_int_equal(e.counts.bodies, 0);
    assert_int_equal(e.report.messages.held, 20);
    assert_int_equal(server_count(&e, "INBOX"), MANY);
    assert_int_equal(folder_count(&e, "INBOX"), MANY + 20);
    engine_wait(&e, 120);
    engine_pass_ends(&e, 1);
    assert_int_equal(server_count(&e, "INBOX"), MANY);
    assert_int_equal(folder_count(&e, "INBOX"), MANY + 20);
    engine_free(&e);
}

/* ---- what moved between mailboxes since the backup ---- */

static const char *const RUNGS[] = {
    NULL,
    "    disable: [OBJECTID]\n",
    "    disable: [OBJECTID, QRESYNC, CONDSTORE, MOVE]\n",
};

static void begin_with_two(struct engine *e, const char *account)
{
    engine_begin(e, account, 30, "Archive", "a", 30);
}

static void move_on_both_sides(struct engine *e)
{
    server_move(e, "INBOX", "Archive", "m1");
    server_move(e, "Archive", "INBOX", "a1");
    local_move(e, "INBOX", "Archive", "m2");
    local_move(e, "Archive", "INBOX", "a2");
    engine_pass_ends(e, 0);
    server_flags(e, "Archive", "m1", "F");
    local_flags(e, "Archive", "m2", "S");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
}

static void assert_moved_without_bodies(struct engine *e, const char *view)
{
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(e, 0);
        const struct report_messages *m = &e->report.messages;
        buf_add_byte(&e->plan, '\0');
        assert_null(strstr(e->plan.data, "hold: upload")); /* what moves is told once */
        if (e->counts.bodies + m->uploaded + m->downloaded + m->deleted_local + m->deleted_remote >
            0) {
            engine_tell(e);
            fail_msg("pass %d: more than moves", pass);
        }
        engine_wait(e, 61);
    }
    assert_string_equal(server_view(e), view);
    assert_string_equal(local_view(e), view);
    engine_assert_settled(e);
}

static void law6_an_old_backup_goes_where_messages_moved(void **state)
{
    for (size_t i = 0; i < sizeof RUNGS / sizeof RUNGS[0]; i++) {
        struct engine e;
        begin_with_two(&e, RUNGS[i]);
        disk_copy(&e, "mail", "copy");
        move_on_both_sides(&e);
        const char *view = arena_printf(e.arena, "%s", server_view(&e));
        disk_put_back(&e, "copy", "mail");
        assert_moved_without_bodies(&e, view);
        engine_free(&e);
    }
}

static void law6_an_old_server_takes_moves_back(void **state)
{
    for (size_t i = 0; i < sizeof RUNGS / sizeof RUNGS[0]; i++) {
        struct engine e;
        begin_with_two(&e, RUNGS[i]);
        /* Of what was changed meanwhile the files tell. */
        server_flags(&e, "INBOX", "m1", "F");
        server_flags(&e, "INBOX", "m2", "S");
        const char *view = arena_printf(e.arena, "%s", server_view(&e));
        server_flags(&e, "INBOX", "m1", "");
        server_flags(&e, "INBOX", "m2", "");
        move_on_both_sides(&e);
        engine_replace_server(&e);
        server_create(&e, "Archive");
        server_fill(&e, "INBOX", "m", 30);
        server_fill(&e, "Archive", "a", 30);
        assert_moved_without_bodies(&e, view);
        engine_free(&e);
    }
}

/* Its UIDs are given to others before the configuration takes it in again. */
static void law6_an_old_server_is_noticed_in_what_is_left_out(void **state)
{
    struct engine e;
    engine_begin(&e, NULL, 1, "Lists", "l", 3);
    engine_agree(&e);
    engine_configure(&e, "    mailboxes: {patterns: [\"*\", \"!Lists\"]}\n");
    engine_replace_server(&e);
    server_create(&e, "Lists");
    server_fill(&e, "INBOX", "m", 1);
    server_fill(&e, "Lists", "l", 2);
    engine_pass_ends(&e, 0);
    (void)server_append(&e, "Lists", "other", "");
    engine_configure(&e, "    sync: {new: both}\n");
    (void)engine_pass(&e, NULL);
    assert_local(&e, "INBOX[m1] Lists[l1 l2 l3 other]");
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law6_an_old_backup_goes_where_messages_moved),
        cmocka_unit_test(law6_an_old_server_takes_moves_back),
        cmocka_unit_test(law6_an_old_backup_deletes_and_doubles_nothing),
        cmocka_unit_test(law6_an_old_server_deletes_and_doubles_nothing),
        cmocka_unit_test(law6_an_old_server_is_noticed_in_what_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
