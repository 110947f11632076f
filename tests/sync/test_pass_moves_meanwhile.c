#include "sync/steps.h"
#include <stdio.h>
#include <string.h>

/* Moves that happen while a pass looks, or while it carries them out. */

static void begin_with(struct engine *e, unsigned messages, const char *account)
{
    engine_init(e, account);
    engine_fill_three(e, messages);
}

static void begin(struct engine *e, unsigned messages)
{
    begin_with(e, messages, NULL);
}

/* ---- at every barrier ---- */

struct barrier {
    struct engine *e;
    const char *act; /* as steps_do() does it */
    unsigned at, reached;
};

static void reach(void *self, const struct progress *progress)
{
    struct barrier *b = self;
    if (progress->stage == PROGRESS_SURVEY && ++b->reached == b->at) {
        steps_do(b->e, b->act);
    }
}

/* A pass in which something happens when the survey comes to its `at`th mailbox. False: it has no
 * such mailbox. */
static bool pass_at_barrier(struct engine *e, unsigned at, const char *act)
{
    struct barrier b = {.e = e, .act = act, .at = at};
    const struct progress_sink sink = {reach, &b};
    const struct pass_options options = {.progress = &sink};
    (void)engine_pass(e, &options);
    return b.reached >= at;
}

#define STIR_INBOX "there flags INBOX m1 S; here flags INBOX m3 F"
#define STIR_ARCHIVE "there flags Archive a2 S; here flags Archive a3 F"

static const struct {
    const char *act;
    const char *stir; /* so that these are looked into */
    const char *both;
} MOVES[] = {
    {"here move INBOX Archive m2", STIR_INBOX "; " STIR_ARCHIVE,
     "Archive[a1 a2/S a3/F m2] INBOX[m1/S m3/F] Lists[]"},
    {"here move Archive INBOX a1", STIR_INBOX "; " STIR_ARCHIVE,
     "Archive[a2/S a3/F] INBOX[a1 m1/S m2 m3/F] Lists[]"},
    {"there move INBOX Archive m2", STIR_INBOX "; " STIR_ARCHIVE,
     "Archive[a1 a2/S a3/F m2] INBOX[m1/S m3/F] Lists[]"},
    {"there move Archive INBOX a1", STIR_INBOX "; " STIR_ARCHIVE,
     "Archive[a2/S a3/F] INBOX[a1 m1/S m2 m3/F] Lists[]"},
    {"there move INBOX Archive m2", STIR_INBOX, "Archive[a1 a2 a3 m2] INBOX[m1/S m3/F] Lists[]"},
    {"there move Archive INBOX a1", STIR_ARCHIVE, "Archive[a2/S a3/F] INBOX[a1 m1 m2 m3] Lists[]"},
    {"there move INBOX Archive m2", STIR_ARCHIVE, "Archive[a1 a2/S a3/F m2] INBOX[m1 m3] Lists[]"},
    {"there move Archive INBOX a1", STIR_INBOX, "Archive[a2 a3] INBOX[a1 m1/S m2 m3/F] Lists[]"},
};

static void assert_converges(struct engine *e, const char *both, unsigned at)
{
    for (int pass = 0; pass < 4; pass++) {
        const struct report_messages *m = &e->report.messages;
        if (engine_body_crossed(e) || m->held + m->deleted_local + m->deleted_remote > 0) {
            engine_tell(e);
            fail_msg("at barrier %u, pass %d: more than a move", at, pass);
        }
        engine_wait(e, 61);
        engine_pass_ends(e, 0);
    }
    assert_both(e, both);
    engine_assert_settled(e);
}

static void law1_a_move_at_every_barrier_of_the_survey(void **state)
{
    for (size_t i = 0; i < sizeof MOVES / sizeof MOVES[0]; i++) {
        bool more = true;
        for (unsigned at = 1; more; at++) {
            struct engine e;
            begin(&e, 3);
            server_fill(&e, "Archive", "a", 3);
            engine_pass_ends(&e, 0);
            engine_pass_ends(&e, 0);
            steps_do(&e, MOVES[i].stir);
            more = pass_at_barrier(&e, at, MOVES[i].act);
            if (more) {
                assert_converges(&e, MOVES[i].both, at);
            }
            engine_free(&e);
        }
    }
}

/* One side has moved the message, and now the other does: what is new there is no copy, though its
 * own mailbox had it when it was looked at. */
static void law2_what_one_side_moved_the_other_moves_at_every_barrier(void **state)
{
    static const struct {
        const char *before, *act;
        const char *both;
    } cases[] = {
        {"there move INBOX Archive m2", "here move INBOX Archive m2",
         "Archive[m2] INBOX[m1 m3] Lists[]"},
        {"there move INBOX Lists m2", "here move INBOX Archive m2",
         "Archive[] INBOX[m1 m3] Lists[m2]"},
        {"here move INBOX Archive m2", "there move INBOX Lists m2",
         "Archive[] INBOX[m1 m3] Lists[m2]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool more = true;
        for (unsigned at = 1; more; at++) {
            struct engine e;
            begin(&e, 3);
            steps_do(&e, cases[i].before);
            more = pass_at_barrier(&e, at, cases[i].act);
            for (int pass = 0; pass < 3 && more; pass++) {
                engine_wait(&e, 61);
                engine_pass_ends(&e, 0);
            }
            if (more)
                assert_both(&e, cases[i].both);
            engine_free(&e);
        }
    }
}

/* Where it goes is looked at before it is gone, and not opened then. */
static void law1_a_move_between_the_list_and_the_mailbox(void **state)
{
    struct engine e;
    begin(&e, 3);
    server_flags(&e, "INBOX", "m1", "S");
    assert_true(pass_at_barrier(&e, 2, "there move INBOX Archive m2"));
    assert_converges(&e, "Archive[m2] INBOX[m1/S m3] Lists[]", 2);
    engine_free(&e);
}

static void law1_a_move_between_survey_and_apply(void **state)
{
    for (size_t i = 0; i < sizeof MOVES / sizeof MOVES[0]; i++) {
        struct engine e;
        begin(&e, 3);
        server_fill(&e, "Archive", "a", 3);
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        steps_do(&e, MOVES[i].stir);
        steps_do_meanwhile(&e, MOVES[i].act);
        (void)engine_pass(&e, NULL);
        assert_null(e.meanwhile);
        assert_converges(&e, MOVES[i].both, 0);
        engine_free(&e);
    }
}

/* ---- all the time ---- */

#define STREAM_MESSAGES 24

/* One message after the other moves, whenever the pass tells of progress. */
struct stream {
    struct engine *e;
    void (*move)(struct engine *e, const char *from, const char *to, const char *subject);
    const char *route[4]; /* of each message, from folder to folder; NULL ends it */
    unsigned moved;
};

static void flow(void *self, const struct progress *progress)
{
    struct stream *s = self;
    (void)progress;
    unsigned message = s->moved % STREAM_MESSAGES + 1;
    unsigned leg = s->moved / STREAM_MESSAGES;
    if (leg < 3 && s->route[leg + 1] != NULL) {
        s->move(s->e, s->route[leg], s->route[leg + 1], arena_printf(s->e->arena, "m%u", message));
        s->moved++;
    }
}

/* All legs of the route for one message at once, then the next message. */
static void flow_in_chains(void *self, const struct progress *progress)
{
    struct stream *s = self;
    (void)progress;
    unsigned legs = s->route[2] == NULL ? 1 : 2;
    unsigned message = s->moved / legs + 1;
    unsigned leg = s->moved % legs;
    if (message <= STREAM_MESSAGES) {
        s->move(s->e, s->route[leg], s->route[leg + 1], arena_printf(s->e->arena, "m%u", message));
        s->moved++;
    }
}

static const struct stream STREAMS[] = {
    {.move = local_move, .route = {"INBOX", "Archive"}},
    {.move = local_move, .route = {"INBOX", "Lists"}},
    {.move = local_move, .route = {"INBOX", "Archive", "Lists"}},
    {.move = local_move, .route = {"INBOX", "Lists", "Archive"}},
    {.move = local_move, .route = {"INBOX", "Lists", "INBOX"}},
    {.move = server_move, .route = {"INBOX", "Archive"}},
    {.move = server_move, .route = {"INBOX", "Lists"}},
    {.move = server_move, .route = {"INBOX", "Archive", "Lists"}},
    {.move = server_move, .route = {"INBOX", "Lists", "Archive"}},
    {.move = server_move, .route = {"INBOX", "Lists", "INBOX"}},
};

static void assert_only_moves(struct stream *s, size_t number, int pass)
{
    const struct report_messages *m = &s->e->report.messages;
    bool sent = engine_body_crossed(s->e) || m->uploaded + m->downloaded > 0;
    /* The original of what was seen in two folders by turns, and copied therefore, may go. */
    bool deleted = m->deleted_local > 0 || (m->deleted_remote > 0 && s->move == server_move);
    if (sent || deleted || m->held > 0) {
        engine_tell(s->e);
        fail_msg("stream %zu, pass %d: more than moves", number, pass);
    }
}

static void stream_all(size_t number, const char *account,
                       void (*update)(void *self, const struct progress *progress))
{
    struct engine e;
    begin_with(&e, STREAM_MESSAGES, account);
    struct stream s = STREAMS[number];
    s.e = &e;
    const struct progress_sink sink = {update, &s};
    const struct pass_options options = {.progress = &sink};
    unsigned legs = s.route[2] == NULL ? 1 : 2;
    for (int pass = 0; s.moved < legs * STREAM_MESSAGES && pass < 100; pass++) {
        (void)engine_pass(&e, &options);
        assert_only_moves(&s, number, pass);
    }
    for (int pass = 0; pass < 4; pass++) {
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
        assert_only_moves(&s, number, 100 + pass);
    }
    assert_int_equal(server_count(&e, s.route[legs]), STREAM_MESSAGES);
    assert_int_equal(folder_count(&e, s.route[legs]), STREAM_MESSAGES);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void law1_messages_that_move_all_the_time(void **state)
{
    for (size_t i = 0; i < sizeof STREAMS / sizeof STREAMS[0]; i++) {
        stream_all(i, NULL, flow);
        stream_all(i, NULL, flow_in_chains);
        stream_all(i, "    disable: [OBJECTID]\n", flow);
        stream_all(i, "    disable: [OBJECTID]\n", flow_in_chains);
        stream_all(i, "    disable: [OBJECTID, QRESYNC, CONDSTORE, MOVE]\n", flow);
        stream_all(i, "    disable: [OBJECTID, QRESYNC, CONDSTORE, MOVE]\n", flow_in_chains);
    }
}

/* ---- overtaken ---- */

/* What was planned as a move has changed again before it is made. */
static void law8_a_move_is_overtaken(void **state)
{
    static const struct {
        const char *meanwhile;
        const char *both;
    } cases[] = {
        {"here move Archive Lists m1", "Archive[] INBOX[m2 m3] Lists[m1]"},
        {"here move Archive INBOX m1", "Archive[] INBOX[m1 m2 m3] Lists[]"},
        {"here remove Archive m1", "Archive[] INBOX[m2 m3] Lists[]"},
        {"there expunge INBOX m1", "Archive[m1] INBOX[m2 m3] Lists[]"},
        {"there move INBOX Lists m1", "Archive[] INBOX[m2 m3] Lists[m1]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        begin(&e, 3);
        local_move(&e, "INBOX", "Archive", "m1");
        steps_do_meanwhile(&e, cases[i].meanwhile);
        for (int pass = 0; pass < 4; pass++) {
            engine_pass_ends(&e, 0);
            engine_wait(&e, 61);
        }
        assert_both(&e, cases[i].both);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* ---- a lost answer, at every command ---- */

static void law2_a_move_whose_answer_is_lost(void **state)
{
    static const enum capability without[] = {CAP_SASL_IR, CAP_MOVE, CAP_UIDPLUS, CAP_OBJECTID};
    static const enum fault_kind kinds[] = {FAULT_DO_AND_CUT, FAULT_NO, FAULT_BAD, FAULT_SILENCE};
    for (size_t i = 0; i < 4 * 4; i++) {
        /* Where it is a copy and a deletion after all, for want of UIDPLUS the original stays. */
        bool marks = without[i / 4] == CAP_UIDPLUS;
        for (uint64_t at = 6; at < 15; at++) {
            struct engine e;
            begin(&e, 4);
            capabilities_set(&e.env.options.capabilities, without[i / 4], false);
            local_move(&e, "INBOX", "Archive", "m1");
            server_move(&e, "INBOX", "Lists", "m2");
            local_add(&e, "Lists", "m3", "");
            lockstep_env_fault(&e.env, (struct fault){.kind = kinds[i % 4], .at = at});
            (void)engine_pass(&e, NULL);
            lockstep_env_clear_faults(&e.env);
            for (int pass = 0; pass < 3; pass++) {
                engine_wait(&e, 61);
                engine_pass_ends(&e, 0);
            }
            assert_local(&e, "Archive[m1] INBOX[m3 m4] Lists[m2 m3]");
            if (!marks) {
                assert_server(&e, "Archive[m1] INBOX[m3 m4] Lists[m2 m3]");
            }
            engine_assert_settled(&e);
            engine_free(&e);
        }
    }
}
static struct str flag_when_seen_gone(struct engine *e, struct str line)
{
    if (str_starts(line, STR("* VANISHED"))) {
        e->twist = NULL;
        local_flags(e, "Archive", "m2", "F");
    }
    return line;
}

/* After its folder was looked at it gets another name: it is the same file all the same. */
static void law2_a_file_that_both_move_is_flagged_meanwhile(void **state)
{
    struct engine e;
    begin(&e, 3);
    server_move(&e, "INBOX", "Archive", "m2");
    local_move(&e, "INBOX", "Archive", "m2");
    e.twist = flag_when_seen_gone;
    engine_pass_ends(&e, 0);
    assert_null(e.twist);
    for (int pass = 0; pass < 2; pass++)
        engine_pass_ends(&e, 0);
    assert_both(&e, "Archive[m2/F] INBOX[m1 m3] Lists[]");
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law1_a_move_at_every_barrier_of_the_survey),
        cmocka_unit_test(law2_what_one_side_moved_the_other_moves_at_every_barrier),
        cmocka_unit_test(law1_a_move_between_the_list_and_the_mailbox),
        cmocka_unit_test(law1_a_move_between_survey_and_apply),
        cmocka_unit_test(law1_messages_that_move_all_the_time),
        cmocka_unit_test(law8_a_move_is_overtaken),
        cmocka_unit_test(law2_a_move_whose_answer_is_lost),
        cmocka_unit_test(law2_a_file_that_both_move_is_flagged_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
