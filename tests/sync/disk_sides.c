#include "base/files.h"
#include "sync/engine.h"
#include "sync/words.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static void ok(int result, const struct error *err)
{
    if (result < 0)
        fail_msg("%s", err->text);
}

static void add_file(struct engine *e, const char *path, struct words *out)
{
    struct error err = ERROR_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT((size_t)1 << 26);
    ok(file_read(AT_FDCWD, path, &bytes, &err), &err);
    vec_push(out, arena_printf(e->arena, "%s %zu %016llx\n", path, bytes.len,
                               (unsigned long long)str_hash(buf_str(&bytes))));
}

static void add_tree(struct engine *e, const char *path, struct words *out)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    if (dir == NULL) {
        return;
    }
    vec_push(out, arena_printf(e->arena, "%s/\n", path));
    while ((entry = readdir(dir)) != NULL) {
        const char *below = arena_printf(e->arena, "%s/%s", path, entry->d_name);
        struct stat found;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strstr(entry->d_name, "lock") != NULL || lstat(below, &found) != 0) {
            continue;
        }
        if (S_ISDIR(found.st_mode)) {
            add_tree(e, below, out);
        } else {
            add_file(e, below, out);
        }
    }
    (void)closedir(dir);
}

const char *disk_view(struct engine *e)
{
    AUTO_BUF struct buf out = BUF_INIT((size_t)1 << 24);
    struct words files = {0};
    add_tree(e, e->dir, &files);
    words_sort(&files);
    for (size_t i = 0; i < files.len; i++) {
        buf_addf(&out, "%s", files.items[i]);
    }
    vec_free(&files);
    return arena_str(e->arena, buf_str(&out)).ptr;
}

static void copy_file(struct engine *e, const char *from, const char *to)
{
    struct error err = ERROR_INIT;
    AUTO_FD int fd = -1;
    AUTO_BUF struct buf bytes = BUF_INIT((size_t)1 << 26);
    ok(file_read(AT_FDCWD, from, &bytes, &err), &err);
    ok(file_open(AT_FDCWD, to, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, &err), &err);
    ok(file_write(fd, bytes.data, bytes.len, to, &err), &err);
}

static void copy_tree(struct engine *e, const char *from, const char *to)
{
    struct error err = ERROR_INIT;
    DIR *dir = opendir(from);
    const struct dirent *entry;
    assert_non_null(dir);
    ok(file_mkdir(AT_FDCWD, to, 0700, &err), &err);
    while ((entry = readdir(dir)) != NULL) {
        const char *source = arena_printf(e->arena, "%s/%s", from, entry->d_name);
        const char *target = arena_printf(e->arena, "%s/%s", to, entry->d_name);
        struct stat found;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        assert_int_equal(lstat(source, &found), 0);
        if (S_ISDIR(found.st_mode)) {
            copy_tree(e, source, target);
        } else {
            copy_file(e, source, target);
        }
    }
    (void)closedir(dir);
}

void disk_copy(struct engine *e, const char *from, const char *to)
{
    copy_tree(e, arena_printf(e->arena, "%s/%s", e->dir, from),
              arena_printf(e->arena, "%s/%s", e->dir, to));
}

void disk_put_back(struct engine *e, const char *copy, const char *to)
{
    const char *place = arena_printf(e->arena, "%s/%s", e->dir, to);
    const char *aside = arena_printf(e->arena, "%s/newer", e->dir);
    assert_int_equal(rename(place, aside), 0);
    assert_int_equal(rename(arena_printf(e->arena, "%s/%s", e->dir, copy), place), 0);
}
