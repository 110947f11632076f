#include "base/buf.h"
#include "imap/list.h"
#include "reconcile/met.h"
#include "reconcile/moves.h"
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/*
 * What becomes a move, as words. Two or three mailboxes A, B, C; each operation names the message
 * it is about, and twins are the records of that message that the case lists. "A:-m" is m gone from
 * the server in A, "A:~m" gone here, "A:/m" gone on both sides, "B:+m" new there, "B:*m" likewise
 * and its body known, "B:^m" a new file here, "C:=m" a record in step, "Z:=m" one of a mailbox that
 * is left alone, "Z:/m" likewise where that has no folder any more, and no messages.
 */

#define MAILBOXES 3
#define UIDS 100

struct world {
    struct arena *arena;
    struct mailbox_pair pairs[MAILBOXES];
    struct config_sync policy;
    struct plan plan;
    struct pair_vec known; /* the mailbox that is left alone */
    struct index_message records[UIDS];
    size_t records_len;
    bool by_id; /* the server tells EMAILIDs */
};

static struct digest digest_of(char name, char part)
{
    struct digest digest = {{(uint8_t)name, (uint8_t)part}};
    return digest;
}

static void world_init(struct world *w, bool by_id)
{
    *w = (struct world){.arena = arena_new(), .by_id = by_id};
    for (size_t i = 0; i < MAILBOXES; i++) {
        struct mailbox_pair *pair = &w->pairs[i];
        pair->record.id = (uint32_t)i + 1;
        pair->record.utf8 = str_from(arena_printf(w->arena, "%c", (int)('A' + i)));
        pair->action = PAIR_SYNC;
        pair->policy = &w->policy;
        pair->remote.storable = 63;
        vec_push(&w->plan.mailboxes, (struct mailbox_plan){.pair = pair});
    }
    *(struct mailbox_pair *)vec_add(&w->known) = (struct mailbox_pair){
        .record = {.id = MAILBOXES + 1},
        .action = PAIR_LEAVE,
        .remote_exists = true,
        .has_status = true,
        .status_messages = 1,
    };
}

static void world_free(struct world *w)
{
    for (size_t i = 0; i < MAILBOXES; i++) {
        for (size_t k = 0; k < OP_KINDS; k++) {
            vec_free(&w->plan.mailboxes.items[i].ops[k]);
        }
        seqset_free(&w->pairs[i].remote.gone);
        seqset_free(&w->pairs[i].local.gone);
    }
    vec_free(&w->plan.mailboxes);
    vec_free(&w->plan.moves);
    vec_free(&w->known);
    arena_free(&w->arena);
}

/* The UID says which word of the case a message came from. */
static const struct index_message *add_record(struct world *w, size_t mailbox, char name,
                                              uint32_t uid)
{
    struct index_message *m = &w->records[w->records_len++];
    *m = (struct index_message){.mailbox = (uint32_t)mailbox + 1,
                                .uid = uid,
                                .state = MESSAGE_SYNCED,
                                .base = str_from(arena_printf(w->arena, "%c%u", name, uid)),
                                .wire_size = 10,
                                .header_digest = digest_of(name, 'h'),
                                .body_digest = digest_of(name, 'b')};
    if (w->by_id) {
        m->email_id = str_from(arena_printf(w->arena, "M%c", name));
    }
    return m;
}

static struct operation *add_operation(struct world *w, size_t mailbox, enum operation_kind kind,
                                       const struct index_message *base, char name, uint32_t uid)
{
    struct identity *id = arena_alloc(w->arena, sizeof *id);
    struct operation *op = vec_add(&w->plan.mailboxes.items[mailbox].ops[kind]);
    id->header_digest = digest_of(name, 'h');
    if (kind != OP_DOWNLOAD) {
        id->body_digest = digest_of(name, 'b');
    }
    id->wire_size = 10;
    id->has_message_id = name != 'x';
    if (w->by_id) {
        id->email_id = str_from(arena_printf(w->arena, "M%c", name));
    }
    *op = (struct operation){
        .kind = kind, .uid = uid, .base = base, .identity = id, .state = MESSAGE_SYNCED, .why = ""};
    return op;
}

static void add_word(struct world *w, struct str word, uint32_t uid)
{
    assert_true(word.len == 4 && word.ptr[1] == ':');
    size_t mailbox = (size_t)(word.ptr[0] - 'A');
    char name = word.ptr[3];
    char what = word.ptr[2];
    if (what == '+' || what == '*') {
        struct operation *op = add_operation(w, mailbox, OP_DOWNLOAD, NULL, name, uid);
        if (what == '*') {
            ((struct identity *)(uintptr_t)op->identity)->body_digest = digest_of(name, 'b');
        }
        return;
    }
    if (what == '^') {
        struct operation *op = add_operation(w, mailbox, OP_UPLOAD, NULL, name, 0);
        struct maildir_file *file = arena_alloc(w->arena, sizeof *file);
        file->name = file->parsed.base = str_from(arena_printf(w->arena, "%c%u", name, uid));
        op->file = file;
        return;
    }
    if (word.ptr[0] == 'Z') {
        (void)add_record(w, MAILBOXES, name, uid);
        if (what == '/') {
            w->known.items[0].status_messages = 0;
        }
        return;
    }
    const struct index_message *record = add_record(w, mailbox, name, uid);
    if (what == '-' || what == '/') {
        seqset_add(&w->pairs[mailbox].remote.gone, uid);
    }
    if (what == '~' || what == '/') {
        seqset_add(&w->pairs[mailbox].local.gone, uid);
    }
    if (what != '=') {
        (void)add_operation(w, mailbox,
                            what == '-'   ? OP_DELETE_LOCAL
                            : what == '~' ? OP_DELETE_REMOTE
                                          : OP_FORGET,
                            record, name, uid);
    }
}

/* As the index would find them. */
static void give_twins(struct world *w)
{
    for (size_t i = 0; i < MAILBOXES; i++) {
        for (size_t k = 0; k < OP_KINDS; k++) {
            VEC_FOREACH (struct operation, op, &w->plan.mailboxes.items[i].ops[k]) {
                struct identity *id = (struct identity *)(uintptr_t)op->identity;
                struct index_message *twins = arena_array(w->arena, UIDS, sizeof *twins);
                for (size_t r = 0; r < w->records_len; r++) {
                    const struct index_message *m = &w->records[r];
                    bool same_body = digest_eq(&m->body_digest, &id->body_digest);
                    if (digest_eq(&m->header_digest, &id->header_digest) &&
                        (k == OP_DOWNLOAD || same_body)) {
                        twins[id->twins_len++] = *m;
                    }
                }
                id->twins = twins;
            }
        }
    }
}

static const char *tell(struct world *w)
{
    static const char *const kinds[MOVE_KINDS] = {"copy", "move", "rebase", "meet", "here", "link"};
    static const struct {
        enum operation_kind kind;
        const char *word;
    } left[] = {{OP_FORGET, "forget"},
                {OP_UPLOAD, "send"},
                {OP_DOWNLOAD, "fetch"},
                {OP_DELETE_LOCAL, "remove"},
                {OP_DELETE_REMOTE, "expunge"}};
    AUTO_BUF struct buf out = BUF_INIT(4096);
    VEC_FOREACH (const struct move, m, &w->plan.moves) {
        buf_addf(&out, "%s %s%s; ", kinds[m->kind], m->from->pair->record.utf8.ptr,
                 m->to->pair->record.utf8.ptr);
    }
    for (size_t i = 0; i < MAILBOXES; i++) {
        for (size_t k = 0; k < sizeof left / sizeof left[0]; k++) {
            VEC_FOREACH (const struct operation, op,
                         &w->plan.mailboxes.items[i].ops[left[k].kind]) {
                buf_addf(&out, "%s %c%s; ", left[k].word, (int)('A' + i),
                         op->has_copy   ? " (a copy stays)"
                         : op->to_trash ? " (to the trash)"
                                        : "");
            }
        }
    }
    return arena_str(w->arena, buf_str(&out)).ptr;
}

struct example {
    const char *world, *by_id, *by_header; /* NULL: as by id */
};

static const struct example EXAMPLES[] = {
    {"A:~m B:^m", "move AB; ", NULL},
    {"A:-m B:+m", "here AB; ", NULL},
    {"A:=m B:^m", "copy AB; ", NULL},
    {"A:~m A:^m", "rebase AA; ", NULL},
    {"A:-m A:+m", "meet AA; ", NULL},
    {"A:/m B:+m B:^m", "meet AB; ", NULL},
    {"A:/m B:+m C:^m", "here CB; ", NULL},
    {"A:/m B:+m", "forget A; fetch B; ", NULL},
    {"A:/m B:^m", "forget A; send B; ", NULL},
    {"A:~m B:^m C:^m", "copy AC; move AB; ", NULL},
    {"A:=m A:^m", "send A; ", NULL},
    {"A:=m B:+m", "link AB; ", "fetch B; "},
    {"B:+m C:+m", "link BC; fetch B; ", "fetch B; fetch C; "},
    {"A:-m B:+m C:+m", "here AB; link BC; ", "remove A; fetch B; fetch C; "},
    /* not certain: two of a kind on one side */
    {"A:-m A:-m B:+m", "here AB; remove A; ", "remove A; remove A; fetch B; "},
    {"A:-m B:+m B:+m", "here AB; link BB; ", "remove A; fetch B; fetch B; "},
    /* without a Message-ID */
    {"A:-x B:+x", "here AB; ", "remove A; fetch B; "},
    {"A:/x B:+x", "forget A; fetch B; ", NULL},
    {"A:/x B:+x B:^x", "meet AB; ", "forget A; send B; fetch B; "},
    {"A:/x B:+x C:^x", "here CB; ", "forget A; fetch B; send C; "},
    /* told apart by their bodies */
    {"A:/x B:*x B:^x", "meet AB; ", NULL},
    {"A:/x B:*x C:^x", "here CB; ", NULL},
    {"A:/x A:/x B:*x B:*x B:^x B:^x", "meet AB; meet AB; ", NULL},
    /* known from a mailbox that is left alone */
    {"Z:=m B:+m B:^m", "meet BB; ", NULL},
    {"Z:=x B:+x B:^x", "meet BB; ", "send B; fetch B; "},
    {"Z:=x B:*x B:^x", "meet BB; ", NULL},
    {"Z:=m B:+m C:^m", "fetch B; send C; ", NULL},
    {"Z:/m B:+m C:^m", "here CB; ", NULL},
    {"Z:/m B:+m B:^m", "meet BB; ", NULL},
    {"Z:/x B:+x C:^x", "here CB; ", "fetch B; send C; "},
    {"Z:/m B:+m B:^m C:^m", "meet BB; send C; ", NULL},
    {"Z:/m B:+n C:^m", "fetch B; send C; ", NULL},
    {"Z:=m B:+m B:^n", "send B; fetch B; ", NULL},
    {"Z:=m B:+m B:+m B:^m", "link BB; meet BB; ", "send B; fetch B; fetch B; "},
    /* others */
    {"A:~m B:^n", "expunge A; send B; ", "expunge A; send B; "},
    {"A:-m B:+n", "remove A; fetch B; ", "remove A; fetch B; "},
    {"A:~m B:=m", "expunge A (a copy stays); ", NULL},
    {"A:-m B:=m", "remove A (a copy stays); ", NULL},
    {"A:~m B:~m", "expunge A; expunge B; ", NULL},
    {"A:~m B:-m", "expunge A; remove B; ", NULL},
    {"A:~m B:^m B:=m", "move AB; ", NULL},
};

static void check(const struct example *x, bool by_id)
{
    struct world w;
    struct str words = str_from(x->world);
    struct str word;
    world_init(&w, by_id);
    for (uint32_t uid = 1; str_split(&words, ' ', &word); uid++) {
        add_word(&w, word, uid);
    }
    give_twins(&w);
    moves_find(&w.plan, w.arena);
    met_find(&w.plan, &w.known, w.arena);
    const char *expected = by_id || x->by_header == NULL ? x->by_id : x->by_header;
    if (strcmp(tell(&w), expected) != 0) {
        fail_msg("%s, %s: '%s', not '%s'", x->world, by_id ? "by id" : "by header", tell(&w),
                 expected);
    }
    world_free(&w);
}

static void what_belongs_together(void **state)
{
    for (size_t i = 0; i < sizeof EXAMPLES / sizeof EXAMPLES[0]; i++) {
        check(&EXAMPLES[i], true);
        check(&EXAMPLES[i], false);
    }
}

/* Header, size and date are not enough where drafts are written over and over. */
static void drafts_are_not_guessed(void **state)
{
    for (size_t drafts = 0; drafts < 2; drafts++) {
        struct world w;
        world_init(&w, false);
        w.pairs[drafts].attributes = LIST_DRAFTS;
        add_word(&w, STR("A:-m"), 1);
        add_word(&w, STR("B:+m"), 2);
        give_twins(&w);
        moves_find(&w.plan, w.arena);
        assert_string_equal(tell(&w), "remove A; fetch B; ");
        world_free(&w);
    }
}

/* Two records of one header but other bodies: either could be meant. */
static void different_bodies_are_not_guessed(void **state)
{
    struct world w;
    world_init(&w, false);
    add_word(&w, STR("A:-m"), 1);
    add_word(&w, STR("C:=m"), 2);
    add_word(&w, STR("B:+m"), 3);
    w.records[1].body_digest = digest_of('o', 'b');
    give_twins(&w);
    moves_find(&w.plan, w.arena);
    assert_string_equal(tell(&w), "remove A; fetch B; ");
    world_free(&w);
}

static void the_trash_is_for_what_has_no_copy(void **state)
{
    struct world w;
    world_init(&w, true);
    w.policy.delete_to_trash = true;
    w.pairs[2].attributes = LIST_TRASH;
    add_word(&w, STR("A:~m"), 1);
    add_word(&w, STR("A:~n"), 2);
    add_word(&w, STR("B:=n"), 3);
    add_word(&w, STR("C:~o"), 4);
    give_twins(&w);
    moves_find(&w.plan, w.arena);
    assert_string_equal(tell(&w),
                        "expunge A (to the trash); expunge A (a copy stays); expunge C; ");
    world_free(&w);
}

/* Of a mailbox that is paired by content in this pass the index has records of before: no copy is
 * made of one that is not on the server any more, and none of them is a copy that stays. */
static void what_a_pairing_did_not_find_is_no_copy(void **state)
{
    for (unsigned found = 0; found < 3; found++) {
        struct world w;
        struct pairing pairing = {0};
        struct paired_message paired;
        struct remote_message fresh = {.uid = 1};
        world_init(&w, true);
        w.pairs[0].pairing = &pairing;
        add_word(&w, STR("A:=m"), 1);
        add_word(&w, STR("B:^m"), 2);
        add_word(&w, STR("C:-m"), 3);
        paired = (struct paired_message){.record = &w.records[0]};
        if (found == 1)
            pairing = (struct pairing){.messages = &paired, .messages_len = 1};
        if (found == 2)
            vec_push(&w.pairs[0].remote.fresh, fresh);
        give_twins(&w);
        moves_find(&w.plan, w.arena);
        assert_string_equal(tell(&w), found == 0   ? "send B; remove C; "
                                      : found == 1 ? "copy AB; remove C (a copy stays); "
                                                   : "copy AB; remove C; ");
        vec_free(&w.pairs[0].remote.fresh);
        world_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_belongs_together),
        cmocka_unit_test(drafts_are_not_guessed),
        cmocka_unit_test(different_bodies_are_not_guessed),
        cmocka_unit_test(the_trash_is_for_what_has_no_copy),
        cmocka_unit_test(what_a_pairing_did_not_find_is_no_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
