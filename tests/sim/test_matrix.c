/*
 * Every combination of what the index, the server and the Maildir say of a message, under every
 * policy: the end that it must come to is written down in the tables below. Each pass is also
 * interrupted before each of its steps, and what follows must come to the same end.
 *
 * One mailbox holds a message for each combination. Flags are judged one by one, whether the
 * message is there apart from that.
 */
#include "base/alloc.h"
#include "base/files.h"
#include "config/config.h"
#include "reconcile/flags.h"
#include "sim/calls.h"
#include "sim/disk.h"
#include "sim/here.h"
#include "sim/machine.h"
#include "sim/there.h"
#include "sim/world.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define ABSENT (-1)
#define FLAGGED MAILDIR_FLAGGED
#define TRASHED MAILDIR_TRASHED
#define RESUMED_MAX 4

enum end { NEITHER, SERVER, HERE, BOTH };

/* ---- whether a message is there in the end: by who had it, and by policy ---- */

static const struct presence {
    bool base, server, here;
    bool by_new; /* which policy decides; else that of deletions */
    enum end ends[DIRECTION_NONE + 1];
} PRESENCE[] = {
    /* base   server here   policy  both     to_local to_remote none */
    {false, true, false, true, {BOTH, BOTH, SERVER, SERVER}},
    {false, false, true, true, {BOTH, HERE, BOTH, HERE}},
    {true, true, true, false, {BOTH, BOTH, BOTH, BOTH}},
    {true, false, true, false, {NEITHER, NEITHER, HERE, HERE}},
    {true, true, false, false, {NEITHER, SERVER, NEITHER, SERVER}},
    {true, false, false, false, {NEITHER, NEITHER, NEITHER, NEITHER}},
};

/* ---- one flag of a message that is on both sides: as it was agreed, is on the server, is here;
 * in the end on the server and here ---- */

static const struct flag_row {
    bool base, server, here;
    struct {
        bool server, here;
    } ends[DIRECTION_NONE + 1];
} FLAGS[] = {
    /* base server here      both    to_local to_remote  none */
    {0, 0, 0, {{0, 0}, {0, 0}, {0, 0}, {0, 0}}}, {0, 0, 1, {{1, 1}, {0, 1}, {1, 1}, {0, 1}}},
    {0, 1, 0, {{1, 1}, {1, 1}, {1, 0}, {1, 0}}}, {0, 1, 1, {{1, 1}, {1, 1}, {1, 1}, {1, 1}}},
    {1, 0, 0, {{0, 0}, {0, 0}, {0, 0}, {0, 0}}}, {1, 0, 1, {{0, 0}, {0, 0}, {0, 1}, {0, 1}}},
    {1, 1, 0, {{0, 0}, {1, 0}, {0, 0}, {1, 0}}}, {1, 1, 1, {{1, 1}, {1, 1}, {1, 1}, {1, 1}}},
};

/* ---- the policies ---- */

static const struct policy {
    const char *name;
    const char *yaml;
    enum direction fresh, flags, deletions;
} POLICIES[] = {
#define P(text, n, f, d)                                                                           \
    {                                                                                              \
        text, "    sync: {guard: off, " text "}\n", DIRECTION_##n, DIRECTION_##f, DIRECTION_##d    \
    }
    P("new: both", BOTH, BOTH, BOTH),
    P("new: to_local", TO_LOCAL, BOTH, BOTH),
    P("new: to_remote", TO_REMOTE, BOTH, BOTH),
    P("new: none", NONE, BOTH, BOTH),
    P("flags: to_local", BOTH, TO_LOCAL, BOTH),
    P("flags: to_remote", BOTH, TO_REMOTE, BOTH),
    P("flags: none", BOTH, NONE, BOTH),
    P("deletions: to_local", BOTH, BOTH, TO_LOCAL),
    P("deletions: to_remote", BOTH, BOTH, TO_REMOTE),
    P("deletions: none", BOTH, BOTH, NONE),
    P("new: to_local, flags: to_remote, deletions: none", TO_LOCAL, TO_REMOTE, NONE),
    P("new: none, flags: none, deletions: none", NONE, NONE, NONE),
#undef P
};
#define POLICIES_LEN (sizeof POLICIES / sizeof POLICIES[0])

/* ---- the messages: one for each combination ---- */

struct combination {
    int base, server, here; /* flags, or ABSENT */
};
struct ends {
    int server, here;
};

static VEC(struct combination) combinations;
static char scratch[200];

static void make_combinations(void)
{
    static const int states[] = {ABSENT, 0, FLAGGED, TRASHED, FLAGGED | TRASHED};
    static const int bases[] = {0, FLAGGED, TRASHED};
    for (size_t s = 0; s < 5; s++) {
        for (size_t h = 0; h < 5; h++) {
            for (size_t b = 0; b < 3; b++)
                vec_push(&combinations, ((struct combination){bases[b], states[s], states[h]}));
            /* New on one side alone: both would be two messages of one text. */
            if ((states[s] == ABSENT) != (states[h] == ABSENT))
                vec_push(&combinations, ((struct combination){ABSENT, states[s], states[h]}));
        }
    }
}

static enum end end_of(const struct combination *c, const struct policy *policy)
{
    for (size_t i = 0; i < sizeof PRESENCE / sizeof PRESENCE[0]; i++) {
        const struct presence *row = &PRESENCE[i];
        if (row->base == (c->base != ABSENT) && row->server == (c->server != ABSENT) &&
            row->here == (c->here != ABSENT))
            return row->ends[row->by_new ? policy->fresh : policy->deletions];
    }
    abort();
}

static struct ends flags_of(const struct combination *c, const struct policy *policy)
{
    struct ends out = {0, 0};
    for (int bit = 1; bit < 64; bit *= 2) {
        for (size_t i = 0; i < sizeof FLAGS / sizeof FLAGS[0]; i++) {
            const struct flag_row *row = &FLAGS[i];
            if (row->base != ((c->base & bit) != 0) || row->server != ((c->server & bit) != 0) ||
                row->here != ((c->here & bit) != 0))
                continue;
            out.server |= row->ends[policy->flags].server ? bit : 0;
            out.here |= row->ends[policy->flags].here ? bit : 0;
        }
    }
    return out;
}

static struct ends expected(const struct combination *c, const struct policy *policy)
{
    enum end end = end_of(c, policy);
    struct ends flags = {c->server, c->here};
    if (c->server != ABSENT && c->here != ABSENT)
        flags = flags_of(c, policy);
    else if (c->base == ABSENT)
        flags.server = flags.here = c->server != ABSENT ? c->server : c->here;
    return (struct ends){end == BOTH || end == SERVER ? flags.server : ABSENT,
                         end == BOTH || end == HERE ? flags.here : ABSENT};
}

/* ---- both sides ---- */

static struct str text_of(size_t number, bool here, char out[100])
{
    const char *end = here ? "\n" : "\r\n";
    int len = snprintf(out, 100, "Subject: %zu%sMessage-ID: <%zu@matrix>%s%sText %zu%s", number,
                       end, number, end, end, number, end);
    return str_make(out, (size_t)len);
}

static size_t number_of(struct str text)
{
    size_t number = 0;
    char begin[32] = "";
    memcpy(begin, text.ptr, text.len < 31 ? text.len : 31);
    assert_int_equal(sscanf(begin, "Subject: %zu", &number), 1);
    assert_in_range(number, 0, combinations.len - 1);
    return number;
}

struct seen {
    struct ends *ends;
    uint32_t *uids; /* NULL: not asked for */
};

static bool see(void *self, const struct backend_message *message, struct str body)
{
    struct seen *seen = self;
    size_t number = number_of(body);
    assert_int_equal(seen->ends[number].server, ABSENT);
    seen->ends[number].server = flags_system_from_imap(&message->flags);
    if (seen->uids != NULL)
        seen->uids[number] = message->uid;
    return true;
}

static void look(struct ends *out, uint32_t *uids, struct here_files *files_out)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct seen seen = {out, uids};
    struct here_files files = {0};
    for (size_t i = 0; i < combinations.len; i++)
        out[i] = (struct ends){ABSENT, ABSENT};
    assert_true(there_each("INBOX", see, &seen));
    here_files_list(arena, "INBOX", &files);
    VEC_FOREACH (const struct user_file, file, &files) {
        size_t number = number_of(str_make(file->node->data, file->node->len));
        assert_int_equal(out[number].here, ABSENT);
        out[number].here = file->flags;
    }
    if (files_out != NULL)
        *files_out = files;
    else
        vec_free(&files);
}

static void change_known(size_t i, const uint32_t *uids, const struct here_files *files)
{
    const struct combination *c = &combinations.items[i];
    if (c->base == ABSENT)
        return;
    if (c->server == ABSENT)
        there_expunge("INBOX", uids[i]);
    else if (c->server != c->base)
        there_set_flags("INBOX", uids[i], (uint8_t)c->server);
    VEC_FOREACH (const struct user_file, file, files) {
        if (number_of(str_make(file->node->data, file->node->len)) != i)
            continue;
        if (c->here == ABSENT)
            here_remove(file);
        else if (c->here != c->base)
            here_set_flags(file, (uint8_t)c->here);
    }
}

static void add_fresh(size_t i)
{
    const struct combination *c = &combinations.items[i];
    char text[100];
    if (c->base != ABSENT)
        return;
    if (c->server != ABSENT)
        assert_true(
            there_append("INBOX", text_of(i, false, text), (uint8_t)c->server, THERE_DATE_S));
    if (c->here != ABSENT)
        assert_true(here_deliver("INBOX", text_of(i, true, text), (uint8_t)c->here, NULL));
}

/* Both sides in step, then changed on both. */
static void begin(const struct policy *policy)
{
    struct ends *ends = xcalloc(combinations.len, sizeof *ends);
    uint32_t *uids = xcalloc(combinations.len, sizeof *uids);
    struct here_files files = {0};
    char text[100];
    world_reset(1, NULL);
    world_configure(NULL);
    for (size_t i = 0; i < combinations.len; i++) {
        if (combinations.items[i].base != ABSENT)
            assert_true(there_append("INBOX", text_of(i, false, text),
                                     (uint8_t)combinations.items[i].base, THERE_DATE_S));
    }
    assert_int_equal(world_pass(&(struct world_pass){0}), 0);
    there_hang_up();
    look(ends, uids, &files);
    for (size_t i = 0; i < combinations.len; i++)
        change_known(i, uids, &files);
    for (size_t i = 0; i < combinations.len; i++)
        add_fresh(i);
    world_wait(3600);
    world_configure(policy->yaml);
    vec_free(&files);
    xfree(&uids);
    xfree(&ends);
}

/* ---- the checks ---- */

static const char *flags_words(int flags, char out[8])
{
    static const char letters[] = "DFPRST";
    size_t len = 0;
    if (flags == ABSENT)
        return "-";
    for (int i = 0; i < 6; i++) {
        if ((flags & (1 << i)) != 0)
            out[len++] = letters[i];
    }
    if (len == 0)
        out[len++] = '0';
    out[len] = '\0';
    return out;
}

static void check(const struct policy *policy, unsigned long crash_at)
{
    struct ends *ends = xcalloc(combinations.len, sizeof *ends);
    unsigned wrong = 0;
    look(ends, NULL, NULL);
    for (size_t i = 0; i < combinations.len; i++) {
        const struct combination *c = &combinations.items[i];
        struct ends wanted = expected(c, policy);
        char w[7][8];
        if (ends[i].server == wanted.server && ends[i].here == wanted.here)
            continue;
        wrong++;
        print_error("%s, interrupted before step %lu: index %s, server %s, here %s: in the end "
                    "%s on the server, not %s, and %s here, not %s\n",
                    policy->name, crash_at, flags_words(c->base, w[0]),
                    flags_words(c->server, w[1]), flags_words(c->here, w[2]),
                    flags_words(ends[i].server, w[3]), flags_words(wanted.server, w[4]),
                    flags_words(ends[i].here, w[5]), flags_words(wanted.here, w[6]));
    }
    xfree(&ends);
    if (wrong > 0)
        fail_msg("%u combinations came to another end", wrong);
}

static int pass_once(unsigned long crash_at)
{
    int code = world_pass(&(struct world_pass){.crash_at = crash_at});
    there_hang_up();
    return code;
}

static void pass_in_peace(const struct policy *policy, unsigned long crash_at)
{
    int code = -1;
    for (int i = 0; i < RESUMED_MAX && code != 0; i++) {
        world_wait(61);
        code = pass_once(0);
    }
    if (code != 0)
        fail_msg("%s, interrupted before step %lu: %s", policy->name, crash_at,
                 world_report.error.text);
    /* What an APPEND left in doubt takes a second look. */
    world_wait(61);
    assert_int_equal(pass_once(0), 0);
    check(policy, crash_at);
    assert_int_equal(pass_once(0), 0);
    const struct report_messages *m = &world_report.messages;
    assert_int_equal(m->downloaded + m->uploaded + m->flags_to_local + m->flags_to_remote +
                         m->deleted_local + m->deleted_remote,
                     0);
    check(policy, crash_at);
}

static void every_combination_under_every_policy(void **state)
{
    for (size_t i = 0; i < POLICIES_LEN; i++) {
        begin(&POLICIES[i]);
        assert_int_equal(pass_once(0), 0);
        check(&POLICIES[i], 0);
        pass_in_peace(&POLICIES[i], 0);
    }
}

static void law4_each_interrupted_before_each_step(void **state)
{
    for (size_t i = 0; i < POLICIES_LEN; i++) {
        bool crashed = true;
        for (unsigned long at = 1; crashed; at++) {
            begin(&POLICIES[i]);
            (void)pass_once(at);
            crashed = machine.crashed;
            pass_in_peace(&POLICIES[i], at);
        }
    }
}

static int set_up(void **state)
{
    struct error err = ERROR_INIT;
    snprintf(scratch, sizeof scratch, "%s/maildird-matrix.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : path_temporary());
    if (mkdtemp(scratch) == NULL)
        return -1;
    world_begin(scratch);
    make_combinations();
    return error_is_set(&err);
}

static int tear_down(void **state)
{
    calls_remove_index();
    vec_free(&combinations);
    world_end();
    return rmdir(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_under_every_policy),
        cmocka_unit_test(law4_each_interrupted_before_each_step),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
