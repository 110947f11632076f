#include "reconcile/moves_flags.h"
#include "reconcile/flags.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What is agreed of a message whose file moved, or got another name, without one of its letters. */

static const uint32_t KEYWORD[] = {7};

struct world {
    struct arena *arena;
    struct config_sync policy;
    struct mailbox_pair pairs[2];
    struct mailbox_plan plans[2];
    struct index_message base;
    struct maildir_file file;
};

static void world_init(struct world *w)
{
    *w = (struct world){.arena = arena_new(), .policy = {.flags = DIRECTION_BOTH}};
    for (size_t i = 0; i < 2; i++) {
        w->pairs[i].policy = &w->policy;
        w->pairs[i].remote.keeps_any_keyword = true;
        w->pairs[i].letters = (struct keyword_letters){.known = true, .ids = {KEYWORD[0]}};
        w->plans[i] = (struct mailbox_plan){.pair = &w->pairs[i], .arena = w->arena};
    }
    w->base = (struct index_message){.uid = 4, .flags = {.keywords = KEYWORD, .keywords_len = 1}};
}

static void world_free(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        vec_free(&w->plans[i].ops[OP_FLAGS_TO_REMOTE]);
    }
    arena_free(&w->arena);
}

static const struct {
    const char *what;
    size_t to;         /* the folder: 0 is where it was */
    bool complete;     /* the letter's absence says that the keyword was taken off */
    bool agreed;       /* the keyword */
    bool looks_again;  /* at the folder, in the next pass */
    size_t operations; /* flags to the server */
} CASES[] = {
    {"renamed: the server, which has it, does not tell again", 0, false, true, true, 0},
    {"renamed, and taken off", 0, true, false, false, 1},
    {"moved: under its new UID the server tells it anew", 1, false, false, false, 0},
    {"moved, and taken off", 1, true, false, false, 1},
};

static void keywords_of_what_moves(void **state)
{
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct world w;
        world_init(&w);
        w.pairs[0].letters.complete = CASES[i].complete ? 1 : 0;
        const struct operation gone = {.kind = OP_DELETE_REMOTE, .uid = 4, .base = &w.base};
        struct move move = {
            .from = &w.plans[0], .to = &w.plans[CASES[i].to], .base = &w.base, .file = &w.file};
        moves_send_flags_ahead(w.arena, &w.plans[0], &gone, &move);
        if (flags_have_keyword_id(&move.flags, KEYWORD[0]) != CASES[i].agreed ||
            w.pairs[CASES[i].to].local_blocked != CASES[i].looks_again ||
            w.plans[0].ops[OP_FLAGS_TO_REMOTE].len != CASES[i].operations) {
            fail_msg("%s", CASES[i].what);
        }
        world_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keywords_of_what_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
