#include "sync/engine.h"
#include <stdlib.h>

/* One message that a server has and does not give, in the ways in which servers do that: the others
 * come, this one is held with its reason, and comes when the server gives it. */

enum manner {
    BODY_IS,   /* BODY[] is this word */
    NO_BODY,   /* FETCH tells all but BODY[] */
    NO_FETCH,  /* nothing of it */
    CONNECTION /* the word is said, and then nothing any more */
};

static const struct refusal {
    const char *name;
    enum manner manner;
    const char *word;
    const char *answer; /* of the command, in the place of OK; NULL: OK */
} REFUSALS[] = {
    {"NIL", BODY_IS, "NIL)\r\n", NULL},
    {"an empty string", BODY_IS, "\"\")\r\n", NULL},
    {"an empty literal", BODY_IS, "{0}\r\n)\r\n", NULL},
    {"no BODY[]", NO_BODY, NULL, NULL},
    {"OK and no FETCH", NO_FETCH, NULL, NULL},
    {"NO [UNAVAILABLE]", NO_FETCH, NULL, "NO [UNAVAILABLE] UID FETCH Server error"},
    {"NO [SERVERBUG]", NO_FETCH, NULL, "NO [SERVERBUG] Internal error"},
    {"NO", NO_FETCH, NULL, "NO Some of the requested messages no longer exist"},
    {"NO with NIL", BODY_IS, "NIL)\r\n", "NO Unable to retrieve"},
    {"BAD", NO_FETCH, NULL, "BAD Internal error"},
    {"BYE", CONNECTION, "* BYE Internal error\r\n", NULL},
};

static const struct refusal *refusal;
static size_t skipped;   /* bytes of the body that are still to be left out */
static bool behind_body; /* and the line behind it */
static bool refused;     /* the command's answer is to come */
static bool dead;        /* the connection */

/* The FETCH of the message, up to BODY[]. */
static struct str refuse(struct engine *e, struct str line)
{
    const char *body = memmem(line.ptr, line.len, "BODY[] {", 8);
    int before = (int)(body - line.ptr);
    skipped = strtoul(body + 8, NULL, 10);
    behind_body = true;
    refused = true;
    switch (refusal->manner) {
    case BODY_IS:
        return str_from(arena_printf(e->arena, "%.*sBODY[] %s", before, line.ptr, refusal->word));
    case NO_BODY:
        return str_from(arena_printf(e->arena, "%.*sFLAGS ())\r\n", before, line.ptr));
    case CONNECTION:
        dead = true;
        return str_from(refusal->word);
    case NO_FETCH:
        break;
    }
    return STR_EMPTY;
}

static struct str twist(struct engine *e, struct str line)
{
    if (str_starts(line, STR("* OK ")) && line_has(line, "CAPABILITY")) {
        dead = false; /* the greeting of another connection */
    }
    if (skipped > 0) {
        skipped -= line.len < skipped ? line.len : skipped;
        return STR_EMPTY;
    }
    if (behind_body || dead) {
        behind_body = false;
        return STR_EMPTY;
    }
    const char *uid = arena_printf(e->arena, "UID %u ", e->twist_uid);
    if (line_has(line, " FETCH (") && line_has(line, uid) && line_has(line, "BODY[] {")) {
        return refuse(e, line);
    }
    if (refused && refusal->answer != NULL && line_has(line, " OK ") && line.ptr[0] != '*') {
        struct str rest = line;
        struct str tag;
        (void)str_split(&rest, ' ', &tag);
        refused = false;
        return str_from(arena_printf(e->arena, "%.*s %s\r\n", STR_ARG(tag), refusal->answer));
    }
    return line;
}

static void set_up(struct engine *e)
{
    skipped = 0;
    behind_body = refused = dead = false;
    engine_init(e, NULL);
    server_create(e, "Other");
    server_fill(e, "INBOX", "m", 6);
    server_fill(e, "Other", "o", 2);
    e->twist = twist;
    e->twist_uid = server_uid(e, "INBOX", "m3");
    server_expunge(e, "Other", "o1");
}

static void expect(struct engine *e, int ended, int exit_code, const char *view)
{
    if (ended != exit_code || strcmp(local_view(e), view) != 0) {
        engine_tell(e);
        fail_msg("%s: ended with %d (%s): %s", refusal->name, ended, e->report.error.text,
                 local_view(e));
    }
}

static void law7_what_a_server_does_not_give_stops_nothing(void **state)
{
    for (size_t i = 0; i < sizeof REFUSALS / sizeof REFUSALS[0]; i++) {
        struct engine e;
        refusal = &REFUSALS[i];
        set_up(&e);
        /* One that breaks the connection fails its pass once; from then on it is asked for last. */
        unsigned passes = refusal->manner == CONNECTION ? 2 : 1;
        int ended = 0;
        for (unsigned pass = 0; pass < passes; pass++) {
            engine_wait(&e, 600);
            ended = engine_pass(&e, NULL);
        }
        expect(&e, ended, 1, "INBOX[m1 m2 m4 m5 m6] Other[o2]");
        e.twist = NULL;
        engine_wait(&e, 86400);
        ended = engine_pass(&e, NULL);
        expect(&e, ended, 0, "INBOX[m1 m2 m3 m4 m5 m6] Other[o2]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law7_what_a_server_does_not_give_stops_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
