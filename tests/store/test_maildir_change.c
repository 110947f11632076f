#include "base/alloc.h"
#include "base/files.h"
#include "store/fixture.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static int enter(void **state)
{
    (void)fixture_enter(state);
    struct fixture *f = *state;
    ok(f, maildir_create(f->md, "A", &f->err));
    return 0;
}

static struct maildir_file file_named(struct fixture *f, const char *name, bool in_new)
{
    struct maildir_file file = {.name = str_from(name), .in_new = in_new};
    maildir_name_parse(f->md, f->arena, file.name, &file.parsed);
    return file;
}

static void law8_flags_are_set_by_renaming_what_was_seen(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *before;
        uint8_t flags;
        const char *letters, *after;
    } cases[] = {
        {"new/a", MAILDIR_SEEN, "", "cur/a:2,S"},
        {"new/a", 0, "", "new/a"},
        {"new/a", 0, "b", "cur/a:2,b"},
        {"cur/a:2,S", MAILDIR_SEEN | MAILDIR_FLAGGED, "", "cur/a:2,FS"},
        {"cur/a:2,S", 0, "", "cur/a:2,"},
        {"cur/a", 0, "", "cur/a"},
        {"cur/a", MAILDIR_DRAFT, "", "cur/a:2,D"},
        {"cur/a:2,SXc", MAILDIR_FLAGGED, "Xc", "cur/a:2,FXc"},
        {"cur/a:2,SF", MAILDIR_FLAGGED | MAILDIR_SEEN, "", "cur/a:2,SF"},
        {"new/a:2,S", MAILDIR_SEEN | MAILDIR_TRASHED, "", "cur/a:2,ST"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *before = arena_printf(f->arena, "mail/A/%s", cases[i].before);
        const char *after = arena_printf(f->arena, "mail/A/%s", cases[i].after);
        put_file(f, before, STR("x"));
        struct maildir_file file =
            file_named(f, cases[i].before + 4, strncmp(cases[i].before, "new", 3) == 0);
        const char *name = NULL;
        ok(f, maildir_set_flags(f->md, "A", &file, cases[i].flags, str_from(cases[i].letters),
                                f->arena, &name, &f->err));
        assert_string_equal(name, cases[i].after + 4);
        assert_true(file_exists(f, after));
        assert_int_equal(count_files(f, "mail/A/new") + count_files(f, "mail/A/cur"), 1);
        AUTO_FREE char *path = path_join(f->dir, after);
        assert_int_equal(unlink(path), 0);
    }
}

static void law8_a_vanished_file_is_not_found_and_not_made(void **state)
{
    struct fixture *f = *state;
    put_file(f, "mail/A/cur/a:2,FS", STR("x"));
    struct maildir_file file = file_named(f, "a:2,S", false);
    struct maildir_message *message;
    const char *name;
    fails(f,
          maildir_set_flags(f->md, "A", &file, MAILDIR_DRAFT, STR_EMPTY, f->arena, &name, &f->err),
          ERR_NOT_FOUND);
    fails(f, maildir_remove(f->md, "A", &file, NULL, &f->err), ERR_NOT_FOUND);
    fails(f, maildir_remove(f->md, "A", &file, f->state, &f->err), ERR_NOT_FOUND);
    fails(f, maildir_message_open(f->md, "A", &file, &message, &f->err), ERR_NOT_FOUND);
    assert_int_equal(count_files(f, "mail/A/cur"), 1);
    assert_int_equal(count_files(f, "state"), 0);
}

static void law1_a_rename_does_not_overwrite(void **state)
{
    struct fixture *f = *state;
    put_file(f, "mail/A/cur/a:2,S", STR("one"));
    put_file(f, "mail/A/cur/a:2,FS", STR("two"));
    struct maildir_file file = file_named(f, "a:2,S", false);
    const char *name;
    fails(f,
          maildir_set_flags(f->md, "A", &file, MAILDIR_SEEN | MAILDIR_FLAGGED, STR_EMPTY, f->arena,
                            &name, &f->err),
          ERR_EXISTS);
    assert_file(f, "mail/A/cur/a:2,S", STR("one"));
    assert_file(f, "mail/A/cur/a:2,FS", STR("two"));
}

/* The one file in the keep directory, or NULL. */
static const char *kept_name(struct fixture *f, const char *keep_dir)
{
    const char *name = NULL;
    DIR *dir = opendir(keep_dir);
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            assert_null(name);
            name = arena_strdup(f->arena, entry->d_name);
        }
    }
    (void)closedir(dir);
    return name;
}

static void law11_what_is_removed_is_kept(void **state)
{
    struct fixture *f = *state;
    /* On the same file system, and on another one where there is one. */
    AUTO_FREE char *elsewhere = xasprintf("/dev/shm/maildird-test-%ld/deleted", (long)getpid());
    AUTO_FREE char *here = path_join(f->state, "deleted");
    const char *const dirs[] = {here, elsewhere};
    for (size_t i = 0; i < 2; i++) {
        if (i == 1 && access("/dev/shm", W_OK) != 0) {
            break;
        }
        put_file(f, "mail/A/cur/a:2,S", STR("text"));
        set_age(f, "mail/A/cur/a:2,S", 12345);
        struct stat before;
        struct stat after;
        AUTO_FREE char *path = path_join(f->root, "A/cur/a:2,S");
        assert_int_equal(stat(path, &before), 0);
        struct maildir_file file = file_named(f, "a:2,S", false);
        ok(f, maildir_remove(f->md, "A", &file, dirs[i], &f->err));
        assert_int_equal(count_files(f, "mail/A/cur"), 0);
        const char *name = kept_name(f, dirs[i]);
        assert_non_null(name);
        assert_true(str_ends(str_from(name), STR(".a")));
        AUTO_FREE char *kept = path_join(dirs[i], name);
        assert_int_equal(stat(kept, &after), 0);
        assert_int_equal(after.st_size, 4);
        assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
                    before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
        assert_int_equal(unlink(kept), 0);
        if (i == 1) {
            *strrchr(elsewhere, '/') = '\0';
            AUTO_FREE char *inner = path_join(elsewhere, "deleted");
            assert_int_equal(rmdir(inner), 0);
            assert_int_equal(rmdir(elsewhere), 0);
        }
    }
}

static void kept_files_of_one_name_do_not_meet(void **state)
{
    struct fixture *f = *state;
    struct str long_base = repeated(f, "b", 250);
    const char *const bases[] = {"a", long_base.ptr};
    for (size_t b = 0; b < 2; b++) {
        for (int i = 0; i < 5; i++) {
            put_file(f, arena_printf(f->arena, "mail/A/new/%s", bases[b]), STR("x"));
            struct maildir_file file = file_named(f, bases[b], true);
            ok(f, maildir_remove(f->md, "A", &file, f->state, &f->err));
        }
    }
    assert_int_equal(count_files(f, "state"), 10);
    put_file(f, "mail/A/new/gone", STR("x"));
    struct maildir_file file = file_named(f, "gone", true);
    ok(f, maildir_remove(f->md, "A", &file, NULL, &f->err));
    assert_int_equal(count_files(f, "mail/A/new"), 0);
    assert_int_equal(count_files(f, "state"), 10);
}

static void kept_files_expire_by_their_names(void **state)
{
    struct fixture *f = *state;
    ok(f, maildir_keep_expire(f->state, 100, 1000, &f->err));
    ok(f, file_mkdir_all(f->state, 0700, &f->err));
    static const char *const names[] = {"899.a",
                                        "900.a",
                                        "950.b",
                                        "1.c",
                                        "x.d",
                                        "7",
                                        "7.",
                                        ".5.e",
                                        "99999999999999999999.f",
                                        "18446744073709551615.g"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        put_file(f, arena_printf(f->arena, "state/%s", names[i]), STR("x"));
    }
    ok(f, maildir_keep_expire(f->state, 100, 1000, &f->err));
    assert_false(file_exists(f, "state/899.a") || file_exists(f, "state/1.c"));
    static const char *const left[] = {"900.a",
                                       "950.b",
                                       "x.d",
                                       "7",
                                       "7.",
                                       ".5.e",
                                       "99999999999999999999.f",
                                       "18446744073709551615.g"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        assert_true(file_exists(f, arena_printf(f->arena, "state/%s", left[i])));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(law8_flags_are_set_by_renaming_what_was_seen),
        TEST(law8_a_vanished_file_is_not_found_and_not_made),
        TEST(law1_a_rename_does_not_overwrite),
        TEST(law11_what_is_removed_is_kept),
        TEST(kept_files_of_one_name_do_not_meet),
        TEST(kept_files_expire_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
