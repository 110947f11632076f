#include "imap/list.h"
#include "sync/engine.h"

/* The guard over whole passes: what it holds, what it lets pass, and what it remembers. */

static const struct pass_options APPROVE = {.approve_deletions = true};

static struct engine *begin(unsigned inbox, unsigned other, const char *account)
{
    struct engine *e = xcalloc(1, sizeof *e);
    engine_init(e, account);
    server_create(e, "Other");
    server_fill(e, "INBOX", "i", inbox);
    server_fill(e, "Other", "o", other);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_int_equal(folder_count(e, "INBOX"), inbox);
    assert_int_equal(folder_count(e, "Other"), other);
    return e;
}

static void end(struct engine *e)
{
    engine_free(e);
    xfree(&e);
}

static void expunge_on_server(struct engine *e, const char *mailbox, const char *prefix,
                              unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        server_expunge(e, mailbox, arena_printf(e->arena, "%s%u", prefix, i));
    }
}

static void remove_here(struct engine *e, const char *folder, const char *prefix, unsigned first,
                        unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        local_remove(e, folder, arena_printf(e->arena, "%s%u", prefix, i));
    }
}

static void assert_counts(struct engine *e, size_t server_inbox, size_t local_inbox)
{
    if (server_count(e, "INBOX") != server_inbox || folder_count(e, "INBOX") != local_inbox) {
        engine_tell(e);
        fail_msg("%zu on the server and %zu here, not %zu and %zu", server_count(e, "INBOX"),
                 folder_count(e, "INBOX"), server_inbox, local_inbox);
    }
}

static void law11_a_large_deletion_here_waits(void **state)
{
    struct engine *e = begin(100, 5, NULL);
    remove_here(e, "INBOX", "i", 1, 51);
    (void)server_append(e, "INBOX", "new", "");
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(e, 1);
        assert_int_equal(e->report.result, REPORT_HELD);
        assert_counts(e, 101, 50);
        engine_wait(e, 600);
    }
    assert_int_equal(e->report.messages.held, 51);
    assert_int_equal(engine_pass(e, &APPROVE), 0);
    assert_counts(e, 50, 50);
    engine_assert_settled(e);
    end(e);
}

static void law11_a_large_deletion_there_waits(void **state)
{
    struct engine *e = begin(100, 5, NULL);
    expunge_on_server(e, "INBOX", "i", 1, 51);
    local_add(e, "INBOX", "new", "");
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(e, 1);
        assert_counts(e, 50, 101);
        engine_wait(e, 600);
    }
    assert_int_equal(engine_pass(e, &APPROVE), 0);
    assert_counts(e, 50, 50);
    engine_assert_settled(e);
    end(e);
}

static void law11_up_to_the_threshold_passes(void **state)
{
    struct engine *e = begin(100, 5, NULL);
    remove_here(e, "INBOX", "i", 1, 25);
    expunge_on_server(e, "INBOX", "i", 26, 25);
    engine_pass_ends(e, 0);
    assert_counts(e, 50, 50);
    engine_assert_settled(e);
    end(e);
}

static void law11_all_of_a_mailbox_waits(void **state)
{
    struct engine *e = begin(10, 9, NULL);
    remove_here(e, "INBOX", "i", 1, 10);
    remove_here(e, "Other", "o", 1, 9);
    engine_pass_ends(e, 1);
    assert_int_equal(server_count(e, "INBOX"), 10);
    assert_int_equal(server_count(e, "Other"), 0);
    end(e);
}

/* All of what is here, though the server keeps a message that was marked and not expunged. */
static void law11_all_of_a_mailbox_waits_without_uidplus(void **state)
{
    struct engine *e = begin(0, 0, "    disable: [UIDPLUS]\n");
    server_fill(e, "INBOX", "i", 21);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    remove_here(e, "INBOX", "i", 21, 1);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_counts(e, 21, 20);
    engine_wait(e, 2 * 3600);
    remove_here(e, "INBOX", "i", 1, 20);
    engine_pass_ends(e, 1);
    assert_int_equal(e->report.messages.held, 20);
    end(e);
}

/* A folder that was emptied by being made anew. */
static void law11_a_replaced_directory_waits(void **state)
{
    struct engine *e = begin(3, 5, NULL);
    local_remove_folder(e, "INBOX");
    local_create(e, "INBOX");
    engine_pass_ends(e, 1);
    assert_counts(e, 3, 0);
    assert_int_equal(engine_pass(e, &APPROVE), 0);
    assert_counts(e, 0, 0);
    end(e);
}

static void law11_a_gone_directory_deletes_nothing(void **state)
{
    struct engine *e = begin(3, 5, NULL);
    local_remove_folder(e, "INBOX");
    for (int pass = 0; pass < 3; pass++) {
        (void)engine_pass(e, pass == 2 ? &APPROVE : NULL);
        assert_int_equal(server_count(e, "INBOX"), 3);
    }
    end(e);
}

static void law11_trash_is_free(void **state)
{
    struct engine *e = begin(5, 5, NULL);
    struct error err = ERROR_INIT;
    assert_int_equal(mem_backend_create(e->env.backend, LOCKSTEP_USER, "Trash", LIST_TRASH, &err),
                     0);
    server_fill(e, "Trash", "t", 60);
    engine_pass_ends(e, 0);
    remove_here(e, "Trash", "t", 1, 60);
    engine_pass_ends(e, 0);
    assert_int_equal(server_count(e, "Trash"), 0);
    end(e);
}

static void law11_off_means_off(void **state)
{
    struct engine *e = begin(60, 5, "    sync: {guard: off}\n");
    remove_here(e, "INBOX", "i", 1, 60);
    engine_pass_ends(e, 0);
    assert_counts(e, 0, 0);
    end(e);
}

/* ---- the sliding hour ---- */

static void law11_deletions_of_earlier_passes_count(void **state)
{
    static const bool here[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct engine *e = begin(300, 0, NULL);
        void (*remove)(struct engine *, const char *, const char *, unsigned, unsigned) =
            here[i] ? remove_here : expunge_on_server;
        remove(e, "INBOX", "i", 1, 60);
        engine_pass_ends(e, 0);
        assert_counts(e, 240, 240);
        engine_wait(e, 1800);
        remove(e, "INBOX", "i", 61, 15); /* 75 of 300 */
        engine_pass_ends(e, 0);
        assert_counts(e, 225, 225);
        remove(e, "INBOX", "i", 76, 1); /* 76 of 300 */
        engine_pass_ends(e, 1);
        assert_counts(e, here[i] ? 225 : 224, here[i] ? 224 : 225);
        engine_wait(e, 1801); /* the first sixty are an hour old: 16 of 240 */
        engine_pass_ends(e, 0);
        assert_counts(e, 224, 224);
        end(e);
    }
}

/* One after the other, as a program does that empties a folder slowly. */
static void law11_slow_emptying_is_noticed(void **state)
{
    struct engine *e = begin(100, 0, NULL);
    unsigned removed = 0;
    for (int pass = 0; pass < 20; pass++) {
        remove_here(e, "INBOX", "i", removed + 1, 5);
        removed += 5;
        (void)engine_pass(e, NULL);
        engine_wait(e, 60);
    }
    assert_counts(e, 50, 0);
    end(e);
}

/* ---- approval ---- */

static void law11_approval_covers_what_was_listed(void **state)
{
    struct engine *e = begin(100, 5, NULL);
    remove_here(e, "INBOX", "i", 1, 51);
    engine_pass_ends(e, 1);
    remove_here(e, "INBOX", "i", 52, 10);
    (void)engine_pass(e, &APPROVE);
    assert_counts(e, 49, 39);
    engine_pass_ends(e, 1);
    assert_int_equal(e->report.messages.held, 10);
    assert_int_equal(engine_pass(e, &APPROVE), 0);
    assert_counts(e, 39, 39);
    end(e);
}

static void law11_approval_without_a_list_covers_nothing(void **state)
{
    struct engine *e = begin(100, 5, NULL);
    remove_here(e, "INBOX", "i", 1, 60);
    assert_int_equal(engine_pass(e, &APPROVE), 1);
    assert_counts(e, 100, 40);
    end(e);
}

/* A pass while somebody is at work in the Maildir asks nothing of what was removed there: what an
 * earlier one held is listed still, and so is what a person answered to it. */
static void law11_what_is_held_stays_so_while_local_changes_wait(void **state)
{
    const struct pass_options waits = {.local_waits = true};
    struct engine *e = begin(100, 5, NULL);
    remove_here(e, "INBOX", "i", 1, 51);
    engine_pass_ends(e, 1);
    remove_here(e, "INBOX", "i", 52, 3);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(engine_pass(e, &waits), 1);
        assert_int_equal(e->report.messages.held, 51);
        assert_counts(e, 100, 46);
    }
    assert_int_equal(engine_pass(e, &APPROVE), 1);
    assert_int_equal(e->report.messages.held, 3);
    assert_counts(e, 49, 46);
    end(e);
}

static void what_comes_back_is_no_longer_held(void **state)
{
    struct engine *e = begin(60, 5, NULL);
    local_create(e, "Aside");
    engine_configure(e, "    mailboxes: {patterns: [\"*\", \"!Aside\"]}\n");
    for (unsigned i = 1; i <= 60; i++) {
        local_move(e, "INBOX", "Aside", arena_printf(e->arena, "i%u", i));
    }
    engine_pass_ends(e, 1);
    for (unsigned i = 1; i <= 60; i++) {
        local_move(e, "Aside", "INBOX", arena_printf(e->arena, "i%u", i));
    }
    engine_pass_ends(e, 0);
    assert_counts(e, 60, 60);
    engine_assert_settled(e);
    end(e);
}

/* The server's news of a message whose deletion waits are not over with it (law 4). */
static void law4_what_comes_back_gets_the_flags_of_meanwhile(void **state)
{
    struct engine *e = begin(12, 5, NULL);
    local_create(e, "Aside");
    engine_configure(e, "    mailboxes: {patterns: [\"*\", \"!Aside\"]}\n");
    for (unsigned i = 1; i <= 12; i++) {
        local_move(e, "INBOX", "Aside", arena_printf(e->arena, "i%u", i));
    }
    server_flags(e, "INBOX", "i7", "F");
    engine_pass_ends(e, 1);
    for (unsigned i = 1; i <= 12; i++) {
        local_move(e, "Aside", "INBOX", arena_printf(e->arena, "i%u", i));
    }
    engine_pass_ends(e, 0);
    assert_non_null(strstr(server_view(e), "i7/F"));
    assert_non_null(strstr(local_view(e), "i7/F"));
    engine_assert_settled(e);
    end(e);
}

/* Nor are the server's marks, where they are why it is deleted. */
static void law11_what_was_marked_there_stays_held(void **state)
{
    struct engine *e = begin(12, 5, "    sync: {marked: expunge}\n");
    for (unsigned i = 1; i <= 12; i++) {
        server_flags(e, "INBOX", arena_printf(e->arena, "i%u", i), "T");
    }
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(e, 1);
        assert_int_equal(e->report.messages.held, 12);
        assert_counts(e, 12, 12);
    }
    assert_int_equal(engine_pass(e, &APPROVE), 0);
    assert_counts(e, 0, 0);
    end(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law11_a_large_deletion_here_waits),
        cmocka_unit_test(law11_a_large_deletion_there_waits),
        cmocka_unit_test(law11_up_to_the_threshold_passes),
        cmocka_unit_test(law11_all_of_a_mailbox_waits),
        cmocka_unit_test(law11_all_of_a_mailbox_waits_without_uidplus),
        cmocka_unit_test(law11_a_replaced_directory_waits),
        cmocka_unit_test(law11_a_gone_directory_deletes_nothing),
        cmocka_unit_test(law11_trash_is_free),
        cmocka_unit_test(law11_off_means_off),
        cmocka_unit_test(law11_deletions_of_earlier_passes_count),
        cmocka_unit_test(law11_slow_emptying_is_noticed),
        cmocka_unit_test(law11_approval_covers_what_was_listed),
        cmocka_unit_test(law11_approval_without_a_list_covers_nothing),
        cmocka_unit_test(law11_what_is_held_stays_so_while_local_changes_wait),
        cmocka_unit_test(what_comes_back_is_no_longer_held),
        cmocka_unit_test(law4_what_comes_back_gets_the_flags_of_meanwhile),
        cmocka_unit_test(law11_what_was_marked_there_stays_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
