/*
 * The client hears any bytes: each call ends, with a result or an error. The first line of an input
 * is what is asked, a letter each; the rest is what the server says to all of it.
 */
#include "base/alloc.h"
#include "client/client.h"
#include "client/cmd_acl.h"
#include "client/cmd_metadata.h"
#include "client/cmd_notify.h"
#include "client/cmd_quota.h"
#include "client/cmd_search.h"
#include "client/cmd_sort.h"
#include "fuzz/fuzz_stream.h"

#define ASKED_MAX 24

struct asker {
    struct client *c;
    struct arena *arena;
    struct seqset uids;
    struct error err;
};

struct body {
    bool open;
    uint64_t left;
};

static bool body_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    struct body *body = self;
    (void)so_far;
    (void)section;
    (void)err;
    *body = (struct body){true, size};
    return true;
}

static bool body_piece(void *self, struct str data, struct error *err)
{
    struct body *body = self;
    (void)err;
    FUZZ_REQUIRE(body->open && data.len <= body->left, data);
    body->left -= data.len;
    return true;
}

static bool body_end(void *self, struct error *err)
{
    struct body *body = self;
    (void)err;
    FUZZ_REQUIRE(body->open && body->left == 0, STR_EMPTY);
    body->open = false;
    return true;
}

static void ask_fetch(struct asker *a, unsigned items)
{
    struct body body = {false, 0};
    const struct fetch_sink sink = {body_begin, body_piece, body_end, &body};
    const struct fetch_request request = {.items = items};
    struct client_fetch h;
    struct fetch_data data;
    if (client_fetch_begin(a->c, &h, &a->uids, &request, &sink, a->arena, &a->err) == 0) {
        while (client_fetch_next(a->c, &h, &data, &a->err) > 0) {
            FUZZ_REQUIRE(seqset_contains(&a->uids, data.uid), STR_EMPTY);
        }
        (void)client_fetch_end(a->c, &h, &a->err);
        client_fetch_free(&h);
    }
}

static void fetch_bodies(struct asker *a)
{
    ask_fetch(a, FETCH_UID | FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE | FETCH_BODY_SECTION);
}

static void fetch_structures(struct asker *a)
{
    ask_fetch(a, FETCH_UID | FETCH_ENVELOPE | FETCH_BODYSTRUCTURE | FETCH_MODSEQ);
}

static void log_in(struct asker *a)
{
    static const struct client_credentials credentials = {.user = "alice", .password = "secret"};
    (void)client_login(a->c, &credentials, &a->err);
}

static void list(struct asker *a)
{
    struct client_mailboxes all = {0};
    (void)client_list(a->c, STR("*"), a->arena, &all, &a->err);
}

static void list_status(struct asker *a)
{
    struct client_mailboxes all = {0};
    (void)client_list_status(a->c, STR("*"), STATUS_MESSAGES | STATUS_UIDNEXT, a->arena, &all,
                             &a->err);
}

static void list_special(struct asker *a)
{
    struct client_mailboxes all = {0};
    (void)client_list_special(a->c, STR("*"), a->arena, &all, &a->err);
}

static void status(struct asker *a)
{
    struct status_data data;
    (void)client_status(a->c, STR("INBOX"), STATUS_MESSAGES, a->arena, &data, &a->err);
}

static void select_with(struct asker *a, bool qresync)
{
    const struct select_params params = {.qresync = qresync, .uidvalidity = 7, .modseq = 5};
    struct client_select h;
    if (client_select_begin(a->c, &h, STR("INBOX"), !qresync, qresync ? &params : NULL, a->arena,
                            &a->err) == 0) {
        if (client_select_end(a->c, &h, &a->err) < 0 && client_failure(a->c) == NULL) {
            FUZZ_REQUIRE(client_selected(a->c).len == 0, STR_EMPTY);
        }
        client_select_free(&h);
    }
}

static void select_plain(struct asker *a)
{
    select_with(a, false);
}

static void select_qresync(struct asker *a)
{
    select_with(a, true);
}

static void search(struct asker *a)
{
    const struct search_request request = {.key = search_all(a->arena)};
    struct client_search h;
    (void)client_search(a->c, &h, CLIENT_UIDS, &request, a->arena, &a->err);
    client_search_free(&h);
}

static void sort(struct asker *a)
{
    const struct sort_request request = {.criteria_len = 1,
                                         .search = {.key = search_all(a->arena)}};
    struct client_sort h;
    (void)client_sort(a->c, &h, CLIENT_UIDS, &request, a->arena, &a->err);
}

static void thread(struct asker *a)
{
    const struct thread_request request = {.algorithm = STR("REFERENCES"),
                                           .key = search_all(a->arena)};
    struct client_thread h;
    (void)client_thread(a->c, &h, CLIENT_UIDS, &request, a->arena, &a->err);
}

static void store(struct asker *a)
{
    const struct imap_flags seen = {.system = FLAG_SEEN};
    struct client_store h;
    if (client_store_begin(a->c, &h, &a->uids, STORE_ADD, &seen, 12, a->arena, &a->err) == 0) {
        (void)client_store_end(a->c, &h, &a->err);
        client_store_free(&h);
    }
}

static void move(struct asker *a)
{
    struct client_copy h;
    (void)client_uid_move(a->c, &h, &a->uids, STR("Other"), a->arena, &a->err);
    client_copy_free(&h);
}

static void expunge(struct asker *a)
{
    struct client_expunge h;
    if (client_uid_expunge_begin(a->c, &h, &a->uids, a->arena, &a->err) == 0) {
        (void)client_expunge_end(a->c, &h, &a->err);
    }
}

static ssize_t some_bytes(void *self, void *out, size_t size, struct error *err)
{
    (void)self;
    (void)err;
    memset(out, 'x', size);
    return (ssize_t)size;
}

static void append(struct asker *a)
{
    const struct append_source source = {some_bytes, NULL};
    struct client_append h;
    if (client_append_begin(a->c, &h, STR("Other"), NULL, 5, &source, a->arena, &a->err) == 0) {
        (void)client_append_end(a->c, &h, &a->err);
    }
}

static void acl(struct asker *a)
{
    struct acl value;
    struct acl_my_rights mine;
    (void)client_getacl(a->c, STR("INBOX"), a->arena, &value, &a->err);
    (void)client_myrights(a->c, STR("INBOX"), a->arena, &mine, &a->err);
}

static void quota(struct asker *a)
{
    struct client_quotas quotas;
    (void)client_getquotaroot(a->c, STR("INBOX"), a->arena, &quotas, &a->err);
}

static void metadata(struct asker *a)
{
    struct metadata_get get = {.mailbox = STR("INBOX")};
    struct client_metadata h;
    str_list_add(a->arena, &get.names, STR("/private/comment"));
    (void)client_getmetadata(a->c, &h, &get, a->arena, &a->err);
}

static void notify(struct asker *a)
{
    const struct notify_request request = {.none = true};
    (void)client_notify(a->c, &request, &a->err);
}

static void idle(struct asker *a)
{
    enum client_wait why;
    (void)client_idle(a->c, clock_deadline(&fuzz_clock, 1000), &why, &a->err);
}

static void noop(struct asker *a)
{
    (void)client_noop(a->c, &a->err);
}

static void capability(struct asker *a)
{
    (void)client_capability(a->c, &a->err);
}

static void close_mailbox(struct asker *a)
{
    (void)client_close_mailbox(a->c, &a->err);
}

static void events(struct asker *a)
{
    struct client_event event;
    while (client_next_event(a->c, &event)) {
        FUZZ_REQUIRE((unsigned)event.kind < EVENT_KINDS, STR_EMPTY);
        seqset_free(&event.uids);
    }
}

static void ask(struct asker *a, char letter)
{
    static const struct {
        char letter;
        void (*ask)(struct asker *a);
    } rows[] = {
        {'l', log_in},         {'L', list},         {'T', list_status},
        {'X', list_special},   {'t', status},       {'s', select_plain},
        {'S', select_qresync}, {'f', fetch_bodies}, {'F', fetch_structures},
        {'/', search},         {'o', sort},         {'h', thread},
        {'+', store},          {'m', move},         {'e', expunge},
        {'a', append},         {'A', acl},          {'q', quota},
        {'M', metadata},       {'N', notify},       {'i', idle},
        {'n', noop},           {'c', capability},   {'C', close_mailbox},
        {'v', events},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].letter == letter) {
            rows[i].ask(a);
        }
    }
}

static void converse(struct str letters, struct str said)
{
    const struct client_options options = {.host = "mail.example",
                                           .security = SECURITY_NONE,
                                           .plaintext_ok = true,
                                           .timeout_ms = 1000,
                                           .clock = &fuzz_clock,
                                           .qresync = true};
    struct fuzz_source source = fuzz_source_of(said);
    struct asker a = {.arena = arena_new(), .err = ERROR_INIT};
    if (client_open(fuzz_stream(&source, NULL), &options, &a.c, &a.err) == 0) {
        seqset_add_range(&a.uids, 3, 5);
        for (size_t i = 0; i < letters.len && i < ASKED_MAX; i++) {
            ask(&a, letters.ptr[i]);
        }
        events(&a);
        client_close(&a.c);
    }
    seqset_free(&a.uids);
    arena_free(&a.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_copy(data, size);
    struct str said = input, letters;
    if (str_split(&said, '\n', &letters)) {
        converse(letters, said);
    }
    xfree(&input.ptr);
    return 0;
}
