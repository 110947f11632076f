#include "sync/folder_sides.h"
#include <stdio.h>

/* Mailboxes that are renamed on the server while both sides move what is in them: what is known of
 * them must not be taken for gone, and what is new there for more of it (law 2). */

static const char *const LADDER[] = {
    NULL,
    "    disable: [OBJECTID]\n",
    "    disable: [OBJECTID, QRESYNC, CONDSTORE]\n",
    "    disable: [OBJECTID, QRESYNC, CONDSTORE, LIST-STATUS]\n",
};
#define LADDER_LEN (sizeof LADDER / sizeof LADDER[0])

#define UIDVALIDITY_OF_A 77

static void number(struct engine *e, const char *mailbox, uint32_t uidnext)
{
    struct error err = ERROR_INIT;
    assert_int_equal(
        mem_backend_number(e->env.backend, LOCKSTEP_USER, mailbox, UIDVALIDITY_OF_A, uidnext, &err),
        0);
}

static void begin(struct engine *e, const char *account)
{
    engine_init(e, account);
    server_create(e, "a");
    server_create(e, "b");
    number(e, "a", 1);
    server_fill(e, "a", "a", 3);
    server_fill(e, "INBOX", "m", 1);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
}

/* Nothing is left there of what was known, and something may have come since. */
static void law2_renamed_with_nothing_left(void **state)
{
    for (size_t i = 0; i < 2 * LADDER_LEN; i++) {
        struct engine e;
        bool has_come = i % 2 == 1;
        begin(&e, LADDER[i / 2]);
        server_move_all(&e, "a", "INBOX");
        server_rename(&e, "a", "c");
        if (has_come)
            (void)server_append(&e, "c", "new", "");
        local_move(&e, "a", "b", "a1");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, has_come ? "INBOX[a1 a2 a3 m1] b[] c[new]" : "INBOX[a1 a2 a3 m1] b[] c[]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* One that was removed is not another of its UIDVALIDITY, which never held as much, or holds other
 * messages from before. */
static void law1_removed_beside_one_of_its_uidvalidity(void **state)
{
    for (size_t i = 0; i < 2 * (LADDER_LEN - 1); i++) {
        struct engine e;
        begin(&e, LADDER[1 + i / 2]);
        server_remove(&e, "a");
        server_create(&e, "c");
        number(&e, "c", 2);
        server_fill(&e, "c", "another", i % 2 == 0 ? 1 : 4);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_int_equal(folder_count(&e, "a"), 3);
        assert_int_equal(folder_count(&e, "c"), server_count(&e, "c"));
        engine_free(&e);
    }
}

static struct str rename_when_seen_gone(struct engine *e, struct str line)
{
    if (str_starts(line, STR("* VANISHED"))) {
        e->twist = NULL;
        server_rename(e, "b", "c");
    }
    return line;
}

/* Where a message went is no longer there under that name: its file, moved here, is not sent. */
static void law2_renamed_before_what_came_there_is_asked_for(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct engine e;
        begin(&e, LADDER[i]);
        server_fill(&e, "b", "b", 1);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        server_move(&e, "a", "b", "a1");
        local_move(&e, "a", "INBOX", "a1");
        e.twist = rename_when_seen_gone;
        (void)engine_pass(&e, NULL);
        assert_null(e.twist);
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[m1] a[a2 a3] c[a1 b1]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static struct str refuse_examine(struct engine *e, struct str line)
{
    static char refusal[64];
    struct str rest = line, tag;
    if (!line_has(line, "OK [READ-ONLY]") || !str_split(&rest, ' ', &tag))
        return line;
    snprintf(refusal, sizeof refusal, "%.*s NO [UNAVAILABLE] Later\r\n", STR_ARG(tag));
    return str_from(refusal);
}

/* What was copied there, and moved here, is not moved on both sides: the mailbox is not gone, the
 * server cannot say just now what it is called. */
static void law1_renamed_to_what_cannot_be_told_is_not_gone(void **state)
{
    for (size_t i = 1; i < LADDER_LEN; i++) {
        struct engine e;
        begin(&e, LADDER[i]);
        server_copy(&e, "a", "INBOX", "a1");
        server_rename(&e, "a", "c");
        local_move(&e, "a", "b", "a1");
        e.twist = refuse_examine;
        (void)engine_pass(&e, NULL);
        e.twist = NULL;
        for (int pass = 0; pass < 3; pass++) {
            engine_pass_ends(&e, 0);
            engine_wait(&e, 61);
        }
        assert_both(&e, "INBOX[a1 m1] b[a1] c[a2 a3]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* What is in it may be what is gone elsewhere: no file goes for that. */
static void law1_what_went_where_it_cannot_be_told_is_not_deleted(void **state)
{
    for (size_t i = 1; i < LADDER_LEN; i++) {
        struct engine e;
        begin(&e, LADDER[i]);
        server_move(&e, "a", "b", "a1");
        server_rename(&e, "b", "c");
        e.twist = refuse_examine;
        (void)engine_pass(&e, NULL);
        e.twist = NULL;
        assert_int_equal(folder_count(&e, "a"), 3);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[m1] a[a2 a3] c[a1]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* The directory that a parent goes back into holds another folder already: what lies in the parent
 * follows by itself, and is not left where no folder is looked for. */
static void a_child_follows_into_a_directory_that_is_there(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_create(&e, "a");
    server_create(&e, "b");
    server_create(&e, "b/x");
    server_fill(&e, "a", "a", 1);
    server_fill(&e, "b", "b", 1);
    server_fill(&e, "b/x", "x", 1);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    server_rename(&e, "a", "t");
    server_rename(&e, "b", "a");
    server_rename(&e, "t", "b");
    local_create(&e, "a/y");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_both(&e, "INBOX[] a[b1] a/x[x1] a/y[] b[a1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law2_renamed_with_nothing_left),
        cmocka_unit_test(law1_removed_beside_one_of_its_uidvalidity),
        cmocka_unit_test(law2_renamed_before_what_came_there_is_asked_for),
        cmocka_unit_test(law1_renamed_to_what_cannot_be_told_is_not_gone),
        cmocka_unit_test(law1_what_went_where_it_cannot_be_told_is_not_deleted),
        cmocka_unit_test(a_child_follows_into_a_directory_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
