#include "imap/list.h"
#include "reconcile/folders.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/*
 * A table of situations: what the index has, what the server lists, which folders are here. Names
 * are told apart by spaces. A record is "name=path", behind "+r" when its mailbox was being created
 * on the server, "+l" when its folder was being made here. Expected: "NAME ACTION" for each pair,
 * in order.
 */
struct situation {
    const char *known, *remote, *local;
    const char *expected;
    enum direction create;
    const char *patterns; /* NULL: "*" */
    char delimiter;
};

#define ITEMS_MAX 8

struct world {
    struct arena *arena;
    struct maildir *maildir;
    struct config_account account;
    const char *patterns[ITEMS_MAX + 1];
    struct names_space space;
    struct index_mailbox known[ITEMS_MAX];
    size_t known_len;
    struct remote_mailbox remote_items[ITEMS_MAX];
    struct remote_list remote;
    struct maildir_folder local_items[ITEMS_MAX];
    struct maildir_folders local;
    struct pair_vec pairs;
};

static void world_init(struct world *w)
{
    static const struct maildir_options options = {.root = "/nonexistent",
                                                   .layout = MAILDIR_NESTED,
                                                   .separator = ".",
                                                   .info_separator = ':',
                                                   .inbox = "INBOX",
                                                   .host = "test.example"};
    *w = (struct world){.arena = arena_new(), .maildir = maildir_new(&options)};
    w->patterns[0] = "*";
    w->account.patterns = (struct config_strings){w->patterns, 1};
    w->account.sync.remove = DIRECTION_NONE;
    w->remote.items = w->remote_items;
    w->local.items = w->local_items;
}

static void world_free(struct world *w)
{
    vec_free(&w->pairs);
    maildir_free(&w->maildir);
    arena_free(&w->arena);
}

static void add_known(struct world *w, struct str item)
{
    struct index_mailbox *m = &w->known[w->known_len++];
    struct str name;
    m->id = (uint32_t)w->known_len;
    m->state = str_starts(item, STR("+r"))   ? MAILBOX_CREATING_REMOTE
               : str_starts(item, STR("+l")) ? MAILBOX_CREATING_LOCAL
                                             : MAILBOX_SYNCED;
    if (m->state != MAILBOX_SYNCED) {
        item = str_from_offset(item, 2);
    }
    (void)str_split(&item, '=', &name);
    m->name = arena_str(w->arena, name);
    m->path = item.len > 0 ? arena_str(w->arena, item) : m->name;
    assert_true(names_to_utf8(&w->space, w->arena, m->name, &m->utf8));
}

static void add_remote(struct world *w, struct str item)
{
    struct remote_mailbox *m = &w->remote_items[w->remote.len++];
    m->name = arena_str(w->arena, item);
    if (str_eq(item, STR("Spam"))) {
        m->attributes = LIST_JUNK;
    }
    assert_true(names_to_utf8(&w->space, w->arena, m->name, &m->utf8));
}

static void add_local(struct world *w, struct str item)
{
    struct maildir_folder *folder = &w->local_items[w->local.len++];
    struct str path = arena_str(w->arena, item);
    folder->path = path.ptr;
    if (!maildir_mailbox(w->maildir, w->arena, path, &folder->mailbox)) {
        folder->mailbox = STR_EMPTY;
    }
}

static void add_all(struct world *w, const char *list, void (*add)(struct world *, struct str))
{
    struct str rest = str_from(list);
    struct str item;
    while (str_split(&rest, ' ', &item)) {
        add(w, item);
    }
}

static void pair_up(struct world *w, const char *const *targets)
{
    const struct folders_input input = {
        .account = &w->account,
        .space = &w->space,
        .targets = targets,
        .remote = &w->remote,
        .known = w->known,
        .known_len = w->known_len,
        .local = &w->local,
        .maildir = w->maildir,
    };
    folders_pair(&input, w->arena, &w->pairs);
}

static void set_up(struct world *w, const struct situation *s)
{
    world_init(w);
    w->space.delimiter = s->delimiter;
    w->account.sync.create = s->create;
    if (s->patterns != NULL) {
        struct str rest = str_from(s->patterns);
        struct str item;
        size_t len = 0;
        while (str_split(&rest, ' ', &item)) {
            w->patterns[len++] = arena_str(w->arena, item).ptr;
        }
        w->account.patterns.len = len;
    }
    add_all(w, s->known, add_known);
    add_all(w, s->remote, add_remote);
    add_all(w, s->local, add_local);
    pair_up(w, NULL);
}

static const char *told(struct world *w)
{
    static const char *const actions[] = {
        [PAIR_SYNC] = "sync",   [PAIR_CREATE_LOCAL] = "make", [PAIR_CREATE_REMOTE] = "send",
        [PAIR_LEAVE] = "leave", [PAIR_REFUSE] = "refuse",
    };
    AUTO_BUF struct buf out = BUF_INIT(4096);
    VEC_FOREACH (const struct mailbox_pair, pair, &w->pairs) {
        bool silent = pair->action == PAIR_LEAVE || pair->action == PAIR_REFUSE;
        assert_int_equal(pair->why != NULL, silent);
        assert_non_null(pair->policy);
        buf_addf(&out, "%s%.*s %s", out.len > 0 ? ", " : "", STR_ARG(pair->record.utf8),
                 actions[pair->action]);
    }
    return arena_str(w->arena, buf_str(&out)).ptr;
}

static void check(const struct situation *s)
{
    struct world w;
    set_up(&w, s);
    const char *result = told(&w);
    if (strcmp(result, s->expected) != 0) {
        fail_msg("index '%s', server '%s', here '%s': expected '%s', got '%s'", s->known, s->remote,
                 s->local, s->expected, result);
    }
    world_free(&w);
}

static void every_situation_has_its_action(void **state)
{
    static const struct situation cases[] = {
        {"", "", "", "", DIRECTION_BOTH, NULL, '/'},
        /* met for the first time */
        {"", "INBOX", "", "INBOX make", DIRECTION_BOTH, NULL, '/'},
        {"", "", "New", "New send", DIRECTION_BOTH, NULL, '/'},
        {"", "INBOX", "INBOX", "INBOX sync", DIRECTION_BOTH, NULL, '/'},
        {"", "a", "", "a make", DIRECTION_TO_LOCAL, NULL, '/'},
        {"", "a", "", "a leave", DIRECTION_TO_REMOTE, NULL, '/'},
        {"", "a", "", "a leave", DIRECTION_NONE, NULL, '/'},
        {"", "", "a", "a leave", DIRECTION_TO_LOCAL, NULL, '/'},
        {"", "", "a", "a send", DIRECTION_TO_REMOTE, NULL, '/'},
        {"", "a", "a", "a sync", DIRECTION_NONE, NULL, '/'},
        /* known */
        {"a", "a", "a", "a sync", DIRECTION_BOTH, NULL, '/'},
        {"a", "a", "a", "a sync", DIRECTION_NONE, NULL, '/'},
        {"a", "a", "", "a leave", DIRECTION_BOTH, NULL, '/'},
        {"a", "", "a", "a leave", DIRECTION_BOTH, NULL, '/'},
        {"a", "", "", "a leave", DIRECTION_BOTH, NULL, '/'},
        {"a=elsewhere", "a", "elsewhere", "a sync", DIRECTION_BOTH, NULL, '/'},
        {"a=elsewhere", "a", "a", "a leave, a refuse", DIRECTION_BOTH, NULL, '/'},
        {"a\tb=a%2509b", "a\tb", "a%2509b", "a%09b sync", DIRECTION_BOTH, NULL, '/'},
        {"", "a\tb a%09b", "", "a%09b make, a%2509b make", DIRECTION_BOTH, NULL, '/'},
        /* a creation that was interrupted */
        {"+la", "a", "", "a make", DIRECTION_BOTH, NULL, '/'},
        {"+la", "a", "a", "a sync", DIRECTION_BOTH, NULL, '/'},
        {"+la", "", "a", "a leave", DIRECTION_BOTH, NULL, '/'},
        {"+la", "", "", "a leave", DIRECTION_BOTH, NULL, '/'},
        {"+ra", "", "a", "a send", DIRECTION_BOTH, NULL, '/'},
        {"+ra", "a", "a", "a sync", DIRECTION_BOTH, NULL, '/'},
        {"+ra", "a", "", "a leave", DIRECTION_BOTH, NULL, '/'},
        {"+ra", "", "", "a leave", DIRECTION_BOTH, NULL, '/'},
        /* left out */
        {"", "a b", "c", "a make, b leave, c leave", DIRECTION_BOTH, "a", '/'},
        {"a b", "a b", "a b", "a leave, b sync", DIRECTION_BOTH, "* !a", '/'},
        {"", "INBOX Spam", "", "INBOX make, Spam leave", DIRECTION_BOTH, "* !\\Junk", '/'},
        /* INBOX first, then by name */
        {"", "b INBOX a/b a", "", "INBOX make, a make, a/b make, b make", DIRECTION_BOTH, NULL,
         '/'},
        {"c", "b", "a INBOX", "INBOX send, a send, b make, c leave", DIRECTION_BOTH, NULL, '/'},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(&cases[i]);
    }
}

/* Two that would share a name or a folder: the one that is known goes on, the other is refused. */
static void law7_collisions_are_refused(void **state)
{
    static const struct situation cases[] = {
        {"", "x.a a/b a%2Fb", "", "a%252Fb make, a%2Fb make, x/a make", DIRECTION_BOTH, NULL, '.'},
        {"a%2Fb", "a/b a%2Fb", "a%2Fb", "a%252Fb sync, a%2Fb refuse", DIRECTION_BOTH, NULL, '.'},
        {"", "a/ a", "", "a make, a refuse", DIRECTION_BOTH, NULL, '/'},
        {"", "/a a", "", "a make, a refuse", DIRECTION_BOTH, NULL, '/'},
        {"", "INBOX", "inbox", "INBOX make", DIRECTION_BOTH, NULL, '/'},
        {"", "a a", "", "a make", DIRECTION_BOTH, NULL, '/'},
        {"", "a/ a", "", "a leave, a leave", DIRECTION_BOTH, "* !a", '/'},
        {"", "", "a.b c", "a.b refuse, c send", DIRECTION_BOTH, NULL, '.'},
        {"", "", "a.b c", "a.b leave, c send", DIRECTION_BOTH, "* !a.b", '.'},
        {"a=b", "a b", "b", "a sync, b refuse", DIRECTION_BOTH, NULL, '/'},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(&cases[i]);
    }
}

/* ---- what a pair carries ---- */

static void the_server_s_word_is_in_the_pair(void **state)
{
    static const struct situation s = {"INBOX", "INBOX", "INBOX", "", DIRECTION_BOTH, NULL, '/'};
    struct world w;
    world_init(&w);
    w.space.delimiter = '/';
    add_all(&w, s.known, add_known);
    add_all(&w, s.remote, add_remote);
    add_all(&w, s.local, add_local);
    struct remote_mailbox *m = &w.remote_items[0];
    m->attributes = LIST_HASCHILDREN;
    m->status = (struct status_data){
        .have = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY | STATUS_HIGHESTMODSEQ |
                STATUS_MAILBOXID,
        .messages = 3,
        .uidnext = 5,
        .uidvalidity = 7,
        .highestmodseq = 11,
        .mailboxid = STR("F1"),
    };
    pair_up(&w, NULL);
    const struct mailbox_pair *pair = &w.pairs.items[0];
    assert_int_equal(w.pairs.len, 1);
    assert_true(pair->has_status && pair->in_target);
    assert_int_equal(pair->attributes, LIST_HASCHILDREN);
    assert_int_equal(pair->status_messages, 3);
    assert_int_equal(pair->status_uidnext, 5);
    assert_int_equal(pair->status_uidvalidity, 7);
    assert_int_equal(pair->status_modseq, 11);
    assert_true(str_eq(pair->record.mailboxid, STR("F1")));
    world_free(&w);
}

static void a_status_without_its_parts_is_none(void **state)
{
    static const unsigned parts[] = {STATUS_MESSAGES | STATUS_UIDNEXT,
                                     STATUS_MESSAGES | STATUS_UIDVALIDITY,
                                     STATUS_UIDNEXT | STATUS_UIDVALIDITY, 0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct world w;
        world_init(&w);
        w.space.delimiter = '/';
        add_remote(&w, STR("a"));
        w.remote_items[0].status.have = parts[i];
        pair_up(&w, NULL);
        assert_false(w.pairs.items[0].has_status);
        world_free(&w);
    }
}

static void targets_and_a_gone_directory_are_noted(void **state)
{
    static const char *const targets[] = {"a", NULL};
    struct world w;
    world_init(&w);
    w.space.delimiter = '/';
    add_all(&w, "a b", add_known);
    add_all(&w, "a b", add_remote);
    add_all(&w, "b", add_local);
    pair_up(&w, targets);
    assert_true(w.pairs.items[0].in_target && w.pairs.items[0].directory_gone);
    assert_false(w.pairs.items[1].in_target || w.pairs.items[1].directory_gone);
    world_free(&w);
}

static void overrides_choose_the_policy(void **state)
{
    struct world w;
    world_init(&w);
    w.space.delimiter = '/';
    struct config_override override = {.match = "Lists/*", .sync.create = DIRECTION_NONE};
    w.account.overrides = (struct config_overrides){&override, 1};
    add_all(&w, "a Lists/C", add_remote);
    pair_up(&w, NULL);
    assert_string_equal(told(&w), "Lists/C leave, a make");
    assert_ptr_equal(w.pairs.items[0].policy, &override.sync);
    assert_ptr_equal(w.pairs.items[1].policy, &w.account.sync);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_situation_has_its_action),
        cmocka_unit_test(law7_collisions_are_refused),
        cmocka_unit_test(the_server_s_word_is_in_the_pair),
        cmocka_unit_test(a_status_without_its_parts_is_none),
        cmocka_unit_test(targets_and_a_gone_directory_are_noted),
        cmocka_unit_test(overrides_choose_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
