/* In the place of clocks, randomness, LMDB's opening and committing, and the log. */
#include "base/log.h"
#include "sim/calls.h"
#include "sim/calls_files.h"
#include "sim/machine.h"
#include <errno.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define DECLARE(type, name, ...)                                                                   \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __real_##name(__VA_ARGS__);

DECLARE(int, clock_gettime, clockid_t, struct timespec *)
DECLARE(ssize_t, getrandom, void *, size_t, unsigned)
DECLARE(pid_t, getpid, void)
DECLARE(int, gethostname, char *, size_t)
DECLARE(int, mdb_env_open, MDB_env *, const char *, unsigned, mdb_mode_t)
DECLARE(int, mdb_txn_begin, MDB_env *, MDB_txn *, unsigned, MDB_txn **)
DECLARE(int, mdb_txn_commit, MDB_txn *)
void __wrap_log_error(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void __wrap_log_info(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void __wrap_log_warning(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct buf calls_log = BUF_INIT((size_t)1 << 24);
bool calls_keep_log;

/* ---- clocks and randomness ---- */

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    int64_t now = id == CLOCK_REALTIME ? machine_wall_ns() : machine.monotonic_ns;
    *out = (struct timespec){now / 1000000000, now % 1000000000};
    return 0;
}

ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags)
{
    char *to = out;
    for (size_t i = 0; i < size; i++)
        to[i] = (char)random_next(&machine.random);
    return (ssize_t)size;
}

pid_t __wrap_getpid(void)
{
    return 4242;
}

int __wrap_gethostname(char *out, size_t size)
{
    snprintf(out, size, "sim");
    return 0;
}

/* ---- LMDB: a commit is there whole or not at all ---- */

static MDB_txn *writer;

int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
    char real[REAL_PATH_MAX];
    if (!path_of_index(path, real))
        return EINVAL;
    if (!machine_step())
        return EIO;
    return __real_mdb_env_open(env, real, flags | MDB_NOSYNC | MDB_NOMETASYNC, mode);
}

int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **out)
{
    int rc = __real_mdb_txn_begin(env, parent, flags, out);
    if (rc == 0 && (flags & MDB_RDONLY) == 0)
        writer = *out;
    return rc;
}

int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    if (txn != writer)
        return __real_mdb_txn_commit(txn);
    writer = NULL;
    if (machine_step())
        return __real_mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return EIO;
}

/* ---- the log ---- */

static void keep(const char *format, va_list arguments)
{
    char line[2048];
    if (!calls_keep_log)
        return;
    vsnprintf(line, sizeof line, format, arguments);
    buf_addf(&calls_log, "    log: %s\n", line);
}

void __wrap_log_error(const struct log_scope *scope, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep(format, arguments);
    va_end(arguments);
}

void __wrap_log_warning(const struct log_scope *scope, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep(format, arguments);
    va_end(arguments);
}

void __wrap_log_info(const struct log_scope *scope, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep(format, arguments);
    va_end(arguments);
}
