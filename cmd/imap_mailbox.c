/* Operations on mailboxes. */
#include "cmd/imap_op.h"
#include "cmd/json_imap.h"

#define STATUS_DEFAULT (STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY | STATUS_UNSEEN)

/* ---- SELECT, EXAMINE, CLOSE, UNSELECT ---- */

static json_t *select_json(const struct client_select *h)
{
    const struct select_data *d = &h->data;
    json_t *changed = json_array();
    for (size_t i = 0; i < h->changes.changed_len; i++) {
        json_array_append_new(changed, json_fetch_data(&h->changes.changed[i]));
    }
    return json_pack("{s:I, s:I, s:I, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "exists",
                     (json_int_t)d->exists, "uidvalidity", (json_int_t)d->uidvalidity, "uidnext",
                     (json_int_t)d->uidnext, "highestmodseq", json_u64(d->highestmodseq),
                     "read_only", d->read_only, "uid_not_sticky", d->uid_not_sticky, "flags",
                     json_flags(&d->flags), "permanent_flags",
                     d->has_permanent_flags ? json_flags(&d->permanent_flags) : json_null(),
                     "mailboxid", d->mailboxid.len > 0 ? json_bytes(d->mailboxid) : json_null(),
                     "vanished", json_set(&h->changes.vanished), "changed", changed);
}

/* "[UIDVALIDITY MODSEQ [UIDS]]" of QRESYNC. */
static int read_select_params(const struct imap_call *call, struct select_params *out,
                              struct error *err)
{
    uint64_t uidvalidity = 0;
    *out = (struct select_params){.condstore = client_has(call->client, CAP_CONDSTORE)};
    if (call->len < 2) {
        return 0;
    }
    if (call->len < 3) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "QRESYNC takes UIDVALIDITY and MODSEQ");
    }
    if (imap_number(call->words[1], &uidvalidity, err) < 0 ||
        imap_number(call->words[2], &out->modseq, err) < 0) {
        return -(int)err->code;
    }
    if (uidvalidity == 0 || uidvalidity > UINT32_MAX) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "'%s' is no UIDVALIDITY", call->words[1]);
    }
    out->qresync = true;
    out->uidvalidity = (uint32_t)uidvalidity;
    return call->len > 3 ? imap_set(call, call->words[3], &out->known_uids, err) : 0;
}

static int select_mailbox(struct imap_call *call, bool examine, struct error *err)
{
    struct client_select h;
    struct select_params params;
    int r = read_select_params(call, &params, err);
    if (r == 0) {
        r = client_select_begin(call->client, &h, imap_mailbox(call, call->words[0]), examine,
                                &params, call->arena, err);
        if (r == 0) {
            r = client_select_end(call->client, &h, err);
            call->session->writable = r == 0 && !examine;
            call->result = r == 0 ? select_json(&h) : NULL;
            client_select_free(&h);
        }
        seqset_free(&params.known_uids);
    }
    return r;
}

static int run_select(struct imap_call *call, struct error *err)
{
    return select_mailbox(call, false, err);
}

static int run_examine(struct imap_call *call, struct error *err)
{
    return select_mailbox(call, true, err);
}

static int run_close(struct imap_call *call, struct error *err)
{
    int r = imap_open(call, call->words[0], true, err);
    return r < 0 ? r : client_close_mailbox(call->client, err);
}

static int run_unselect(struct imap_call *call, struct error *err)
{
    int r = imap_open(call, call->words[0], false, err);
    return r < 0 ? r : client_unselect(call->client, err);
}

/* ---- CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE ---- */

static int run_create(struct imap_call *call, struct error *err)
{
    uint32_t uses = 0;
    struct str id;
    for (size_t i = 1; i < call->len; i++) {
        const char *word = call->words[i];
        uint32_t use = 0;
        const char *name = arena_printf(call->arena, "%s%s", word[0] == '\\' ? "" : "\\", word);
        if (!list_attribute_parse(str_from(name), &use) || (use & LIST_SPECIAL_USE) == 0) {
            return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "'%s' is no special use", word);
        }
        uses |= use;
    }
    int r = client_create_special(call->client, imap_mailbox(call, call->words[0]), uses,
                                  call->arena, &id, err);
    if (r == 0 && id.len > 0) {
        call->result = json_pack("{s:o}", "mailboxid", json_bytes(id));
    }
    return r;
}

static int run_delete(struct imap_call *call, struct error *err)
{
    return client_delete(call->client, imap_mailbox(call, call->words[0]), err);
}

static int run_rename(struct imap_call *call, struct error *err)
{
    return client_rename(call->client, imap_mailbox(call, call->words[0]),
                         imap_mailbox(call, call->words[1]), err);
}

static int run_subscribe(struct imap_call *call, struct error *err)
{
    return client_subscribe(call->client, imap_mailbox(call, call->words[0]), err);
}

static int run_unsubscribe(struct imap_call *call, struct error *err)
{
    return client_unsubscribe(call->client, imap_mailbox(call, call->words[0]), err);
}

/* ---- LIST, LSUB, XLIST, STATUS ---- */

static json_t *mailbox_json(const struct imap_call *call, const struct client_mailbox *m)
{
    struct list_entry entry = m->entry;
    struct status_data status = m->status;
    struct metadata metadata = m->metadata;
    entry.name = status.mailbox = metadata.mailbox = imap_name(call, entry.name);
    entry.old_name = imap_name(call, entry.old_name);
    json_t *out = json_list_entry(&entry);
    if (status.have != 0) {
        json_object_set_new(out, "status", json_status_data(&status));
    }
    if (m->has_rights) {
        json_object_set_new(out, "rights", json_rights(&m->rights));
    }
    if (metadata.len > 0) {
        json_object_set_new(out, "metadata", json_metadata(&metadata, SIZE_MAX));
    }
    return out;
}

static void take_mailboxes(struct imap_call *call, const struct client_mailboxes *mailboxes)
{
    call->result = json_array();
    for (size_t i = 0; i < mailboxes->len; i++) {
        json_array_append_new(call->result, mailbox_json(call, &mailboxes->items[i]));
    }
}

static unsigned usual_status(const struct client *c)
{
    return STATUS_DEFAULT | (client_has(c, CAP_CONDSTORE) ? STATUS_HIGHESTMODSEQ : 0) |
           (client_has(c, CAP_STATUS_SIZE) ? STATUS_SIZE : 0);
}

struct list_word {
    const char *name;
    unsigned bit;
};

static unsigned find_word(const struct list_word *words, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        if (imap_word_is(word, words[i].name)) {
            return words[i].bit;
        }
    }
    return 0;
}

static const struct list_word list_selects[] = {
    {"subscribed", LIST_SELECT_SUBSCRIBED},
    {"remote", LIST_SELECT_REMOTE},
    {"recursivematch", LIST_SELECT_RECURSIVEMATCH},
    {"special-use", LIST_SELECT_SPECIAL_USE},
};
static const struct list_word list_returns[] = {
    {"children", LIST_RETURN_CHILDREN},       {"subscribed", LIST_RETURN_SUBSCRIBED},
    {"special-use", LIST_RETURN_SPECIAL_USE}, {"status", LIST_RETURN_STATUS},
    {"myrights", LIST_RETURN_MYRIGHTS},
};

static int read_list_word(const struct imap_call *call, size_t *at, struct list_request *request,
                          struct error *err)
{
    const char *word = call->words[*at];
    unsigned select = find_word(list_selects, sizeof list_selects / sizeof *list_selects, word);
    unsigned back = find_word(list_returns, sizeof list_returns / sizeof *list_returns, word);
    if (imap_word_is(word, "return")) {
        request->has_return = true;
    } else if (imap_word_is(word, "or") && *at + 1 < call->len) {
        str_list_add(call->arena, &request->patterns, imap_mailbox(call, call->words[++*at]));
    } else if (request->has_return && word[0] == '/') {
        request->returns |= LIST_RETURN_METADATA;
        str_list_add(call->arena, &request->metadata, str_from(word));
    } else if (request->has_return && back != 0) {
        request->returns |= back;
    } else if (!request->has_return && select != 0) {
        request->has_select = true;
        request->select |= select;
    } else {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "'%s' is no option of list", word);
    }
    return 0;
}

static int run_list(struct imap_call *call, struct error *err)
{
    struct list_request request = {.reference = STR_EMPTY,
                                   .status_items = usual_status(call->client)};
    struct client_mailboxes mailboxes;
    str_list_add(call->arena, &request.patterns,
                 imap_mailbox(call, call->len > 0 ? call->words[0] : "*"));
    for (size_t at = 1; at < call->len; at++) {
        if (read_list_word(call, &at, &request, err) < 0) {
            return -(int)err->code;
        }
    }
    int r = client_list_request(call->client, &request, call->arena, &mailboxes, err);
    if (r == 0) {
        take_mailboxes(call, &mailboxes);
    }
    return r;
}

static int run_lsub(struct imap_call *call, struct error *err)
{
    struct client_mailboxes mailboxes;
    int r = client_lsub(call->client, STR_EMPTY,
                        imap_mailbox(call, call->len > 0 ? call->words[0] : "*"), call->arena,
                        &mailboxes, err);
    if (r == 0) {
        take_mailboxes(call, &mailboxes);
    }
    return r;
}

static int run_xlist(struct imap_call *call, struct error *err)
{
    struct client_mailboxes mailboxes;
    int r =
        client_list_special(call->client, imap_mailbox(call, call->len > 0 ? call->words[0] : "*"),
                            call->arena, &mailboxes, err);
    if (r == 0) {
        take_mailboxes(call, &mailboxes);
    }
    return r;
}

static int run_status(struct imap_call *call, struct error *err)
{
    struct status_data data;
    unsigned items = usual_status(call->client);
    if (call->len > 1) {
        struct str text = imap_rest(call, 1);
        struct reader *reader =
            imap_reader(call, str_from(arena_printf(call->arena, "(%.*s)", STR_ARG(text))));
        bool well = status_items_read(reader, &items);
        if (imap_reader_end(&reader, well, "the items", err) < 0) {
            return -(int)err->code;
        }
    }
    int r = client_status(call->client, imap_mailbox(call, call->words[0]), items, call->arena,
                          &data, err);
    if (r == 0) {
        data.mailbox = str_from(call->words[0]);
        call->result = json_status_data(&data);
    }
    return r;
}

const struct imap_op imap_mailbox_ops[] = {
    {"list", "[PATTERN [or PATTERN]… [SELECTION…] [return ITEM…]]",
     "mailboxes; SELECTION: subscribed remote recursivematch special-use; ITEM: children "
     "subscribed special-use status myrights /METADATA",
     0, IMAP_WORDS_ANY, run_list},
    {"lsub", "[PATTERN]", "subscribed mailboxes", 0, 1, run_lsub},
    {"xlist", "[PATTERN]", "mailboxes with their special uses", 0, 1, run_xlist},
    {"status", "MAILBOX [ITEM…]", "counts and marks of a mailbox", 1, IMAP_WORDS_ANY, run_status},
    {"select", "MAILBOX [UIDVALIDITY MODSEQ [UIDS]]",
     "open a mailbox, and with marks tell what changed since", 1, 4, run_select},
    {"examine", "MAILBOX [UIDVALIDITY MODSEQ [UIDS]]", "the same, to look only", 1, 4, run_examine},
    {"close", "MAILBOX", "expunge what is marked as deleted, and close", 1, 1, run_close},
    {"unselect", "MAILBOX", "close without expunging", 1, 1, run_unselect},
    {"create", "MAILBOX [USE…]", "make a mailbox, for drafts, sent, junk, trash, archive …", 1,
     IMAP_WORDS_ANY, run_create},
    {"delete", "MAILBOX", "remove a mailbox and its messages", 1, 1, run_delete},
    {"rename", "MAILBOX NEW", "rename a mailbox", 2, 2, run_rename},
    {"subscribe", "MAILBOX", "put it on the list of subscriptions", 1, 1, run_subscribe},
    {"unsubscribe", "MAILBOX", "take it off", 1, 1, run_unsubscribe},
    {0},
};
