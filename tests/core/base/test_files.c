#include "base/alloc.h"
#include "base/files.h"
#include "core/base/scratch.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

/* The tests work inside a directory of their own. */
static int enter(void **state)
{
    char *path = scratch_new();
    *state = path;
    return chdir(path);
}

static int leave(void **state)
{
    char *path = *state;
    int rc = chdir("/");
    scratch_free(&path);
    return rc;
}

static void put(const char *path, const char *text)
{
    struct error err = ERROR_INIT;
    int fd;
    assert_int_equal(file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, &err), 0);
    assert_int_equal(file_write(fd, text, strlen(text), path, &err), 0);
    assert_int_equal(file_sync(fd, path, &err), 0);
    file_close(&fd);
    assert_int_equal(fd, -1);
}

static void assert_holds(const char *path, const char *text)
{
    AUTO_BUF struct buf data = BUF_INIT(10000);
    struct error err = ERROR_INIT;
    assert_int_equal(file_read(AT_FDCWD, path, &data, &err), 0);
    assert_true(str_eq(buf_str(&data), str_from(text)));
}

static void open_tells_what_is_wrong(void **state)
{
    put("there", "x");
    assert_int_equal(symlink("there", "link"), 0);
    static const struct {
        const char *path;
        int flags;
        int rc;
        const char *text;
    } cases[] = {
        {"none", O_RDONLY, -ERR_NOT_FOUND, "cannot open none: No such file or directory"},
        {"there", O_WRONLY | O_CREAT | O_EXCL, -ERR_EXISTS, "cannot open there: File exists"},
        {"link", O_RDONLY, -ERR_READ, "cannot open link: Too many levels of symbolic links"},
        {"link", O_WRONLY, -ERR_WRITE, "cannot open link: Too many levels of symbolic links"},
        {"there/x", O_RDONLY, -ERR_READ, "cannot open there/x: Not a directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        int fd = -1;
        assert_int_equal(file_open(AT_FDCWD, cases[i].path, cases[i].flags, 0600, &fd, &err),
                         cases[i].rc);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(err.scope, SCOPE_MESSAGE);
        assert_int_equal(fd, -1);
    }
}

static void descriptors_are_not_inherited(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FD int fd = -1;
    assert_int_equal(file_open(AT_FDCWD, ".", O_RDONLY, 0, &fd, &err), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void read_follows_links_and_keeps_to_the_maximum(void **state)
{
    put("five", "12345");
    assert_int_equal(symlink("five", "link"), 0);
    assert_holds("link", "12345");
    AUTO_BUF struct buf exact = BUF_INIT(5);
    AUTO_BUF struct buf small = BUF_INIT(4);
    struct error err = ERROR_INIT;
    assert_int_equal(file_read(AT_FDCWD, "five", &exact, &err), 0);
    assert_int_equal(file_read(AT_FDCWD, "five", &small, &err), -ERR_READ);
    assert_string_equal(err.text, "cannot read five: larger than 4 bytes");
    assert_int_equal(file_read(AT_FDCWD, ".", &exact, &err), -ERR_READ);
    assert_int_equal(file_read(AT_FDCWD, "none", &exact, &err), -ERR_NOT_FOUND);
}

static void a_full_disk_is_the_accounts_trouble(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FD int fd = -1;
    assert_int_equal(file_open(AT_FDCWD, "/dev/full", O_WRONLY, 0, &fd, &err), 0);
    assert_int_equal(file_write(fd, "x", 1, "/dev/full", &err), -ERR_WRITE);
    assert_int_equal(err.scope, SCOPE_ACCOUNT);
    assert_int_equal(err.os_errno, ENOSPC);
}

static void replace_is_whole_and_leaves_nothing_behind(void **state)
{
    struct error err = ERROR_INIT;
    assert_int_equal(file_replace("conf", STR("one"), 0640, &err), 0);
    assert_holds("conf", "one");
    /* What an interrupted run left. */
    put("conf.new", "garbage that is longer");
    assert_int_equal(file_replace("conf", STR("two"), 0600, &err), 0);
    assert_holds("conf", "two");
    struct stat found;
    assert_int_equal(stat("conf", &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_int_equal(access("conf.new", F_OK), -1);
    assert_int_equal(file_replace("missing/conf", STR("x"), 0600, &err), -ERR_NOT_FOUND);
}

static void rename_new_never_overwrites(void **state)
{
    struct error err = ERROR_INIT;
    put("a", "A");
    put("b", "B");
    assert_int_equal(file_rename_new(AT_FDCWD, "a", AT_FDCWD, "b", &err), -ERR_EXISTS);
    assert_holds("a", "A");
    assert_holds("b", "B");
    assert_int_equal(file_rename_new(AT_FDCWD, "a", AT_FDCWD, "c", &err), 0);
    assert_holds("c", "A");
    assert_int_equal(file_rename_new(AT_FDCWD, "a", AT_FDCWD, "d", &err), -ERR_NOT_FOUND);
    assert_string_equal(err.text, "cannot rename a to d: No such file or directory");
    assert_int_equal(file_rename(AT_FDCWD, "c", AT_FDCWD, "b", &err), 0);
    assert_holds("b", "A");
}

/* Law 8: the source is "gone" only if it is gone. */
static void law8_a_missing_target_directory_is_no_missing_source(void **state)
{
    struct error err = ERROR_INIT;
    put("a", "A");
    assert_int_equal(file_rename_new(AT_FDCWD, "a", AT_FDCWD, "none/a", &err), -ERR_WRITE);
    assert_int_equal(file_rename(AT_FDCWD, "a", AT_FDCWD, "none/a", &err), -ERR_WRITE);
    assert_holds("a", "A");
}

static void unlink_tells_that_it_is_gone(void **state)
{
    struct error err = ERROR_INIT;
    put("a", "A");
    assert_int_equal(file_unlink(AT_FDCWD, "a", &err), 0);
    assert_int_equal(file_unlink(AT_FDCWD, "a", &err), -ERR_NOT_FOUND);
}

static void mkdir_is_content_with_a_directory(void **state)
{
    struct error err = ERROR_INIT;
    assert_int_equal(file_mkdir(AT_FDCWD, "d", 0700, &err), 0);
    assert_int_equal(file_mkdir(AT_FDCWD, "d", 0700, &err), 0);
    assert_int_equal(symlink("d", "link"), 0);
    assert_int_equal(file_mkdir(AT_FDCWD, "link", 0700, &err), 0);
    put("file", "x");
    assert_int_equal(file_mkdir(AT_FDCWD, "file", 0700, &err), -ERR_EXISTS);
    assert_int_equal(file_mkdir(AT_FDCWD, "none/d", 0700, &err), -ERR_NOT_FOUND);
}

static void mkdir_all_makes_the_whole_path(void **state)
{
    struct error err = ERROR_INIT;
    assert_int_equal(file_mkdir_all("a/b//c/", 0700, &err), 0);
    assert_int_equal(file_mkdir_all("a/b/c", 0700, &err), 0);
    AUTO_FREE char *absolute = path_join(*state, "x/y");
    assert_int_equal(file_mkdir_all(absolute, 0700, &err), 0);
    struct stat found;
    assert_int_equal(stat("a/b/c", &found), 0);
    assert_true(S_ISDIR(found.st_mode));
    assert_int_equal(stat("x/y", &found), 0);
    assert_int_equal(file_mkdir_all("/", 0700, &err), 0);
    put("a/file", "x");
    assert_int_equal(file_mkdir_all("a/file/sub", 0700, &err), -ERR_EXISTS);
}

static void syncs_work_on_directories(void **state)
{
    struct error err = ERROR_INIT;
    AUTO_FD int fd = -1;
    assert_int_equal(file_sync_dir(AT_FDCWD, ".", &err), 0);
    assert_int_equal(symlink(".", "link"), 0);
    assert_int_equal(file_sync_dir(AT_FDCWD, "link", &err), 0);
    assert_int_equal(file_sync_dir(AT_FDCWD, "none", &err), -ERR_NOT_FOUND);
    assert_int_equal(file_open(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0, &fd, &err), 0);
    assert_int_equal(file_sync_fs(fd, ".", &err), 0);
}

static void times_are_set_to_the_nanosecond(void **state)
{
    static const struct {
        int64_t ns;
        long seconds;
        long rest;
    } cases[] = {{0, 0, 0}, {1234567890123456789, 1234567890, 123456789}, {-1, -1, 999999999}};
    put("f", "x");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        AUTO_FD int fd = -1;
        struct stat found;
        assert_int_equal(file_open(AT_FDCWD, "f", O_RDWR, 0, &fd, &err), 0);
        assert_int_equal(file_set_times(fd, cases[i].ns, "f", &err), 0);
        assert_int_equal(fstat(fd, &found), 0);
        assert_int_equal(found.st_mtim.tv_sec, cases[i].seconds);
        assert_int_equal(found.st_mtim.tv_nsec, cases[i].rest);
    }
}

static void join_puts_one_slash(void **state)
{
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_FREE char *path = path_join(cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
    }
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(open_tells_what_is_wrong),
        IN_SCRATCH(descriptors_are_not_inherited),
        IN_SCRATCH(read_follows_links_and_keeps_to_the_maximum),
        IN_SCRATCH(a_full_disk_is_the_accounts_trouble),
        IN_SCRATCH(replace_is_whole_and_leaves_nothing_behind),
        IN_SCRATCH(rename_new_never_overwrites),
        IN_SCRATCH(law8_a_missing_target_directory_is_no_missing_source),
        IN_SCRATCH(unlink_tells_that_it_is_gone),
        IN_SCRATCH(mkdir_is_content_with_a_directory),
        IN_SCRATCH(mkdir_all_makes_the_whole_path),
        IN_SCRATCH(syncs_work_on_directories),
        IN_SCRATCH(times_are_set_to_the_nanosecond),
        cmocka_unit_test(join_puts_one_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
