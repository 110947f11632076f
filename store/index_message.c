#include "base/alloc.h"
#include "store/index.h"
#include "store/index_txn.h"
#include <assert.h>
#include <inttypes.h>

/* ---- records ---- */

static int decode(const struct index_txn *txn, struct str key, struct str value, uint32_t *keywords,
                  struct index_message *out, struct error *err)
{
    if (key.len != 8 || !index_decode_message(value, keywords, out)) {
        return index_damaged(txn->index->path, "the record of a message", err);
    }
    uint64_t number = index_key_to_u64(key);
    out->mailbox = (uint32_t)(number >> 32);
    out->uid = (uint32_t)number;
    return 0;
}

/* A view into the transaction. 1, 0 if absent. */
static int read_view(struct index_txn *txn, uint32_t mailbox, uint32_t uid, uint32_t *keywords,
                     struct index_message *out, struct error *err)
{
    struct index_key key = index_key_message(mailbox, uid);
    struct str value;
    int rc = index_get(txn, INDEX_DB_MESSAGE, index_key_str(&key), &value, err);
    if (rc == 1) {
        rc = decode(txn, index_key_str(&key), value, keywords, out, err);
        rc = rc < 0 ? rc : 1;
    }
    return rc;
}

/* ---- counters ---- */

/* Whether the message is known to exist on the server. */
static bool counts(const struct index_message *message)
{
    switch (message->state) {
    case MESSAGE_SYNCED:
    case MESSAGE_DELETED_HERE:
    case MESSAGE_SKIPPED:
    case MESSAGE_HELD:
        return true;
    case MESSAGE_GONE_THERE:
        return false;
    }
    return false;
}

static void count(struct index_txn *txn, const struct index_message *message, int change)
{
    if (counts(message)) {
        /* A message deleted here keeps its file's name, to know it again, but not the file. */
        bool file = message->base.len > 0 && message->state != MESSAGE_DELETED_HERE;
        index_count_add(txn, message->mailbox, change, file ? change : 0);
    }
}

/* ---- what points to a message ---- */

/* What the entries of a message are made of; NULL stands for no message. */
static bool same_base(const struct index_message *a, const struct index_message *b)
{
    return b != NULL && str_eq(a->base, b->base);
}

static bool same_header(const struct index_message *a, const struct index_message *b)
{
    return b != NULL && digest_eq(&a->header_digest, &b->header_digest);
}

static bool same_email_id(const struct index_message *a, const struct index_message *b)
{
    return b != NULL && str_eq(a->email_id, b->email_id);
}

/* Removes the entries of `old` that `fresh` does not have. */
static int entries_leave(struct index_txn *txn, const struct index_message *old,
                         const struct index_message *fresh, struct error *err)
{
    int rc = 0;
    if (old->base.len > 0 && !same_base(old, fresh)) {
        struct index_key key = index_key_u32(old->mailbox);
        struct index_key entry = index_file_entry(old->base, old->uid);
        rc = index_delete_entry(txn, INDEX_DB_FILE, index_key_str(&key), &entry, err);
    }
    if (rc == 0 && !digest_is_none(&old->header_digest) && !same_header(old, fresh)) {
        struct index_key entry = index_content_entry(&old->header_digest, old->mailbox, old->uid);
        rc = index_delete_entry(txn, INDEX_DB_CONTENT, INDEX_ENTRIES_KEY, &entry, err);
    }
    if (rc == 0 && old->email_id.len > 0 && !same_email_id(old, fresh)) {
        struct index_key entry = index_email_id_entry(old->email_id, old->mailbox, old->uid);
        rc = index_delete_entry(txn, INDEX_DB_EMAIL_ID, INDEX_ENTRIES_KEY, &entry, err);
    }
    return rc;
}

/* Adds the entries of `fresh` that `old` did not have. */
static int entries_enter(struct index_txn *txn, const struct index_message *fresh,
                         const struct index_message *old, struct error *err)
{
    int rc = 0;
    if (fresh->base.len > 0 && !same_base(fresh, old)) {
        struct index_key key = index_key_u32(fresh->mailbox);
        struct index_key entry = index_file_entry(fresh->base, fresh->uid);
        rc = index_put_entry(txn, INDEX_DB_FILE, index_key_str(&key), &entry, err);
    }
    if (rc == 0 && !digest_is_none(&fresh->header_digest) && !same_header(fresh, old)) {
        struct index_key entry =
            index_content_entry(&fresh->header_digest, fresh->mailbox, fresh->uid);
        rc = index_put_entry(txn, INDEX_DB_CONTENT, INDEX_ENTRIES_KEY, &entry, err);
    }
    if (rc == 0 && fresh->email_id.len > 0 && !same_email_id(fresh, old)) {
        struct index_key entry = index_email_id_entry(fresh->email_id, fresh->mailbox, fresh->uid);
        rc = index_put_entry(txn, INDEX_DB_EMAIL_ID, INDEX_ENTRIES_KEY, &entry, err);
    }
    return rc;
}

/* ---- by file ---- */

/* The record of the mailbox whose base name is `base`, as a view. 1, 0 if there is none. */
static int find_file(struct index_txn *txn, uint32_t mailbox, struct str base, uint32_t *keywords,
                     struct index_message *out, struct error *err)
{
    struct index_key key = index_key_u32(mailbox);
    struct index_key wanted = index_file_entry(base, 0);
    struct index_key next = wanted;
    for (;;) {
        struct str entry = index_key_str(&next);
        int rc = index_seek_entry(txn, INDEX_DB_FILE, index_key_str(&key), &entry, err);
        if (rc <= 0 || !index_entry_same_hash(entry, index_key_str(&wanted))) {
            return rc < 0 ? rc : 0;
        }
        uint32_t uid = index_file_entry_uid(entry);
        rc = read_view(txn, mailbox, uid, keywords, out, err);
        if (rc < 0 || (rc == 1 && str_eq(out->base, base))) {
            return rc;
        }
        if (uid == UINT32_MAX) {
            return 0;
        }
        next = index_file_entry(base, uid + 1);
    }
}

static int check_file_free(struct index_txn *txn, const struct index_message *message,
                           struct error *err)
{
    uint32_t keywords[INDEX_KEYWORDS_MAX];
    struct index_message owner;
    int rc = find_file(txn, message->mailbox, message->base, keywords, &owner, err);
    if (rc == 1 && owner.uid != message->uid) {
        return error_set(err, ERR_EXISTS, SCOPE_MESSAGE,
                         "the file %.*s belongs to UID %" PRIu32 " already", STR_ARG(message->base),
                         owner.uid);
    }
    return rc < 0 ? rc : 0;
}

/* ---- put, get, delete ---- */

/* Makes a view last. */
static void keep(struct arena *arena, struct index_message *message)
{
    message->base = arena_str(arena, message->base);
    message->email_id = arena_str(arena, message->email_id);
    size_t len = message->flags.keywords_len;
    uint32_t *keywords = arena_array(arena, len, sizeof *keywords);
    if (len > 0) {
        memcpy(keywords, message->flags.keywords, len * sizeof *keywords);
    }
    message->flags.keywords = keywords;
}

int index_message_put(struct index_txn *txn, const struct index_message *message, struct error *err)
{
    assert(txn->writing && message->mailbox != 0 && message->uid != 0);
    AUTO_BUF struct buf record = BUF_INIT(INDEX_RECORD_MAX);
    struct index_key key = index_key_message(message->mailbox, message->uid);
    index_encode_message(&record, message);
    int rc = buf_check(&record, "a record of the index", SCOPE_MESSAGE, err);
    if (rc < 0) {
        return rc;
    }
    /* From here on the message is what the record says: the one given may be a view of this very
     * transaction, and so may the old one; neither outlives the writes below. */
    uint32_t keywords[2][INDEX_KEYWORDS_MAX];
    struct index_message fresh;
    struct index_message old;
    rc = decode(txn, index_key_str(&key), buf_str(&record), keywords[0], &fresh, err);
    int found = rc < 0 ? rc : read_view(txn, fresh.mailbox, fresh.uid, keywords[1], &old, err);
    if (found < 0) {
        return found;
    }
    AUTO_ARENA struct arena *arena = arena_new();
    const struct index_message *before = NULL;
    if (found == 1) {
        keep(arena, &old);
        before = &old;
    }
    if (fresh.base.len > 0 && !same_base(&fresh, before)) {
        rc = check_file_free(txn, &fresh, err);
    }
    if (rc == 0 && before != NULL) {
        rc = entries_leave(txn, before, &fresh, err);
    }
    rc = rc < 0 ? rc : entries_enter(txn, &fresh, before, err);
    rc = rc < 0 ? rc : index_put(txn, INDEX_DB_MESSAGE, index_key_str(&key), &record, err);
    if (rc < 0) {
        return rc;
    }
    if (before != NULL) {
        count(txn, before, -1);
    }
    count(txn, &fresh, +1);
    return 0;
}

int index_message_get(struct index_txn *txn, struct arena *arena, uint32_t mailbox, uint32_t uid,
                      struct index_message *out, struct error *err)
{
    uint32_t keywords[INDEX_KEYWORDS_MAX];
    int rc = read_view(txn, mailbox, uid, keywords, out, err);
    if (rc == 0) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "the index has no UID %" PRIu32, uid);
    }
    if (rc < 0) {
        return rc;
    }
    keep(arena, out);
    return 0;
}

int index_message_delete(struct index_txn *txn, uint32_t mailbox, uint32_t uid, struct error *err)
{
    assert(txn->writing);
    uint32_t keywords[INDEX_KEYWORDS_MAX];
    struct index_message old;
    int rc = read_view(txn, mailbox, uid, keywords, &old, err);
    if (rc <= 0) {
        return rc;
    }
    AUTO_ARENA struct arena *arena = arena_new();
    keep(arena, &old);
    rc = entries_leave(txn, &old, NULL, err);
    if (rc < 0) {
        return rc;
    }
    count(txn, &old, -1);
    struct index_key key = index_key_message(mailbox, uid);
    return index_delete(txn, INDEX_DB_MESSAGE, index_key_str(&key), err);
}

int index_message_by_file(struct index_txn *txn, struct arena *arena, uint32_t mailbox,
                          struct str base, struct index_message *out, struct error *err)
{
    uint32_t keywords[INDEX_KEYWORDS_MAX];
    int rc = find_file(txn, mailbox, base, keywords, out, err);
    if (rc == 0) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "the index has no file %.*s",
                         STR_ARG(base));
    }
    if (rc < 0) {
        return rc;
    }
    keep(arena, out);
    return 0;
}

/* In a damaged tree what is sought may be found again and again, and never be deleted. */
static int out_of_order(const struct index_txn *txn, struct error *err)
{
    return index_damaged(txn->index->path, "messages out of order", err);
}

int index_message_delete_all(struct index_txn *txn, uint32_t mailbox, struct error *err)
{
    for (uint64_t least = 0; least <= UINT32_MAX;) {
        struct index_key first = index_key_message(mailbox, (uint32_t)least);
        struct str key = index_key_str(&first);
        struct str value;
        int rc = index_seek(txn, INDEX_DB_MESSAGE, &key, &value, err);
        if (rc < 0) {
            return rc;
        }
        uint64_t number = rc == 1 ? index_key_to_u64(key) : 0;
        if (rc == 0 || number >> 32 != mailbox) {
            return 0;
        }
        uint32_t uid = (uint32_t)number;
        rc = uid < least ? out_of_order(txn, err) : index_message_delete(txn, mailbox, uid, err);
        if (rc < 0) {
            return rc;
        }
        least = (uint64_t)uid + 1;
    }
    return 0;
}

/* ---- in order ---- */

struct index_cursor {
    struct index_txn *txn;
    MDB_cursor *mdb;
    uint32_t mailbox;
    uint64_t next_uid; /* beyond 32 bits at the end */
    uint32_t keywords[INDEX_KEYWORDS_MAX];
};

int index_cursor_open(struct index_txn *txn, uint32_t mailbox, uint32_t first_uid,
                      struct index_cursor **out, struct error *err)
{
    MDB_cursor *mdb;
    int rc = mdb_cursor_open(txn->mdb, txn->index->dbi[INDEX_DB_MESSAGE], &mdb);
    if (rc != 0) {
        return index_failed(txn->index, rc, "read", err);
    }
    struct index_cursor *cursor = xcalloc(1, sizeof *cursor);
    cursor->txn = txn;
    cursor->mdb = mdb;
    cursor->mailbox = mailbox;
    cursor->next_uid = first_uid;
    txn->cursors++;
    *out = cursor;
    return 0;
}

int index_cursor_next(struct index_cursor *cursor, struct index_message *out, struct error *err)
{
    if (cursor->next_uid > UINT32_MAX) {
        return 0;
    }
    /* Sought anew each time, so that writes in between do not matter. */
    uint32_t wanted_uid = (uint32_t)cursor->next_uid;
    struct index_key wanted = index_key_message(cursor->mailbox, wanted_uid);
    MDB_val key = {.mv_size = wanted.len, .mv_data = wanted.bytes};
    MDB_val value;
    int rc = mdb_cursor_get(cursor->mdb, &key, &value, MDB_SET_RANGE);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return index_failed(cursor->txn->index, rc, "read", err);
    }
    cursor->next_uid = (uint64_t)UINT32_MAX + 1;
    if (rc == MDB_NOTFOUND || memcmp(key.mv_data, wanted.bytes, 4) != 0) {
        return 0;
    }
    rc = decode(cursor->txn, str_make(key.mv_data, key.mv_size),
                str_make(value.mv_data, value.mv_size), cursor->keywords, out, err);
    if (rc == 0 && out->uid < wanted_uid) {
        rc = out_of_order(cursor->txn, err);
    }
    if (rc < 0) {
        return rc;
    }
    cursor->next_uid = (uint64_t)out->uid + 1;
    return 1;
}

void index_cursor_close(struct index_cursor **cursor)
{
    if (*cursor == NULL) {
        return;
    }
    assert((*cursor)->txn->cursors > 0);
    (*cursor)->txn->cursors--;
    mdb_cursor_close((*cursor)->mdb);
    xfree(cursor);
}

/* ---- by content and by EMAILID ---- */

struct pointer_query {
    enum index_db db;
    const struct digest *header_digest; /* of INDEX_DB_CONTENT */
    struct str email_id;                /* of INDEX_DB_EMAIL_ID */
};

static struct index_key query_entry(const struct pointer_query *q, uint32_t mailbox, uint32_t uid)
{
    return q->db == INDEX_DB_CONTENT ? index_content_entry(q->header_digest, mailbox, uid)
                                     : index_email_id_entry(q->email_id, mailbox, uid);
}

static bool query_matches(const struct pointer_query *q, const struct index_message *message)
{
    return q->db == INDEX_DB_CONTENT ? digest_eq(q->header_digest, &message->header_digest)
                                     : str_eq(q->email_id, message->email_id);
}

static int query_run(struct index_txn *txn, const struct pointer_query *q,
                     bool (*found)(void *self, uint32_t mailbox, uint32_t uid), void *self,
                     struct error *err)
{
    uint32_t keywords[INDEX_KEYWORDS_MAX];
    struct index_key next = query_entry(q, 0, 0);
    for (;;) {
        struct str entry = index_key_str(&next);
        int rc = index_seek_entry(txn, q->db, INDEX_ENTRIES_KEY, &entry, err);
        if (rc <= 0 || !index_entry_same_hash(entry, index_key_str(&next))) {
            return rc < 0 ? rc : 0;
        }
        uint32_t mailbox;
        uint32_t uid;
        struct index_message message;
        index_content_entry_split(entry, &mailbox, &uid);
        rc = read_view(txn, mailbox, uid, keywords, &message, err);
        if (rc < 0) {
            return rc;
        }
        if (rc == 1 && query_matches(q, &message) && !found(self, mailbox, uid)) {
            return 0;
        }
        if (uid == UINT32_MAX && mailbox == UINT32_MAX) {
            return 0;
        }
        next = query_entry(q, uid == UINT32_MAX ? mailbox + 1 : mailbox, uid + 1);
    }
}

int index_message_by_content(struct index_txn *txn, const struct digest *header_digest,
                             bool (*found)(void *self, uint32_t mailbox, uint32_t uid), void *self,
                             struct error *err)
{
    struct pointer_query q = {.db = INDEX_DB_CONTENT, .header_digest = header_digest};
    return query_run(txn, &q, found, self, err);
}

int index_message_by_email_id(struct index_txn *txn, struct str email_id,
                              bool (*found)(void *self, uint32_t mailbox, uint32_t uid), void *self,
                              struct error *err)
{
    struct pointer_query q = {.db = INDEX_DB_EMAIL_ID, .email_id = email_id};
    return query_run(txn, &q, found, self, err);
}
