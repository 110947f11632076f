#include "base/buf.h"
#include "reconcile/reconcile.h"
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/*
 * A matrix: one row a message. The index's column is the state's letter and the flags agreed on:
 * s synced, d deleted here, g gone there, k skipped, h held; empty without a record. A side's
 * column is "=" as the index has it, "-" absent, "." there without flags, or there with the flags
 * named. What is planned is in words:
 *
 *     server +F -S (FS)   a STORE, and what is recorded then
 *     file FS (S)         a rename to these flags, and what is recorded then
 *     agree FS s          the record alone
 *     fetch, send, remove, expunge, forget
 */
struct row {
    const char *base, *remote, *local;
    const char *both, *to_local, *to_remote, *none;
};

#define NOW_MS ((int64_t)1704067200 * 1000)
#define ROWS_MAX 64
#define FRESH_UID 1000
static const char LETTERS[] = "DFPRST";
static const char STATES[] = "sdgkh";
static const uint8_t ALL = 63;

static uint8_t flags_of(const char *letters)
{
    uint8_t flags = 0;
    for (; *letters != '\0'; letters++) {
        const char *at = strchr(LETTERS, *letters);
        if (at != NULL) {
            flags |= (uint8_t)(1u << (at - LETTERS));
        }
    }
    return flags;
}

static void add_letters(struct buf *out, const char *before, uint8_t flags)
{
    if (flags != 0) {
        buf_addf(out, "%s", before);
    }
    for (size_t i = 0; i < sizeof LETTERS - 1; i++) {
        if ((flags & (1u << i)) != 0) {
            buf_add_byte(out, LETTERS[i]);
        }
    }
}

/* ---- from columns to what reconcile takes ---- */

struct matrix {
    struct arena *arena;
    struct mailbox_pair pair;
    struct config_sync policy;
    struct index_message records[ROWS_MAX];
    size_t records_len;
    struct held_list held;
    struct mailbox_plan plan;
};

static void matrix_init(struct matrix *m, enum direction direction)
{
    *m = (struct matrix){.arena = arena_new()};
    m->policy =
        (struct config_sync){.messages_new = direction, .flags = direction, .deletions = direction};
    m->pair.policy = &m->policy;
    m->pair.remote.storable = ALL;
    m->plan.pair = &m->pair;
    m->plan.arena = m->arena;
}

static void matrix_free(struct matrix *m)
{
    for (size_t k = 0; k < OP_KINDS; k++) {
        vec_free(&m->plan.ops[k]);
    }
    vec_free(&m->pair.remote.fresh);
    vec_free(&m->pair.remote.changed);
    seqset_free(&m->pair.remote.gone);
    vec_free(&m->pair.local.fresh);
    vec_free(&m->pair.local.changed);
    seqset_free(&m->pair.local.gone);
    arena_free(&m->arena);
}

static struct maildir_file file_of(struct matrix *m, uint32_t uid, const char *letters)
{
    struct maildir_file file = {0};
    file.parsed.base = str_from(arena_printf(m->arena, "m%u", uid));
    file.parsed.flags = flags_of(letters);
    file.name = file.parsed.base;
    return file;
}

static void add_fresh(struct matrix *m, const struct row *row, uint32_t uid)
{
    if (row->remote[0] != '-') {
        struct remote_message message = {.uid = FRESH_UID + uid,
                                         .flags.system = flags_of(row->remote)};
        vec_push(&m->pair.remote.fresh, message);
    }
    if (row->local[0] != '-') {
        struct local_file file = {.file = file_of(m, FRESH_UID + uid, row->local),
                                  .flags.system = flags_of(row->local)};
        vec_push(&m->pair.local.fresh, file);
    }
}

static void add_recorded(struct matrix *m, const struct row *row, uint32_t uid)
{
    struct index_message *record = &m->records[m->records_len++];
    record->uid = uid;
    record->state = (enum message_state)(strchr(STATES, row->base[0]) - STATES);
    record->flags.system = flags_of(row->base + 1);
    bool file_expected = record->state == MESSAGE_SYNCED || record->state == MESSAGE_GONE_THERE;
    if (file_expected || record->state == MESSAGE_DELETED_HERE) {
        record->base = file_of(m, uid, "").parsed.base;
    }
    if (row->remote[0] == '-') {
        seqset_add(&m->pair.remote.gone, uid);
    } else if (row->remote[0] != '=') {
        struct remote_message message = {.uid = uid, .flags.system = flags_of(row->remote)};
        vec_push(&m->pair.remote.changed, message);
    }
    if (row->local[0] == '-' && file_expected) {
        seqset_add(&m->pair.local.gone, uid);
    } else if (row->local[0] != '=' && row->local[0] != '-') {
        struct local_file file = {
            .uid = uid, .file = file_of(m, uid, row->local), .flags.system = flags_of(row->local)};
        vec_push(&m->pair.local.changed, file);
    }
}

static void matrix_add(struct matrix *m, const struct row *row, uint32_t uid)
{
    if (row->base[0] == '\0') {
        add_fresh(m, row, uid);
    } else {
        add_recorded(m, row, uid);
    }
}

static void matrix_run(struct matrix *m)
{
    const struct record_list records = {m->records, m->records_len};
    reconcile(&records, &m->held, NOW_MS, &m->plan);
}

/* ---- from the plan to words ---- */

/* What the file will have, where it is as the survey saw it. */
static uint8_t file_flags(const struct operation *op)
{
    uint8_t now = op->file != NULL ? op->file->parsed.flags : op->base->flags.system;
    return (uint8_t)((now & ~op->remove) | op->add);
}

static void add_operation(struct buf *out, const struct operation *op)
{
    static const char *const words[OP_KINDS] = {
        [OP_AGREE] = "agree",
        [OP_FORGET] = "forget",
        [OP_FLAGS_TO_REMOTE] = "server",
        [OP_UPLOAD] = "send",
        [OP_DOWNLOAD] = "fetch",
        [OP_FLAGS_TO_LOCAL] = "file",
        [OP_DELETE_LOCAL] = "remove",
        [OP_DELETE_REMOTE] = "expunge",
    };
    assert_non_null(op->why);
    buf_addf(out, "%s%s", out->len > 0 ? "; " : "", words[op->kind]);
    switch (op->kind) {
    case OP_AGREE:
        add_letters(out, " ", op->flags.system);
        buf_addf(out, " %c", STATES[op->state]);
        break;
    case OP_FLAGS_TO_REMOTE:
        add_letters(out, " +", op->add);
        add_letters(out, " -", op->remove);
        add_letters(out, " (", op->flags.system);
        buf_addf(out, "%s", op->flags.system != 0 ? ")" : "");
        break;
    case OP_FLAGS_TO_LOCAL:
        add_letters(out, " ", file_flags(op));
        add_letters(out, " (", op->flags.system);
        buf_addf(out, "%s", op->flags.system != 0 ? ")" : "");
        break;
    case OP_DOWNLOAD:
        add_letters(out, " ", op->flags.system);
        break;
    case OP_UPLOAD:
        add_letters(out, " ", op->file->parsed.flags);
        break;
    default:
        break;
    }
}

static bool is_about(const struct operation *op, uint32_t uid)
{
    if (op->kind == OP_UPLOAD) {
        assert_int_equal(op->uid, 0);
        char base[16];
        (void)snprintf(base, sizeof base, "m%u", uid);
        char fresh[16];
        (void)snprintf(fresh, sizeof fresh, "m%u", FRESH_UID + uid);
        return str_eq(op->file->parsed.base, str_from(base)) ||
               str_eq(op->file->parsed.base, str_from(fresh));
    }
    return op->uid == uid || op->uid == FRESH_UID + uid;
}

static const char *planned_for(struct matrix *m, uint32_t uid)
{
    AUTO_BUF struct buf out = BUF_INIT(1024);
    for (size_t k = 0; k < OP_KINDS; k++) {
        for (size_t i = 0; i < m->plan.ops[k].len; i++) {
            const struct operation *op = &m->plan.ops[k].items[i];
            assert_int_equal(op->kind, k);
            if (is_about(op, uid)) {
                add_operation(&out, op);
            }
        }
    }
    return arena_str(m->arena, buf_str(&out)).ptr;
}

static void check_planned(struct matrix *m, uint32_t uid, const struct row *row,
                          const char *expected)
{
    const char *planned = planned_for(m, uid);
    if (strcmp(planned, expected) != 0) {
        fail_msg("index '%s' server '%s' Maildir '%s': expected '%s', planned '%s'", row->base,
                 row->remote, row->local, expected, planned);
    }
}

/* ---- the matrix ---- */

static const struct row MATRIX[] = {
    /* new */
    {"", ".", "-", "fetch", "fetch", "agree k", "agree k"},
    {"", "FS", "-", "fetch FS", "fetch FS", "agree FS k", "agree FS k"},
    {"", "T", "-", "fetch T", "fetch T", "agree T k", "agree T k"},
    {"", "-", ".", "send", "", "send", ""},
    {"", "-", "ST", "send ST", "", "send ST", ""},
    /* in step */
    {"s", "=", "=", "", "", "", ""},
    {"sFS", "=", "=", "", "", "", ""},
    /* one flag on one side */
    {"s", "S", "=", "file S (S)", "file S (S)", "", ""},
    {"s", "=", "S", "server +S (S)", "", "server +S (S)", ""},
    {"sS", ".", "=", "file", "file", "", ""},
    {"sS", "=", ".", "server -S", "", "server -S", ""},
    /* T is a flag and nothing else */
    {"sS", "ST", "=", "file ST (ST)", "file ST (ST)", "", ""},
    {"sS", "=", "ST", "server +T (ST)", "", "server +T (ST)", ""},
    {"sST", "=", "=", "", "", "", ""},
    {"sST", "S", "=", "file S (S)", "file S (S)", "", ""},
    {"s", "T", "T", "agree T s", "agree T s", "agree T s", ""},
    /* the same on both sides */
    {"s", "R", "R", "agree R s", "agree R s", "agree R s", ""},
    {"sFS", "S", "S", "agree S s", "agree S s", "agree S s", ""},
    /* different flags on the two sides */
    {"s", "F", "S", "server +S (S); file FS (FS)", "file FS (F)", "server +S (S)", ""},
    {"sS", "SF", ".", "server -S; file F (F)", "file F (FS)", "server -S", ""},
    {"sF", "FR", "FPS", "server +PS (FPS); file FPRS (FPRS)", "file FPRS (FR)", "server +PS (FPS)",
     ""},
    /* a disappearance beats flags */
    {"s", "-", "=", "remove", "remove", "agree g", "agree g"},
    {"sS", "-", "FS", "remove", "remove", "agree S g", "agree S g"},
    {"s", "=", "-", "expunge", "agree d", "expunge", "agree d"},
    {"sS", "FS", "-", "expunge", "agree FS d", "expunge", "agree FS d"},
    {"sST", "-", "=", "remove", "remove", "agree ST g", "agree ST g"},
    {"s", "-", "-", "forget", "forget", "forget", "forget"},
    /* removed here, left on the server */
    {"dS", "=", "-", "", "", "", ""},
    {"dS", "FS", "-", "agree FS d", "agree FS d", "agree FS d", "agree FS d"},
    {"dS", "-", "-", "forget", "forget", "forget", "forget"},
    {"dS", "=", "S", "agree S s", "agree S s", "agree S s", "agree S s"},
    {"dST", "=", "S", "server -T (S)", "agree ST s", "server -T (S)", "agree ST s"},
    {"dST", "FST", "-", "agree FST d", "agree FST d", "agree FST d", "agree FST d"},
    {"dST", "S", "-", "fetch S", "agree S d", "agree S k", "agree S d"},
    {"dST", "S", "S", "agree S s", "agree S s", "agree S s", "agree ST s"},
    {"dS", "-", "S", "forget; send S", "forget", "forget; send S", "forget"},
    /* gone on the server, kept here */
    {"gS", "=", "=", "", "", "", ""},
    {"gS", "=", "-", "forget", "forget", "forget", "forget"},
    {"gS", "-", "=", "", "", "", ""},
    {"gS", "F", "=", "", "", "", ""},
    /* left on the server, or not to be had */
    {"k", "=", "-", "", "", "", ""},
    {"k", "F", "-", "agree F k", "agree F k", "agree F k", "agree F k"},
    {"k", "-", "-", "forget", "forget", "forget", "forget"},
    {"h", "=", "-", "fetch", "fetch", "fetch", "fetch"},
    {"h", "F", "-", "fetch", "fetch", "fetch", "fetch"},
    {"h", "-", "-", "forget", "forget", "forget", "forget"},
};
#define MATRIX_LEN (sizeof MATRIX / sizeof MATRIX[0])
_Static_assert(MATRIX_LEN <= ROWS_MAX, "a row without a record");

static const char *expected_of(const struct row *row, enum direction direction)
{
    switch (direction) {
    case DIRECTION_BOTH:
        return row->both;
    case DIRECTION_TO_LOCAL:
        return row->to_local;
    case DIRECTION_TO_REMOTE:
        return row->to_remote;
    case DIRECTION_NONE:
        return row->none;
    }
    return NULL;
}

static void check_matrix(enum direction direction)
{
    struct matrix m;
    matrix_init(&m, direction);
    for (uint32_t i = 0; i < MATRIX_LEN; i++) {
        matrix_add(&m, &MATRIX[i], i + 1);
    }
    matrix_run(&m);
    for (uint32_t i = 0; i < MATRIX_LEN; i++) {
        check_planned(&m, i + 1, &MATRIX[i], expected_of(&MATRIX[i], direction));
    }
    matrix_free(&m);
}

static void plans_both_ways(void **state)
{
    check_matrix(DIRECTION_BOTH);
}

static void plans_to_this_side_only(void **state)
{
    check_matrix(DIRECTION_TO_LOCAL);
}

static void plans_to_the_server_only(void **state)
{
    check_matrix(DIRECTION_TO_REMOTE);
}

static void plans_neither_way(void **state)
{
    check_matrix(DIRECTION_NONE);
}

/* Each row by itself is planned as among the others: no message has a say in another's fate. */
static void plans_each_message_by_itself(void **state)
{
    for (uint32_t i = 0; i < MATRIX_LEN; i++) {
        struct matrix m;
        matrix_init(&m, DIRECTION_BOTH);
        matrix_add(&m, &MATRIX[i], 7);
        matrix_run(&m);
        check_planned(&m, 7, &MATRIX[i], MATRIX[i].both);
        matrix_free(&m);
    }
}

/* ---- policies that differ ---- */

static void each_policy_stands_alone(void **state)
{
    static const struct {
        struct config_sync policy;
        struct row row;
        const char *expected;
    } cases[] = {
        {{.messages_new = DIRECTION_TO_LOCAL}, {.base = "", .remote = "-", .local = "S"}, ""},
        {{.messages_new = DIRECTION_TO_LOCAL},
         {.base = "", .remote = "S", .local = "-"},
         "fetch S"},
        {{.messages_new = DIRECTION_NONE}, {.base = "s", .remote = "-", .local = "="}, "remove"},
        {{.flags = DIRECTION_NONE}, {.base = "s", .remote = "-", .local = "S"}, "remove"},
        {{.flags = DIRECTION_NONE}, {.base = "", .remote = "S", .local = "-"}, "fetch S"},
        {{.deletions = DIRECTION_NONE}, {.base = "s", .remote = "S", .local = "="}, "file S (S)"},
        {{.deletions = DIRECTION_TO_LOCAL}, {.base = "s", .remote = "=", .local = "-"}, "agree d"},
        {{.deletions = DIRECTION_TO_LOCAL}, {.base = "s", .remote = "-", .local = "="}, "remove"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct matrix m;
        matrix_init(&m, DIRECTION_BOTH);
        m.policy = cases[i].policy;
        matrix_add(&m, &cases[i].row, 1);
        matrix_run(&m);
        check_planned(&m, 1, &cases[i].row, cases[i].expected);
        matrix_free(&m);
    }
}

static void flags_that_the_server_cannot_store_are_not_sent(void **state)
{
    static const struct {
        struct row row;
        const char *expected;
    } cases[] = {
        {{.base = "s", .remote = "=", .local = "P"}, ""}, /* nothing is agreed of it */
        {{.base = "s", .remote = "=", .local = "PS"}, "server +S (S)"},
        {{.base = "sP", .remote = "=", .local = "S"}, "server +S (PS)"},
        {{.base = "sP", .remote = ".", .local = "="}, ""},
        {{.base = "sP", .remote = "S", .local = "="}, "file PS (PS)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct matrix m;
        matrix_init(&m, DIRECTION_BOTH);
        m.pair.remote.storable = flags_of("FRST");
        matrix_add(&m, &cases[i].row, 1);
        matrix_run(&m);
        check_planned(&m, 1, &cases[i].row, cases[i].expected);
        matrix_free(&m);
    }
}

/* ---- held ---- */

static void law7_what_is_held_waits_until_it_is_due(void **state)
{
    static const struct row download = {.base = "h", .remote = "=", .local = "-"};
    static const struct row upload = {.base = "", .remote = "-", .local = "S"};
    static const struct {
        enum held_kind kind;
        int64_t retry_ms;
        uint32_t uid;
        const char *base;
        const char *download, *upload;
    } cases[] = {
        {HELD_DOWNLOAD, NOW_MS + 1, 1, "", "", "send S"},
        {HELD_DOWNLOAD, NOW_MS, 1, "", "fetch", "send S"},
        {HELD_DOWNLOAD, NOW_MS + 1, 9, "", "fetch", "send S"},
        {HELD_UPLOAD, NOW_MS + 1, 0, "m1002", "fetch", ""},
        {HELD_UPLOAD, NOW_MS, 0, "m1002", "fetch", "send S"},
        {HELD_UPLOAD, NOW_MS + 1, 0, "m1003", "fetch", "send S"},
        {HELD_DELETE_LOCAL, NOW_MS + 1, 1, "m1002", "fetch", "send S"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct index_held held = {.kind = cases[i].kind,
                                        .uid = cases[i].uid,
                                        .base = str_from(cases[i].base),
                                        .retry_ms = cases[i].retry_ms};
        struct matrix m;
        matrix_init(&m, DIRECTION_BOTH);
        m.held = (struct held_list){&held, 1};
        matrix_add(&m, &download, 1);
        matrix_add(&m, &upload, 2);
        matrix_run(&m);
        check_planned(&m, 1, &download, cases[i].download);
        check_planned(&m, 2, &upload, cases[i].upload);
        matrix_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_both_ways),
        cmocka_unit_test(plans_to_this_side_only),
        cmocka_unit_test(plans_to_the_server_only),
        cmocka_unit_test(plans_neither_way),
        cmocka_unit_test(plans_each_message_by_itself),
        cmocka_unit_test(each_policy_stands_alone),
        cmocka_unit_test(flags_that_the_server_cannot_store_are_not_sent),
        cmocka_unit_test(law7_what_is_held_waits_until_it_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
