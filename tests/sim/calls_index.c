/*
 * In the place of LMDB's opening and committing. A commit is there whole or not at all.
 *
 * The environment stays open from one pass to the next, as long as nobody else has changed its
 * file: mapping and unmapping it would be most of the work.
 */
#include "base/files.h"
#include "sim/calls.h"
#include "sim/calls_files.h"
#include "sim/machine.h"
#include "sim/threads.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <lmdb.h>
#include <unistd.h>

#define DECLARE(type, name, ...)                                                                   \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __real_##name(__VA_ARGS__);

DECLARE(int, mdb_env_create, MDB_env **)
DECLARE(int, mdb_env_set_mapsize, MDB_env *, size_t)
DECLARE(int, mdb_env_set_maxdbs, MDB_env *, MDB_dbi)
DECLARE(int, mdb_env_open, MDB_env *, const char *, unsigned, mdb_mode_t)
DECLARE(void, mdb_env_close, MDB_env *)
DECLARE(int, mdb_txn_begin, MDB_env *, MDB_txn *, unsigned, MDB_txn **)
DECLARE(int, mdb_txn_commit, MDB_txn *)
DECLARE(void, mdb_txn_abort, MDB_txn *)
DECLARE(int, unlink, const char *)

char calls_index_dir[256];

static MDB_env *kept;
static MDB_txn *writer;
static bool set_aside;

/* ---- the environment ---- */

int __wrap_mdb_env_create(MDB_env **out)
{
    *out = kept;
    return kept != NULL ? 0 : __real_mdb_env_create(out);
}

int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t size)
{
    MDB_envinfo info;
    bool same = env == kept && mdb_env_info(env, &info) == 0 && info.me_mapsize == size;
    return same ? 0 : __real_mdb_env_set_mapsize(env, size);
}

int __wrap_mdb_env_set_maxdbs(MDB_env *env, MDB_dbi count)
{
    return env == kept ? 0 : __real_mdb_env_set_maxdbs(env, count);
}

int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
    char real[REAL_PATH_MAX];
    if (!path_of_index(path, real))
        return EINVAL;
    if (!machine_step())
        return EIO;
    int rc =
        env == kept ? 0 : __real_mdb_env_open(env, real, flags | MDB_NOSYNC | MDB_NOMETASYNC, mode);
    kept = rc == 0 ? env : kept;
    return rc;
}

void __wrap_mdb_env_close(MDB_env *env)
{
    if (env != kept)
        __real_mdb_env_close(env);
}

static void close_kept(void)
{
    if (kept != NULL)
        __real_mdb_env_close(kept);
    kept = NULL;
}

/* ---- transactions ---- */

int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **out)
{
    bool writes = (flags & MDB_RDONLY) == 0;
    while (writes && writer != NULL)
        threads_wait(&writer);
    int rc = __real_mdb_txn_begin(env, parent, flags, out);
    if (rc == 0 && writes)
        writer = *out;
    return rc;
}

static void end_writing(void)
{
    writer = NULL;
    threads_wake(&writer);
}

void __wrap_mdb_txn_abort(MDB_txn *txn)
{
    __real_mdb_txn_abort(txn);
    if (txn == writer)
        end_writing();
}

int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    if (txn != writer)
        return __real_mdb_txn_commit(txn);
    bool happens = machine_step();
    int rc = happens ? __real_mdb_txn_commit(txn) : EIO;
    if (!happens)
        __real_mdb_txn_abort(txn);
    end_writing();
    return rc;
}

/* ---- the file ---- */

void calls_index_moves(void)
{
    close_kept();
    set_aside = true;
}

static bool copy_file(const char *from, const char *to)
{
    struct error err = ERROR_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT((size_t)1 << 28);
    AUTO_FD int fd = -1;
    if (file_read(AT_FDCWD, from, &bytes, &err) < 0)
        return false;
    return file_open(AT_FDCWD, to, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, &err) == 0 &&
           file_write(fd, bytes.data, bytes.len, to, &err) == 0;
}

bool calls_copy_index(bool back)
{
    AUTO_FREE char *file = path_join(calls_index_dir, "index.mdb");
    AUTO_FREE char *copy = path_join(calls_index_dir, "backup");
    if (back)
        close_kept();
    return back ? copy_file(copy, file) : copy_file(file, copy);
}

bool calls_has_index(void)
{
    AUTO_FREE char *file = path_join(calls_index_dir, "index.mdb");
    return access(file, F_OK) == 0;
}

static void remove_file(const char *name)
{
    AUTO_FREE char *path = path_join(calls_index_dir, name);
    (void)__real_unlink(path);
}

static void remove_set_aside(void)
{
    AUTO_FREE char *pattern = path_join(calls_index_dir, "index*");
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            (void)__real_unlink(found.gl_pathv[i]);
    }
    globfree(&found);
    set_aside = false;
}

void calls_lose_index(void)
{
    close_kept();
    remove_file("index.mdb");
    remove_file("index.mdb-lock");
    if (set_aside)
        remove_set_aside();
}

void calls_remove_index(void)
{
    calls_lose_index();
    remove_file("backup");
}
