#include "sync/engine.h"
#include <stdio.h>

/* What the `sync:` block leaves where it is: sizes, dates and directions. */

#define DAY_S ((int64_t)86400)

/* A message holds its subject three times, besides some 60 bytes. */
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define BIG "big" X50 X50               /* 369 bytes or so */
#define HUGE_ONE "huge" X50 X50 X50 X50 /* 672 */

static void append(struct engine *e, const char *mailbox, const char *subject, int64_t age_days,
                   unsigned flags)
{
    struct error err = ERROR_INIT;
    uint32_t uid = 0;
    AUTO_BUF struct buf text = BUF_INIT(1 << 20);
    int64_t date_s = e->env.now_ms / 1000 - age_days * DAY_S;
    buf_addf(&text, "Subject: %s\r\nMessage-ID: <%s@test.example>\r\n\r\nThis is %s.\r\n", subject,
             subject, subject);
    assert_int_equal(mem_backend_append(e->env.backend, LOCKSTEP_USER, mailbox, buf_str(&text),
                                        flags, date_s, &uid, &err),
                     0);
}

static void begin(struct engine *e, const char *policy)
{
    engine_init(e, policy);
}

/* ---- max_size ---- */

static void larger_messages_stay_there(void **state)
{
    struct engine e;
    begin(&e, "    sync: {max_size: 200}\n");
    append(&e, "INBOX", BIG, 1, 0);
    append(&e, "INBOX", "F" BIG, 1, FLAG_FLAGGED);
    append(&e, "INBOX", "small", 1, 0);
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[F" BIG "/F small]");
    assert_int_equal(e.report.messages.skipped, 1);
    assert_int_equal(e.report.messages.downloaded, 2);
    assert_int_equal(e.report.result, REPORT_OK);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.skipped, 0);
    assert_local(&e, "INBOX[F" BIG "/F small]");
    assert_server(&e, "INBOX[F" BIG "/F " BIG " small]");
    engine_free(&e);
}

static void one_that_is_flagged_later_comes(void **state)
{
    static const char *const rungs[] = {"[]", "[QRESYNC]", "[QRESYNC, CONDSTORE]"};
    for (size_t i = 0; i < sizeof rungs / sizeof rungs[0]; i++) {
        struct engine e;
        engine_init(&e, NULL);
        engine_configure(
            &e, arena_printf(e.arena, "    disable: %s\n    sync: {max_size: 200}\n", rungs[i]));
        append(&e, "INBOX", BIG, 1, 0);
        engine_pass_ends(&e, 0);
        server_flags(&e, "INBOX", BIG, "S");
        engine_pass_ends(&e, 0);
        assert_local(&e, "INBOX[]");
        assert_int_equal(e.report.messages.downloaded, 0);
        server_flags(&e, "INBOX", BIG, "FS");
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[" BIG "/FS]");
        server_flags(&e, "INBOX", BIG, "S"); /* it stays, as nothing is removed for its size */
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[" BIG "/S]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void law6_one_that_is_flagged_while_a_backup_is_put_back_comes(void **state)
{
    struct engine e;
    begin(&e, "    sync: {max_size: 200}\n");
    append(&e, "INBOX", BIG, 1, 0);
    append(&e, "INBOX", HUGE_ONE, 1, 0);
    append(&e, "INBOX", "small", 1, 0);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    disk_copy(&e, "mail", "copy");
    append(&e, "INBOX", "new", 1, 0);
    engine_pass_ends(&e, 0);
    const char *newer = arena_printf(e.arena, "%s/newer", e.dir);
    assert_int_equal(rename(e.root, newer), 0);
    assert_int_equal(rename(arena_printf(e.arena, "%s/copy", e.dir), e.root), 0);
    server_flags(&e, "INBOX", BIG, "F");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[" BIG "/F new small]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void other_limits_are_applied_to_what_was_left(void **state)
{
    struct engine e;
    begin(&e, "    sync: {max_size: 200}\n");
    append(&e, "INBOX", BIG, 1, 0);
    append(&e, "INBOX", HUGE_ONE, 1, 0);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[]");
    engine_configure(&e, "    sync: {max_size: 500}\n");
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[" BIG "]");
    engine_configure(&e, "    sync: {max_size: 200}\n");
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[" BIG "]");
    engine_configure(&e, NULL);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[" BIG " " HUGE_ONE "]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void what_was_left_there_may_go_there(void **state)
{
    struct engine e;
    begin(&e, "    sync: {max_size: 200}\n");
    append(&e, "INBOX", BIG, 1, 0);
    append(&e, "INBOX", "small", 1, 0);
    engine_pass_ends(&e, 0);
    server_expunge(&e, "INBOX", BIG);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[small]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void what_is_made_here_is_sent_whatever_its_size(void **state)
{
    struct engine e;
    begin(&e, "    sync: {max_size: 1}\n");
    engine_pass_ends(&e, 0);
    local_add(&e, "INBOX", "mine", "");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[mine]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ---- since ---- */

static void older_messages_stay_there(void **state)
{
    struct engine e;
    begin(&e, "    sync: {since: 30d}\n");
    append(&e, "INBOX", "old", 40, 0);
    append(&e, "INBOX", "old-flagged", 40, FLAG_FLAGGED);
    append(&e, "INBOX", "young", 20, 0);
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[old-flagged/F young]");
    engine_wait(&e, 20 * DAY_S); /* ageing removes nothing */
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[old-flagged/F young]");
    engine_configure(&e, "    sync: {since: 2015-04-01}\n");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[old old-flagged/F young]");
    engine_free(&e);
}

static void an_override_has_limits_of_its_own(void **state)
{
    struct engine e;
    begin(&e, "    overrides: [{match: Lists, sync: {max_size: 200}}]\n");
    server_create(&e, "Lists");
    append(&e, "INBOX", BIG, 1, 0);
    append(&e, "Lists", HUGE_ONE, 1, 0);
    append(&e, "Lists", "tiny", 1, 0);
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[" BIG "] Lists[tiny]");
    engine_free(&e);
}

/* ---- directions ---- */

struct direction_case {
    const char *policy;
    const char *server, *local; /* after both sides had news, one change of flags, one deletion */
};

/* m1 is flagged there, m2 here; m3 goes there, m4 here; "there" and "here" are new. */
static const struct direction_case direction_cases[] = {
    {"{}", "INBOX[here m1/F m2/F there]", "INBOX[here m1/F m2/F there]"},
    {"{direction: pull}", "INBOX[m1/F m2 m4 there]", "INBOX[here m1/F m2/F there]"},
    {"{direction: push}", "INBOX[here m1/F m2/F there]", "INBOX[here m1 m2/F m3]"},
    {"{new: none}", "INBOX[m1/F m2/F there]", "INBOX[here m1/F m2/F]"},
    {"{new: to_local}", "INBOX[m1/F m2/F there]", "INBOX[here m1/F m2/F there]"},
    {"{new: to_remote}", "INBOX[here m1/F m2/F there]", "INBOX[here m1/F m2/F]"},
    {"{flags: none}", "INBOX[here m1/F m2 there]", "INBOX[here m1 m2/F there]"},
    {"{flags: to_local}", "INBOX[here m1/F m2 there]", "INBOX[here m1/F m2/F there]"},
    {"{flags: to_remote}", "INBOX[here m1/F m2/F there]", "INBOX[here m1 m2/F there]"},
    {"{deletions: none}", "INBOX[here m1/F m2/F m4 there]", "INBOX[here m1/F m2/F m3 there]"},
    {"{deletions: to_local}", "INBOX[here m1/F m2/F m4 there]", "INBOX[here m1/F m2/F there]"},
    {"{deletions: to_remote}", "INBOX[here m1/F m2/F there]", "INBOX[here m1/F m2/F m3 there]"},
    {"{direction: push, new: both, deletions: none}", "INBOX[here m1/F m2/F m4 there]",
     "INBOX[here m1 m2/F m3 there]"},
};

static void change_both_sides(struct engine *e)
{
    server_fill(e, "INBOX", "m", 4);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
}

static void check_direction(const struct direction_case *c, bool by_override)
{
    struct engine e;
    engine_init(&e, NULL);
    change_both_sides(&e);
    engine_configure(&e, arena_printf(e.arena, "    %s%s%s\n",
                                      by_override ? "overrides: [{match: INBOX, sync: " : "sync: ",
                                      c->policy, by_override ? "}]" : ""));
    server_flags(&e, "INBOX", "m1", "F");
    local_flags(&e, "INBOX", "m2", "F");
    server_expunge(&e, "INBOX", "m3");
    local_remove(&e, "INBOX", "m4");
    (void)server_append(&e, "INBOX", "there", "");
    local_add(&e, "INBOX", "here", "");
    for (int pass = 0; pass < 3; pass++) { /* what is not carried stays as it is */
        engine_pass_ends(&e, 0);
        if (strcmp(server_view(&e), c->server) != 0 || strcmp(local_view(&e), c->local) != 0) {
            fail_msg("%s, pass %d: %s there, %s here", c->policy, pass, server_view(&e),
                     local_view(&e));
        }
    }
    engine_free(&e);
}

static void each_direction_is_kept(void **state)
{
    for (size_t i = 0; i < sizeof direction_cases / sizeof direction_cases[0]; i++) {
        check_direction(&direction_cases[i], false);
        check_direction(&direction_cases[i], true);
    }
}

/* It was a flag, and not what the deletion left there. */
static void what_was_removed_here_is_not_fetched_when_its_mark_is_taken_off(void **state)
{
    struct engine e;
    begin(&e, "    sync: {deletions: to_local}\n");
    server_fill(&e, "INBOX", "m", 2);
    server_flags(&e, "INBOX", "m2", "T");
    engine_pass_ends(&e, 0);
    local_remove(&e, "INBOX", "m2");
    engine_pass_ends(&e, 0);
    server_flags(&e, "INBOX", "m2", "");
    for (int pass = 0; pass < 2; pass++) {
        engine_pass_ends(&e, 0);
        assert_local(&e, "INBOX[m1]");
        assert_server(&e, "INBOX[m1 m2]");
    }
    engine_free(&e);
}

/* Its flags there are known when it comes back, and neither side's are taken off. */
static void what_was_away_comes_back_with_the_flags_of_both_sides(void **state)
{
    for (int in_one_pass = 0; in_one_pass < 2; in_one_pass++) {
        struct engine e;
        begin(&e, "    sync: {deletions: to_local, new: to_local}\n");
        server_create(&e, "Archive");
        server_fill(&e, "INBOX", "m", 2);
        engine_pass_ends(&e, 0);
        local_flags(&e, "INBOX", "m2", "R");
        engine_pass_ends(&e, 0);
        local_move(&e, "INBOX", "Archive", "m2");
        if (!in_one_pass)
            engine_pass_ends(&e, 0);
        server_flags(&e, "INBOX", "m2", "FR");
        engine_pass_ends(&e, 0);
        local_move(&e, "Archive", "INBOX", "m2");
        local_flags(&e, "INBOX", "m2", "RS");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "Archive[] INBOX[m1 m2/FRS]");
        engine_free(&e);
    }
}

static void a_mark_there_is_known_when_its_file_comes_back(void **state)
{
    struct engine e;
    begin(&e, "    sync: {direction: pull}\n");
    server_create(&e, "Archive");
    server_fill(&e, "INBOX", "m", 2);
    server_flags(&e, "INBOX", "m2", "T");
    engine_pass_ends(&e, 0);
    local_move(&e, "INBOX", "Archive", "m2");
    engine_pass_ends(&e, 0);
    local_move(&e, "Archive", "INBOX", "m2");
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[] INBOX[m1 m2/T]");
    server_flags(&e, "INBOX", "m2", "");
    engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[] INBOX[m1 m2]");
    engine_free(&e);
}

/* ---- moves ---- */

static void begin_with_archive(struct engine *e)
{
    engine_init(e, NULL);
    server_create(e, "Archive");
    server_create(e, "Lists");
    server_fill(e, "INBOX", "m", 3);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
}

static void law1_a_move_to_where_nothing_new_is_sent_is_no_deletion(void **state)
{
    static const char *const policies[] = {
        "    sync: {new: to_local}\n",
        "    overrides: [{match: Archive, sync: {direction: pull}}]\n",
        "    sync: {new: none, deletions: to_remote}\n",
    };
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct engine e;
        begin_with_archive(&e);
        engine_configure(&e, policies[i]);
        local_move(&e, "INBOX", "Archive", "m2");
        local_remove(&e, "INBOX", "m3");
        for (int pass = 0; pass < 3; pass++) {
            engine_pass_ends(&e, 0);
            assert_local(&e, "Archive[m2] INBOX[m1] Lists[]");
            assert_server(&e, "Archive[] INBOX[m1 m2] Lists[]");
        }
        engine_free(&e);
    }
}

static void what_both_moved_stays_where_nothing_is_carried_here(void **state)
{
    struct engine e;
    begin_with_archive(&e);
    engine_configure(&e, "    sync: {direction: push}\n");
    local_move(&e, "INBOX", "Archive", "m2");
    server_move(&e, "INBOX", "Lists", "m2");
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(&e, 0);
        assert_local(&e, "Archive[m2] INBOX[m1 m3] Lists[]");
        assert_server(&e, "Archive[m2] INBOX[m1 m3] Lists[m2]");
    }
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(larger_messages_stay_there),
        cmocka_unit_test(one_that_is_flagged_later_comes),
        cmocka_unit_test(law6_one_that_is_flagged_while_a_backup_is_put_back_comes),
        cmocka_unit_test(other_limits_are_applied_to_what_was_left),
        cmocka_unit_test(what_was_left_there_may_go_there),
        cmocka_unit_test(what_is_made_here_is_sent_whatever_its_size),
        cmocka_unit_test(older_messages_stay_there),
        cmocka_unit_test(an_override_has_limits_of_its_own),
        cmocka_unit_test(each_direction_is_kept),
        cmocka_unit_test(what_was_removed_here_is_not_fetched_when_its_mark_is_taken_off),
        cmocka_unit_test(what_was_away_comes_back_with_the_flags_of_both_sides),
        cmocka_unit_test(a_mark_there_is_known_when_its_file_comes_back),
        cmocka_unit_test(law1_a_move_to_where_nothing_new_is_sent_is_no_deletion),
        cmocka_unit_test(what_both_moved_stays_where_nothing_is_carried_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
