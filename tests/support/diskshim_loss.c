#include "support/diskshim_loss.h"
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum op_kind { OP_CREATE, OP_LINK, OP_UNLINK, OP_RENAME, OP_MKDIR, OP_RMDIR };

/* A change of a directory. */
struct op {
    enum op_kind kind;
    bool durable;
    bool stashed; /* what it removed is kept in the stash under its number */
    char *path;
    char *to; /* OP_RENAME */
    ino_t inode;
};

/* Bytes that an LMDB file held before a write. */
struct old_bytes {
    off_t offset;
    size_t size;
    char *bytes;
};

/* A file with bytes not yet synced. */
struct dirty_file {
    dev_t device;
    ino_t inode;
    int fd; /* our own */
    bool is_mdb;
    off_t synced_size;
    struct old_bytes *old;
    size_t old_count;
};

static struct op *ops;
static size_t op_count;
static struct dirty_file *files;
static size_t file_count;
static const char *stash;
static uint64_t random_state;

/* The calls below go past the shim, which would otherwise count them. */
static int raw_unlink(const char *path)
{
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static int raw_rename(const char *from, const char *to)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int raw_link(const char *from, const char *to)
{
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void raw_write(int fd, const char *bytes, size_t size, off_t offset)
{
    while (size > 0) {
        long n = syscall(SYS_pwrite64, fd, bytes, size, offset);
        if (n <= 0)
            return;
        bytes += n;
        offset += n;
        size -= (size_t)n;
    }
}

/* splitmix64: repeatable from the seed. */
static uint64_t random_next(void)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void *grown(void *items, size_t count, size_t size)
{
    void *bigger = realloc(items, (count + 1) * size);
    if (bigger == NULL)
        abort();
    return bigger;
}

static void stash_path(size_t number, char *out, size_t size)
{
    snprintf(out, size, "%s/%zu", stash, number);
}

static ino_t inode_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static bool is_directory(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static struct op *add_op(enum op_kind kind, const char *path)
{
    ops = grown(ops, op_count, sizeof *ops);
    ops[op_count] = (struct op){.kind = kind, .path = strdup(path), .inode = inode_of(path)};
    return &ops[op_count++];
}

/* Keep what `path` names, which the last op is about to remove. */
static void stash_victim(struct op *op, const char *path)
{
    char kept[PATH_MAX];
    stash_path(op_count - 1, kept, sizeof kept);
    raw_unlink(kept);
    op->stashed = raw_link(path, kept) == 0;
}

static void drop_op(size_t i)
{
    char kept[PATH_MAX];
    stash_path(i, kept, sizeof kept);
    if (ops[i].stashed)
        raw_unlink(kept);
    free(ops[i].path);
    free(ops[i].to);
}

void loss_start(const char *stash_folder, uint64_t seed)
{
    stash = stash_folder;
    random_state = seed;
}

void loss_created(const char *path)
{
    add_op(OP_CREATE, path);
}

void loss_linked(const char *path)
{
    add_op(OP_LINK, path);
}

void loss_made_directory(const char *path)
{
    add_op(OP_MKDIR, path);
}

void loss_will_unlink(const char *path)
{
    stash_victim(add_op(OP_UNLINK, path), path);
}

void loss_will_remove_directory(const char *path)
{
    add_op(OP_RMDIR, path);
}

void loss_will_rename(const char *from, const char *to)
{
    if (is_directory(from))
        loss_synced_all();
    struct op *op = add_op(OP_RENAME, from);
    op->to = strdup(to);
    op->durable = is_directory(from);
    if (inode_of(to) != 0 && inode_of(to) != op->inode)
        stash_victim(op, to);
}

void loss_cancel(void)
{
    drop_op(--op_count);
}

static struct dirty_file *find_file(const struct stat *st)
{
    for (size_t i = 0; i < file_count; i++) {
        if (files[i].inode == st->st_ino && files[i].device == st->st_dev)
            return &files[i];
    }
    return NULL;
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t length = strlen(path), end = strlen(suffix);
    return length >= end && strcmp(path + length - end, suffix) == 0;
}

/* Our own descriptor, with which the file can be read too. */
static int reopen(int fd)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return (int)syscall(SYS_openat, AT_FDCWD, link, O_RDWR | O_CLOEXEC);
}

static struct dirty_file *dirty_file(int fd, const char *path)
{
    struct stat st;
    /* Closing our descriptor of a lock file would give up the program's fcntl locks on it. */
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || has_suffix(path, "lock"))
        return NULL;
    struct dirty_file *file = find_file(&st);
    if (file != NULL)
        return file;
    files = grown(files, file_count, sizeof *files);
    files[file_count] = (struct dirty_file){.device = st.st_dev,
                                            .inode = st.st_ino,
                                            .fd = reopen(fd),
                                            .is_mdb = has_suffix(path, ".mdb"),
                                            .synced_size = st.st_size};
    return &files[file_count++];
}

static void forget_file(size_t i)
{
    for (size_t k = 0; k < files[i].old_count; k++)
        free(files[i].old[k].bytes);
    free(files[i].old);
    if (files[i].fd >= 0)
        close(files[i].fd);
    files[i] = files[--file_count];
}

static void remember_old_bytes(struct dirty_file *file, int fd, off_t offset, size_t size)
{
    if (offset < 0)
        offset = lseek(fd, 0, SEEK_CUR);
    char *bytes = malloc(size + 1);
    ssize_t n = bytes == NULL ? -1 : pread(file->fd, bytes, size, offset);
    if (n < 0)
        abort();
    file->old = grown(file->old, file->old_count, sizeof *file->old);
    file->old[file->old_count++] = (struct old_bytes){offset, (size_t)n, bytes};
}

void loss_will_write(int fd, const char *path, off_t offset, size_t size)
{
    if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0)
        return;
    struct dirty_file *file = dirty_file(fd, path);
    if (file != NULL && file->is_mdb)
        remember_old_bytes(file, fd, offset, size);
}

void loss_will_truncate(int fd, const char *path, off_t size)
{
    struct dirty_file *file = dirty_file(fd, path);
    if (file != NULL && file->synced_size > size)
        file->synced_size = size;
}

static void parent_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(out, size, "%.*s", (int)(slash == NULL ? 0 : slash - path), path);
}

static const char *final_path(const struct op *op)
{
    return op->kind == OP_RENAME ? op->to : op->path;
}

void loss_synced(int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return;
    struct dirty_file *file = find_file(&st);
    if (file != NULL)
        forget_file((size_t)(file - files));
    if (!S_ISDIR(st.st_mode))
        return;
    for (size_t i = 0; i < op_count; i++) {
        char from[PATH_MAX], to[PATH_MAX];
        parent_of(ops[i].path, from, sizeof from);
        parent_of(final_path(&ops[i]), to, sizeof to);
        if (strcmp(from, path) == 0 || strcmp(to, path) == 0)
            ops[i].durable = true;
    }
}

void loss_synced_all(void)
{
    while (file_count > 0)
        forget_file(file_count - 1);
    for (size_t i = 0; i < op_count; i++)
        drop_op(i);
    op_count = 0;
}

/* Whether a kept later op needs this one: it touches the same name or file, or lies in what this
 * made. */
static bool needed_by(const struct op *op, const struct op *later)
{
    char parent[PATH_MAX], from_parent[PATH_MAX];
    parent_of(final_path(later), parent, sizeof parent);
    parent_of(later->path, from_parent, sizeof from_parent);
    if (op->inode == later->inode && op->inode != 0)
        return true;
    const char *mine[] = {op->path, final_path(op)};
    const char *theirs[] = {later->path, final_path(later), parent, from_parent};
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) {
        for (size_t k = 0; k < sizeof theirs / sizeof *theirs; k++) {
            if (strcmp(mine[i], theirs[k]) == 0)
                return true;
        }
    }
    return false;
}

static void undo_op(size_t i)
{
    const struct op *op = &ops[i];
    char kept[PATH_MAX];
    stash_path(i, kept, sizeof kept);
    switch (op->kind) {
    case OP_CREATE:
    case OP_LINK:
        raw_unlink(op->path);
        break;
    case OP_UNLINK:
        raw_link(kept, op->path);
        break;
    case OP_RENAME:
        raw_rename(op->to, op->path);
        if (op->stashed)
            raw_link(kept, op->to);
        break;
    case OP_MKDIR:
        syscall(SYS_unlinkat, AT_FDCWD, op->path, AT_REMOVEDIR);
        break;
    case OP_RMDIR:
        syscall(SYS_mkdirat, AT_FDCWD, op->path, 0700);
        break;
    }
}

/* From the last to the first, so that what a kept change needs is known when its turn comes. */
static void lose_ops(void)
{
    bool *kept = malloc(op_count + 1);
    if (kept == NULL)
        abort();
    for (size_t i = op_count; i-- > 0;) {
        kept[i] = ops[i].durable || random_next() % 2 == 0;
        for (size_t later = i + 1; !kept[i] && later < op_count; later++)
            kept[i] = kept[later] && needed_by(&ops[i], &ops[later]);
        if (!kept[i])
            undo_op(i);
    }
    free(kept);
}

static void lose_bytes(struct dirty_file *file)
{
    struct stat st;
    if (fstat(file->fd, &st) != 0 || st.st_size <= file->synced_size)
        return;
    size_t unsynced = (size_t)(st.st_size - file->synced_size);
    size_t kept = random_next() % (unsynced + 1);
    off_t end = file->synced_size + (off_t)kept;
    char *zeros = calloc(1, unsynced - kept + 1);
    switch (random_next() % 4) {
    case 0:
        break;
    case 1:
        syscall(SYS_ftruncate, file->fd, file->synced_size);
        break;
    case 2:
        syscall(SYS_ftruncate, file->fd, end);
        break;
    default:
        if (zeros != NULL)
            raw_write(file->fd, zeros, unsynced - kept, end);
        break;
    }
    free(zeros);
}

static void lose_mdb(struct dirty_file *file)
{
    if (random_next() % 2 == 0)
        return;
    for (size_t i = file->old_count; i-- > 0;)
        raw_write(file->fd, file->old[i].bytes, file->old[i].size, file->old[i].offset);
    syscall(SYS_ftruncate, file->fd, file->synced_size);
}

void loss_apply(void)
{
    for (size_t i = 0; i < file_count; i++) {
        if (files[i].is_mdb)
            lose_mdb(&files[i]);
        else
            lose_bytes(&files[i]);
    }
    lose_ops();
}
