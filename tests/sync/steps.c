#include "sync/steps.h"

#include <string.h>

#define WORDS_MAX 5 /* side, verb, and what it is about */

static void there_append(struct engine *e, const char *mailbox, const char *subject,
                         const char *flags)
{
    (void)server_append(e, mailbox, subject, flags);
}

static const struct step {
    const char *side, *verb;
    /* One of them. */
    void (*three)(struct engine *e, const char *a, const char *b, const char *c);
    void (*two)(struct engine *e, const char *a, const char *b);
    void (*one)(struct engine *e, const char *a);
} STEPS[] = {
    {"here", "move", .three = local_move},      {"here", "flags", .three = local_flags},
    {"here", "add", .three = local_add},        {"here", "add_as", .three = local_add_as},
    {"here", "remove", .two = local_remove},    {"here", "create", .one = local_create},
    {"there", "move", .three = server_move},    {"there", "flags", .three = server_flags},
    {"there", "append", .three = there_append}, {"there", "expunge", .two = server_expunge},
    {"there", "create", .one = server_create},
};

static const struct step *find_step(const char *side, const char *verb)
{
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        if (strcmp(STEPS[i].side, side) == 0 && strcmp(STEPS[i].verb, verb) == 0)
            return &STEPS[i];
    }
    return NULL;
}

static void do_step(struct engine *e, char *text)
{
    const char *words[WORDS_MAX] = {"", "", "", "", ""};
    char *rest = NULL;
    char *word = strtok_r(text, " ", &rest);
    size_t len = 0;
    for (; word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(len < WORDS_MAX);
        words[len++] = word;
    }
    const struct step *step = find_step(words[0], words[1]);
    if (step == NULL)
        fail_msg("no step is called %s %s", words[0], words[1]);
    else if (step->three != NULL)
        step->three(e, words[2], words[3], words[4]);
    else if (step->two != NULL)
        step->two(e, words[2], words[3]);
    else
        step->one(e, words[2]);
}

void steps_do(struct engine *e, const char *steps)
{
    char *text = arena_printf(e->arena, "%s", steps);
    char *rest = NULL;
    char *step = strtok_r(text, ";", &rest);
    for (; step != NULL; step = strtok_r(NULL, ";", &rest))
        do_step(e, step);
}

static void do_kept(struct engine *e)
{
    steps_do(e, e->steps);
}

void steps_do_meanwhile(struct engine *e, const char *steps)
{
    e->steps = steps;
    e->meanwhile = do_kept;
}
