/* The small parts of the index: meta, facts, keywords, held, events. */
#include "store/index.h"
#include "store/index_txn.h"
#include <assert.h>
#include <inttypes.h>

/* ---- meta ---- */

int index_meta_get(struct index_txn *txn, struct index_meta *out, struct error *err)
{
    struct str value;
    int rc = index_get(txn, INDEX_DB_META, INDEX_META_ACCOUNT, &value, err);
    if (rc == 0) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_ACCOUNT, "the index %s belongs to no account",
                         txn->index->path);
    }
    if (rc == 1 && !index_decode_meta(value, out)) {
        return index_damaged(txn->index->path, "its account", err);
    }
    return rc < 0 ? rc : 0;
}

int index_meta_put(struct index_txn *txn, const struct index_meta *meta, struct error *err)
{
    AUTO_BUF struct buf record = BUF_INIT(INDEX_RECORD_MAX);
    index_encode_meta(&record, meta);
    return index_put(txn, INDEX_DB_META, INDEX_META_ACCOUNT, &record, err);
}

/* ---- facts ---- */

int index_fact_get(struct index_txn *txn, struct arena *arena, const char *key, struct str *out,
                   struct error *err)
{
    struct index_key name = index_key_name(str_from(key));
    struct str value;
    int rc = index_get(txn, INDEX_DB_SERVER, index_key_str(&name), &value, err);
    *out = STR_EMPTY;
    if (rc <= 0) {
        return rc;
    }
    if (!index_decode_bytes(value, out)) {
        return index_damaged(txn->index->path, "a fact", err);
    }
    *out = arena_str(arena, *out);
    return 0;
}

int index_fact_put(struct index_txn *txn, const char *key, struct str value, struct error *err)
{
    AUTO_BUF struct buf record = BUF_INIT(INDEX_RECORD_MAX);
    index_encode_bytes(&record, value);
    struct index_key name = index_key_name(str_from(key));
    return index_put(txn, INDEX_DB_SERVER, index_key_str(&name), &record, err);
}

/* ---- keywords ---- */

static int keyword_add(struct index_txn *txn, struct str name, uint32_t *id_out, struct error *err)
{
    uint64_t number;
    int rc = index_next_number(txn, INDEX_NEXT_KEYWORD, &number, err);
    if (rc < 0) {
        return rc;
    }
    *id_out = (uint32_t)number;
    struct index_key by_id = index_key_keyword_id(*id_out);
    struct index_key by_name = index_key_keyword_name(name);
    struct index_key id = index_key_u32(*id_out);
    rc = index_put_bytes(txn, INDEX_DB_KEYWORD, index_key_str(&by_id), name, err);
    return rc < 0 ? rc
                  : index_put_bytes(txn, INDEX_DB_KEYWORD, index_key_str(&by_name),
                                    index_key_str(&id), err);
}

int index_keyword_id(struct index_txn *txn, struct str name, uint32_t *id_out, struct error *err)
{
    struct index_key key = index_key_keyword_name(name);
    struct str value;
    int rc = index_get(txn, INDEX_DB_KEYWORD, index_key_str(&key), &value, err);
    if (rc == 1) {
        *id_out = index_key_to_u32(value);
    }
    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    if (!txn->writing) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "the index has no keyword %.*s",
                         STR_ARG(name));
    }
    return keyword_add(txn, name, id_out, err);
}

int index_keyword_name(struct index_txn *txn, struct arena *arena, uint32_t id, struct str *out,
                       struct error *err)
{
    struct index_key key = index_key_keyword_id(id);
    struct str value;
    int rc = index_get(txn, INDEX_DB_KEYWORD, index_key_str(&key), &value, err);
    if (rc == 0) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "the index has no keyword %" PRIu32,
                         id);
    }
    if (rc < 0) {
        return rc;
    }
    *out = arena_str(arena, value);
    return 0;
}

/* ---- held ---- */

int index_held_put(struct index_txn *txn, struct index_held *held, struct error *err)
{
    assert(txn->writing && held->mailbox != 0);
    if (held->id == 0) {
        int rc = index_next_number(txn, INDEX_NEXT_HELD, &held->id, err);
        if (rc < 0) {
            return rc;
        }
    }
    AUTO_BUF struct buf record = BUF_INIT(INDEX_RECORD_MAX);
    index_encode_held(&record, held);
    struct index_key key = index_key_u64(held->id);
    return index_put(txn, INDEX_DB_HELD, index_key_str(&key), &record, err);
}

int index_held_delete(struct index_txn *txn, uint64_t id, struct error *err)
{
    struct index_key key = index_key_u64(id);
    return index_delete(txn, INDEX_DB_HELD, index_key_str(&key), err);
}

int index_held_next(struct index_txn *txn, struct arena *arena, uint64_t *cursor,
                    struct index_held *out, struct error *err)
{
    if (*cursor == UINT64_MAX) {
        return 0;
    }
    struct index_key key = index_key_u64(*cursor + 1);
    struct str at = index_key_str(&key);
    struct str value;
    int rc = index_seek(txn, INDEX_DB_HELD, &at, &value, err);
    if (rc <= 0) {
        return rc;
    }
    if (!index_decode_held(value, out)) {
        return index_damaged(txn->index->path, "what is held", err);
    }
    out->id = *cursor = index_key_to_u64(at);
    out->base = arena_str(arena, out->base);
    out->reason = arena_str(arena, out->reason);
    return 1;
}

int index_held_delete_mailbox(struct index_txn *txn, uint32_t mailbox, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_held held;
    uint64_t cursor = 0;
    int rc;
    while ((rc = index_held_next(txn, arena, &cursor, &held, err)) == 1) {
        if (held.mailbox == mailbox) {
            rc = index_held_delete(txn, held.id, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return rc;
}

/* ---- events ---- */

int index_event_add(struct index_txn *txn, const struct index_event *event, struct error *err)
{
    assert(txn->writing);
    uint64_t id;
    int rc = index_next_number(txn, INDEX_NEXT_EVENT, &id, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_BUF struct buf record = BUF_INIT(INDEX_RECORD_MAX);
    index_encode_event(&record, event);
    struct index_key key = index_key_u64(id);
    rc = index_put(txn, INDEX_DB_EVENT, index_key_str(&key), &record, err);
    if (rc < 0 || id <= INDEX_EVENTS_MAX) {
        return rc;
    }
    struct index_key oldest = index_key_u64(id - INDEX_EVENTS_MAX);
    return index_delete(txn, INDEX_DB_EVENT, index_key_str(&oldest), err);
}

int index_event_list(struct index_txn *txn, size_t max,
                     bool (*found)(void *self, const struct index_event *event), void *self,
                     struct error *err)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn->mdb, txn->index->dbi[INDEX_DB_EVENT], &cursor);
    if (rc != 0) {
        return index_failed(txn->index, rc, "read", err);
    }
    MDB_val key;
    MDB_val value;
    bool damaged = false;
    bool more = true;
    for (size_t i = 0; i < max && more; i++) {
        rc = mdb_cursor_get(cursor, &key, &value, i == 0 ? MDB_LAST : MDB_PREV);
        if (rc != 0) {
            break;
        }
        struct index_event event;
        damaged = !index_decode_event(str_make(value.mv_data, value.mv_size), &event);
        event.id = index_key_to_u64(str_make(key.mv_data, key.mv_size));
        more = !damaged && found(self, &event);
    }
    mdb_cursor_close(cursor);
    if (damaged) {
        return index_damaged(txn->index->path, "an event", err);
    }
    return rc == 0 || rc == MDB_NOTFOUND ? 0 : index_failed(txn->index, rc, "read", err);
}
