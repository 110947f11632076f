#include "sync/engine.h"

/* Messages that are hard to tell apart: the same one several times, copies, and what has no
 * Message-ID. None is taken for another, and none is sent or fetched that is there already. */

static void begin(struct engine *e, unsigned messages, const char *account)
{
    engine_init(e, account);
    engine_fill_three(e, messages);
}

static void begin_with_duplicates(struct engine *e, bool by_id)
{
    begin(e, 1, NULL);
    capabilities_set(&e->env.options.capabilities, CAP_OBJECTID, by_id);
    for (int twice = 0; twice < 2; twice++) {
        (void)server_append(e, "INBOX", "same", "");
    }
    engine_agree(e);
}

static void duplicates_are_not_guessed(void **state)
{
    static const bool by_id[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct engine e;
        begin_with_duplicates(&e, by_id[i]);
        server_move(&e, "INBOX", "Archive", "same");
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[same] INBOX[m1 same] Lists[]");
        server_move(&e, "INBOX", "Archive", "same");
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[same same] INBOX[m1] Lists[]");
        local_move(&e, "Archive", "Lists", "same");
        engine_pass_ends(&e, 0);
        local_move(&e, "Archive", "Lists", "same");
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[] INBOX[m1] Lists[same same]");
        engine_pass_ends(&e, 0);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void both_duplicates_move_at_once(void **state)
{
    static const bool by_id[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct engine e;
        begin_with_duplicates(&e, by_id[i]);
        server_move_all(&e, "INBOX", "Archive");
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[m1 same same] INBOX[] Lists[]");
        local_move(&e, "Archive", "Lists", "same");
        local_move(&e, "Archive", "Lists", "same");
        engine_pass_ends(&e, 0);
        assert_false(engine_body_crossed(&e));
        assert_both(&e, "Archive[m1] INBOX[] Lists[same same]");
        engine_pass_ends(&e, 0);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Which of two it is cannot be told before they are fetched; its file is neither, but the one that
 * the server no longer has. */
static void law2_a_file_renamed_while_its_message_moves(void **state)
{
    struct engine e;
    begin(&e, 1, NULL);
    local_add(&e, "INBOX", "n", "");
    engine_pass_ends(&e, 0);
    server_copy(&e, "INBOX", "Archive", "n");
    server_move(&e, "INBOX", "Lists", "n");
    local_move(&e, "INBOX", "INBOX", "n");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[n] INBOX[m1] Lists[n]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* Fetched it would stand beside its file, which is sent: the body tells that it is the same. What
 * was flagged here on the way stays so. */
static void law2_both_move_a_message_without_an_id(void **state)
{
    static const struct {
        const char *there, *here, *both;
        bool sent; /* once from here: the server gave it an id that the index does not know */
    } cases[] = {
        {"Archive", "Archive", "Archive[anon/F] INBOX[anon2] Lists[]", false},
        {"Archive", "Lists", "Archive[anon/F] INBOX[anon2] Lists[]", false},
        {"Lists", "INBOX", "Archive[] INBOX[anon2] Lists[anon/F]", false},
        {"Archive", "Archive", "Archive[anon/F] INBOX[anon2] Lists[]", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        begin(&e, 0, cases[i].sent ? NULL : "    disable: [OBJECTID]\n");
        server_append(&e, "INBOX", "anon2", "");
        if (cases[i].sent)
            local_add(&e, "INBOX", "anon", "");
        else
            server_append(&e, "INBOX", "anon", "");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        server_move(&e, "INBOX", cases[i].there, "anon");
        local_remove(&e, "INBOX", "anon");
        local_add_as(&e, cases[i].here, "1700000000.other", "anon");
        local_flags(&e, cases[i].here, "anon", "F");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.uploaded, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, cases[i].both);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Several new files that are all copies of one message. */
static void a_file_is_copied_often(void **state)
{
    struct engine e;
    begin(&e, 2, NULL);
    local_add_as(&e, "Archive", "one", "m1");
    local_add_as(&e, "Archive", "two", "m1");
    local_add_as(&e, "Lists", "three", "m1");
    local_add_as(&e, "INBOX", "four", "m2");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[m1 m1] INBOX[m1 m2 m2] Lists[m1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void a_message_in_several_mailboxes_is_fetched_once(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_create(&e, "All");
    server_create(&e, "Label");
    server_fill(&e, "INBOX", "m", 40);
    for (unsigned i = 1; i <= 40; i++) {
        server_copy(&e, "INBOX", "All", arena_printf(e.arena, "m%u", i));
    }
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 40);
    assert_int_equal(e.report.messages.linked, 40);
    assert_int_equal(folder_count(&e, "All"), 40);
    engine_pass_ends(&e, 0);
    engine_assert_settled(&e);
    for (unsigned i = 1; i <= 40; i++) {
        server_copy(&e, "All", "Label", arena_printf(e.arena, "m%u", i));
    }
    server_flags(&e, "Label", "m7", "F");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 0);
    assert_int_equal(e.report.messages.linked, 40);
    engine_pass_ends(&e, 0);
    engine_assert_settled(&e);
    /* One name goes: the others stay. */
    server_expunge(&e, "INBOX", "m1");
    local_remove(&e, "All", "m2");
    engine_pass_ends(&e, 0);
    assert_int_equal(folder_count(&e, "Label"), 40);
    assert_int_equal(folder_count(&e, "All"), 39);
    assert_int_equal(folder_count(&e, "INBOX"), 39);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duplicates_are_not_guessed),
        cmocka_unit_test(both_duplicates_move_at_once),
        cmocka_unit_test(law2_a_file_renamed_while_its_message_moves),
        cmocka_unit_test(law2_both_move_a_message_without_an_id),
        cmocka_unit_test(a_file_is_copied_often),
        cmocka_unit_test(a_message_in_several_mailboxes_is_fetched_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
