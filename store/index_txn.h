#pragma once
/* What the files of the index share: the environment, the transaction, and access to sub-databases.
 */
#include "base/vec.h"
#include "store/index_schema.h"
#include <lmdb.h>
#include <pthread.h>

struct index {
    MDB_env *env;
    MDB_dbi dbi[INDEX_DB_COUNT];
    char *path;
    size_t page_size;
    pthread_mutex_t lock; /* guards what follows */
    unsigned active; /* transactions of this process; the map may be replaced when there is none */
    size_t map_size;
};

/* A mailbox's counters as this transaction has changed them so far. */
struct index_count {
    uint32_t mailbox;
    int64_t records;
    int64_t files;
};

struct index_txn {
    struct index *index;
    MDB_txn *mdb;
    bool writing;
    unsigned cursors; /* open ones */
    VEC(struct index_count) counts;
    /* The last number given out; 0 if this transaction has not looked yet. */
    uint64_t last_numbers[INDEX_SEQUENCE_COUNT];
};

/* Opens with a first map of `map_size` bytes; index_open() is this with the usual size. */
int index_open_sized(const char *dir, size_t map_size, struct index **out,
                     enum index_opened *opened, struct error *err);

/* An LMDB result other than success, in words: "cannot DOING the index PATH: …". */
int index_failed(const struct index *index, int rc, const char *doing, struct error *err);
/* ERR_DAMAGED: the index at `path` is damaged, and what becomes of it. */
int index_damaged(const char *path, const char *what, struct error *err);

/* 1 found, 0 absent, negative on error. The value is valid until the next write. */
int index_get(struct index_txn *txn, enum index_db db, struct str key, struct str *out,
              struct error *err);
int index_put(struct index_txn *txn, enum index_db db, struct str key, const struct buf *record,
              struct error *err);
int index_put_bytes(struct index_txn *txn, enum index_db db, struct str key, struct str value,
                    struct error *err);
/* 0 also if there is none. In a database of entries: all entries of the key. */
int index_delete(struct index_txn *txn, enum index_db db, struct str key, struct error *err);
int index_put_entry(struct index_txn *txn, enum index_db db, struct str key,
                    const struct index_key *entry, struct error *err);
int index_delete_entry(struct index_txn *txn, enum index_db db, struct str key,
                       const struct index_key *entry, struct error *err);
/* The first key (entry) that is not less than `*key`; it is replaced by what was found. 1, 0 at the
 * end, negative on error. */
int index_seek(struct index_txn *txn, enum index_db db, struct str *key, struct str *out,
               struct error *err);
int index_seek_entry(struct index_txn *txn, enum index_db db, struct str key, struct str *entry,
                     struct error *err);

/* The next number of a sequence. */
int index_next_number(struct index_txn *txn, enum index_sequence sequence, uint64_t *out,
                      struct error *err);
/* Adds to the counters of a mailbox, stored when the transaction commits. */
void index_count_add(struct index_txn *txn, uint32_t mailbox, int records, int files);
/* Adds what is not stored yet. */
void index_count_apply(const struct index_txn *txn, struct index_mailbox *mailbox);
/* Of a mailbox that is deleted. */
void index_count_forget(struct index_txn *txn, uint32_t mailbox);
/* index_mailbox.c: writes all counters. */
int index_count_store(struct index_txn *txn, struct error *err);

/* index_intent.c, index_misc.c: what refers to a mailbox that is deleted. */
int index_intent_delete_mailbox(struct index_txn *txn, uint32_t mailbox, struct error *err);
int index_held_delete_mailbox(struct index_txn *txn, uint32_t mailbox, struct error *err);
/* index_message.c: all messages of a mailbox and what points to them. */
int index_message_delete_all(struct index_txn *txn, uint32_t mailbox, struct error *err);

/* index_check.c */
enum index_file_state { INDEX_FILE_ABSENT, INDEX_FILE_EMPTY, INDEX_FILE_WHOLE };
/* Looks at the file before LMDB maps it; ERR_REFUSED if it cannot be an LMDB file. */
int index_check_header(const char *path, enum index_file_state *out, struct error *err);
/* Follows every page that the transaction can reach, by reading the file and not the map.
 * ERR_CHANGED if the transaction is no longer one of the last two. */
int index_check_pages(struct index *index, MDB_txn *mdb, struct error *err);
