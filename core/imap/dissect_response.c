/* What servers say. */
#include "imap/dissect_private.h"
#include "imap/vanished.h"

typedef bool read_function(struct dissect_reader *d);

bool dissect_read_words(struct dissect_reader *d)
{
    struct str word;
    while (reader_accept_sp(d->r) && !reader_at_crlf(d->r)) {
        if (!reader_expect_view(d->r, CHAR_WORD, &word)) {
            return false;
        }
        str_list_add(d->arena, &d->unit->names, arena_str(d->arena, word));
    }
    return !reader_failed(d->r);
}

static bool read_nothing(struct dissect_reader *d)
{
    return !reader_failed(d->r);
}

static bool read_flags(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && flags_read(d->r, d->arena, &d->unit->flags);
}

static bool read_list(struct dissect_reader *d)
{
    return list_entry_read(d->r, &d->unit->list);
}

static bool read_status(struct dissect_reader *d)
{
    return status_data_read(d->r, &d->unit->status);
}

static bool read_search(struct dissect_reader *d)
{
    return search_result_read(d->r, &d->unit->search_result);
}

/* The answer to SORT keeps its order; that to SEARCH is as it came. */
static bool read_esearch(struct dissect_reader *d)
{
    return esearch_result_read(d->r, true, &d->unit->search_result);
}

static bool read_sort(struct dissect_reader *d)
{
    return sort_result_read(d->r, d->arena, &d->unit->sort_result);
}

static bool read_thread(struct dissect_reader *d)
{
    return thread_result_read(d->r, d->arena, &d->unit->threads);
}

static bool read_vanished(struct dissect_reader *d)
{
    return vanished_read(d->r, &d->unit->vanished.earlier, &d->unit->vanished.uids);
}

static bool read_namespace(struct dissect_reader *d)
{
    return reader_expect_sp(d->r) && namespaces_read(d->r, d->arena, &d->unit->namespaces);
}

static bool read_id(struct dissect_reader *d)
{
    return id_read(d->r, d->arena, &d->unit->id);
}

static bool read_quota(struct dissect_reader *d)
{
    return quota_read(d->r, d->arena, &d->unit->quota);
}

static bool read_quota_root(struct dissect_reader *d)
{
    return quota_root_read(d->r, d->arena, &d->unit->quota_root);
}

static bool read_acl(struct dissect_reader *d)
{
    return acl_read(d->r, d->arena, &d->unit->acl);
}

static bool read_list_rights(struct dissect_reader *d)
{
    return acl_list_rights_read(d->r, d->arena, &d->unit->list_rights);
}

static bool read_my_rights(struct dissect_reader *d)
{
    return acl_my_rights_read(d->r, &d->unit->my_rights);
}

static bool read_metadata(struct dissect_reader *d)
{
    return metadata_read(d->r, d->arena, &d->unit->metadata);
}

/* ---- FETCH ---- */

static bool body_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    (void)so_far;
    (void)err;
    dissect_literal_begin(self, section, size);
    return true;
}

static bool body_piece(void *self, struct str data, struct error *err)
{
    (void)err;
    return dissect_literal_piece(self, data);
}

static bool body_end(void *self, struct error *err)
{
    (void)self;
    (void)err;
    return true;
}

static bool read_fetch(struct dissect_reader *d)
{
    struct error ignored = ERROR_INIT;
    const struct fetch_sink sink = {body_begin, body_piece, body_end, d};
    struct dissect_fetch *fetch = &d->unit->fetch;
    fetch->data.seq = d->unit->number;
    bool good = fetch_data_read(d->r, d->arena, &sink, &fetch->data, &ignored);
    fetch->bodies = d->literals;
    fetch->bodies_len = d->literals_len;
    return good;
}

/* ---- the table ---- */

struct response_row {
    const char *name;
    enum dissect_value value;
    read_function *read;
};
static const struct response_row response_rows[] = {
    {"EXISTS", DISSECT_NONE, read_nothing},
    {"EXPUNGE", DISSECT_NONE, read_nothing},
    {"RECENT", DISSECT_NONE, read_nothing},
    {"FETCH", DISSECT_FETCH, read_fetch},
    {"UIDFETCH", DISSECT_FETCH, read_fetch},
    {"FLAGS", DISSECT_FLAGS, read_flags},
    {"LIST", DISSECT_LIST, read_list},
    {"LSUB", DISSECT_LIST, read_list},
    {"XLIST", DISSECT_LIST, read_list},
    {"STATUS", DISSECT_STATUS, read_status},
    {"SEARCH", DISSECT_SEARCH, read_search},
    {"ESEARCH", DISSECT_SEARCH, read_esearch},
    {"SORT", DISSECT_SORT, read_sort},
    {"THREAD", DISSECT_THREAD, read_thread},
    {"VANISHED", DISSECT_VANISHED, read_vanished},
    {"CAPABILITY", DISSECT_CAPABILITY, dissect_read_words},
    {"ENABLED", DISSECT_CAPABILITY, dissect_read_words},
    {"NAMESPACE", DISSECT_NAMESPACE, read_namespace},
    {"ID", DISSECT_ID, read_id},
    {"QUOTA", DISSECT_QUOTA, read_quota},
    {"QUOTAROOT", DISSECT_QUOTAROOT, read_quota_root},
    {"ACL", DISSECT_ACL, read_acl},
    {"LISTRIGHTS", DISSECT_LISTRIGHTS, read_list_rights},
    {"MYRIGHTS", DISSECT_MYRIGHTS, read_my_rights},
    {"METADATA", DISSECT_METADATA, read_metadata},
};

static const struct response_row *row_of(struct str name)
{
    for (size_t i = 0; i < sizeof response_rows / sizeof response_rows[0]; i++) {
        if (str_eq_nocase(name, str_from(response_rows[i].name))) {
            return &response_rows[i];
        }
    }
    return NULL;
}

bool dissect_is_response(struct str name)
{
    return row_of(name) != NULL;
}

static bool read_status_response(struct dissect_reader *d, enum imap_status status)
{
    struct imap_response_status *out = &d->unit->status_response;
    if (!imap_response_status_read(d->r, d->arena, status, out)) {
        return false;
    }
    d->unit->value = DISSECT_STATUS_RESPONSE;
    d->unit->text = out->text;
    return true;
}

bool dissect_read_response(struct dissect_reader *d)
{
    struct response_head head;
    struct dissect_unit *unit = d->unit;
    if (!response_head_read(d->r, d->arena, &head)) {
        return false;
    }
    unit->name = head.name;
    unit->has_number = head.has_number;
    unit->number = head.number;
    unit->kind = DISSECT_UNTAGGED;
    if (head.kind == RESPONSE_CONTINUE) {
        unit->kind = DISSECT_CONTINUATION;
        return dissect_read_text(d);
    }
    if (head.kind == RESPONSE_TAGGED) {
        unit->kind = DISSECT_TAGGED;
        unit->tag = head.tag;
    }
    if (head.status != STATUS_NONE) {
        return read_status_response(d, head.status);
    }
    const struct response_row *row = row_of(head.name);
    if (row == NULL) {
        return head.name.len > 0 ? dissect_read_text(d)
                                 : reader_expected(d->r, "the name of a response");
    }
    unit->value = row->value;
    return row->read(d) && reader_expect_crlf(d->r);
}
