#include "sync/folder_sides.h"
#include "sync/steps.h"
#include <string.h>

/* Law 8: mail programs and other clients go on while a pass carries out its plan. Whatever they do,
 * the passes that follow bring both sides together, and nobody's change is lost. */

static const struct {
    const char *what;
    const char *before, *meanwhile; /* as steps_do() does them */
    const char *inbox;              /* of both sides, in the end */
} CASES[] = {
    {"flags to a file that is flagged", "there flags INBOX m1 S", "here flags INBOX m1 F",
     "m1/FS m2"},
    {"flags to a flagged file that is flagged again",
     "here flags INBOX m1 F; there flags INBOX m1 S", "here flags INBOX m1 FR", "m1/FRS m2"},
    {"flags to a file that is removed", "there flags INBOX m1 S", "here remove INBOX m1", "m2"},
    {"flags to a file whose message is flagged again", "there flags INBOX m1 S",
     "there flags INBOX m1 R", "m1/R m2"},
    {"flags to a file whose message is expunged", "there flags INBOX m1 S",
     "there expunge INBOX m1", "m2"},
    {"a flag sent for a message that is flagged", "here flags INBOX m1 F", "there flags INBOX m1 R",
     "m1/FR m2"},
    {"a flag sent for a message that is expunged", "here flags INBOX m1 F",
     "there expunge INBOX m1", "m2"},
    {"a flag sent for a file that is removed", "here flags INBOX m1 F", "here remove INBOX m1",
     "m2"},
    {"removal of a file that is flagged", "there expunge INBOX m1", "here flags INBOX m1 F", "m2"},
    {"removal of a file that is removed", "there expunge INBOX m1", "here remove INBOX m1", "m2"},
    {"deletion of a message that is flagged", "here remove INBOX m1", "there flags INBOX m1 R",
     "m2"},
    {"deletion of a message that is expunged", "here remove INBOX m1", "there expunge INBOX m1",
     "m2"},
    {"deletion of a message whose file comes back", "here move INBOX Aside m1",
     "here move Aside INBOX m1", "m1 m2"},
    {"upload of a file that is flagged", "here add INBOX new", "here flags INBOX new F",
     "m1 m2 new/F"},
    {"upload of a file that is removed", "here add INBOX new", "here remove INBOX new", "m1 m2"},
    {"upload while mail comes here", "here add INBOX new", "here add INBOX more S",
     "m1 m2 more/S new"},
    {"upload while mail comes there", "here add INBOX new", "there append INBOX more S",
     "m1 m2 more/S new"},
    {"download of a message that is expunged", "there append INBOX new", "there expunge INBOX new",
     "m1 m2"},
    {"download while mail comes there", "there append INBOX new", "there append INBOX more S",
     "m1 m2 more/S new"},
    {"download while mail comes here", "there append INBOX new", "here add INBOX more S",
     "m1 m2 more/S new"},
};

static void law8_changes_during_a_pass_are_carried(void **state)
{
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct engine e;
        engine_init(&e, "    mailboxes: {patterns: [\"*\", \"!Aside\"]}\n");
        server_fill(&e, "INBOX", "m", 2);
        local_create(&e, "Aside");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        steps_do(&e, CASES[i].before);
        steps_do_meanwhile(&e, CASES[i].meanwhile);
        (void)engine_pass(&e, NULL);
        if (e.meanwhile != NULL) {
            fail_msg("%s: nothing was planned", CASES[i].what);
        }
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
        const char *server = arena_printf(e.arena, "INBOX[%s]", CASES[i].inbox);
        const char *local = arena_printf(e.arena, "Aside[] INBOX[%s]", CASES[i].inbox);
        if (strcmp(server_view(&e), server) != 0 || strcmp(local_view(&e), local) != 0) {
            engine_tell(&e);
            fail_msg("%s: the server has %s, the Maildir %s", CASES[i].what, server_view(&e),
                     local_view(&e));
        }
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* The mailbox is rebuilt between survey and act: nothing is done under another UIDVALIDITY. */
static void renumber(struct engine *e)
{
    server_renumber(e, "INBOX");
}

static void law6_a_mailbox_rebuilt_during_a_pass_is_left_alone(void **state)
{
    static const struct {
        const char *before;
        unsigned here, there; /* files at the least, and messages in the end */
    } cases[] = {
        {"here flags INBOX m1 F", 2, 2},
        {"here remove INBOX m1", 1, 2},
        {"there flags INBOX m1 S", 2, 2},
        {"there append INBOX new", 2, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        engine_begin(&e, NULL, 2, "Other", "o", 1);
        steps_do(&e, cases[i].before);
        server_flags(&e, "Other", "o1", "S");
        const char *server = server_view(&e);
        e.meanwhile = renumber;
        (void)engine_pass(&e, NULL);
        assert_server(&e, server);
        assert_true(folder_count(&e, "INBOX") >= cases[i].here);
        /* Then it is paired by content. */
        engine_wait(&e, 120);
        engine_pass_ends(&e, 0);
        assert_string_equal(server_view(&e), local_view(&e));
        assert_int_equal(server_count(&e, "INBOX"), cases[i].there);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Between survey and plan it is selected again, to ask what came there. Its second message has the
 * UID then that the one removed here had. */
static void law6_a_mailbox_rebuilt_before_the_plan_is_left_alone(void **state)
{
    bool more = true;
    for (unsigned at = 1; more; at++) {
        struct engine e;
        engine_begin(&e, NULL, 4, "Other", "o", 2);
        server_expunge(&e, "INBOX", "m1");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        local_remove(&e, "INBOX", "m2");
        server_move(&e, "Other", "INBOX", "o1");
        engine_wait(&e, 120);
        more = engine_pass_at_line(&e, at, renumber);
        /* That it was removed here is not known any more. */
        if (strstr(server_view(&e), "m3") == NULL || strstr(server_view(&e), "m4") == NULL) {
            engine_tell(&e);
            fail_msg("rebuilt at line %u: the server has %s", at, server_view(&e));
        }
        engine_wait(&e, 120);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_string_equal(server_view(&e), local_view(&e));
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

#define REBUILT_UIDVALIDITY 777

/* Whoever selects it after the survey finds it rebuilt. */
static struct str rebuilt_when_selected_again(struct engine *e, struct str line)
{
    if (!line_has(line, "[UIDVALIDITY 777]") || e->twist_uid++ == 0)
        return line;
    return STR("* OK [UIDVALIDITY 778] UIDs valid\r\n");
}

/* So many UIDs, and so long ones, that one command does not take them all. */
static void fill_sparsely(struct engine *e, const char *mailbox)
{
    struct error err = ERROR_INIT;
    for (unsigned i = 0; i < 720; i++) {
        (void)server_append(e, mailbox, arena_printf(e->arena, "n%u", i), "");
        uint32_t uid = server_append(e, mailbox, "gap", "");
        assert_int_equal(mem_backend_expunge(e->env.backend, LOCKSTEP_USER, mailbox, uid, &err), 0);
    }
}

/* A question behind the one whose SELECT tells that is about another mailbox, too. */
static void law6_nothing_is_learned_of_a_mailbox_rebuilt_before_it_is_asked(void **state)
{
    static const char *const accounts[] = {NULL, "    disable: [OBJECTID]\n"};
    for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        struct engine e;
        struct error err = ERROR_INIT;
        engine_init(&e, accounts[i]);
        server_create(&e, "Lists");
        server_create(&e, "Other");
        server_fill(&e, "Other", "o", 2);
        assert_int_equal(mem_backend_number(e.env.backend, LOCKSTEP_USER, "Lists",
                                            REBUILT_UIDVALIDITY, 4000000000, &err),
                         0);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        fill_sparsely(&e, "Lists");
        e.twist = rebuilt_when_selected_again;
        e.twist_uid = 0;
        server_move(&e, "Other", "Lists", "o1");
        (void)engine_pass(&e, NULL);
        assert_true(e.twist_uid > 1);
        assert_int_equal(e.report.messages.downloaded, 0);
        assert_true(engine_sent(&e, "UID FETCH 4") > 2);
        const struct str plan = buf_str(&e.plan);
        if (memmem(plan.ptr, plan.len, "move here", 9) != NULL) {
            engine_tell(&e);
            fail_msg("a message of another mailbox was taken for what came");
        }
        e.twist = NULL;
        for (int pass = 0; pass < 2; pass++) {
            engine_wait(&e, 61);
            engine_pass_ends(&e, 0);
        }
        assert_string_equal(server_view(&e), local_view(&e));
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Unless the pass was faster. */
static void move_anon_to(struct engine *e, const char *folder)
{
    if (str_starts(str_from(local_view(e)), STR("INBOX[anon")))
        local_move(e, "INBOX", folder, "anon");
}

static void move_anon_here(struct engine *e)
{
    move_anon_to(e, "Other");
}

static void move_anon_elsewhere_here(struct engine *e)
{
    move_anon_to(e, "Third");
}

/* What no Message-ID tells, and which the server moved, is moved here while the pass brings it: the
 * file that goes on is not sent beside what came. */
static void law2_what_is_moved_here_while_the_move_there_is_carried_is_not_doubled(void **state)
{
    static void (*const moves[])(struct engine *) = {move_anon_here, move_anon_elsewhere_here};
    for (size_t i = 0; i < 2; i++) {
        bool more = true;
        for (unsigned at = 1; more; at += 2) {
            struct engine e;
            engine_begin(&e, NULL, 2, "Other", "o", 2);
            server_create(&e, "Third");
            local_add(&e, "INBOX", "anon", "");
            engine_pass_ends(&e, 0);
            engine_pass_ends(&e, 0);
            server_move(&e, "INBOX", "Other", "anon");
            more = engine_pass_at_line(&e, at, moves[i]);
            for (int passes = 0; passes < 2; passes++) {
                engine_wait(&e, 120);
                engine_pass_ends(&e, 0);
            }
            assert_both(&e, "INBOX[m1 m2] Other[anon o1 o2] Third[]");
            engine_assert_settled(&e);
            engine_free(&e);
        }
    }
}

static void move_m2_and_rename_there(struct engine *e)
{
    server_move(e, "INBOX", "Other", "m2");
    server_rename(e, "Other", "Third");
}

static void move_m2_to_a_new_mailbox_there(struct engine *e)
{
    server_create(e, "Third");
    server_move(e, "INBOX", "Third", "m2");
}

/* The mailbox has no place among those that the pass began with. */
static void law1_what_goes_to_another_mailbox_during_a_pass_is_moved(void **state)
{
    static const struct {
        void (*act)(struct engine *);
        const char *end;
    } moves[] = {
        {move_m2_and_rename_there, "INBOX[m3] Third[m2 o1]"},
        {move_m2_to_a_new_mailbox_there, "INBOX[m3] Other[o1] Third[m2]"},
    };
    static const enum capability rungs[][4] = {
        {CAP_IMAP4REV1},
        {CAP_LIST_STATUS, CAP_IMAP4REV1},
    };
    for (size_t i = 0; i < 4; i++) {
        bool more = true;
        for (unsigned at = 1; more; at++) {
            struct engine e;
            unsigned deleted = 0;
            engine_begin(&e, NULL, 3, "Other", "o", 1);
            server_lacks(&e, rungs[i / 2]);
            engine_agree(&e);
            server_expunge(&e, "INBOX", "m1");
            more = engine_pass_at_line(&e, at, moves[i % 2].act);
            for (int passes = 0; passes < 3 && more; passes++) {
                deleted += e.report.messages.deleted_local;
                assert_false(engine_body_crossed(&e));
                engine_wait(&e, 120);
                engine_pass_ends(&e, 0);
            }
            if (more) {
                assert_int_equal(deleted, 1);
                assert_both(&e, moves[i % 2].end);
                engine_assert_settled(&e);
            }
            engine_free(&e);
        }
    }
}

static void rename_a_here(struct engine *e)
{
    local_rename(e, "a", "b");
}

/* Between its scan and the look into its files they are gone from where they were; the directories,
 * by which the folder is known again, are as they were scanned. */
static void law8_a_folder_renamed_in_a_first_pass_is_sent(void **state)
{
    bool more = true;
    for (unsigned at = 1; more; at += 2) {
        struct engine e;
        engine_init(&e, NULL);
        server_fill(&e, "INBOX", "m", 2);
        local_create(&e, "a");
        local_add(&e, "a", "new here", "");
        more = engine_pass_at_line(&e, at, rename_a_here);
        for (int passes = 0; passes < 2; passes++) {
            engine_wait(&e, 120);
            engine_pass_ends(&e, 0);
        }
        assert_both(&e, more ? "INBOX[m1 m2] b[new here]" : "INBOX[m1 m2] a[new here]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Unless the pass was faster. */
static void rename_lists_to_trips_here(struct engine *e)
{
    if (str_eq(str_from(local_view(e)), STR("INBOX[m1] Lists[l1 l2]")))
        local_rename(e, "Lists", "Trips");
}

/* There the name is another mailbox's, for which this pass makes the folder. Where the two names
 * stand against each other, people are told; nothing goes from one into the other. */
static void law2_a_folder_renamed_to_one_that_is_made_is_not_taken_for_it(void **state)
{
    bool more = true;
    for (unsigned at = 1; more; at++) {
        struct engine e;
        engine_begin(&e, NULL, 1, "Lists", "l", 2);
        engine_agree(&e);
        server_rename(&e, "Lists", "Trips/2024");
        (void)server_append(&e, "Trips", "new", "");
        more = engine_pass_at_line(&e, at, rename_lists_to_trips_here);
        for (int passes = 0; passes < 3 && more; passes++) {
            engine_wait(&e, 120);
            (void)engine_pass(&e, NULL);
        }
        bool stays = str_eq(str_from(local_view(&e)), STR("INBOX[m1] Trips[l1 l2]"));
        if (more)
            assert_server(&e, "INBOX[m1] Trips[new] Trips/2024[l1 l2]");
        if (more && !stays)
            assert_local(&e, "INBOX[m1] Trips[new] Trips/2024[l1 l2]");
        engine_free(&e);
    }
}

/* Half of what somebody does in the Maildir is not carried; what comes from the server is. */
static void local_changes_wait_while_they_go_on(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", 3);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    local_remove(&e, "INBOX", "m1");
    local_add(&e, "INBOX", "written here", "");
    (void)server_append(&e, "INBOX", "new there", "");
    const struct pass_options waits = {.local_waits = true};
    assert_int_equal(engine_pass(&e, &waits), 0);
    assert_int_equal(server_count(&e, "INBOX"), 4);
    assert_int_equal(e.report.messages.downloaded, 1);
    assert_int_equal(e.report.messages.uploaded, 0);
    assert_int_equal(engine_pass(&e, &waits), 0);
    assert_int_equal(server_count(&e, "INBOX"), 4);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.uploaded, 1);
    assert_int_equal(e.report.messages.deleted_remote, 1);
    assert_string_equal(server_view(&e), local_view(&e));
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law8_changes_during_a_pass_are_carried),
        cmocka_unit_test(local_changes_wait_while_they_go_on),
        cmocka_unit_test(law6_a_mailbox_rebuilt_during_a_pass_is_left_alone),
        cmocka_unit_test(law6_a_mailbox_rebuilt_before_the_plan_is_left_alone),
        cmocka_unit_test(law6_nothing_is_learned_of_a_mailbox_rebuilt_before_it_is_asked),
        cmocka_unit_test(law2_what_is_moved_here_while_the_move_there_is_carried_is_not_doubled),
        cmocka_unit_test(law1_what_goes_to_another_mailbox_during_a_pass_is_moved),
        cmocka_unit_test(law8_a_folder_renamed_in_a_first_pass_is_sent),
        cmocka_unit_test(law2_a_folder_renamed_to_one_that_is_made_is_not_taken_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
