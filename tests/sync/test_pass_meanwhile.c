#include "sync/folder_sides.h"
#include <string.h>

/* Law 8: mail programs and other clients go on while a pass carries out its plan. Whatever they do,
 * the passes that follow bring both sides together, and nobody's change is lost. */

static void flag_m1_here(struct engine *e)
{
    local_flags(e, "INBOX", "m1", "F");
}

static void flag_m1_on_both_sides(struct engine *e)
{
    local_flags(e, "INBOX", "m1", "F");
    server_flags(e, "INBOX", "m1", "S");
}

static void flag_m1_here_again(struct engine *e)
{
    local_flags(e, "INBOX", "m1", "FR");
}

static void remove_m1_here(struct engine *e)
{
    local_remove(e, "INBOX", "m1");
}

static void remove_new_here(struct engine *e)
{
    local_remove(e, "INBOX", "new");
}

static void flag_new_here(struct engine *e)
{
    local_flags(e, "INBOX", "new", "F");
}

static void put_m1_back(struct engine *e)
{
    local_move(e, "Aside", "INBOX", "m1");
}

static void add_here(struct engine *e)
{
    local_add(e, "INBOX", "more", "S");
}

static void flag_m1_there(struct engine *e)
{
    server_flags(e, "INBOX", "m1", "R");
}

static void expunge_m1_there(struct engine *e)
{
    server_expunge(e, "INBOX", "m1");
}

static void expunge_new_there(struct engine *e)
{
    server_expunge(e, "INBOX", "new");
}

static void add_there(struct engine *e)
{
    (void)server_append(e, "INBOX", "more", "S");
}

static void server_flags_m1(struct engine *e)
{
    server_flags(e, "INBOX", "m1", "S");
}

static void server_adds(struct engine *e)
{
    (void)server_append(e, "INBOX", "new", "");
}

static void local_adds(struct engine *e)
{
    local_add(e, "INBOX", "new", "");
}

static void local_takes_m1_away(struct engine *e)
{
    local_move(e, "INBOX", "Aside", "m1");
}

static const struct {
    const char *what;
    void (*before)(struct engine *e);
    void (*meanwhile)(struct engine *e);
    const char *inbox; /* of both sides, in the end */
} CASES[] = {
    {"flags to a file that is flagged", server_flags_m1, flag_m1_here, "m1/FS m2"},
    {"flags to a flagged file that is flagged again", flag_m1_on_both_sides, flag_m1_here_again,
     "m1/FRS m2"},
    {"flags to a file that is removed", server_flags_m1, remove_m1_here, "m2"},
    {"flags to a file whose message is flagged again", server_flags_m1, flag_m1_there, "m1/R m2"},
    {"flags to a file whose message is expunged", server_flags_m1, expunge_m1_there, "m2"},
    {"a flag sent for a message that is flagged", flag_m1_here, flag_m1_there, "m1/FR m2"},
    {"a flag sent for a message that is expunged", flag_m1_here, expunge_m1_there, "m2"},
    {"a flag sent for a file that is removed", flag_m1_here, remove_m1_here, "m2"},
    {"removal of a file that is flagged", expunge_m1_there, flag_m1_here, "m2"},
    {"removal of a file that is removed", expunge_m1_there, remove_m1_here, "m2"},
    {"deletion of a message that is flagged", remove_m1_here, flag_m1_there, "m2"},
    {"deletion of a message that is expunged", remove_m1_here, expunge_m1_there, "m2"},
    {"deletion of a message whose file comes back", local_takes_m1_away, put_m1_back, "m1 m2"},
    {"upload of a file that is flagged", local_adds, flag_new_here, "m1 m2 new/F"},
    {"upload of a file that is removed", local_adds, remove_new_here, "m1 m2"},
    {"upload while mail comes here", local_adds, add_here, "m1 m2 more/S new"},
    {"upload while mail comes there", local_adds, add_there, "m1 m2 more/S new"},
    {"download of a message that is expunged", server_adds, expunge_new_there, "m1 m2"},
    {"download while mail comes there", server_adds, add_there, "m1 m2 more/S new"},
    {"download while mail comes here", server_adds, add_here, "m1 m2 more/S new"},
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
        CASES[i].before(&e);
        e.meanwhile = CASES[i].meanwhile;
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
    static void (*const before[])(struct engine *) = {flag_m1_here, remove_m1_here, server_flags_m1,
                                                      server_adds};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        struct engine e;
        engine_begin(&e, NULL, 2, "Other", "o", 1);
        before[i](&e);
        server_flags(&e, "Other", "o1", "S");
        const char *server = server_view(&e);
        e.meanwhile = renumber;
        (void)engine_pass(&e, NULL);
        assert_server(&e, server);
        assert_true(folder_count(&e, "INBOX") >= (before[i] == remove_m1_here ? 1u : 2u));
        /* Then it is paired by content. */
        engine_wait(&e, 120);
        engine_pass_ends(&e, 0);
        assert_string_equal(server_view(&e), local_view(&e));
        assert_int_equal(server_count(&e, "INBOX"), before[i] == server_adds ? 3 : 2);
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
        cmocka_unit_test(law8_a_folder_renamed_in_a_first_pass_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
