#include "base/alloc.h"
#include "base/files.h"
#include "store/index.h"
#include "store/index_txn.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_FILE_NAME "index.mdb"
#define LOCK_FILE_NAME "lock"
/* Address space, not memory. On a 32-bit machine there is less of it. */
#define MAP_SIZE_FIRST (sizeof(size_t) >= 8 ? (size_t)(UINT64_C(16) << 30) : (size_t)512 << 20)
/* Below this there is no point in trying smaller ones. */
#define MAP_SIZE_LEAST ((size_t)1 << 20)
#define PID_TEXT_BYTES 24
/* Another process may commit so often that the look at the pages comes too late. */
#define CHECK_ATTEMPTS 10

/* ---- errors ---- */

int index_damaged(const char *path, const char *what, struct error *err)
{
    return error_set(err, ERR_DAMAGED, SCOPE_ACCOUNT,
                     "the index %s is damaged (%s): a sync sets it aside and makes it anew", path,
                     what);
}

int index_failed(const struct index *index, int rc, const char *doing, struct error *err)
{
    switch (rc) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_PANIC:
    case MDB_INCOMPATIBLE:
        return index_damaged(index->path, mdb_strerror(rc), err);
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return error_set(err, ERR_WRITE, SCOPE_ACCOUNT, "cannot %s the index %s: %s", doing,
                         index->path, mdb_strerror(rc));
    default:
        if (rc > 0) {
            return error_set_errno(err, ERR_WRITE, SCOPE_ACCOUNT, rc, "cannot %s the index %s",
                                   doing, index->path);
        }
        return error_set(err, ERR_DEFECT, SCOPE_ACCOUNT, "cannot %s the index %s: %s", doing,
                         index->path, mdb_strerror(rc));
    }
}

/* ---- opening ---- */

/* MDB_NOTLS: a reader belongs to its transaction and not to a thread. */
#define ENV_FLAGS (MDB_NOSUBDIR | MDB_NORDAHEAD | MDB_NOTLS)

static int env_open_once(struct index *index, size_t map_size)
{
    int rc = mdb_env_create(&index->env);
    if (rc == 0) {
        rc = mdb_env_set_mapsize(index->env, map_size);
    }
    if (rc == 0) {
        rc = mdb_env_set_maxdbs(index->env, INDEX_DB_COUNT);
    }
    if (rc == 0) {
        rc = mdb_env_open(index->env, index->path, ENV_FLAGS, 0600);
    }
    if (rc != 0 && index->env != NULL) {
        mdb_env_close(index->env);
        index->env = NULL;
    }
    return rc;
}

static int env_open(struct index *index, size_t map_size, struct error *err)
{
    int rc = env_open_once(index, map_size);
    while (rc == ENOMEM && map_size / 2 >= MAP_SIZE_LEAST) {
        map_size /= 2;
        rc = env_open_once(index, map_size);
    }
    if (rc != 0) {
        return index_failed(index, rc, "open", err);
    }
    MDB_envinfo info;
    MDB_stat stat;
    (void)mdb_env_info(index->env, &info);
    (void)mdb_env_stat(index->env, &stat);
    index->map_size = info.me_mapsize;
    index->page_size = stat.ms_psize;
    int dead;
    (void)mdb_reader_check(index->env, &dead);
    return 0;
}

/* 1 if the sub-databases were opened, 0 if the index is empty and `flags` does not make them. */
static int open_databases(struct index *index, MDB_txn *mdb, unsigned flags, struct error *err)
{
    MDB_stat main_stat;
    MDB_dbi main_dbi;
    int rc = mdb_dbi_open(mdb, NULL, 0, &main_dbi);
    rc = rc != 0 ? rc : mdb_stat(mdb, main_dbi, &main_stat);
    if (rc != 0) {
        return index_failed(index, rc, "read", err);
    }
    if (main_stat.ms_entries == 0 && (flags & MDB_CREATE) == 0) {
        return 0;
    }
    for (size_t i = 0; i < INDEX_DB_COUNT; i++) {
        unsigned kind = index_dbs[i].entries ? MDB_DUPSORT | MDB_DUPFIXED : 0;
        rc = mdb_dbi_open(mdb, index_dbs[i].name, kind | flags, &index->dbi[i]);
        if (rc == MDB_NOTFOUND) {
            return index_damaged(index->path, "a part of it is missing", err);
        }
        if (rc != 0) {
            return index_failed(index, rc, "read", err);
        }
    }
    return 1;
}

static int check_schema(struct index_txn *txn, struct error *err)
{
    struct str value;
    int rc = index_get(txn, INDEX_DB_META, INDEX_META_SCHEMA, &value, err);
    if (rc < 0) {
        return rc;
    }
    uint64_t version;
    if (rc == 0 || !index_decode_number(value, &version)) {
        return index_damaged(txn->index->path, "it does not say its version", err);
    }
    if (version < INDEX_SCHEMA_VERSION) {
        return error_set(err, ERR_DAMAGED, SCOPE_ACCOUNT,
                         "the index %s is of an earlier version (%" PRIu64
                         ", this program has %d): "
                         "a sync sets it aside and makes it anew",
                         txn->index->path, version, INDEX_SCHEMA_VERSION);
    }
    if (version > INDEX_SCHEMA_VERSION) {
        return error_set(err, ERR_REFUSED, SCOPE_ACCOUNT,
                         "the index %s is of a later version (%" PRIu64 ", this program has %d): "
                         "use the program that wrote it, or move the index aside",
                         txn->index->path, version, INDEX_SCHEMA_VERSION);
    }
    return 0;
}

/* A read transaction all of whose pages were looked through. */
static int begin_checked(struct index *index, struct index_txn **out, struct error *err)
{
    int rc = -ERR_CHANGED;
    for (int attempt = 0; rc == -ERR_CHANGED && attempt < CHECK_ATTEMPTS; attempt++) {
        AUTO_TXN struct index_txn *txn = NULL;
        rc = index_begin_read(index, &txn, err);
        rc = rc < 0 ? rc : index_check_pages(index, txn->mdb, err);
        if (rc == 0) {
            *out = txn;
            txn = NULL;
        }
    }
    return rc;
}

static int open_existing(struct index *index, bool *empty_out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int rc = begin_checked(index, &txn, err);
    rc = rc < 0 ? rc : open_databases(index, txn->mdb, 0, err);
    if (rc < 0) {
        return rc;
    }
    *empty_out = rc == 0;
    rc = *empty_out ? 0 : check_schema(txn, err);
    return rc < 0 ? rc : index_commit(&txn, err);
}

/* One commit makes all of it, so that there is no half-made index. */
static int create(struct index *index, const char *dir, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_BUF struct buf record = BUF_INIT(INDEX_RECORD_MAX);
    index_encode_number(&record, INDEX_SCHEMA_VERSION);
    int rc = index_begin_write(index, &txn, err);
    rc = rc < 0 ? rc : open_databases(index, txn->mdb, MDB_CREATE, err);
    rc = rc < 0 ? rc : index_put(txn, INDEX_DB_META, INDEX_META_SCHEMA, &record, err);
    rc = rc < 0 ? rc : index_commit(&txn, err);
    return rc < 0 ? rc : file_sync_dir(AT_FDCWD, dir, err);
}

static int open_or_create(struct index *index, const char *dir, size_t map_size,
                          enum index_opened *opened, struct error *err)
{
    enum index_file_state state;
    int rc = index_check_header(index->path, &state, err);
    rc = rc < 0 ? rc : env_open(index, map_size, err);
    bool empty = state != INDEX_FILE_WHOLE;
    if (rc == 0 && !empty) {
        rc = open_existing(index, &empty, err);
    }
    if (rc == 0 && empty) {
        rc = create(index, dir, err);
    }
    *opened = empty ? INDEX_CREATED : INDEX_OPENED;
    return rc;
}

int index_open_sized(const char *dir, size_t map_size, struct index **out,
                     enum index_opened *opened, struct error *err)
{
    int rc = file_mkdir_all(dir, 0700, err);
    if (rc < 0) {
        return error_widen(err, SCOPE_ACCOUNT);
    }
    struct index *index = xcalloc(1, sizeof *index);
    index->path = path_join(dir, INDEX_FILE_NAME);
    (void)pthread_mutex_init(&index->lock, NULL);
    rc = open_or_create(index, dir, map_size, opened, err);
    if (rc < 0) {
        index_close(&index);
        return error_widen(err, SCOPE_ACCOUNT);
    }
    *out = index;
    return 0;
}

int index_open(const char *dir, struct index **out, enum index_opened *opened, struct error *err)
{
    return index_open_sized(dir, MAP_SIZE_FIRST, out, opened, err);
}

void index_close(struct index **index)
{
    if (*index == NULL) {
        return;
    }
    assert((*index)->active == 0);
    if ((*index)->env != NULL) {
        mdb_env_close((*index)->env);
    }
    (void)pthread_mutex_destroy(&(*index)->lock);
    xfree(&(*index)->path);
    xfree(index);
}

bool index_exists(const char *dir)
{
    AUTO_FREE char *path = path_join(dir, INDEX_FILE_NAME);
    struct stat found;
    return stat(path, &found) == 0 && found.st_size > 0;
}

int index_set_aside(const char *dir, int64_t now_s, char **out, struct error *err)
{
    AUTO_FREE char *path = path_join(dir, INDEX_FILE_NAME);
    AUTO_FREE char *lock = xasprintf("%s-lock", path);
    AUTO_FREE char *aside = xasprintf("%s.aside-%" PRId64, path, now_s);
    struct error ignored = ERROR_INIT;
    int rc = file_rename_new(AT_FDCWD, path, AT_FDCWD, aside, err);
    rc = rc < 0 ? rc : file_sync_dir(AT_FDCWD, dir, err);
    (void)file_unlink(AT_FDCWD, lock, &ignored);
    if (rc < 0) {
        return error_widen(err, SCOPE_ACCOUNT);
    }
    *out = aside;
    aside = NULL;
    return 0;
}

/* ---- the lock ---- */

static int locked_by_other(const char *path, struct error *err)
{
    AUTO_BUF struct buf text = BUF_INIT(PID_TEXT_BYTES);
    struct error ignored = ERROR_INIT;
    uint64_t pid = 0;
    if (file_read(AT_FDCWD, path, &text, &ignored) == 0) {
        (void)str_to_u64(str_trim(buf_str(&text)), &pid);
    }
    return error_set(err, ERR_LOCKED, SCOPE_ACCOUNT,
                     "another maildird (process %" PRIu64
                     ") works on this account: it holds %s; wait "
                     "for it, or stop it (the daemon: `systemctl --user stop maildird`)",
                     pid, path);
}

bool index_is_locked(const char *dir)
{
    AUTO_FREE char *path = path_join(dir, LOCK_FILE_NAME);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int index_lock(const char *dir, int *fd_out, struct error *err)
{
    int rc = file_mkdir_all(dir, 0700, err);
    if (rc < 0) {
        return error_widen(err, SCOPE_ACCOUNT);
    }
    AUTO_FREE char *path = path_join(dir, LOCK_FILE_NAME);
    AUTO_FD int fd = -1;
    rc = file_open(AT_FDCWD, path, O_RDWR | O_CREAT, 0600, &fd, err);
    if (rc < 0) {
        return error_widen(err, SCOPE_ACCOUNT);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK) {
            return locked_by_other(path, err);
        }
        return error_set_errno(err, ERR_WRITE, SCOPE_ACCOUNT, errno, "cannot lock %s", path);
    }
    /* Of one width, so that a shorter number leaves nothing of the one before. */
    char pid[PID_TEXT_BYTES];
    int len = snprintf(pid, sizeof pid, "%-12ld\n", (long)getpid());
    rc = file_write(fd, pid, (size_t)len, path, err);
    if (rc < 0) {
        return error_widen(err, SCOPE_ACCOUNT);
    }
    *fd_out = fd;
    fd = -1;
    return 0;
}
