/* As test_mutation, for the families that it has not. */
#include "client/cmd_acl.h"
#include "client/cmd_metadata.h"
#include "client/cmd_notify.h"
#include "client/cmd_quota.h"
#include "client/cmd_raw.h"
#include "client/cmd_search.h"
#include "client/cmd_sort.h"
#include "core/client/babbler.h"

static const char good[] =
    "* PREAUTH [CAPABILITY IMAP4rev1 ACL QUOTA METADATA SORT THREAD=REFERENCES ESEARCH ESORT "
    "NOTIFY "
    "IDLE LIST-EXTENDED LIST-MYRIGHTS LIST-METADATA UIDPLUS MULTIAPPEND LITERAL+] hi\r\n"
    "* ACL INBOX fred lrs -joe w\r\nA1 OK done\r\n"
    "* LISTRIGHTS INBOX fred la r swicdkxte\r\nA2 OK done\r\n"
    "* MYRIGHTS INBOX lrs\r\nA3 OK done\r\n"
    "* QUOTAROOT INBOX a b\r\n* QUOTA a (STORAGE 10 512)\r\n* QUOTA b ()\r\nA4 OK done\r\n"
    "* METADATA INBOX (/shared/comment {3}\r\nabc /private/x NIL)\r\n* METADATA Q /shared/y\r\n"
    "A5 OK [METADATA LONGENTRIES 5] done\r\n"
    "* LIST (\\Subscribed) \"/\" A (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n* MYRIGHTS A lr\r\n"
    "* METADATA A (/shared/comment \"c\")\r\nA6 OK done\r\n"
    "* STATUS Other (MESSAGES 3 UIDNEXT 4)\r\nA7 OK done\r\n"
    "A8 OK done\r\n"
    "* SEARCH 2 84 882 (MODSEQ 9)\r\nA9 OK done\r\n"
    "* ESEARCH (TAG \"A10\") UID MIN 7 COUNT 3 ALL 7,900:901\r\nA10 OK done\r\n"
    "* SORT 2 84 882\r\nA11 OK done\r\n"
    "* ESEARCH (TAG \"A12\") UID COUNT 3 ALL 9,2:3\r\nA12 OK done\r\n"
    "* THREAD (2)(3 6 (4 23)(44 7 96))\r\nA13 OK done\r\n"
    "* 1 FETCH (FLAGS (\\Seen a) UID 5 ENVELOPE (\"d\" \"s\" ((\"n\" NIL \"m\" \"h\")) NIL NIL NIL "
    "NIL "
    "NIL NIL \"<i>\") BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"X\") NIL NIL \"7BIT\" 1 2) "
    "\"MIXED\"))\r\n* 9 FETCH (FLAGS (b))\r\nA14 OK done\r\n"
    "* 1 FETCH (FLAGS (\\Deleted))\r\nA15 OK [MESSAGELIMIT 5 7] done\r\n"
    "* 3 EXPUNGE\r\n* VANISHED 4:5\r\nA16 OK done\r\n"
    "A17 OK [APPENDUID 9 3:4] done\r\n"
    "+ idling\r\n* OK still\r\n* LIST () \"/\" New (\"OLDNAME\" (\"Old\"))\r\nA18 OK done\r\n"
    "* OK [INPROGRESS (\"A19\" 1 2)] half\r\n* X (a {2}\r\nbc)\r\nA19 OK done\r\n";

static void ask_rights(struct client *c, struct arena *arena)
{
    struct error err = ERROR_INIT;
    struct str names[] = {STR_INIT("/shared/comment")};
    const struct metadata_get get = {.mailbox = STR("INBOX"), .names = {names, 1, 1}};
    struct acl acl;
    struct acl_list_rights list;
    struct acl_my_rights mine;
    struct client_quotas quotas;
    struct client_metadata metadata;
    (void)client_getacl(c, STR("INBOX"), arena, &acl, &err);
    (void)client_listrights(c, STR("INBOX"), STR("fred"), arena, &list, &err);
    (void)client_myrights(c, STR("INBOX"), arena, &mine, &err);
    (void)client_getquotaroot(c, STR("INBOX"), arena, &quotas, &err);
    (void)client_getmetadata(c, &metadata, &get, arena, &err);
}

static void look_at_mailboxes(struct client *c, struct arena *arena)
{
    struct error err = ERROR_INIT;
    struct str pattern[] = {STR_INIT("*")};
    struct str names[] = {STR_INIT("/shared/comment")};
    const struct list_request list = {
        .select = LIST_SELECT_SUBSCRIBED,
        .reference = STR(""),
        .patterns = {pattern, 1, 1},
        .returns = LIST_RETURN_MYRIGHTS | LIST_RETURN_METADATA,
        .has_return = true,
        .metadata = {names, 1, 1},
    };
    struct notify_group group = {.filter = NOTIFY_PERSONAL,
                                 .events = NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE};
    const struct notify_request notify = {.groups = &group, .groups_len = 1};
    struct client_mailboxes found;
    struct client_select select;
    (void)client_list_request(c, &list, arena, &found, &err);
    (void)client_notify(c, &notify, &err);
    if (client_select_begin(c, &select, STR("INBOX"), false, NULL, arena, &err) == 0) {
        (void)client_select_end(c, &select, &err);
        client_select_free(&select);
    }
}

static void search(struct client *c, struct arena *arena)
{
    struct error err = ERROR_INIT;
    const struct search_request plain = {.key = search_all(arena)};
    const struct search_request extended = {.options = {.extended = true}, .key = plain.key};
    struct sort_request sort = {.criteria_len = 1, .search = plain};
    const struct thread_request threads = {.algorithm = STR("REFERENCES"), .key = plain.key};
    struct client_search found;
    struct client_sort sorted;
    struct client_thread threaded;
    (void)client_search(c, &found, CLIENT_SEQS, &plain, arena, &err);
    client_search_free(&found);
    (void)client_search(c, &found, CLIENT_UIDS, &extended, arena, &err);
    client_search_free(&found);
    (void)client_sort(c, &sorted, CLIENT_SEQS, &sort, arena, &err);
    sort.search = extended;
    (void)client_sort(c, &sorted, CLIENT_UIDS, &sort, arena, &err);
    (void)client_thread(c, &threaded, CLIENT_SEQS, &threads, arena, &err);
}

static ssize_t letters(void *self, void *out, size_t size, struct error *err)
{
    (void)self;
    (void)err;
    memset(out, 'x', size);
    return (ssize_t)size;
}

static void change(struct client *c, struct arena *arena)
{
    struct error err = ERROR_INIT;
    AUTO_SEQSET struct seqset set = {0};
    const struct fetch_request fetch = {.items = FETCH_UID | FETCH_FLAGS | FETCH_ENVELOPE |
                                                 FETCH_BODYSTRUCTURE};
    const struct store_params store = {.mode = STORE_ADD, .flags = {.system = FLAG_DELETED}};
    const struct append_message messages[] = {{.size = 5, .source = {letters, NULL}},
                                              {.size = 5, .source = {letters, NULL}}};
    struct client_fetch fetched;
    struct client_store stored;
    struct client_expunge expunged;
    struct client_append appended;
    struct fetch_data data;
    seqset_add_range(&set, 1, 3);
    if (client_seq_fetch_begin(c, &fetched, &set, &fetch, NULL, arena, &err) == 0) {
        while (client_fetch_next(c, &fetched, &data, &err) > 0) {
        }
        (void)client_fetch_end(c, &fetched, &err);
        client_fetch_free(&fetched);
    }
    if (client_store_request_begin(c, &stored, CLIENT_SEQS, &set, &store, arena, &err) == 0) {
        (void)client_store_end(c, &stored, &err);
        client_store_free(&stored);
    }
    if (client_expunge_begin(c, &expunged, arena, &err) == 0) {
        (void)client_expunge_end(c, &expunged, &err);
    }
    if (client_append_messages_begin(c, &appended, STR("x"), messages, 2, arena, &err) == 0) {
        (void)client_append_end(c, &appended, &err);
    }
}

static void take_events(struct client *c)
{
    struct client_event event;
    while (client_next_event(c, &event)) {
        seqset_free(&event.uids);
    }
}

static bool converse(struct stream *stream)
{
    const struct client_options options = {.host = "mail.example",
                                           .security = SECURITY_NONE,
                                           .plaintext_ok = true,
                                           .timeout_ms = 1000,
                                           .clock = &clock_system};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    struct client_raw raw;
    enum client_wait why;
    AUTO_ARENA struct arena *arena = arena_new();
    if (client_open(stream, &options, &c, &err) < 0) {
        return false;
    }
    ask_rights(c, arena);
    look_at_mailboxes(c, arena);
    search(c, arena);
    change(c, arena);
    take_events(c);
    (void)client_idle(c, 0, &why, &err);
    (void)client_raw(c, &raw, STR("X {3}\r\nabc"), arena, &err);
    take_events(c);
    bool well = client_failure(c) == NULL;
    client_close(&c);
    return well;
}

int main(void)
{
    return babbler_main(str_make(good, sizeof good - 1), converse);
}
