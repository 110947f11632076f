#include "store/index.h"
#include "store/index_txn.h"
#include <assert.h>
#include <inttypes.h>

/* Strings of the record into `arena`. */
static void keep_strings(struct arena *arena, struct index_mailbox *mailbox)
{
    mailbox->name = arena_str(arena, mailbox->name);
    mailbox->utf8 = arena_str(arena, mailbox->utf8);
    mailbox->path = arena_str(arena, mailbox->path);
    mailbox->mailboxid = arena_str(arena, mailbox->mailboxid);
}

/* The stored record as a view, without this transaction's counts. 1, 0 if absent. */
static int read_record(struct index_txn *txn, uint32_t id, struct index_mailbox *out,
                       struct error *err)
{
    struct index_key key = index_key_u32(id);
    struct str value;
    int rc = index_get(txn, INDEX_DB_MAILBOX, index_key_str(&key), &value, err);
    if (rc <= 0) {
        return rc;
    }
    if (!index_decode_mailbox(value, out)) {
        return index_damaged(txn->index->path, "the record of a mailbox", err);
    }
    out->id = id;
    return 1;
}

static int write_record(struct index_txn *txn, const struct index_mailbox *mailbox,
                        struct error *err)
{
    AUTO_BUF struct buf record = BUF_INIT(INDEX_RECORD_MAX);
    index_encode_mailbox(&record, mailbox);
    struct index_key key = index_key_u32(mailbox->id);
    return index_put(txn, INDEX_DB_MAILBOX, index_key_str(&key), &record, err);
}

/* ---- by name ---- */

static int name_owner(struct index_txn *txn, struct str name, uint32_t *out, struct error *err)
{
    struct index_key key = index_key_name(name);
    struct str value;
    int rc = index_get(txn, INDEX_DB_MAILBOX_BY_NAME, index_key_str(&key), &value, err);
    if (rc == 1) {
        *out = index_key_to_u32(value);
    }
    return rc;
}

static int name_set(struct index_txn *txn, struct str name, uint32_t id, struct error *err)
{
    struct index_key key = index_key_name(name);
    struct index_key value = index_key_u32(id);
    return index_put_bytes(txn, INDEX_DB_MAILBOX_BY_NAME, index_key_str(&key),
                           index_key_str(&value), err);
}

static int name_unset(struct index_txn *txn, struct str name, struct error *err)
{
    struct index_key key = index_key_name(name);
    return index_delete(txn, INDEX_DB_MAILBOX_BY_NAME, index_key_str(&key), err);
}

/* ---- put and get ---- */

static int not_found(uint32_t id, struct error *err)
{
    return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "the index has no mailbox number %" PRIu32,
                     id);
}

static int check_name_free(struct index_txn *txn, const struct index_mailbox *mailbox,
                           struct error *err)
{
    uint32_t owner = 0;
    int rc = name_owner(txn, mailbox->name, &owner, err);
    if (rc == 1 && owner != mailbox->id) {
        return error_set(err, ERR_EXISTS, SCOPE_MAILBOX,
                         "the mailbox %.*s is in the index already, as number %" PRIu32,
                         STR_ARG(mailbox->utf8), owner);
    }
    return rc < 0 ? rc : 0;
}

int index_mailbox_put(struct index_txn *txn, struct index_mailbox *mailbox, struct error *err)
{
    assert(txn->writing);
    int rc = check_name_free(txn, mailbox, err);
    if (rc < 0) {
        return rc;
    }
    /* Read into memory of its own: what follows writes. */
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_mailbox old = {.id = 0};
    if (mailbox->id == 0) {
        uint64_t id = 0;
        rc = index_next_number(txn, INDEX_NEXT_MAILBOX, &id, err);
        mailbox->id = (uint32_t)id;
    } else {
        rc = read_record(txn, mailbox->id, &old, err);
        if (rc == 0) {
            return not_found(mailbox->id, err);
        }
        if (rc == 1) {
            keep_strings(arena, &old);
            rc = str_eq(old.name, mailbox->name) ? 0 : name_unset(txn, old.name, err);
        }
    }
    if (rc < 0) {
        return rc;
    }
    struct index_mailbox stored = *mailbox;
    stored.records = old.records;
    stored.files = old.files;
    rc = write_record(txn, &stored, err);
    return rc < 0 ? rc : name_set(txn, stored.name, stored.id, err);
}

int index_mailbox_get(struct index_txn *txn, struct arena *arena, uint32_t id,
                      struct index_mailbox *out, struct error *err)
{
    int rc = read_record(txn, id, out, err);
    if (rc <= 0) {
        return rc < 0 ? rc : not_found(id, err);
    }
    keep_strings(arena, out);
    index_count_apply(txn, out);
    return 0;
}

int index_mailbox_next(struct index_txn *txn, struct arena *arena, uint32_t *cursor,
                       struct index_mailbox *out, struct error *err)
{
    if (*cursor == UINT32_MAX) {
        return 0;
    }
    struct index_key key = index_key_u32(*cursor + 1);
    struct str at = index_key_str(&key);
    struct str value;
    int rc = index_seek(txn, INDEX_DB_MAILBOX, &at, &value, err);
    if (rc <= 0) {
        return rc;
    }
    *cursor = index_key_to_u32(at);
    rc = index_mailbox_get(txn, arena, *cursor, out, err);
    return rc < 0 ? rc : 1;
}

/* ---- delete, and the counters at commit ---- */

int index_mailbox_delete(struct index_txn *txn, uint32_t id, struct error *err)
{
    assert(txn->writing);
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_mailbox old;
    int rc = read_record(txn, id, &old, err);
    if (rc <= 0) {
        return rc;
    }
    keep_strings(arena, &old);
    rc = name_unset(txn, old.name, err);
    rc = rc < 0 ? rc : index_message_delete_all(txn, id, err);
    rc = rc < 0 ? rc : index_intent_delete_mailbox(txn, id, err);
    rc = rc < 0 ? rc : index_held_delete_mailbox(txn, id, err);
    if (rc < 0) {
        return rc;
    }
    index_count_forget(txn, id);
    struct index_key key = index_key_u32(id);
    return index_delete(txn, INDEX_DB_MAILBOX, index_key_str(&key), err);
}

int index_count_store(struct index_txn *txn, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    VEC_FOREACH (struct index_count, count, &txn->counts) {
        struct index_mailbox mailbox;
        if (count->records == 0 && count->files == 0) {
            continue;
        }
        int rc = index_mailbox_get(txn, arena, count->mailbox, &mailbox, err);
        rc = rc < 0 ? rc : write_record(txn, &mailbox, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}
