#include "store/maildir_keywords.h"

#include "base/files.h"
#include "store/maildir_private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "dovecot-keywords"
#define LOCK_NAME FILE_NAME ".lock"
/* A lock that stands for longer was left behind: Dovecot's own patience. */
#define LOCK_STALE_S 120
#define FILE_BYTES_MAX (64 * 1024)

static void parse(struct str text, struct arena *arena, struct maildir_keywords *out)
{
    struct str line;
    struct str number;
    uint32_t letter;
    *out = (struct maildir_keywords){0};
    while (str_split(&text, '\n', &line)) {
        if (!str_split(&line, ' ', &number) || !str_to_u32(number, &letter) ||
            letter >= MAILDIR_KEYWORDS || line.len == 0)
            continue;
        out->names[letter] = arena_str(arena, line);
    }
}

static int read_at(int dir, struct arena *arena, struct maildir_keywords *out, struct error *err)
{
    AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
    *out = (struct maildir_keywords){0};
    int rc = file_read(dir, FILE_NAME, &text, err);
    if (rc == -ERR_NOT_FOUND) {
        error_clear(err);
        return 0;
    }
    if (rc == 0) {
        parse(buf_str(&text), arena, out);
    }
    return rc;
}

int maildir_keywords_read(const struct maildir *md, const char *path, struct arena *arena,
                          struct maildir_keywords *out, struct error *err)
{
    AUTO_FD int dir = -1;
    *out = (struct maildir_keywords){0};
    int rc = maildir_open_path(md, path, &dir, err);
    rc = rc < 0 ? rc : read_at(dir, arena, out, err);
    return rc < 0 ? error_widen(err, SCOPE_MAILBOX) : 0;
}

/* ---- adding ---- */

static bool is_stale(int dir)
{
    struct stat found;
    return fstatat(dir, LOCK_NAME, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           time(NULL) - found.st_mtime > LOCK_STALE_S;
}

static int take_lock(int dir, int *fd_out, struct error *err)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL;
    int rc = file_open(dir, LOCK_NAME, flags, 0600, fd_out, err);
    if (rc == -ERR_EXISTS && is_stale(dir)) {
        error_clear(err);
        (void)unlinkat(dir, LOCK_NAME, 0);
        rc = file_open(dir, LOCK_NAME, flags, 0600, fd_out, err);
    }
    if (rc == -ERR_EXISTS) {
        return error_set(err, ERR_LOCKED, SCOPE_MAILBOX, "another program writes %s", FILE_NAME);
    }
    return rc;
}

static bool has_name(const struct maildir_keywords *table, struct str name)
{
    for (size_t i = 0; i < MAILDIR_KEYWORDS; i++) {
        if (str_eq_nocase(table->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Whether a letter was given. */
static bool give_letter(struct maildir_keywords *table, struct str name, uint32_t avoid,
                        struct arena *arena)
{
    if (name.len == 0 || has_name(table, name)) {
        return false;
    }
    for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++) {
        if (table->names[i].len == 0 && (avoid & (1u << i)) == 0) {
            table->names[i] = arena_str(arena, name);
            return true;
        }
    }
    return false;
}

/* What is written stands in the lock until it takes the file's place, as Dovecot does it. */
static int write_table(int dir, int fd, const struct maildir_keywords *table, struct error *err)
{
    AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
    for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++) {
        if (table->names[i].len > 0) {
            buf_addf(&text, "%u %.*s\n", i, STR_ARG(table->names[i]));
        }
    }
    int rc = file_write(fd, text.data, text.len, LOCK_NAME, err);
    rc = rc < 0 ? rc : file_sync(fd, LOCK_NAME, err);
    rc = rc < 0 ? rc : file_rename(dir, LOCK_NAME, dir, FILE_NAME, err);
    return rc < 0 ? rc : file_sync_dir(dir, ".", err);
}

static int add_locked(int dir, int fd, const struct str *names, size_t len, uint32_t avoid,
                      struct arena *arena, struct maildir_keywords *out, bool *written_out,
                      struct error *err)
{
    int rc = read_at(dir, arena, out, err);
    for (size_t i = 0; rc == 0 && i < len; i++) {
        *written_out = give_letter(out, names[i], avoid, arena) || *written_out;
    }
    return rc < 0 || !*written_out ? rc : write_table(dir, fd, out, err);
}

int maildir_keywords_add(const struct maildir *md, const char *path, const struct str *names,
                         size_t len, uint32_t avoid, struct arena *arena,
                         struct maildir_keywords *out, struct error *err)
{
    AUTO_FD int dir = -1;
    AUTO_FD int lock = -1;
    bool written = false;
    *out = (struct maildir_keywords){0};
    int rc = maildir_open_path(md, path, &dir, err);
    rc = rc < 0 ? rc : take_lock(dir, &lock, err);
    if (rc < 0) {
        return error_widen(err, SCOPE_MAILBOX);
    }
    rc = add_locked(dir, lock, names, len, avoid, arena, out, &written, err);
    if (rc < 0 || !written) {
        (void)unlinkat(dir, LOCK_NAME, 0);
    }
    return rc < 0 ? error_widen(err, SCOPE_MAILBOX) : 0;
}

int maildir_keywords_sync(const struct maildir *md, const char *path, struct error *err)
{
    AUTO_FD int dir = -1;
    int rc = maildir_open_path(md, path, &dir, err);
    rc = rc < 0 ? rc : file_sync_dir(dir, ".", err);
    return rc < 0 ? error_widen(err, SCOPE_MAILBOX) : 0;
}
