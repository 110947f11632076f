#include "sync/folder_sides.h"

/* What both sides moved out of a mailbox that has no folder any more, each to another place: the
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

/* Nor does it matter what else is in that mailbox. */
static void law2_what_both_moved_apart_is_one_where_others_stay(void **state)
{
    struct engine e;
    engine_begin(&e, NULL, 1, "Lists", "l", 3);
    server_create(&e, "Archive");
    engine_agree(&e);
    server_move(&e, "Lists", "INBOX", "l2");
    local_move(&e, "Lists", "Archive", "l2");
    local_remove_folder(&e, "Lists");
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(&e, 0);
        assert_false(engine_body_crossed(&e));
        engine_wait(&e, 61);
    }
    assert_server(&e, "Archive[] INBOX[l2 m1] Lists[l1 l3]");
    assert_local(&e, "Archive[] INBOX[l2 m1]");
    engine_assert_settled(&e);
    engine_free(&e);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law2_what_both_moved_apart_out_of_a_mailbox_without_a_folder_is_one),
        cmocka_unit_test(law2_what_both_moved_apart_is_one_where_others_stay),
        cmocka_unit_test(law2_what_both_moved_apart_into_new_mailboxes_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
