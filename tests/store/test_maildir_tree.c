#include "base/alloc.h"
#include "base/files.h"
#include "store/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static void make_directory(const struct fixture *f, const char *path)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *full = path_join(f->dir, path);
    assert_int_equal(file_mkdir_all(full, 0700, &err), 0);
}

static void make_link(const struct fixture *f, const char *target, const char *path)
{
    AUTO_FREE char *full = path_join(f->dir, path);
    assert_int_equal(symlink(target, full), 0);
}

/* "path=mailbox path=mailbox …" of what is listed. */
static const char *listed(struct fixture *f)
{
    struct maildir_folders folders;
    ok(f, maildir_list(f->md, f->arena, &folders, &f->err));
    const char *all = "";
    for (size_t i = 0; i < folders.len; i++) {
        all = arena_printf(f->arena, "%s%s%s=%.*s", all, i == 0 ? "" : " ", folders.items[i].path,
                           STR_ARG(folders.items[i].mailbox));
    }
    return all;
}

static void create(struct fixture *f, const char *mailbox)
{
    ok(f, maildir_create(f->md, maildir_path(f->md, f->arena, str_from(mailbox)), &f->err));
}

static void what_is_created_is_listed(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum maildir_layout layout;
        const char *inbox, *folders;
    } cases[] = {
        {MAILDIR_NESTED, NULL,
         "%2Ehid=.hid A=A A/%=A/ A/%63ur/%=A/cur/ A/B/C=A/B/C INBOX=INBOX INBOX/x=INBOX/x"},
        {MAILDIR_NESTED, "Mail",
         "%2Ehid=.hid A=A A/%=A/ A/%63ur/%=A/cur/ A/B/C=A/B/C INBOX/x=INBOX/x Mail=INBOX"},
        {MAILDIR_NESTED, "deep/er",
         "%2Ehid=.hid A=A A/%=A/ A/%63ur/%=A/cur/ A/B/C=A/B/C INBOX/x=INBOX/x deep/er=INBOX"},
        {MAILDIR_NESTED, ".",
         "%2Ehid=.hid .=INBOX A=A A/%=A/ A/%63ur/%=A/cur/ A/B/C=A/B/C INBOX/x=INBOX/x"},
        {MAILDIR_FLAT, NULL,
         "%2Ehid=.hid A=A A.%=A/ A.%63ur.%=A/cur/ A.B.C=A/B/C INBOX=INBOX INBOX.x=INBOX/x"},
        {MAILDIR_PLUSPLUS, NULL,
         ".=INBOX .%2Ehid=.hid .A=A .A.%=A/ .A.%63ur.%=A/cur/ .A.B.C=A/B/C .INBOX.x=INBOX/x"},
    };
    static const char *const mailboxes[] = {"INBOX", "A",       "A/B/C", "A/",
                                            ".hid",  "INBOX/x", "A/cur/"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_FREE char *root = xasprintf("%s/mail%zu", f->dir, i);
        xfree(&f->root);
        f->root = xstrdup(root);
        fixture_layout(f, cases[i].layout, NULL, cases[i].inbox);
        ok(f, maildir_create_root(f->md, &f->err));
        assert_string_equal(listed(f), "");
        for (size_t m = 0; m < sizeof mailboxes / sizeof *mailboxes; m++) {
            create(f, mailboxes[m]);
            create(f, mailboxes[m]);
        }
        assert_string_equal(listed(f), cases[i].folders);
    }
}

static void a_folder_has_the_three_directories(void **state)
{
    struct fixture *f = *state;
    create(f, "A/B");
    assert_true(file_exists(f, "mail/A/B/cur") && file_exists(f, "mail/A/B/new") &&
                file_exists(f, "mail/A/B/tmp"));
    /* What is between is no folder. */
    assert_false(file_exists(f, "mail/A/cur"));
    assert_string_equal(listed(f), "A/B=A/B");
    /* A folder that lost some of them is completed. */
    AUTO_FREE char *tmp = path_join(f->root, "A/B/tmp");
    assert_int_equal(rmdir(tmp), 0);
    create(f, "A/B");
    assert_true(file_exists(f, "mail/A/B/tmp"));
    fixture_layout(f, MAILDIR_PLUSPLUS, NULL, NULL);
    create(f, "C");
    assert_true(file_exists(f, "mail/.C/maildirfolder"));
    create(f, "INBOX");
    assert_false(file_exists(f, "mail/maildirfolder"));
}

static void an_inbox_elsewhere_is_listed_and_made(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *inbox = path_join(f->dir, "spool/me");
    fixture_layout(f, MAILDIR_NESTED, NULL, inbox);
    assert_string_equal(listed(f), "");
    create(f, "INBOX");
    create(f, "A");
    assert_true(file_exists(f, "spool/me/cur"));
    AUTO_FREE char *expected = xasprintf("%s=INBOX A=A", inbox);
    assert_string_equal(listed(f), expected);
}

static void law7_links_lead_nowhere(void **state)
{
    struct fixture *f = *state;
    make_directory(f, "outside/cur");
    make_directory(f, "outside/new");
    make_directory(f, "outside/tmp");
    make_directory(f, "mail/half");
    create(f, "A");
    make_link(f, "../outside", "mail/link");
    make_link(f, "../../outside/cur", "mail/half/cur");
    make_link(f, ".", "mail/A/loop");
    assert_string_equal(listed(f), "A=A");
    struct maildir_times times;
    struct maildir_snapshot snapshot;
    struct maildir_delivery *delivery;
    static const char *const paths[] = {"link", "link/x", "half", "A/loop", "A/loop/A"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_true(maildir_scan(f->md, paths[i], &snapshot, &f->err) < 0);
        assert_true(maildir_delivery_begin(f->md, paths[i], &delivery, &f->err) < 0);
    }
    assert_true(maildir_create(f->md, "link/x", &f->err) < 0);
    assert_int_equal(count_files(f, "outside"), 3);
    assert_int_equal(count_files(f, "outside/tmp"), 0);
    assert_true(maildir_stat(f->md, "link", &times, &f->err) < 0);
}

static void law7_no_path_leads_out_of_the_root(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {
        "..", "../outside", "A/../../outside", "A/..", "./A", "A/.", "A//B", "A/", "", "/tmp",
    };
    make_directory(f, "outside/cur");
    create(f, "A");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct maildir_times times;
        struct maildir_snapshot snapshot;
        fails(f, maildir_stat(f->md, paths[i], &times, &f->err), ERR_REFUSED);
        fails(f, maildir_scan(f->md, paths[i], &snapshot, &f->err), ERR_REFUSED);
        fails(f, maildir_create(f->md, paths[i], &f->err), ERR_REFUSED);
    }
}

static void law1_a_folder_that_must_not_be_read_is_an_error(void **state)
{
    struct fixture *f = *state;
    if (geteuid() == 0) {
        /* Nothing is unreadable to root. */
        skip();
    }
    create(f, "A/B");
    AUTO_FREE char *path = path_join(f->root, "A");
    assert_int_equal(chmod(path, 0), 0);
    struct maildir_folders folders;
    fails(f, maildir_list(f->md, f->arena, &folders, &f->err), ERR_READ);
    assert_int_equal(chmod(path, 0700), 0);
}

static void law1_a_missing_root_is_an_error_and_is_not_made(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(maildir_exists(f->md, &f->err), 1);
    assert_int_equal(rmdir(f->root), 0);
    assert_int_equal(maildir_exists(f->md, &f->err), 0);
    struct maildir_folders folders;
    struct maildir_times times;
    fails(f, maildir_list(f->md, f->arena, &folders, &f->err), ERR_READ);
    fails(f, maildir_create(f->md, "A", &f->err), ERR_READ);
    fails(f, maildir_stat(f->md, "A", &times, &f->err), ERR_READ);
    assert_false(file_exists(f, "mail"));
    put_file(f, "mail", STR("a file"));
    fails(f, maildir_exists(f->md, &f->err), ERR_READ);
}

static void what_is_no_folder_is_not_listed(void **state)
{
    struct fixture *f = *state;
    create(f, "A");
    make_directory(f, "mail/.notmuch/cur");
    make_directory(f, "mail/plain/new");
    make_directory(f, "mail/A/cur/cur");
    put_file(f, "mail/file", STR("x"));
    make_directory(f, "mail/50%/cur");
    assert_string_equal(listed(f), "50%= A=A");
}

static void depth_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct str name = repeated(f, "d/", 50);
    create(f, arena_str(f->arena, str_sub(name, 0, name.len - 1)).ptr);
    make_directory(f, arena_printf(f->arena, "mail/%.*scur", STR_ARG(repeated(f, "e/", 40))));
    const char *all = listed(f);
    assert_null(strstr(all, "e/"));
    assert_non_null(strstr(all, "d/d"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_created_is_listed),
        TEST(a_folder_has_the_three_directories),
        TEST(an_inbox_elsewhere_is_listed_and_made),
        TEST(law7_links_lead_nowhere),
        TEST(law7_no_path_leads_out_of_the_root),
        TEST(law1_a_folder_that_must_not_be_read_is_an_error),
        TEST(law1_a_missing_root_is_an_error_and_is_not_made),
        TEST(what_is_no_folder_is_not_listed),
        TEST(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
