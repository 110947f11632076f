/* Law 7 and 9: whatever the server says, each call ends, with a result or an error. */
#include "client/client.h"
#include "core/client/babbler.h"

static const char good[] =
    "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ CONDSTORE QRESYNC ENABLE LIST-STATUS UIDPLUS MOVE ID "
    "NAMESPACE] hi\r\n"
    "* CAPABILITY IMAP4rev1 LITERAL+ CONDSTORE QRESYNC ENABLE LIST-STATUS UIDPLUS MOVE ID "
    "NAMESPACE\r\nA1 OK done\r\n"
    "* ENABLED QRESYNC\r\nA2 OK done\r\n"
    "* NAMESPACE ((\"\" \"/\")) NIL ((\"#shared/\" \"/\"))\r\nA3 OK done\r\n"
    "* LIST (\\HasNoChildren) \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 3 UIDNEXT 9)\r\n"
    "* LIST (\\Sent) \"/\" {4}\r\nSent\r\nA4 OK done\r\n"
    "* OK [CLOSED] closed\r\n* 3 EXISTS\r\n* FLAGS (\\Seen work)\r\n"
    "* OK [PERMANENTFLAGS (\\Seen \\*)] flags\r\n* OK [UIDVALIDITY 7] valid\r\n"
    "* VANISHED (EARLIER) 1:2,4\r\n* 1 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (12))\r\n"
    "A5 OK [READ-WRITE] done\r\n"
    "* 1 FETCH (UID 3 FLAGS (\\Seen work) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
    "RFC822.SIZE 12 BODY[] {12}\r\nhello\r\nworld)\r\n* 9 EXPUNGE\r\n* VANISHED 8:9\r\n"
    "* 2 FETCH (BODY[] \"short\" UID 5)\r\nA6 OK done\r\n"
    "A7 OK [MODIFIED 5] done\r\n"
    "* OK [COPYUID 9 3,5 1:2] moved\r\n* 1 EXPUNGE\r\nA8 OK done\r\n"
    "A9 OK [APPENDUID 9 3] done\r\n";

static bool sink_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    (void)self;
    (void)so_far;
    (void)section;
    (void)size;
    (void)err;
    return true;
}

static bool sink_piece(void *self, struct str data, struct error *err)
{
    (void)self;
    (void)data;
    (void)err;
    return true;
}

static bool sink_end(void *self, struct error *err)
{
    (void)self;
    (void)err;
    return true;
}

static ssize_t five_bytes(void *self, void *out, size_t size, struct error *err)
{
    (void)self;
    (void)err;
    memset(out, 'x', size);
    return (ssize_t)size;
}

static void look_at_mailboxes(struct client *c, struct arena *arena)
{
    struct error err = ERROR_INIT;
    struct client_mailboxes all = {0};
    (void)client_list_status(c, STR("*"), STATUS_MESSAGES | STATUS_UIDNEXT, arena, &all, &err);
}

static void select_and_fetch(struct client *c, struct arena *arena, const struct seqset *uids)
{
    static const struct fetch_sink sink = {sink_begin, sink_piece, sink_end, NULL};
    const struct select_params params = {.qresync = true, .uidvalidity = 7, .modseq = 5};
    const struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS | FETCH_INTERNALDATE |
                                                   FETCH_SIZE | FETCH_BODY_SECTION};
    struct error err = ERROR_INIT;
    struct client_select select;
    struct client_fetch fetch;
    struct fetch_data data;
    if (client_select_begin(c, &select, STR("INBOX"), false, &params, arena, &err) == 0) {
        (void)client_select_end(c, &select, &err);
        client_select_free(&select);
    }
    if (client_fetch_begin(c, &fetch, uids, &request, &sink, arena, &err) == 0) {
        while (client_fetch_next(c, &fetch, &data, &err) > 0) {
        }
        (void)client_fetch_end(c, &fetch, &err);
        client_fetch_free(&fetch);
    }
}

static void change(struct client *c, struct arena *arena, const struct seqset *uids)
{
    const struct imap_flags seen = {.system = FLAG_SEEN};
    const struct append_source source = {five_bytes, NULL};
    struct error err = ERROR_INIT;
    struct client_store store;
    struct client_copy copy;
    struct client_append append;
    if (client_store_begin(c, &store, uids, STORE_ADD, &seen, 12, arena, &err) == 0) {
        (void)client_store_end(c, &store, &err);
        client_store_free(&store);
    }
    if (client_move_begin(c, &copy, uids, STR("Other"), arena, &err) == 0) {
        (void)client_copy_end(c, &copy, &err);
        client_copy_free(&copy);
    }
    if (client_append_begin(c, &append, STR("Other"), NULL, 5, &source, arena, &err) == 0) {
        (void)client_append_end(c, &append, &err);
    }
}

static bool converse(struct stream *stream)
{
    static const struct client_credentials alice = {.user = "alice", .password = "secret"};
    const struct client_options options = {
        .host = "mail.example",
        .security = SECURITY_NONE,
        .plaintext_ok = true,
        .timeout_ms = 1000,
        .clock = &clock_system,
        .qresync = true,
    };
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    struct seqset uids = {0};
    AUTO_ARENA struct arena *arena = arena_new();
    if (client_open(stream, &options, &c, &err) < 0) {
        return false;
    }
    seqset_add(&uids, 3);
    seqset_add(&uids, 5);
    (void)client_login(c, &alice, &err);
    look_at_mailboxes(c, arena);
    select_and_fetch(c, arena, &uids);
    change(c, arena, &uids);
    struct client_event event;
    while (client_next_event(c, &event)) {
        seqset_free(&event.uids);
    }
    bool well = client_failure(c) == NULL;
    client_close(&c);
    seqset_free(&uids);
    return well;
}

int main(void)
{
    return babbler_main(str_make(good, sizeof good - 1), converse);
}
