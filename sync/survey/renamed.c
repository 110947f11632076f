#include "survey/renamed.h"

#include "imap/limits.h"
#include "imap/list.h"
#include "imap/mailbox_name.h"

/* Messages by which a mailbox is known again: more say no more. */
#define SAMPLE_MAX 500

struct finder {
    struct pass *pass;
    const struct remote_list *remote;
    struct maildir_folders *local;
    const struct index_mailbox *known;
    size_t known_len;
    struct renamed *out;
};

/* ---- here ---- */

/* How many of the folder's files the index has in the record's mailbox. */
static int count_owned(struct pass *pass, const struct maildir_snapshot *snapshot, uint32_t mailbox,
                       size_t *out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    int r = index_begin_read(pass->index, &txn, err);
    *out = 0;
    for (size_t i = 0; i < snapshot->files.len && r == 0; i++) {
        struct index_message record;
        struct error lookup = ERROR_INIT;
        r = index_message_by_file(txn, arena, mailbox, snapshot->files.items[i].parsed.base,
                                  &record, &lookup);
        *out += r == 0;
        if (r < 0 && lookup.code != ERR_NOT_FOUND)
            *err = lookup;
        else
            r = 0;
        arena_reset(arena);
    }
    return r;
}

/* Whether the folder holds a good part of the record's files, or `any` of them. */
static int holds_files(struct pass *pass, const char *path, const struct index_mailbox *record,
                       bool any, bool *out, struct error *err)
{
    struct maildir_snapshot snapshot = {0};
    size_t owned = 0;
    *out = false;
    int r = maildir_scan(pass->maildir, path, &snapshot, err);
    if (r == 0)
        r = count_owned(pass, &snapshot, record->id, &owned, err);
    *out = r == 0 && owned > 0 && (any || owned * 2 >= record->files);
    maildir_snapshot_free(&snapshot);
    if (r < 0 && err->scope <= SCOPE_MAILBOX) {
        error_clear(err);
        return 0;
    }
    return r;
}

static bool same_directories(const struct index_mailbox *record, const struct maildir_times *times)
{
    return record->cur_inode != 0 && record->cur_inode == times->cur_inode &&
           record->new_inode == times->new_inode;
}

static bool times_of(const struct pass *pass, const char *path, struct maildir_times *out)
{
    struct error ignored = ERROR_INIT;
    return maildir_stat(pass->maildir, path, out, &ignored) == 0;
}

/* A record's folder that the layout does not list still is that folder: the layout has changed, or
 * a rename was interrupted. */
static void list_unlisted(struct finder *f)
{
    struct maildir_folders *list = f->local;
    size_t cap = list->len + f->known_len + 1;
    struct maildir_folder *items = arena_array(f->pass->arena, cap, sizeof *items);
    struct strmap *listed = strmap_new();
    for (size_t i = 0; i < list->len; i++) {
        items[i] = list->items[i];
        strmap_put(listed, str_from(items[i].path), &items[i]);
    }
    size_t len = list->len;
    for (size_t i = 0; i < f->known_len; i++) {
        const struct index_mailbox *record = &f->known[i];
        struct maildir_times times;
        if (strmap_get(listed, record->path) != NULL ||
            !times_of(f->pass, record->path.ptr, &times))
            continue;
        items[len++] = (struct maildir_folder){.path = record->path.ptr, .mailbox = STR_EMPTY};
    }
    strmap_free(&listed);
    list->items = items;
    list->len = len;
    list->cap = cap;
    maildir_folders_sort(list);
}

struct folder_state {
    bool there;
    struct maildir_times times;
};

static const struct index_mailbox *record_of_directories(const struct finder *f,
                                                         const struct maildir_times *times)
{
    for (size_t i = 0; i < f->known_len; i++) {
        if (same_directories(&f->known[i], times))
            return &f->known[i];
    }
    return NULL;
}

/* The folder is the record's by its directories, and by its files if there should be any. */
static int know_by_directories(struct finder *f, size_t i, const struct maildir_times *times,
                               struct error *err)
{
    const struct index_mailbox *record = record_of_directories(f, times);
    const char *path = f->local->items[i].path;
    if (record == NULL || str_eq(record->path, str_from(path))) {
        f->out->local_is[i] = record != NULL ? record->id : 0;
        return 0;
    }
    /* Its name may have been on the way when the program was stopped. */
    bool same = record->files == 0 || record->state == MAILBOX_RENAMING_LOCAL;
    int r = same ? 0 : holds_files(f->pass, path, record, true, &same, err);
    f->out->local_is[i] = same ? record->id : 0;
    return r;
}

static bool has_folder(const struct finder *f, const struct index_mailbox *record)
{
    for (size_t i = 0; i < f->local->len; i++) {
        bool by_path =
            f->out->local_is[i] == 0 && str_eq(record->path, str_from(f->local->items[i].path));
        if (f->out->local_is[i] == record->id || by_path)
            return true;
    }
    return false;
}

static bool has_record(const struct finder *f, size_t folder)
{
    for (size_t i = 0; i < f->known_len && f->out->local_is[folder] == 0; i++) {
        if (str_eq(f->known[i].path, str_from(f->local->items[folder].path)))
            return true;
    }
    return f->out->local_is[folder] != 0;
}

/* Moved to another file system and back, or copied: other directories, the same files. */
static int know_by_files(struct finder *f, struct error *err)
{
    int r = 0;
    for (size_t k = 0; k < f->known_len && r == 0; k++) {
        const struct index_mailbox *record = &f->known[k];
        if (record->files == 0 || has_folder(f, record))
            continue;
        for (size_t i = 0; i < f->local->len && r == 0; i++) {
            bool same = false;
            if (has_record(f, i))
                continue;
            r = holds_files(f->pass, f->local->items[i].path, record, false, &same, err);
            if (same) {
                f->out->local_is[i] = record->id;
                break;
            }
        }
    }
    return r;
}

static int find_local(struct finder *f, struct error *err)
{
    int r = 0;
    list_unlisted(f);
    f->out->local_is = arena_array(f->pass->arena, f->local->len + 1, sizeof(uint32_t));
    memset(f->out->local_is, 0, (f->local->len + 1) * sizeof(uint32_t));
    for (size_t i = 0; i < f->local->len && r == 0; i++) {
        struct maildir_times times;
        if (times_of(f->pass, f->local->items[i].path, &times))
            r = know_by_directories(f, i, &times, err);
    }
    return r < 0 ? r : know_by_files(f, err);
}

/* ---- on the server ---- */

static const struct remote_mailbox *listed(const struct finder *f, struct str name)
{
    for (size_t i = 0; i < f->remote->len; i++) {
        if (str_eq(f->remote->items[i].name, name))
            return &f->remote->items[i];
    }
    return NULL;
}

static const struct index_mailbox *record_named(const struct finder *f, struct str name)
{
    for (size_t i = 0; i < f->known_len; i++) {
        if (str_eq(f->known[i].name, name))
            return &f->known[i];
    }
    return NULL;
}

static bool is_known_id(const struct finder *f, struct str mailboxid)
{
    for (size_t i = 0; i < f->known_len; i++) {
        if (str_eq(f->known[i].mailboxid, mailboxid))
            return true;
    }
    return false;
}

/* What STATUS tells contradicts the record: another mailbox has its name. Under the same
 * UIDVALIDITY a new MAILBOXID alone does not say so, unless it is that of a mailbox that is known:
 * two that changed their names. */
static bool is_another(const struct finder *f, const struct index_mailbox *record,
                       const struct remote_mailbox *m)
{
    const struct status_data *status = &m->status;
    bool id = (status->have & STATUS_MAILBOXID) && record->mailboxid.len > 0;
    bool validity = (status->have & STATUS_UIDVALIDITY) && record->uidvalidity != 0;
    if (id && str_eq(record->mailboxid, status->mailboxid))
        return false;
    if (id && (!validity || is_known_id(f, status->mailboxid)))
        return true;
    return validity && record->uidvalidity != status->uidvalidity;
}

static bool has_lost_its_name(const struct finder *f, const struct index_mailbox *record)
{
    const struct remote_mailbox *m = listed(f, record->name);
    return !mailbox_name_is_inbox(record->utf8) && (m == NULL || is_another(f, record, m));
}

static bool has_no_record(const struct finder *f, const struct remote_mailbox *m)
{
    const struct index_mailbox *record = record_named(f, m->name);
    return !mailbox_name_is_inbox(m->utf8) && (record == NULL || is_another(f, record, m));
}

/* How the messages that the index has compare with those of the selected mailbox. */
struct sample {
    struct seqset uids;
    VEC(struct index_message) records; /* ascending by UID; only uid, size and state */
    size_t there, same;
    size_t deleted; /* of the records, those deleted here that are not there: rightly so */
};

static int take_sample(struct pass *pass, const struct index_mailbox *record, struct sample *s,
                       struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    struct index_message m;
    r = index_cursor_open(txn, record->id, 1, &cursor, err);
    while (r >= 0 && s->records.len < SAMPLE_MAX && (r = index_cursor_next(cursor, &m, err)) > 0) {
        if (m.state == MESSAGE_GONE_THERE)
            continue;
        struct index_message kept = {.uid = m.uid, .wire_size = m.wire_size, .state = m.state};
        vec_push(&s->records, kept);
        s->deleted += m.state == MESSAGE_DELETED_HERE;
        seqset_add(&s->uids, m.uid);
    }
    return r < 0 ? r : 0;
}

static void compare_one(struct sample *s, const struct fetch_data *data)
{
    size_t low = 0, high = s->records.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->records.items[middle].uid < data->uid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == s->records.len || s->records.items[low].uid != data->uid)
        return;
    uint64_t size = s->records.items[low].wire_size;
    s->deleted -= s->records.items[low].state == MESSAGE_DELETED_HERE;
    s->there++;
    s->same += size == 0 || size == data->size;
}

static int fetch_sample(struct pass *pass, struct sample *s, struct error *err)
{
    struct fetch_request request = {.items = FETCH_UID | FETCH_SIZE};
    int r = 0;
    while (r == 0 && !seqset_is_empty(&s->uids)) {
        AUTO_SEQSET struct seqset part = {0};
        struct client_fetch fetch;
        struct fetch_data data;
        seqset_take(&s->uids, LIMIT_COMMAND_LINE_BYTES - 100, &part);
        r = client_fetch_begin(pass->client, &fetch, &part, &request, NULL, pass->arena, err);
        if (r < 0)
            return r;
        while ((r = client_fetch_next(pass->client, &fetch, &data, err)) > 0)
            compare_one(s, &data);
        struct error end_error = ERROR_INIT;
        int end = client_fetch_end(pass->client, &fetch, &end_error);
        client_fetch_free(&fetch);
        if (r == 0 && end < 0) {
            *err = end_error;
            r = end;
        }
    }
    return r;
}

static int examine(struct pass *pass, struct str name, struct select_data *out, struct error *err)
{
    struct client_select select;
    struct select_params params = {0};
    int r = client_select_begin(pass->client, &select, name, true, &params, pass->arena, err);
    if (r < 0)
        return r;
    r = client_select_end(pass->client, &select, err);
    *out = select.data;
    client_select_free(&select);
    return r;
}

/* How many of the records have its UIDVALIDITY: some servers give the same to all. */
static unsigned count_alike(const struct finder *f, const struct index_mailbox *record)
{
    unsigned alike = 0;
    for (size_t i = 0; i < f->known_len; i++)
        alike += f->known[i].uidvalidity == record->uidvalidity;
    return alike;
}

/* Nothing is there but what came since: UIDNEXT is beyond all that was known, and no message stands
 * before it. */
static int has_only_later(struct pass *pass, const struct select_data *data,
                          const struct index_mailbox *record, const struct sample *s, bool *out,
                          struct error *err)
{
    AUTO_SEQSET struct seqset before = {0};
    AUTO_SEQSET struct seqset present = {0};
    uint32_t known = s->records.len > 0 ? s->records.items[s->records.len - 1].uid + 1 : 1;
    uint32_t next = known > record->uidnext ? known : record->uidnext;
    *out = data->uidnext >= next;
    if (!*out || data->exists == 0 || next == 1)
        return 0;
    seqset_add_range(&before, 1, next - 1);
    int r = remote_which_exist(pass, &before, &present, err);
    *out = r == 0 && seqset_is_empty(&present);
    return r;
}

/* By UIDVALIDITY, UIDs and sizes: where no other has the UIDVALIDITY some of what is known is
 * there, or nothing but what came since; else most of it, or nothing else and nothing ever came. */
static int is_same_mailbox(struct finder *f, const struct remote_mailbox *m,
                           const struct index_mailbox *record, bool *out, struct error *err)
{
    struct select_data data;
    struct sample sample = {0};
    *out = false;
    int r = examine(f->pass, m->name, &data, err);
    if (r < 0 || data.uidvalidity != record->uidvalidity)
        return r;
    r = take_sample(f->pass, record, &sample, err);
    if (r == 0 && sample.records.len > 0 && data.exists > 0)
        r = fetch_sample(f->pass, &sample, err);
    size_t expected = sample.records.len - sample.deleted;
    bool alone = count_alike(f, record) == 1;
    if (r == 0 && sample.there > 0) {
        bool most = expected > 0 && sample.there * 2 > expected;
        bool none_came = data.uidnext == record->uidnext && data.exists == sample.there;
        *out = sample.same == sample.there && (alone || most || none_came);
    } else if (r == 0 && alone) {
        r = has_only_later(f->pass, &data, record, &sample, out, err);
    }
    seqset_free(&sample.uids);
    vec_free(&sample.records);
    return r;
}

static bool is_given(const struct finder *f, uint32_t id)
{
    for (size_t i = 0; i < f->remote->len; i++) {
        if (f->out->remote_is[i] == id)
            return true;
    }
    return false;
}

static void know_by_mailboxid(struct finder *f, size_t i)
{
    const struct remote_mailbox *m = &f->remote->items[i];
    for (size_t k = 0; k < f->known_len; k++) {
        const struct index_mailbox *record = &f->known[k];
        if ((m->status.have & STATUS_MAILBOXID) && record->mailboxid.len > 0 &&
            str_eq(record->mailboxid, m->status.mailboxid) && has_lost_its_name(f, record) &&
            !is_given(f, record->id))
            f->out->remote_is[i] = record->id;
    }
}

static bool may_be(const struct finder *f, const struct remote_mailbox *m,
                   const struct index_mailbox *record)
{
    bool told = (m->status.have & STATUS_MAILBOXID) && record->mailboxid.len > 0;
    return !told && (m->status.have & STATUS_UIDVALIDITY) && record->uidvalidity != 0 &&
           record->uidvalidity == m->status.uidvalidity && has_lost_its_name(f, record) &&
           !is_given(f, record->id);
}

/* What the server cannot say just now is not another mailbox: taken for new it would be fetched
 * again. */
static int take_refusal(struct finder *f, size_t i, struct error *err)
{
    if (err->scope > SCOPE_MAILBOX)
        return -(int)err->code;
    f->out->untold[i] = f->out->untold[i] || strcmp(err->response_code, "UNAVAILABLE") == 0;
    error_clear(err);
    return 0;
}

static int know_by_messages(struct finder *f, size_t i, struct error *err)
{
    const struct remote_mailbox *m = &f->remote->items[i];
    for (size_t k = 0; k < f->known_len && f->out->remote_is[i] == 0; k++) {
        bool same = false;
        if (!may_be(f, m, &f->known[k]))
            continue;
        int r = is_same_mailbox(f, m, &f->known[k], &same, err);
        if (r < 0 && take_refusal(f, i, err) < 0)
            return r;
        f->out->remote_is[i] = same ? f->known[k].id : 0;
    }
    return 0;
}

static bool any_lost(const struct finder *f)
{
    for (size_t i = 0; i < f->known_len; i++) {
        if (has_lost_its_name(f, &f->known[i]))
            return true;
    }
    return false;
}

static bool is_new_name(const struct finder *f, const struct remote_mailbox *m)
{
    return record_named(f, m->name) == NULL &&
           names_selected(&f->pass->account->patterns, m->utf8, m->attributes);
}

/* Whether a new name stands for what a record has, as far as STATUS tells. */
static bool any_familiar(const struct finder *f)
{
    for (size_t i = 0; i < f->remote->len; i++) {
        const struct remote_mailbox *m = &f->remote->items[i];
        if (!(m->status.have & STATUS_UIDVALIDITY) || !is_new_name(f, m))
            continue;
        for (size_t k = 0; k < f->known_len; k++) {
            if (f->known[k].uidvalidity == m->status.uidvalidity)
                return true;
        }
    }
    return false;
}

/* Where STATUS is refused, EXAMINE may tell the same. */
static int ask_by_examine(struct finder *f, size_t i, struct error *err)
{
    struct remote_mailbox *m = &f->remote->items[i];
    struct select_data data;
    if (examine(f->pass, m->name, &data, err) < 0)
        return take_refusal(f, i, err);
    m->status = (struct status_data){.have = STATUS_MESSAGES,
                                     .messages = data.exists,
                                     .uidnext = data.uidnext,
                                     .uidvalidity = data.uidvalidity,
                                     .highestmodseq = data.highestmodseq,
                                     .mailboxid = data.mailboxid};
    m->status.have |= data.uidnext != 0 ? STATUS_UIDNEXT : 0;
    m->status.have |= data.uidvalidity != 0 ? STATUS_UIDVALIDITY : 0;
    m->status.have |= data.highestmodseq != 0 ? STATUS_HIGHESTMODSEQ : 0;
    m->status.have |= data.mailboxid.len > 0 ? STATUS_MAILBOXID : 0;
    return 0;
}

/* Where LIST did not, the names are asked for what tells them apart: all, or the new ones. */
static int ask_unknown(struct finder *f, bool all, struct error *err)
{
    struct remote_mailbox **list = xcalloc(f->remote->len + 1, sizeof *list);
    size_t len = 0;
    for (size_t i = 0; i < f->remote->len; i++) {
        struct remote_mailbox *m = &f->remote->items[i];
        if (!(m->status.have & STATUS_UIDVALIDITY) && (all || is_new_name(f, m)))
            list[len++] = m;
    }
    int r = remote_status(f->pass, list, len, err);
    for (size_t i = 0; i < len && r == 0; i++) {
        if (list[i]->status.have == 0 && is_new_name(f, list[i]))
            r = ask_by_examine(f, (size_t)(list[i] - f->remote->items), err);
    }
    xfree(&list);
    return r;
}

/* A name that is gone may have become any other; where none is, a new one may be what had a name
 * that another has now. */
static int ask_who_is_who(struct finder *f, struct error *err)
{
    if (any_lost(f))
        return ask_unknown(f, true, err);
    int r = ask_unknown(f, false, err);
    return r == 0 && any_familiar(f) ? ask_unknown(f, true, err) : r;
}

static int find_remote(struct finder *f, struct error *err)
{
    size_t size = (f->remote->len + 1) * sizeof(uint32_t);
    f->out->remote_is = arena_array(f->pass->arena, f->remote->len + 1, sizeof(uint32_t));
    memset(f->out->remote_is, 0, size);
    f->out->untold = arena_array(f->pass->arena, f->remote->len + 1, sizeof(bool));
    memset(f->out->untold, 0, (f->remote->len + 1) * sizeof(bool));
    int r = f->known_len > 0 ? ask_who_is_who(f, err) : 0;
    if (r < 0 || !any_lost(f))
        return r;
    for (size_t i = 0; i < f->remote->len; i++) {
        if (has_no_record(f, &f->remote->items[i]))
            know_by_mailboxid(f, i);
    }
    for (size_t i = 0; i < f->remote->len && r == 0; i++) {
        if (f->out->remote_is[i] == 0 && has_no_record(f, &f->remote->items[i]))
            r = know_by_messages(f, i, err);
    }
    return r;
}

int renamed_find(struct pass *pass, const struct remote_list *remote, struct maildir_folders *local,
                 const struct index_mailbox *known, size_t known_len, struct renamed *out,
                 struct error *err)
{
    struct finder f = {pass, remote, local, known, known_len, out};
    int r = find_local(&f, err);
    if (r == 0)
        r = find_remote(&f, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* ---- gone for good ---- */

static int is_listed(struct pass *pass, struct str name, bool *out, struct error *err)
{
    struct client_mailboxes list = {0};
    /* A name that would be a pattern finds more than itself; only itself counts. */
    int r = client_list(pass->client, name, pass->arena, &list, err);
    *out = false;
    for (size_t i = 0; i < list.len && r == 0; i++) {
        const struct list_entry *entry = &list.items[i].entry;
        bool real = !(entry->attributes & (LIST_NOSELECT | LIST_NONEXISTENT));
        *out = *out || (real && str_eq(entry->name, name));
    }
    return r;
}

/* NOPERM and the like: it is there, but not for us. */
static int is_out_of_view(struct pass *pass, struct str name, bool *out, struct error *err)
{
    struct status_data status;
    struct error told = ERROR_INIT;
    int r = client_status(pass->client, name, STATUS_MESSAGES, pass->arena, &status, &told);
    if (r < 0 && told.scope > SCOPE_MAILBOX) {
        *err = told;
        return r;
    }
    *out = r == 0 ||
           (told.response_code[0] != '\0' && strcmp(told.response_code, "NONEXISTENT") != 0 &&
            strcmp(told.response_code, "TRYCREATE") != 0);
    return 0;
}

int renamed_is_gone(struct pass *pass, struct str name, bool *out, struct error *err)
{
    bool there = false;
    bool hidden = false;
    int r = is_listed(pass, name, &there, err);
    if (r == 0 && !there)
        r = is_out_of_view(pass, name, &hidden, err);
    if (r == 0 && !there && !hidden)
        r = is_listed(pass, name, &there, err);
    *out = r == 0 && !there && !hidden;
    return r;
}
