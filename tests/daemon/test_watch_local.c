#include "daemon/watch_local.h"

#include "base/alloc.h"
#include "base/files.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char *root;
    struct watch_local *watch;
    unsigned told;
    int tree; /* its address stands for the account */
};

static void on_change(void *self, void *tree, unsigned changes)
{
    struct fixture *f = self;
    assert_ptr_equal(tree, &f->tree);
    f->told |= changes;
}

static char *at(const struct fixture *f, const char *name)
{
    return path_join(f->root, name);
}

static void make_dir(const struct fixture *f, const char *name)
{
    AUTO_FREE char *path = at(f, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void make_folder(const struct fixture *f, const char *name)
{
    static const char *const parts[] = {"", "/cur", "/new", "/tmp"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s%s", name, parts[i]);
        make_dir(f, path);
    }
}

static void make_file(const struct fixture *f, const char *name)
{
    AUTO_FREE char *path = at(f, name);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
}

static void move(const struct fixture *f, const char *from, const char *to)
{
    AUTO_FREE char *old = at(f, from);
    AUTO_FREE char *new = at(f, to);
    assert_int_equal(rename(old, new), 0);
}

static void remove_it(const struct fixture *f, const char *name)
{
    AUTO_FREE char *path = at(f, name);
    assert_int_equal(remove(path), 0);
}

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *walk)
{
    return remove(path);
}

static void remove_tree(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static unsigned told(struct fixture *f)
{
    f->told = 0;
    watch_local_work(f->watch);
    return f->told;
}

static int add(struct fixture *f)
{
    struct error err = ERROR_INIT;
    return watch_local_add(f->watch, &f->tree, f->root, NULL, &err);
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error err = ERROR_INIT;
    const struct local_sink sink = {.changed = on_change, .self = f};
    f->root = path_join(path_temporary(), "maildird-watch-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    make_folder(f, "INBOX");
    make_folder(f, "Lists");
    assert_int_equal(watch_local_new(&sink, &f->watch, &err), 0);
    assert_int_equal(add(f), 0);
    assert_int_equal(told(f), LOCAL_NOTHING);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    watch_local_free(&f->watch);
    remove_tree(f->root);
    xfree(&f->root);
    xfree(&f);
    return 0;
}

static void what_happens_to_files(void **state)
{
    struct fixture *f = *state;
    make_file(f, "INBOX/tmp/a");
    assert_int_equal(told(f), LOCAL_NOTHING);
    move(f, "INBOX/tmp/a", "INBOX/new/a");
    assert_int_equal(told(f), LOCAL_CHANGED);
    move(f, "INBOX/new/a", "INBOX/cur/a:2,S");
    assert_int_equal(told(f), LOCAL_CHANGED);
    move(f, "INBOX/cur/a:2,S", "Lists/cur/a:2,S");
    assert_int_equal(told(f), LOCAL_CHANGED);
    remove_it(f, "Lists/cur/a:2,S");
    assert_int_equal(told(f), LOCAL_DELETED);
    make_file(f, "INBOX/cur/.hidden");
    assert_int_equal(told(f), LOCAL_NOTHING);
}

static void moved_out_of_sight_is_deleted(void **state)
{
    struct fixture *f = *state;
    make_file(f, "INBOX/cur/a");
    (void)told(f);
    move(f, "INBOX/cur/a", "INBOX/tmp/a");
    assert_int_equal(told(f), LOCAL_DELETED);
}

/* law 8: what others do to a file of ours is seen, our own delivery is not echoed. */
static void law8_own_deliveries_are_not_told(void **state)
{
    struct fixture *f = *state;
    char name[128], from[256], to[256];
    (void)snprintf(name, sizeof name, "1700000000.M1P%ldQ1.host", (long)getpid());
    (void)snprintf(from, sizeof from, "INBOX/tmp/%s", name);
    (void)snprintf(to, sizeof to, "INBOX/new/%s", name);
    make_file(f, from);
    move(f, from, to);
    assert_int_equal(told(f), LOCAL_NOTHING);
    (void)snprintf(from, sizeof from, "INBOX/cur/%s:2,S", name);
    move(f, to, from);
    assert_int_equal(told(f), LOCAL_CHANGED);
    remove_it(f, from);
    assert_int_equal(told(f), LOCAL_DELETED);
}

static void folders_appear_and_vanish(void **state)
{
    struct fixture *f = *state;
    make_folder(f, "Late");
    assert_int_equal(told(f), LOCAL_CHANGED);
    make_dir(f, "Late/Deep");
    make_folder(f, "Late/Deep/Er");
    (void)told(f);
    make_file(f, "Late/Deep/Er/new/a");
    assert_int_equal(told(f), LOCAL_CHANGED);
    AUTO_FREE char *path = at(f, "Late");
    remove_tree(path);
    assert_true((told(f) & LOCAL_DELETED) != 0);
    assert_true(watch_local_is_incomplete(f->watch, &f->tree));
    assert_int_equal(add(f), 0);
    assert_false(watch_local_is_incomplete(f->watch, &f->tree));
}

static void a_root_that_goes_and_comes_back(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    AUTO_FREE char *away = xstrdup(f->root);
    away[strlen(away) - 1] = '_';
    assert_int_equal(rename(f->root, away), 0);
    assert_true((told(f) & LOCAL_CHANGED) != 0);
    assert_true(watch_local_is_incomplete(f->watch, &f->tree));
    assert_int_equal(watch_local_add(f->watch, &f->tree, f->root, NULL, &err), -ERR_NOT_FOUND);
    assert_int_equal(rename(away, f->root), 0);
    assert_int_equal(add(f), 0);
    (void)told(f);
    make_file(f, "INBOX/new/a");
    assert_int_equal(told(f), LOCAL_CHANGED);
}

/* More than the kernel keeps: whatever was lost, a pass finds it. */
static void an_overflow_is_both(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20000; i++) {
        move(f, "INBOX/new", "INBOX/old");
        move(f, "INBOX/old", "INBOX/new");
    }
    assert_int_equal(told(f), LOCAL_CHANGED | LOCAL_DELETED);
    assert_true(watch_local_is_incomplete(f->watch, &f->tree));
    assert_int_equal(add(f), 0);
    (void)told(f);
    make_file(f, "INBOX/new/a");
    assert_int_equal(told(f), LOCAL_CHANGED);
}

static void what_is_removed_is_not_told(void **state)
{
    struct fixture *f = *state;
    watch_local_remove(f->watch, &f->tree);
    make_file(f, "INBOX/new/a");
    assert_int_equal(told(f), LOCAL_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_happens_to_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moved_out_of_sight_is_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(law8_own_deliveries_are_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_appear_and_vanish, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_root_that_goes_and_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_overflow_is_both, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_removed_is_not_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
