#include "sync/folder_sides.h"

/* What both sides moved out of a mailbox that one of them removed, each to another place: the
 * server's wins. */

static void law2_what_both_moved_apart_out_of_a_mailbox_without_a_folder_is_one(void **state)
{
    static const bool is_removed[] = {false, true};
    for (size_t i = 0; i < 2; i++) {
        struct engine e;
        engine_begin(&e, NULL, 1, "Lists", "l", 1);
        server_create(&e, "Archive");
        engine_agree(&e);
        server_move(&e, "Lists", "INBOX", "l1");
        if (is_removed[i])
            server_remove(&e, "Lists");
        local_move(&e, "Lists", "Archive", "l1");
        local_remove_folder(&e, "Lists");
        for (int pass = 0; pass < 3; pass++) {
            engine_pass_ends(&e, 0);
            engine_wait(&e, 61);
        }
        assert_server(&e,
                      is_removed[i] ? "Archive[] INBOX[l1 m1]" : "Archive[] INBOX[l1 m1] Lists[]");
        assert_local(&e, "Archive[] INBOX[l1 m1]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Nor is one of two new mailboxes taken for the other. */
static void law2_what_both_moved_apart_into_new_mailboxes_is_one(void **state)
{
    struct engine e;
    engine_begin(&e, NULL, 1, "Lists", "l", 1);
    engine_agree(&e);
    server_create(&e, "Archive");
    server_move(&e, "Lists", "Archive", "l1");
    local_create(&e, "Sent");
    local_add_as(&e, "Sent", "other:2,", "l1");
    local_remove(&e, "Lists", "l1");
    local_remove_folder(&e, "Lists");
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(&e, 0);
        assert_false(engine_body_crossed(&e));
        engine_wait(&e, 61);
    }
    assert_server(&e, "Archive[l1] INBOX[m1] Lists[] Sent[]");
    assert_local(&e, "Archive[l1] INBOX[m1] Sent[]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ---- the other side keeps the mailbox, with what else it holds; on each rung ---- */

static const enum capability rungs[][6] = {
    {CAP_IMAP4REV1},
    {CAP_OBJECTID, CAP_IMAP4REV1},
    {CAP_OBJECTID, CAP_QRESYNC, CAP_IMAP4REV1},
    {CAP_OBJECTID, CAP_QRESYNC, CAP_CONDSTORE, CAP_IMAP4REV1},
    {CAP_OBJECTID, CAP_QRESYNC, CAP_CONDSTORE, CAP_LIST_STATUS, CAP_IMAP4REV1},
};
#define RUNGS (sizeof rungs / sizeof rungs[0])

static void begin(struct engine *e, const enum capability *lacks)
{
    engine_begin(e, NULL, 1, "Lists", "l", 3);
    server_create(e, "Archive");
    server_lacks(e, lacks);
    engine_agree(e);
    server_move(e, "Lists", "INBOX", "l2");
}

static void end(struct engine *e, const char *server, const char *local)
{
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(e, 0);
        engine_wait(e, 61);
    }
    assert_server(e, server);
    assert_local(e, local);
    engine_assert_settled(e);
    engine_free(e);
}

/* On every rung l2, which the server moved to INBOX, is moved here to `target`; one side then
 * removes Lists. */
static void check_moved(const char *target, bool is_folder_removed, const char *on_server,
                        const char *here)
{
    for (size_t i = 0; i < RUNGS; i++) {
        struct engine e;
        begin(&e, rungs[i]);
        local_move(&e, "Lists", target, "l2");
        if (is_folder_removed)
            local_remove_folder(&e, "Lists");
        else
            server_remove(&e, "Lists");
        engine_pass_ends(&e, 0);
        assert_false(engine_body_crossed(&e));
        end(&e, on_server, here);
    }
}

static void law2_moved_apart_and_the_folder_is_removed(void **state)
{
    check_moved("Archive", true, "Archive[] INBOX[l2 m1] Lists[l1 l3]", "Archive[] INBOX[l2 m1]");
}

static void law2_moved_apart_and_the_mailbox_is_removed(void **state)
{
    check_moved("Archive", false, "Archive[] INBOX[l2 m1]", "Archive[] INBOX[l2 m1] Lists[l1 l3]");
}

static void law2_moved_alike_and_the_mailbox_is_removed(void **state)
{
    check_moved("INBOX", false, "Archive[] INBOX[l2 m1]", "Archive[] INBOX[l2 m1] Lists[l1 l3]");
}

/* Its file stays in the folder: what is new here is another one. */
static void law1_a_copy_is_not_met_where_the_mailbox_is_removed(void **state)
{
    for (size_t i = 0; i < RUNGS; i++) {
        struct engine e;
        begin(&e, rungs[i]);
        local_add(&e, "Archive", "l2", "");
        server_remove(&e, "Lists");
        end(&e, "Archive[l2] INBOX[l2 m1]", "Archive[l2] INBOX[l2 m1] Lists[l1 l2 l3]");
    }
}

/* ---- where the mailbox is to go, too, which this pass does not settle ---- */

/* Lists is not asked for. */
static void pass_without_lists(struct engine *e)
{
    static const char *const targets[] = {"INBOX", "Archive", NULL};
    const struct pass_options options = {.mailboxes = targets};
    (void)engine_pass(e, &options);
}

/* Another configuration removes nothing. */
static void pass_reconfigured(struct engine *e)
{
    engine_configure(e,
                     "    sync: {remove: both, guard: off}\n    mailboxes: {rename: {Old: New}}\n");
    (void)engine_pass(e, NULL);
}

static void law2_moved_apart_and_the_rest_is_to_go(void **state)
{
    static void (*const passes[])(struct engine * e) = {pass_without_lists, pass_reconfigured};
    for (size_t i = 0; i < RUNGS * 2 * 2 * 2; i++) {
        bool is_folder = i / RUNGS % 2 == 0;
        unsigned count = i / RUNGS / 2 % 2 == 0 ? 1 : 2;
        struct engine e;
        engine_begin(&e, "    sync: {remove: both, guard: off}\n", 1, "Lists", "l", count);
        server_create(&e, "Archive");
        server_lacks(&e, rungs[i % RUNGS]);
        engine_agree(&e);
        server_move(&e, "Lists", "INBOX", "l1");
        local_move(&e, "Lists", "Archive", "l1");
        if (is_folder)
            local_remove_folder(&e, "Lists");
        else
            server_remove(&e, "Lists");
        passes[i / RUNGS / 4](&e);
        for (int pass = 0; pass < 3; pass++) {
            engine_wait(&e, 61);
            engine_pass_ends(&e, 0);
        }
        assert_both(&e, "Archive[] INBOX[l1 m1]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static struct str hide_lists(struct engine *e, struct str line)
{
    return line_has(line, "Lists") ? STR_EMPTY : line;
}

/* Out of view is not gone: what is new on the server is a copy, and here it moved. */
static void law1_a_copy_is_not_met_where_the_mailbox_is_not_listed(void **state)
{
    struct engine e;
    engine_begin(&e,
                 "    sync: {remove: both, guard: off}\n"
                 "    overrides: [{match: Other, sync: {remove: none}}]\n",
                 1, "Lists", "l", 1);
    server_create(&e, "Archive");
    server_create(&e, "Other");
    server_fill(&e, "Other", "o", 1);
    engine_agree(&e);
    server_copy(&e, "Lists", "INBOX", "l1");
    local_move(&e, "Lists", "Archive", "l1");
    local_move(&e, "Other", "Archive", "o1");
    local_remove_folder(&e, "Other");
    e.twist = hide_lists;
    pass_without_lists(&e);
    e.twist = NULL;
    for (int pass = 0; pass < 3; pass++) {
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
    }
    assert_local(&e, "Archive[l1 o1] INBOX[l1 m1] Lists[]");
    assert_server(&e, "Archive[l1 o1] INBOX[l1 m1] Lists[] Other[o1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law2_what_both_moved_apart_out_of_a_mailbox_without_a_folder_is_one),
        cmocka_unit_test(law2_what_both_moved_apart_into_new_mailboxes_is_one),
        cmocka_unit_test(law2_moved_apart_and_the_folder_is_removed),
        cmocka_unit_test(law2_moved_apart_and_the_mailbox_is_removed),
        cmocka_unit_test(law2_moved_alike_and_the_mailbox_is_removed),
        cmocka_unit_test(law1_a_copy_is_not_met_where_the_mailbox_is_removed),
        cmocka_unit_test(law2_moved_apart_and_the_rest_is_to_go),
        cmocka_unit_test(law1_a_copy_is_not_met_where_the_mailbox_is_not_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
