/*
 * A library for LD_PRELOAD that counts the calls by which a program changes the disk or talks to a
 * peer, and can end the program before any of them. Set in the environment:
 *
 *   DISKSHIM_ROOT            only files below this folder count and are looked after (needed)
 *   DISKSHIM_PROGRAM         base name of the program to act in; others are left alone
 *   DISKSHIM_COUNT_FILE      receives the number of counted calls when the program ends
 *   DISKSHIM_LOG             receives a line for each counted call: number, name, path or "peer"
 *   DISKSHIM_KILL_AT         SIGKILL before the call of this number, from 1
 *   DISKSHIM_POWERLOSS_SEED  at that kill the disk loses what was not synced (diskshim_loss.h)
 *   DISKSHIM_ENOSPC_AFTER    writes below the root fail with ENOSPC after so many bytes
 *   DISKSHIM_CLOCK_OFFSET_S  added to every clock: a minute later without waiting
 *
 * Syncs of files below the root are counted and not done: a kill loses nothing of the page cache,
 * and a loss of power is the model's to decide. What the C library writes inside of itself (stdio),
 * memory maps and io_uring are not seen.
 */
#include "support/diskshim_loss.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

static struct {
    bool active;
    bool loses;
    char root[PATH_MAX];
    char stash[PATH_MAX];
    const char *count_file;
    int log_fd;
    long kill_at;
    long count;
    long long space_left; /* bytes; < 0: without end */
    long clock_offset_s;
} shim = {.log_fd = -1, .space_left = -1};

static pthread_mutex_t shim_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static long env_number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtol(text, NULL, 10);
}

static bool is_our_program(void)
{
    const char *wanted = getenv("DISKSHIM_PROGRAM");
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (wanted == NULL || n < 0)
        return wanted == NULL;
    path[n] = '\0';
    return strcmp(strrchr(path, '/') + 1, wanted) == 0;
}

static void start_loss(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int n = snprintf(shim.stash, sizeof shim.stash, "%s.stash", shim.root);
    syscall(SYS_mkdirat, AT_FDCWD, n < (int)sizeof shim.stash ? shim.stash : ".", 0700);
    loss_start(shim.stash, (uint64_t)env_number("DISKSHIM_POWERLOSS_SEED", 0));
    shim.loses = true;
}

/* A child about to exec is another program; the lock may be held by a thread it does not have. */
static void leave_child_alone(void)
{
    shim_lock = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    shim.active = false;
}

__attribute__((constructor)) static void shim_start(void)
{
    const char *root = getenv("DISKSHIM_ROOT");
    if (root == NULL || !is_our_program() || realpath(root, shim.root) == NULL)
        return;
    /* What the program starts is not to be counted. */
    unsetenv("LD_PRELOAD");
    shim.count_file = getenv("DISKSHIM_COUNT_FILE");
    shim.kill_at = env_number("DISKSHIM_KILL_AT", 0);
    shim.space_left = env_number("DISKSHIM_ENOSPC_AFTER", -1);
    shim.clock_offset_s = env_number("DISKSHIM_CLOCK_OFFSET_S", 0);
    const char *log = getenv("DISKSHIM_LOG");
    if (log != NULL)
        shim.log_fd = (int)syscall(SYS_openat, AT_FDCWD, log,
                                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (getenv("DISKSHIM_POWERLOSS_SEED") != NULL)
        start_loss();
    pthread_atfork(NULL, NULL, leave_child_alone);
    shim.active = true;
}

__attribute__((destructor)) static void shim_end(void)
{
    if (!shim.active || shim.count_file == NULL)
        return;
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", shim.count);
    int fd =
        (int)syscall(SYS_openat, AT_FDCWD, shim.count_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    syscall(SYS_write, fd, text, (size_t)n);
    syscall(SYS_close, fd);
}

static void write_log(const char *name, const char *path)
{
    char line[PATH_MAX + 64];
    int n = snprintf(line, sizeof line, "%ld %s %s\n", shim.count, name, path);
    syscall(SYS_write, shim.log_fd, line, (size_t)n);
}

/* Count a call that is about to be made; the last one does not return. */
static void step(const char *name, const char *path)
{
    shim.count++;
    if (shim.log_fd >= 0)
        write_log(name, path);
    if (shim.count != shim.kill_at)
        return;
    if (shim.loses)
        loss_apply();
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

/* --- which file a call is about ----------------------------------------------------------------
 */

static bool below_root(const char *path)
{
    size_t length = strlen(shim.root);
    return strncmp(path, shim.root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* What a descriptor is open on, as /proc tells it. */
static bool descriptor_target(int fd, char out[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    out[n < 0 ? 0 : n] = '\0';
    return n > 0;
}

static bool descriptor_below_root(int fd, char out[PATH_MAX])
{
    return shim.active && descriptor_target(fd, out) && below_root(out);
}

static bool is_peer(int fd)
{
    char target[PATH_MAX];
    return shim.active && fd > 2 && descriptor_target(fd, target) &&
           (strncmp(target, "socket:", 7) == 0 || strncmp(target, "pipe:", 5) == 0);
}

/* The path with its folder resolved, so that a file has one name. */
static bool path_below_root(int dirfd, const char *path, char out[PATH_MAX])
{
    char folder[PATH_MAX], joined[PATH_MAX * 2];
    if (!shim.active || path == NULL)
        return false;
    if (path[0] == '/' || dirfd == AT_FDCWD)
        snprintf(joined, sizeof joined, "%s%s", path[0] == '/' ? "" : "./", path);
    else if (descriptor_target(dirfd, folder))
        snprintf(joined, sizeof joined, "%s/%s", folder, path);
    else
        return false;
    char *slash = strrchr(joined, '/');
    while (slash > joined && slash[1] == '\0') {
        *slash = '\0';
        slash = strrchr(joined, '/');
    }
    *slash = '\0';
    if (realpath(joined[0] == '\0' ? "/" : joined, folder) == NULL)
        return false;
    int n = snprintf(out, PATH_MAX, "%s/%s", folder, slash + 1);
    return n > 0 && n < PATH_MAX && below_root(out);
}

/* --- writes ------------------------------------------------------------------------------------
 */

static size_t total_size(const struct iovec *parts, int count)
{
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    return total;
}

/* Returns false, with errno set, where the disk is full. */
static bool take_space(size_t size)
{
    if (shim.space_left < 0)
        return true;
    if ((long long)size > shim.space_left) {
        shim.space_left = 0;
        errno = ENOSPC;
        return false;
    }
    shim.space_left -= (long long)size;
    return true;
}

/* Every write: `offset` < 0 is at the file's position, `call` the system call made. */
static ssize_t write_parts(const char *name, int fd, const struct iovec *parts, int count,
                           off_t offset)
{
    char path[PATH_MAX];
    size_t size = total_size(parts, count);
    long n;
    pthread_mutex_lock(&shim_lock);
    bool counted = descriptor_below_root(fd, path);
    if (counted || is_peer(fd))
        step(name, counted ? path : "peer");
    if (counted && !take_space(size)) {
        pthread_mutex_unlock(&shim_lock);
        return -1;
    }
    if (counted && shim.loses)
        loss_will_write(fd, path, offset, size);
    /* A peer may be slow to read; other threads go on meanwhile. */
    if (!counted)
        pthread_mutex_unlock(&shim_lock);
    if (offset < 0)
        n = syscall(SYS_writev, fd, parts, count);
    else
        n = syscall(SYS_pwritev, fd, parts, count, offset, 0L);
    if (counted)
        pthread_mutex_unlock(&shim_lock);
    return n;
}

PUBLIC ssize_t write(int fd, const void *bytes, size_t size)
{
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    return write_parts("write", fd, &part, 1, -1);
}

PUBLIC ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return write_parts("writev", fd, parts, count, -1);
}

PUBLIC ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    return write_parts("pwrite", fd, &part, 1, offset);
}

PUBLIC ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return write_parts("pwritev", fd, parts, count, offset);
}

static void step_peer(const char *name, int fd)
{
    pthread_mutex_lock(&shim_lock);
    if (is_peer(fd))
        step(name, "peer");
    pthread_mutex_unlock(&shim_lock);
}

PUBLIC ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    step_peer("send", fd);
    return syscall(SYS_sendto, fd, bytes, size, flags, NULL, 0);
}

PUBLIC ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
                      const struct sockaddr *address, socklen_t length)
{
    step_peer("sendto", fd);
    return syscall(SYS_sendto, fd, bytes, size, flags, address, length);
}

PUBLIC ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    step_peer("sendmsg", fd);
    return syscall(SYS_sendmsg, fd, message, flags);
}

/* --- open --------------------------------------------------------------------------------------
 */

static int open_below(int dirfd, const char *path, int flags, mode_t mode)
{
    char full[PATH_MAX];
    struct stat st;
    if ((flags & O_CREAT) == 0 || !path_below_root(dirfd, path, full))
        return (int)syscall(SYS_openat, dirfd, path, flags, mode);
    pthread_mutex_lock(&shim_lock);
    step("open", full);
    bool existed = lstat(full, &st) == 0;
    int fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    if (fd >= 0 && !existed && shim.loses)
        loss_created(full);
    pthread_mutex_unlock(&shim_lock);
    return fd;
}

static mode_t optional_mode(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

PUBLIC int openat(int dirfd, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = optional_mode(flags, arguments);
    va_end(arguments);
    return open_below(dirfd, path, flags, mode);
}

PUBLIC int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = optional_mode(flags, arguments);
    va_end(arguments);
    return open_below(AT_FDCWD, path, flags, mode);
}

PUBLIC int creat(const char *path, mode_t mode)
{
    return open_below(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* --- directories -------------------------------------------------------------------------------
 */

PUBLIC int renameat2(int from_dirfd, const char *from, int to_dirfd, const char *to,
                     unsigned int flags)
{
    char full_from[PATH_MAX], full_to[PATH_MAX];
    if (!path_below_root(from_dirfd, from, full_from) || !path_below_root(to_dirfd, to, full_to))
        return (int)syscall(SYS_renameat2, from_dirfd, from, to_dirfd, to, flags);
    pthread_mutex_lock(&shim_lock);
    step("rename", full_to);
    if (shim.loses)
        loss_will_rename(full_from, full_to);
    int r = (int)syscall(SYS_renameat2, from_dirfd, from, to_dirfd, to, flags);
    if (r != 0 && shim.loses)
        loss_cancel();
    pthread_mutex_unlock(&shim_lock);
    return r;
}

PUBLIC int renameat(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
    return renameat2(from_dirfd, from, to_dirfd, to, 0);
}

PUBLIC int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

PUBLIC int linkat(int from_dirfd, const char *from, int to_dirfd, const char *to, int flags)
{
    char full[PATH_MAX];
    if (!path_below_root(to_dirfd, to, full))
        return (int)syscall(SYS_linkat, from_dirfd, from, to_dirfd, to, flags);
    pthread_mutex_lock(&shim_lock);
    step("link", full);
    int r = (int)syscall(SYS_linkat, from_dirfd, from, to_dirfd, to, flags);
    if (r == 0 && shim.loses)
        loss_linked(full);
    pthread_mutex_unlock(&shim_lock);
    return r;
}

PUBLIC int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

PUBLIC int unlinkat(int dirfd, const char *path, int flags)
{
    char full[PATH_MAX];
    bool directory = (flags & AT_REMOVEDIR) != 0;
    if (!path_below_root(dirfd, path, full))
        return (int)syscall(SYS_unlinkat, dirfd, path, flags);
    pthread_mutex_lock(&shim_lock);
    step(directory ? "rmdir" : "unlink", full);
    if (shim.loses && directory)
        loss_will_remove_directory(full);
    else if (shim.loses)
        loss_will_unlink(full);
    int r = (int)syscall(SYS_unlinkat, dirfd, path, flags);
    if (r != 0 && shim.loses)
        loss_cancel();
    pthread_mutex_unlock(&shim_lock);
    return r;
}

PUBLIC int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

PUBLIC int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

PUBLIC int mkdirat(int dirfd, const char *path, mode_t mode)
{
    char full[PATH_MAX];
    if (!path_below_root(dirfd, path, full))
        return (int)syscall(SYS_mkdirat, dirfd, path, mode);
    pthread_mutex_lock(&shim_lock);
    step("mkdir", full);
    int r = (int)syscall(SYS_mkdirat, dirfd, path, mode);
    if (r == 0 && shim.loses)
        loss_made_directory(full);
    pthread_mutex_unlock(&shim_lock);
    return r;
}

PUBLIC int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* --- sizes, times and syncs --------------------------------------------------------------------
 */

PUBLIC int ftruncate(int fd, off_t size)
{
    char path[PATH_MAX];
    if (!descriptor_below_root(fd, path))
        return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&shim_lock);
    step("ftruncate", path);
    if (shim.loses)
        loss_will_truncate(fd, path, size);
    int r = (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_unlock(&shim_lock);
    return r;
}

PUBLIC int utimensat(int dirfd, const char *path, const struct timespec times[2], int flags)
{
    char full[PATH_MAX];
    pthread_mutex_lock(&shim_lock);
    if (path_below_root(dirfd, path, full))
        step("utimensat", full);
    pthread_mutex_unlock(&shim_lock);
    return (int)syscall(SYS_utimensat, dirfd, path, times, flags);
}

PUBLIC int futimens(int fd, const struct timespec times[2])
{
    char path[PATH_MAX];
    pthread_mutex_lock(&shim_lock);
    if (descriptor_below_root(fd, path))
        step("futimens", path);
    pthread_mutex_unlock(&shim_lock);
    return (int)syscall(SYS_utimensat, fd, NULL, times, 0);
}

/* A sync of a file below the root, or of all: counted, known to the model, not done. */
static int sync_below(const char *name, int fd, long call)
{
    char path[PATH_MAX];
    if (!descriptor_below_root(fd, path))
        return (int)syscall(call, fd);
    pthread_mutex_lock(&shim_lock);
    step(name, path);
    if (shim.loses && call == SYS_syncfs)
        loss_synced_all();
    else if (shim.loses)
        loss_synced(fd, path);
    pthread_mutex_unlock(&shim_lock);
    return 0;
}

PUBLIC int fsync(int fd)
{
    return sync_below("fsync", fd, SYS_fsync);
}

PUBLIC int fdatasync(int fd)
{
    return sync_below("fdatasync", fd, SYS_fdatasync);
}

PUBLIC int syncfs(int fd)
{
    return sync_below("syncfs", fd, SYS_syncfs);
}

/* --- clocks ------------------------------------------------------------------------------------
 */

PUBLIC int clock_gettime(clockid_t clock, struct timespec *now)
{
    int r = (int)syscall(SYS_clock_gettime, clock, now);
    bool of_process = clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
    if (r == 0 && !of_process)
        now->tv_sec += shim.clock_offset_s;
    return r;
}

PUBLIC time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

PUBLIC int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

/* --- other names of the same -------------------------------------------------------------------
 */

#ifdef __GLIBC__
PUBLIC ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
    return pwrite(fd, bytes, size, offset);
}

PUBLIC ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
    return pwritev(fd, parts, count, offset);
}

PUBLIC int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = optional_mode(flags, arguments);
    va_end(arguments);
    return open_below(AT_FDCWD, path, flags, mode);
}

PUBLIC int openat64(int dirfd, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = optional_mode(flags, arguments);
    va_end(arguments);
    return open_below(dirfd, path, flags, mode);
}

PUBLIC int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}
#endif
