/*
 * LIST in all its forms (RFC 9051, RFC 5258, RFC 5819, RFC 6154, RFC 8440, RFC 9590), LSUB, XLIST.
 *
 * STATUS, MYRIGHTS and METADATA come beside the LIST responses, in any order, and are paired with
 * them by name.
 */
#include "base/strmap.h"
#include "imap/limits.h"
#include "imap/mailbox_name.h"
#include "client/client_private.h"

static struct str name_key(struct str name)
{
    return mailbox_name_is_inbox(name) ? STR("INBOX") : name;
}

static struct client_mailbox *find(const struct client_list *h, struct str name)
{
    uintptr_t index = (uintptr_t)strmap_get(h->by_name, name_key(name));
    return index == 0 ? NULL : &h->found.items[index - 1];
}

/* A name told twice is one mailbox. */
static void add_entry(struct client_list *h, const struct list_entry *entry)
{
    struct client_mailbox *known = find(h, entry->name);
    if (known != NULL) {
        known->entry.attributes |= entry->attributes;
        known->entry.child_info |= entry->child_info;
        return;
    }
    vec_push(&h->found, (struct client_mailbox){.entry = *entry});
    uintptr_t index = h->found.len;
    (void)strmap_put(h->by_name, name_key(entry->name), (void *)index);
}

static bool take_entry(struct client_list *h, struct client *c)
{
    struct list_entry entry = {0};
    if (!list_entry_read(c->reader, &entry) || !dispatch_line_end(c)) {
        return false;
    }
    add_entry(h, &entry);
    return true;
}

static bool take_status(struct client_list *h, struct client *c)
{
    struct status_data status = {0};
    if (!status_data_read(c->reader, &status) || !dispatch_line_end(c)) {
        return false;
    }
    if (!status_take(c, &h->op, &status)) {
        vec_push(&h->statuses, status);
        if (c->notifies) {
            events_add_status(c, &status);
        }
    }
    return true;
}

static bool take_rights(struct client_list *h, struct client *c)
{
    struct acl_my_rights rights = {0};
    if (!acl_my_rights_read(c->reader, &rights) || !dispatch_line_end(c)) {
        return false;
    }
    vec_push(&h->rights, rights);
    return true;
}

static bool take_metadata(struct client_list *h, struct client *c)
{
    struct metadata metadata = {0};
    if (!metadata_read(c->reader, h->op.arena, &metadata) || !dispatch_line_end(c)) {
        return false;
    }
    vec_push(&h->metadata, metadata);
    return true;
}

/* What may come beside the entries. */
static const struct {
    const char *name;
    enum list_return asked_by;
    bool (*take)(struct client_list *h, struct client *c);
} companions[] = {
    {"STATUS", LIST_RETURN_STATUS, take_status},
    {"MYRIGHTS", LIST_RETURN_MYRIGHTS, take_rights},
    {"METADATA", LIST_RETURN_METADATA, take_metadata},
};

static bool (*taker_of(const struct client_list *h, struct str name))(struct client_list *h,
                                                                      struct client *c)
{
    if (str_eq(name, str_from(h->command))) {
        return take_entry;
    }
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
        if ((h->returns & companions[i].asked_by) != 0 &&
            str_eq(name, str_from(companions[i].name))) {
            return companions[i].take;
        }
    }
    return NULL;
}

static bool list_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    struct client_list *h = (struct client_list *)op;
    bool (*take)(struct client_list *, struct client *) = taker_of(h, head->name);
    if (take == NULL) {
        return false;
    }
    reader_begin(c->reader, op->arena);
    if (h->found.len >= LIMIT_MAILBOXES || h->statuses.len >= LIMIT_MAILBOXES ||
        h->rights.len >= LIMIT_MAILBOXES || h->metadata.len >= LIMIT_MAILBOXES) {
        reader_fail(c->reader, "more than %d mailboxes", LIMIT_MAILBOXES);
        return true;
    }
    (void)(reader_expect_sp(c->reader) && take(h, c));
    return true;
}

static const struct client_op_hooks list_hooks = {.data = list_data};

static void pair(struct client_list *h)
{
    VEC_FOREACH (struct status_data, status, &h->statuses) {
        struct client_mailbox *mailbox = find(h, status->mailbox);
        if (mailbox != NULL) {
            mailbox->status = *status;
        }
    }
    VEC_FOREACH (struct acl_my_rights, rights, &h->rights) {
        struct client_mailbox *mailbox = find(h, rights->mailbox);
        if (mailbox != NULL) {
            mailbox->has_rights = true;
            mailbox->rights = rights->rights;
        }
    }
    VEC_FOREACH (struct metadata, metadata, &h->metadata) {
        struct client_mailbox *mailbox = find(h, metadata->mailbox);
        if (mailbox != NULL) {
            mailbox->metadata = *metadata;
        }
    }
}

/* What is written is the whole command. */
static int begin(struct client *c, struct client_list *h, struct error *err)
{
    h->by_name = strmap_new();
    int result = pipeline_send(c, &h->op, err);
    if (result < 0) {
        strmap_free(&h->by_name);
    }
    return result;
}

int client_list_end(struct client *c, struct client_list *h, struct client_mailboxes *out,
                    struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = pipeline_end(c, &h->op, err);
    if (result == 0) {
        pair(h);
        out->len = h->found.len;
        out->items = arena_array(h->op.arena, h->found.len, sizeof *out->items);
        if (h->found.len > 0) {
            memcpy(out->items, h->found.items, h->found.len * sizeof *out->items);
        }
    }
    strmap_free(&h->by_name);
    vec_free(&h->found);
    vec_free(&h->statuses);
    vec_free(&h->rights);
    vec_free(&h->metadata);
    return result;
}

static const struct {
    unsigned option;
    enum capability needs;
} select_needs[] =
    {
        {LIST_SELECT_SUBSCRIBED, CAP_LIST_EXTENDED},
        {LIST_SELECT_REMOTE, CAP_LIST_EXTENDED},
        {LIST_SELECT_RECURSIVEMATCH, CAP_LIST_EXTENDED},
},
  return_needs[] = {
      {LIST_RETURN_CHILDREN, CAP_LIST_EXTENDED}, {LIST_RETURN_SUBSCRIBED, CAP_LIST_EXTENDED},
      {LIST_RETURN_STATUS, CAP_LIST_STATUS},     {LIST_RETURN_MYRIGHTS, CAP_LIST_MYRIGHTS},
      {LIST_RETURN_METADATA, CAP_LIST_METADATA},
};

/* Special uses are told by a plain LIST too, but asked for in an extended one only (RFC 6154
 * section 2), which LIST-STATUS builds on (RFC 5819). */
static bool can_ask_for_special_use(const struct client *c)
{
    return client_has(c, CAP_SPECIAL_USE) &&
           (client_has(c, CAP_LIST_EXTENDED) || client_has(c, CAP_LIST_STATUS));
}

static int check_special_use(struct client *c, struct client_op *op,
                             const struct list_request *request, struct error *err)
{
    if ((request->select & LIST_SELECT_SPECIAL_USE) == 0 &&
        (request->returns & LIST_RETURN_SPECIAL_USE) == 0) {
        return 0;
    }
    int r = pipeline_require(c, op, CAP_SPECIAL_USE, err);
    if (r == 0 && !can_ask_for_special_use(c)) {
        r = pipeline_require(c, op, CAP_LIST_EXTENDED, err);
    }
    return r < 0 ? error_wrap(err, "LIST") : 0;
}

static int check_request(struct client *c, struct client_op *op, const struct list_request *request,
                         struct error *err)
{
    const unsigned alone = LIST_SELECT_RECURSIVEMATCH | LIST_SELECT_REMOTE;
    if (request->patterns.len == 0) {
        return pipeline_refuse(op, err, "LIST without a pattern");
    }
    if ((request->select & LIST_SELECT_RECURSIVEMATCH) != 0 && (request->select & ~alone) == 0) {
        return pipeline_refuse(op, err, "RECURSIVEMATCH needs something to match");
    }
    if (request->patterns.len > 1 && pipeline_require(c, op, CAP_LIST_EXTENDED, err) < 0) {
        return error_wrap(err, "LIST of several patterns");
    }
    for (size_t i = 0; i < sizeof select_needs / sizeof select_needs[0]; i++) {
        if ((request->select & select_needs[i].option) != 0 &&
            pipeline_require(c, op, select_needs[i].needs, err) < 0) {
            return error_wrap(err, "LIST");
        }
    }
    for (size_t i = 0; i < sizeof return_needs / sizeof return_needs[0]; i++) {
        if ((request->returns & return_needs[i].option) != 0 &&
            pipeline_require(c, op, return_needs[i].needs, err) < 0) {
            return error_wrap(err, "LIST");
        }
    }
    if (check_special_use(c, op, request, err) < 0) {
        return -(int)err->code;
    }
    return (request->returns & LIST_RETURN_STATUS) != 0
               ? status_require(c, op, request->status_items, err)
               : 0;
}

int client_list_begin(struct client *c, struct client_list *h, const struct list_request *request,
                      struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    *h = (struct client_list){.command = "LIST", .returns = request->returns};
    if (pipeline_open(c, &h->op, CMD_LIST, &list_hooks, arena, err) < 0 ||
        check_request(c, &h->op, request, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    list_request_write(&c->writer, request);
    return begin(c, h, err);
}

int client_list_request(struct client *c, const struct list_request *request, struct arena *arena,
                        struct client_mailboxes *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_list h;
    int result = client_list_begin(c, &h, request, arena, err);
    return result < 0 ? result : client_list_end(c, &h, out, err);
}

/* "LIST "" pattern" and its like. */
static int run_plain(struct client *c, enum command_id id, struct str reference, struct str pattern,
                     struct arena *arena, struct client_mailboxes *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_list h = {0};
    if (pipeline_open(c, &h.op, id, &list_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    h.command = h.op.row->name;
    writer_sp(&c->writer);
    writer_string(&c->writer, reference);
    writer_sp(&c->writer);
    writer_list_mailbox(&c->writer, pattern);
    int result = begin(c, &h, err);
    return result < 0 ? result : client_list_end(c, &h, out, err);
}

int client_list(struct client *c, struct str pattern, struct arena *arena,
                struct client_mailboxes *out, struct error *err)
{
    return run_plain(c, CMD_LIST, STR_EMPTY, pattern, arena, out, err);
}

int client_list_status(struct client *c, struct str pattern, unsigned items, struct arena *arena,
                       struct client_mailboxes *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct list_request request = {
        .reference = STR_EMPTY,
        .patterns = {&pattern, 1, 1},
        .has_return = true,
        .returns = LIST_RETURN_STATUS,
        .status_items = items,
    };
    if (client_has(c, CAP_SPECIAL_USE)) {
        request.returns |= LIST_RETURN_SPECIAL_USE;
    }
    return client_list_request(c, &request, arena, out, err);
}

int client_lsub(struct client *c, struct str reference, struct str pattern, struct arena *arena,
                struct client_mailboxes *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (!client_is_rev2(c)) {
        return run_plain(c, CMD_LSUB, reference, pattern, arena, out, err);
    }
    const struct list_request request = {
        .has_select = true,
        .select = LIST_SELECT_SUBSCRIBED,
        .reference = reference,
        .patterns = {&pattern, 1, 1},
    };
    return client_list_request(c, &request, arena, out, err);
}

int client_list_special(struct client *c, struct str pattern, struct arena *arena,
                        struct client_mailboxes *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    const struct list_request request = {
        .reference = STR_EMPTY,
        .patterns = {&pattern, 1, 1},
        .has_return = true,
        .returns = LIST_RETURN_SPECIAL_USE,
    };
    if (can_ask_for_special_use(c)) {
        return client_list_request(c, &request, arena, out, err);
    }
    bool xlist = client_has(c, CAP_XLIST) && !client_has(c, CAP_SPECIAL_USE);
    enum command_id id = xlist ? CMD_XLIST : CMD_LIST;
    return run_plain(c, id, STR_EMPTY, pattern, arena, out, err);
}
