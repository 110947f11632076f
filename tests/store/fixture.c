#include "base/alloc.h"
#include "base/files.h"
#include "store/fixture.h"
#include "core/base/scratch.h"
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

int fixture_enter(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->dir = scratch_new();
    f->root = path_join(f->dir, "mail");
    f->state = path_join(f->dir, "state");
    f->arena = arena_new();
    fixture_layout(f, MAILDIR_NESTED, NULL, NULL);
    ok(f, maildir_create_root(f->md, &f->err));
    *state = f;
    return 0;
}

int fixture_leave(void **state)
{
    struct fixture *f = *state;
    maildir_free(&f->md);
    arena_free(&f->arena);
    scratch_free(&f->dir);
    xfree(&f->root);
    xfree(&f->state);
    xfree(&f);
    return 0;
}

void fixture_layout(struct fixture *f, enum maildir_layout layout, const char *separator,
                    const char *inbox)
{
    maildir_free(&f->md);
    struct maildir_options options = {
        .root = f->root,
        .layout = layout,
        .separator = separator == NULL ? "." : separator,
        .info_separator = ':',
        .inbox = inbox == NULL ? "INBOX" : inbox,
        .host = "test.example",
    };
    f->md = maildir_new(&options);
}

void ok(struct fixture *f, int rc)
{
    if (rc < 0) {
        fail_msg("unexpected error: %s", f->err.text);
    }
}

void fails(struct fixture *f, int rc, enum error_code code)
{
    assert_int_equal(rc, -(int)code);
    assert_int_equal(f->err.code, code);
    assert_true(f->err.text[0] != '\0');
    error_clear(&f->err);
}

void put_file(const struct fixture *f, const char *path, struct str bytes)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *full = path_join(f->dir, path);
    AUTO_FD int fd = -1;
    assert_int_equal(file_open(AT_FDCWD, full, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, &err), 0);
    assert_int_equal(file_write(fd, bytes.ptr, bytes.len, full, &err), 0);
}

bool file_exists(const struct fixture *f, const char *path)
{
    AUTO_FREE char *full = path_join(f->dir, path);
    struct stat found;
    return lstat(full, &found) == 0;
}

void assert_file(const struct fixture *f, const char *path, struct str bytes)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *full = path_join(f->dir, path);
    AUTO_BUF struct buf data = BUF_INIT((size_t)64 << 20);
    if (file_read(AT_FDCWD, full, &data, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(data.len, bytes.len);
    assert_true(str_eq(buf_str(&data), bytes));
}

size_t count_files(const struct fixture *f, const char *path)
{
    AUTO_FREE char *full = path_join(f->dir, path);
    DIR *dir = opendir(full);
    assert_non_null(dir);
    size_t count = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(dir);
    return count;
}

void set_age(const struct fixture *f, const char *path, int seconds)
{
    AUTO_FREE char *full = path_join(f->dir, path);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec -= seconds;
    struct timespec both[2] = {now, now};
    assert_int_equal(utimensat(AT_FDCWD, full, both, 0), 0);
}

struct str repeated(struct fixture *f, const char *piece, size_t count)
{
    size_t len = strlen(piece);
    char *out = arena_alloc(f->arena, len * count + 1);
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * len, piece, len);
    }
    return str_make(out, len * count);
}

/* Numerical Recipes' multiplier; the upper half is good enough for tests. */
uint32_t random_below(struct random *r, uint32_t end)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(r->state >> 33) % end;
}
