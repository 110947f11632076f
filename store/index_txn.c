/* Transactions, and the few operations on sub-databases that all else is made of. */
#include "store/index_txn.h"
#include "base/alloc.h"
#include <assert.h>
#include <errno.h>

/* ---- begin and end ---- */

/* Doubles the map when less than a quarter is left. Only possible while there is no transaction;
 * when there always is one, the write that does not fit fails, and the next try finds the map
 * grown. */
static void grow_map(struct index *index)
{
    MDB_envinfo info;
    (void)mdb_env_info(index->env, &info);
    size_t used = (info.me_last_pgno + 1) * index->page_size;
    while (used > index->map_size / 4 * 3 && index->map_size <= SIZE_MAX / 2) {
        if (mdb_env_set_mapsize(index->env, index->map_size * 2) != 0) {
            return;
        }
        index->map_size *= 2;
    }
}

static void txn_enter(struct index *index, bool writing)
{
    (void)pthread_mutex_lock(&index->lock);
    if (index->active == 0 && writing) {
        grow_map(index);
    }
    index->active++;
    (void)pthread_mutex_unlock(&index->lock);
}

static void txn_leave(struct index *index)
{
    (void)pthread_mutex_lock(&index->lock);
    assert(index->active > 0);
    index->active--;
    (void)pthread_mutex_unlock(&index->lock);
}

/* Another process has grown the map: takes its size over. */
static int adopt_map(struct index *index)
{
    (void)pthread_mutex_lock(&index->lock);
    int rc = index->active == 1 ? mdb_env_set_mapsize(index->env, 0) : MDB_MAP_RESIZED;
    if (rc == 0) {
        MDB_envinfo info;
        (void)mdb_env_info(index->env, &info);
        index->map_size = info.me_mapsize;
    }
    (void)pthread_mutex_unlock(&index->lock);
    return rc;
}

static int txn_begin(struct index *index, bool writing, struct index_txn **out, struct error *err)
{
    txn_enter(index, writing);
    unsigned flags = writing ? 0 : MDB_RDONLY;
    MDB_txn *mdb = NULL;
    int rc = mdb_txn_begin(index->env, NULL, flags, &mdb);
    if (rc == MDB_MAP_RESIZED) {
        rc = adopt_map(index);
        rc = rc != 0 ? rc : mdb_txn_begin(index->env, NULL, flags, &mdb);
    }
    if (rc == MDB_READERS_FULL) {
        int dead;
        (void)mdb_reader_check(index->env, &dead);
        rc = mdb_txn_begin(index->env, NULL, flags, &mdb);
    }
    if (rc != 0) {
        txn_leave(index);
        return index_failed(index, rc, writing ? "write" : "read", err);
    }
    struct index_txn *txn = xcalloc(1, sizeof *txn);
    txn->index = index;
    txn->mdb = mdb;
    txn->writing = writing;
    *out = txn;
    return 0;
}

int index_begin_read(struct index *index, struct index_txn **out, struct error *err)
{
    return txn_begin(index, false, out, err);
}

int index_begin_write(struct index *index, struct index_txn **out, struct error *err)
{
    return txn_begin(index, true, out, err);
}

static void txn_free(struct index_txn **txn)
{
    txn_leave((*txn)->index);
    vec_free(&(*txn)->counts);
    xfree(txn);
}

static int store_numbers(struct index_txn *txn, struct error *err)
{
    AUTO_BUF struct buf record = BUF_INIT(INDEX_RECORD_MAX);
    for (size_t i = 0; i < INDEX_SEQUENCE_COUNT; i++) {
        if (txn->last_numbers[i] == 0) {
            continue;
        }
        buf_clear(&record);
        index_encode_number(&record, txn->last_numbers[i]);
        struct str key = str_from(index_sequence_keys[i]);
        int rc = index_put(txn, INDEX_DB_META, key, &record, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int index_commit(struct index_txn **txn, struct error *err)
{
    assert(*txn != NULL && (*txn)->cursors == 0);
    int rc = 0;
    if ((*txn)->writing) {
        rc = store_numbers(*txn, err);
        rc = rc < 0 ? rc : index_count_store(*txn, err);
    }
    if (rc < 0) {
        index_abort(txn);
        return rc;
    }
    int failed = mdb_txn_commit((*txn)->mdb);
    if (failed != 0) {
        rc = index_failed((*txn)->index, failed, "write", err);
    }
    txn_free(txn);
    return rc;
}

void index_abort(struct index_txn **txn)
{
    if (*txn == NULL) {
        return;
    }
    assert((*txn)->cursors == 0);
    mdb_txn_abort((*txn)->mdb);
    txn_free(txn);
}

/* ---- keys and values ---- */

/* LMDB takes what it reads as `void *` too; it does not write there. */
static MDB_val val_of(struct str s)
{
    union {
        const char *in;
        void *out;
    } pointer = {.in = s.ptr};
    return (MDB_val){.mv_size = s.len, .mv_data = pointer.out};
}

static struct str str_of(MDB_val val)
{
    return str_make(val.mv_data, val.mv_size);
}

int index_get(struct index_txn *txn, enum index_db db, struct str key, struct str *out,
              struct error *err)
{
    MDB_val mdb_key = val_of(key);
    MDB_val value;
    int rc = mdb_get(txn->mdb, txn->index->dbi[db], &mdb_key, &value);
    if (rc == MDB_NOTFOUND) {
        return 0;
    }
    if (rc != 0) {
        return index_failed(txn->index, rc, "read", err);
    }
    *out = str_of(value);
    return 1;
}

int index_put_bytes(struct index_txn *txn, enum index_db db, struct str key, struct str value,
                    struct error *err)
{
    assert(txn->writing && !index_dbs[db].entries);
    MDB_val mdb_key = val_of(key);
    MDB_val mdb_value = val_of(value);
    int rc = mdb_put(txn->mdb, txn->index->dbi[db], &mdb_key, &mdb_value, 0);
    return rc == 0 ? 0 : index_failed(txn->index, rc, "write", err);
}

int index_put(struct index_txn *txn, enum index_db db, struct str key, const struct buf *record,
              struct error *err)
{
    int rc = buf_check(record, "a record of the index", SCOPE_MESSAGE, err);
    return rc < 0 ? rc : index_put_bytes(txn, db, key, buf_str(record), err);
}

int index_delete(struct index_txn *txn, enum index_db db, struct str key, struct error *err)
{
    assert(txn->writing);
    MDB_val mdb_key = val_of(key);
    int rc = mdb_del(txn->mdb, txn->index->dbi[db], &mdb_key, NULL);
    return rc == 0 || rc == MDB_NOTFOUND ? 0 : index_failed(txn->index, rc, "write", err);
}

int index_put_entry(struct index_txn *txn, enum index_db db, struct str key,
                    const struct index_key *entry, struct error *err)
{
    assert(txn->writing && index_dbs[db].entries);
    MDB_val mdb_key = val_of(key);
    MDB_val mdb_entry = val_of(index_key_str(entry));
    int rc = mdb_put(txn->mdb, txn->index->dbi[db], &mdb_key, &mdb_entry, MDB_NODUPDATA);
    return rc == 0 || rc == MDB_KEYEXIST ? 0 : index_failed(txn->index, rc, "write", err);
}

int index_delete_entry(struct index_txn *txn, enum index_db db, struct str key,
                       const struct index_key *entry, struct error *err)
{
    assert(txn->writing && index_dbs[db].entries);
    MDB_val mdb_key = val_of(key);
    MDB_val mdb_entry = val_of(index_key_str(entry));
    int rc = mdb_del(txn->mdb, txn->index->dbi[db], &mdb_key, &mdb_entry);
    return rc == 0 || rc == MDB_NOTFOUND ? 0 : index_failed(txn->index, rc, "write", err);
}

static int seek(struct index_txn *txn, enum index_db db, MDB_val *key, MDB_val *value,
                MDB_cursor_op op, struct error *err)
{
    MDB_cursor *cursor = NULL;
    int rc = mdb_cursor_open(txn->mdb, txn->index->dbi[db], &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, key, value, op);
        mdb_cursor_close(cursor);
    }
    if (rc == MDB_NOTFOUND) {
        return 0;
    }
    return rc == 0 ? 1 : index_failed(txn->index, rc, "read", err);
}

int index_seek(struct index_txn *txn, enum index_db db, struct str *key, struct str *out,
               struct error *err)
{
    MDB_val mdb_key = val_of(*key);
    MDB_val value;
    int rc = seek(txn, db, &mdb_key, &value, MDB_SET_RANGE, err);
    if (rc == 1) {
        *key = str_of(mdb_key);
        *out = str_of(value);
    }
    return rc;
}

int index_seek_entry(struct index_txn *txn, enum index_db db, struct str key, struct str *entry,
                     struct error *err)
{
    MDB_val mdb_key = val_of(key);
    MDB_val value = val_of(*entry);
    int rc = seek(txn, db, &mdb_key, &value, MDB_GET_BOTH_RANGE, err);
    if (rc == 1) {
        *entry = str_of(value);
    }
    return rc;
}

/* ---- numbers and counters ---- */

int index_next_number(struct index_txn *txn, enum index_sequence sequence, uint64_t *out,
                      struct error *err)
{
    assert(txn->writing);
    uint64_t *last = &txn->last_numbers[sequence];
    if (*last == 0) {
        struct str value;
        struct str key = str_from(index_sequence_keys[sequence]);
        int rc = index_get(txn, INDEX_DB_META, key, &value, err);
        if (rc < 0) {
            return rc;
        }
        if (rc == 1 && !index_decode_number(value, last)) {
            return index_damaged(txn->index->path, "a sequence", err);
        }
    }
    *out = ++*last;
    return 0;
}

static struct index_count *count_find(const struct index_txn *txn, uint32_t mailbox)
{
    VEC_FOREACH (struct index_count, count, &txn->counts) {
        if (count->mailbox == mailbox) {
            return count;
        }
    }
    return NULL;
}

void index_count_add(struct index_txn *txn, uint32_t mailbox, int records, int files)
{
    if (records == 0 && files == 0) {
        return;
    }
    struct index_count *count = count_find(txn, mailbox);
    if (count == NULL) {
        vec_push(&txn->counts, (struct index_count){.mailbox = mailbox});
        count = &txn->counts.items[txn->counts.len - 1];
    }
    count->records += records;
    count->files += files;
}

void index_count_apply(const struct index_txn *txn, struct index_mailbox *mailbox)
{
    const struct index_count *count = count_find(txn, mailbox->id);
    if (count != NULL) {
        mailbox->records = (uint32_t)(mailbox->records + count->records);
        mailbox->files = (uint32_t)(mailbox->files + count->files);
    }
}

void index_count_forget(struct index_txn *txn, uint32_t mailbox)
{
    struct index_count *count = count_find(txn, mailbox);
    if (count != NULL) {
        count->records = 0;
        count->files = 0;
    }
}
