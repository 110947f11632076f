/* What clients say. */
#include "imap/dissect_private.h"
#include "imap/limits.h"

typedef bool read_function(struct dissect_reader *d);

static bool read_mailbox(struct dissect_reader *d, struct str *out)
{
    return reader_expect_sp(d->r) && reader_expect_astring(d->r, out);
}

static bool read_nothing(struct dissect_reader *d)
{
    return !reader_failed(d->r);
}

/* Strings up to the line end, or to what is none of them. */
static bool read_strings(struct dissect_reader *d)
{
    struct str string;
    while (reader_accept_sp(d->r) && !reader_at_crlf(d->r) && reader_peek(d->r) != '(') {
        if (!reader_expect_list_mailbox(d->r, &string)) {
            return false;
        }
        str_list_add(d->arena, &d->unit->names, string);
    }
    return reader_skip_line(d->r);
}

static bool read_select(struct dissect_reader *d)
{
    return read_mailbox(d, &d->unit->select.mailbox) &&
           select_params_read(d->r, &d->unit->select.params);
}

static bool read_list(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && list_request_read(d->r, d->arena, &d->unit->list_request);
}

static bool read_status(struct dissect_reader *d)
{
    return read_mailbox(d, &d->unit->status_request.mailbox) && reader_expect_sp(d->r) &&
           status_items_read(d->r, &d->unit->status_request.items);
}

static bool read_search(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && search_request_read(d->r, d->arena, &d->unit->search_request);
}

static bool read_sort(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && sort_request_read(d->r, d->arena, &d->unit->sort_request);
}

static bool read_thread(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && thread_request_read(d->r, d->arena, &d->unit->thread_request);
}

static bool read_fetch(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && seqset_read(d->r, &d->unit->fetch_request.set) &&
           reader_expect_sp(d->r) &&
           fetch_request_read(d->r, d->arena, &d->unit->fetch_request.request);
}

static bool read_store(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && seqset_read(d->r, &d->unit->store.set) &&
           reader_expect_sp(d->r) && store_params_read(d->r, d->arena, &d->unit->store.params);
}

static bool read_set(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && seqset_read(d->r, &d->unit->copy.set);
}

static bool read_copy(struct dissect_reader *d)
{
    return read_set(d) && read_mailbox(d, &d->unit->copy.mailbox);
}

static bool read_id(struct dissect_reader *d)
{
    return id_read(d->r, d->arena, &d->unit->id);
}

static bool read_set_quota(struct dissect_reader *d)
{
    return quota_limits_read(d->r, d->arena, &d->unit->quota);
}

static bool read_set_acl(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && acl_set_read(d->r, &d->unit->acl_set);
}

static bool read_get_metadata(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && metadata_get_read(d->r, d->arena, &d->unit->metadata_get);
}

static bool read_set_metadata(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && metadata_set_read(d->r, d->arena, &d->unit->metadata);
}

static bool read_notify(struct dissect_reader *d)
{
    bool ignored;
    return reader_expect_sp(d->r) &&
           notify_request_read(d->r, d->arena, &d->unit->notify, &ignored);
}

/* The first word; what else there is stays where it is. */
static bool read_secret(struct dissect_reader *d)
{
    struct str name;
    if (!read_mailbox(d, &name)) {
        return false;
    }
    if (!str_eq(name, STR(DISSECT_HIDDEN))) {
        str_list_add(d->arena, &d->unit->names, name);
    }
    return reader_skip_line(d->r);
}

/* ---- APPEND ---- */

static bool read_message(struct dissect_reader *d)
{
    const struct section whole = {.part = SECTION_WHOLE};
    struct reader_literal literal;
    struct str piece;
    enum append_data data;
    if (!append_data_read(d->r, &data)) {
        return false;
    }
    if (data == APPEND_CATENATE) {
        dissect_literal_begin(d, &whole, 0);
        return reader_skip_line(d->r);
    }
    if (!reader_accept_literal(d->r, &literal)) {
        return reader_expected(d->r, "a literal");
    }
    dissect_literal_begin(d, &whole, literal.size);
    for (;;) {
        if (!reader_literal_piece(d->r, &piece)) {
            return false;
        }
        if (piece.len == 0) {
            break;
        }
        (void)dissect_literal_piece(d, piece);
    }
    return data != APPEND_UTF8_LITERAL || reader_expect(d->r, ')');
}

/* Behind the mailbox: one message, or several (RFC 3502). */
static bool read_messages(struct dissect_reader *d)
{
    struct dissect_append *append = &d->unit->append;
    size_t cap = 0;
    bool good = true;
    do {
        append->params =
            arena_grow(d->arena, append->params, append->len, &cap, sizeof *append->params);
        good = append_params_read(d->r, d->arena, &append->params[append->len]) && read_message(d);
        append->len += good ? 1 : 0;
    } while (good && !reader_at_crlf(d->r));
    append->messages = d->literals;
    return good;
}

static bool read_append(struct dissect_reader *d)
{
    return read_mailbox(d, &d->unit->append.mailbox) && read_messages(d);
}

static bool read_replace(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && reader_expect_atom(d->r, &d->unit->append.replaced) &&
           read_append(d);
}

/* ---- the table ---- */

struct request_row {
    enum dissect_value value;
    read_function *read;
};
static const struct request_row request_rows[CMD_COUNT] = {
    [CMD_CAPABILITY] = {DISSECT_NONE, read_nothing},
    [CMD_NOOP] = {DISSECT_NONE, read_nothing},
    [CMD_LOGOUT] = {DISSECT_NONE, read_nothing},
    [CMD_ID] = {DISSECT_ID, read_id},
    [CMD_STARTTLS] = {DISSECT_NONE, read_nothing},
    [CMD_LOGIN] = {DISSECT_SECRET, read_secret},
    [CMD_AUTHENTICATE] = {DISSECT_SECRET, read_secret},
    [CMD_ENABLE] = {DISSECT_CAPABILITY, dissect_read_words},
    [CMD_NAMESPACE] = {DISSECT_NONE, read_nothing},
    [CMD_COMPRESS] = {DISSECT_STRINGS, read_strings},
    [CMD_SELECT] = {DISSECT_SELECT, read_select},
    [CMD_EXAMINE] = {DISSECT_SELECT, read_select},
    [CMD_CLOSE] = {DISSECT_NONE, read_nothing},
    [CMD_UNSELECT] = {DISSECT_NONE, read_nothing},
    [CMD_CREATE] = {DISSECT_STRINGS, read_strings},
    [CMD_DELETE] = {DISSECT_STRINGS, read_strings},
    [CMD_RENAME] = {DISSECT_STRINGS, read_strings},
    [CMD_SUBSCRIBE] = {DISSECT_STRINGS, read_strings},
    [CMD_UNSUBSCRIBE] = {DISSECT_STRINGS, read_strings},
    [CMD_LIST] = {DISSECT_LIST_REQUEST, read_list},
    [CMD_LSUB] = {DISSECT_LIST_REQUEST, read_list},
    [CMD_STATUS] = {DISSECT_STATUS_REQUEST, read_status},
    [CMD_APPEND] = {DISSECT_APPEND, read_append},
    [CMD_CHECK] = {DISSECT_NONE, read_nothing},
    [CMD_EXPUNGE] = {DISSECT_NONE, read_nothing},
    [CMD_UID_EXPUNGE] = {DISSECT_COPY, read_set},
    [CMD_SEARCH] = {DISSECT_SEARCH_REQUEST, read_search},
    [CMD_UID_SEARCH] = {DISSECT_SEARCH_REQUEST, read_search},
    [CMD_FETCH] = {DISSECT_FETCH_REQUEST, read_fetch},
    [CMD_UID_FETCH] = {DISSECT_FETCH_REQUEST, read_fetch},
    [CMD_STORE] = {DISSECT_STORE, read_store},
    [CMD_UID_STORE] = {DISSECT_STORE, read_store},
    [CMD_COPY] = {DISSECT_COPY, read_copy},
    [CMD_UID_COPY] = {DISSECT_COPY, read_copy},
    [CMD_MOVE] = {DISSECT_COPY, read_copy},
    [CMD_UID_MOVE] = {DISSECT_COPY, read_copy},
    [CMD_IDLE] = {DISSECT_NONE, read_nothing},
    [CMD_NOTIFY] = {DISSECT_NOTIFY, read_notify},
    [CMD_UNAUTHENTICATE] = {DISSECT_NONE, read_nothing},
    [CMD_XLIST] = {DISSECT_LIST_REQUEST, read_list},
    [CMD_GETACL] = {DISSECT_STRINGS, read_strings},
    [CMD_SETACL] = {DISSECT_SETACL, read_set_acl},
    [CMD_DELETEACL] = {DISSECT_STRINGS, read_strings},
    [CMD_LISTRIGHTS] = {DISSECT_STRINGS, read_strings},
    [CMD_MYRIGHTS] = {DISSECT_STRINGS, read_strings},
    [CMD_GETQUOTA] = {DISSECT_STRINGS, read_strings},
    [CMD_GETQUOTAROOT] = {DISSECT_STRINGS, read_strings},
    [CMD_SETQUOTA] = {DISSECT_QUOTA, read_set_quota},
    [CMD_GETMETADATA] = {DISSECT_GETMETADATA, read_get_metadata},
    [CMD_SETMETADATA] = {DISSECT_METADATA, read_set_metadata},
    [CMD_SORT] = {DISSECT_SORT_REQUEST, read_sort},
    [CMD_UID_SORT] = {DISSECT_SORT_REQUEST, read_sort},
    [CMD_THREAD] = {DISSECT_THREAD_REQUEST, read_thread},
    [CMD_UID_THREAD] = {DISSECT_THREAD_REQUEST, read_thread},
    [CMD_REPLACE] = {DISSECT_APPEND, read_replace},
    [CMD_UID_REPLACE] = {DISSECT_APPEND, read_replace},
};

/* The name in upper case, with "UID" before it where that stands there. */
static bool read_name(struct dissect_reader *d)
{
    struct str word;
    if (!reader_expect_atom(d->r, &word)) {
        return false;
    }
    if (str_eq_nocase(word, STR("UID")) &&
        (!reader_expect_sp(d->r) || !reader_expect_atom(d->r, &word) ||
         (word = str_from(arena_printf(d->arena, "UID %.*s", STR_ARG(word)))).len == 0)) {
        return false;
    }
    char *name = arena_alloc(d->arena, word.len + 1);
    for (size_t i = 0; i < word.len; i++) {
        name[i] = (char)char_upper((unsigned char)word.ptr[i]);
    }
    d->unit->name = str_make(name, word.len);
    return true;
}

bool dissect_read_command(struct dissect_reader *d)
{
    struct dissect_unit *unit = d->unit;
    unit->kind = DISSECT_COMMAND;
    if (!reader_expect_tag(d->r, &unit->tag) || !reader_expect_sp(d->r) || !read_name(d)) {
        return false;
    }
    const struct command_row *row = command_find(unit->name);
    if (row == NULL && !str_starts(unit->name, STR("X"))) {
        return reader_fail(d->r, "there is no command %.*s", STR_ARG(unit->name));
    }
    if (row == NULL) {
        return dissect_read_text(d);
    }
    unit->value = request_rows[row->id].value;
    return request_rows[row->id].read(d) && reader_expect_crlf(d->r);
}
