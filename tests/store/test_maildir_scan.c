#include "base/alloc.h"
#include "base/files.h"
#include "store/fixture.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static int enter(void **state)
{
    (void)fixture_enter(state);
    struct fixture *f = *state;
    ok(f, maildir_create(f->md, "A", &f->err));
    return 0;
}

/* "base/letters+others(n) …", n for new/. */
static const char *found(struct fixture *f, const struct maildir_snapshot *snapshot)
{
    const char *all = "";
    VEC_FOREACH (struct maildir_file, file, &snapshot->files) {
        all = arena_printf(f->arena, "%s%s%.*s=%d%.*s%s", all, all[0] == '\0' ? "" : " ",
                           STR_ARG(file->parsed.base), file->parsed.flags,
                           STR_ARG(file->parsed.letters), file->in_new ? "n" : "");
        assert_int_equal(strlen(file->name.ptr), file->name.len);
    }
    return all;
}

static const char *scanned(struct fixture *f)
{
    struct maildir_snapshot snapshot;
    ok(f, maildir_scan(f->md, "A", &snapshot, &f->err));
    const char *all = found(f, &snapshot);
    maildir_snapshot_free(&snapshot);
    return all;
}

static void law8_a_scan_finds_the_messages_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(scanned(f), "");
    put_file(f, "mail/A/new/b", STR("x"));
    put_file(f, "mail/A/new/e:2,ab", STR("x"));
    put_file(f, "mail/A/cur/c:2,S", STR("x"));
    put_file(f, "mail/A/cur/a", STR("x"));
    put_file(f, "mail/A/cur/d:2,XFc", STR("x"));
    put_file(f, "mail/A/cur/.nfs0001", STR("x"));
    put_file(f, "mail/A/cur/:2,S", STR("x"));
    put_file(f, "mail/A/tmp/t", STR("x"));
    put_file(f, "mail/A/dovecot-uidlist", STR("x"));
    AUTO_FREE char *directory = path_join(f->root, "A/cur/directory");
    AUTO_FREE char *link = path_join(f->root, "A/cur/link");
    AUTO_FREE char *pipe = path_join(f->root, "A/cur/pipe");
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(symlink("c:2,S", link), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_string_equal(scanned(f), "a=0 b=0n c=16 d=2Xc e=0abn");
}

static void law8_a_base_stands_once(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *names[3];
        const char *found;
    } cases[] = {
        {{"new/a", "cur/a:2,S"}, "a=16"},
        {{"cur/a:2,S", "cur/a:2,FS"}, "a=18"},
        {{"cur/a:2,", "cur/a:2,b", "new/a"}, "a=0b"},
        {{"new/a:2,FS", "cur/a"}, "a=0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t n = 0; n < 3 && cases[i].names[n] != NULL; n++) {
            put_file(f, arena_printf(f->arena, "mail/A/%s", cases[i].names[n]), STR("x"));
        }
        assert_string_equal(scanned(f), cases[i].found);
        for (size_t n = 0; n < 3 && cases[i].names[n] != NULL; n++) {
            AUTO_FREE char *path = xasprintf("%s/A/%s", f->root, cases[i].names[n]);
            assert_int_equal(unlink(path), 0);
        }
    }
}

struct wish {
    const char *first; /* letters with which bases begin that are wanted */
    unsigned looks, asked;
};

static void look_begins(void *self)
{
    struct wish *wish = self;
    wish->looks++;
    wish->asked = 0;
}

static bool is_wanted(void *self, const struct maildir_file *file)
{
    struct wish *wish = self;
    wish->asked++;
    return strchr(wish->first, file->parsed.base.ptr[0]) != NULL;
}

static void law8_only_what_is_wanted_of_a_scan_is_kept(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {"new/a", "cur/a:2,S", "cur/b:2,F", "new/c:2,ba",
                                        "cur/d:2,bXa"};
    static const struct {
        const char *wanted;
        const char *found;
    } cases[] = {{"", ""}, {"a", "a=16"}, {"bd", "b=2 d=0Xab"}, {"abcd", "a=16 b=2 c=0abn d=0Xab"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        put_file(f, arena_printf(f->arena, "mail/A/%s", files[i]), STR("x"));
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct maildir_snapshot snapshot;
        struct wish wish = {.first = cases[i].wanted};
        const struct maildir_filter filter = {look_begins, is_wanted, &wish};
        ok(f, maildir_scan_filtered(f->md, "A", &filter, &snapshot, &f->err));
        assert_string_equal(found(f, &snapshot), cases[i].found);
        assert_int_equal(wish.looks, 1);
        assert_int_equal(wish.asked, 5);
        assert_true(snapshot.times.cur_inode != 0);
        maildir_snapshot_free(&snapshot);
    }
}

static void many_files_are_in_order_and_found(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2000; i++) {
        const char *folder = i % 3 == 0 ? "new" : "cur";
        put_file(f, arena_printf(f->arena, "mail/A/%s/%d.x:2,S", folder, i * 7919 % 2000),
                 STR("x"));
    }
    struct maildir_snapshot snapshot;
    ok(f, maildir_scan(f->md, "A", &snapshot, &f->err));
    assert_int_equal(snapshot.files.len, 2000);
    for (size_t i = 1; i < snapshot.files.len; i++) {
        assert_true(str_cmp(snapshot.files.items[i - 1].parsed.base,
                            snapshot.files.items[i].parsed.base) < 0);
    }
    for (int i = 0; i < 2000; i++) {
        struct str base = str_from(arena_printf(f->arena, "%d.x", i));
        const struct maildir_file *file = maildir_snapshot_find(&snapshot, base);
        assert_non_null(file);
        assert_true(str_eq(file->parsed.base, base));
    }
    assert_null(maildir_snapshot_find(&snapshot, STR("2000.x")));
    assert_null(maildir_snapshot_find(&snapshot, STR("")));
    maildir_snapshot_free(&snapshot);
}

static void a_file_is_found_under_its_present_name(void **state)
{
    struct fixture *f = *state;
    struct maildir_file file;
    put_file(f, "mail/A/cur/ab:2,S", STR("x"));
    put_file(f, "mail/A/new/a", STR("x"));
    fails(f, maildir_find(f->md, "A", STR("b"), f->arena, &file, &f->err), ERR_NOT_FOUND);
    ok(f, maildir_find(f->md, "A", STR("a"), f->arena, &file, &f->err));
    assert_true(file.in_new);
    put_file(f, "mail/A/cur/a:2,F", STR("x"));
    ok(f, maildir_find(f->md, "A", STR("a"), f->arena, &file, &f->err));
    assert_false(file.in_new);
    assert_string_equal(file.name.ptr, "a:2,F");
}

/* ---- times ---- */

static void law4_fresh_times_are_not_settled(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int new_age_s, cur_age_s;
        bool settled;
    } cases[] = {
        {0, 0, false},    {100, 0, false},    {0, 100, false},        {100, 1, false},
        {100, 100, true}, {100, -100, false}, {-1000000, 100, false}, {3, 3, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_age(f, "mail/A/new", cases[i].new_age_s);
        set_age(f, "mail/A/cur", cases[i].cur_age_s);
        struct maildir_snapshot snapshot;
        struct maildir_times times;
        ok(f, maildir_scan(f->md, "A", &snapshot, &f->err));
        ok(f, maildir_stat(f->md, "A", &times, &f->err));
        assert_int_equal(snapshot.settled, cases[i].settled);
        assert_true(maildir_times_equal(&snapshot.times, &times));
        maildir_snapshot_free(&snapshot);
    }
}

static void law4_times_move_with_each_change(void **state)
{
    struct fixture *f = *state;
    struct maildir_times before;
    struct maildir_times after;
    set_age(f, "mail/A/new", 100);
    set_age(f, "mail/A/cur", 100);
    ok(f, maildir_stat(f->md, "A", &before, &f->err));
    put_file(f, "mail/A/new/a", STR("x"));
    ok(f, maildir_stat(f->md, "A", &after, &f->err));
    assert_false(maildir_times_equal(&before, &after));
    assert_true(before.cur_mtime_ns == after.cur_mtime_ns);
    /* A directory in another's place, of the same age. */
    AUTO_FREE char *cur = path_join(f->root, "A/cur");
    AUTO_FREE char *aside = path_join(f->root, "A/aside");
    before = after;
    assert_int_equal(rename(cur, aside), 0);
    assert_int_equal(mkdir(cur, 0700), 0);
    set_age(f, "mail/A/cur", 100);
    ok(f, maildir_stat(f->md, "A", &after, &f->err));
    assert_true(before.cur_inode != after.cur_inode);
}

static void law1_a_missing_cur_is_no_empty_folder(void **state)
{
    struct fixture *f = *state;
    struct maildir_snapshot snapshot;
    struct maildir_times times;
    AUTO_FREE char *cur = path_join(f->root, "A/cur");
    AUTO_FREE char *fresh = path_join(f->root, "A/new");
    assert_int_equal(rmdir(fresh), 0);
    put_file(f, "mail/A/cur/a", STR("x"));
    assert_string_equal(scanned(f), "a=0");
    ok(f, maildir_stat(f->md, "A", &times, &f->err));
    assert_int_equal(times.new_inode, 0);
    assert_false(file_exists(f, "mail/A/new"));
    AUTO_FREE char *aside = path_join(f->root, "A/aside");
    assert_int_equal(rename(cur, aside), 0);
    fails(f, maildir_scan(f->md, "A", &snapshot, &f->err), ERR_NOT_FOUND);
    fails(f, maildir_stat(f->md, "A", &times, &f->err), ERR_NOT_FOUND);
    fails(f, maildir_scan(f->md, "B", &snapshot, &f->err), ERR_NOT_FOUND);
    assert_int_equal(f->err.code, ERR_NONE);
}

static void law8_a_folder_made_anew_is_seen(void **state)
{
    struct fixture *f = *state;
    put_file(f, "mail/A/cur/old", STR("x"));
    assert_string_equal(scanned(f), "old=0");
    AUTO_FREE char *folder = path_join(f->root, "A");
    AUTO_FREE char *aside = path_join(f->root, "B");
    assert_int_equal(rename(folder, aside), 0);
    ok(f, maildir_create(f->md, "A", &f->err));
    put_file(f, "mail/A/cur/fresh", STR("x"));
    assert_string_equal(scanned(f), "fresh=0");
}

/* ---- others at work ---- */

/* Enough for several reads of a directory. */
#define RENAMED_FILES 600
#define LONG_NAME "0123456789012345678901234567890123456789"
#define SCANS 200
#define STORM_SCANS 10

/* The way of a message through a mail program's hands: it is there at any moment. */
static const struct {
    const char *sub, *info;
} stations[] = {{"new", ""}, {"cur", ":2,S"}, {"cur", ":2,FS"}, {"cur", ":2,"}};
#define STATION_COUNT 4

struct renamer {
    char *folder;
    bool storm; /* all the time, or once for each scan */
    unsigned station[RENAMED_FILES];
    atomic_uint scans; /* begun */
    atomic_bool stop;
};

static char *name_at(const struct renamer *r, unsigned number)
{
    unsigned station = r->station[number];
    return xasprintf("%s/%s/" LONG_NAME "%u%s", r->folder, stations[station].sub, number,
                     stations[station].info);
}

static void rename_one(struct renamer *r, unsigned number)
{
    AUTO_FREE char *from = name_at(r, number);
    r->station[number] = (r->station[number] + 1) % STATION_COUNT;
    AUTO_FREE char *to = name_at(r, number);
    if (rename(from, to) != 0) {
        perror(from);
        abort();
    }
}

static void *rename_all(void *self)
{
    struct renamer *r = self;
    struct random random = {.state = 1};
    unsigned done = 0;
    while (!r->stop) {
        if (!r->storm && r->scans == done) {
            continue;
        }
        /* At a random point of the scan. */
        for (volatile uint32_t wait = random_below(&random, 200000); wait > 0; wait--) {
        }
        rename_one(r, random_below(&random, RENAMED_FILES));
        done++;
    }
    return NULL;
}

static void renamer_begin(struct fixture *f, struct renamer *r)
{
    r->folder = path_join(f->root, "A");
    for (unsigned i = 0; i < RENAMED_FILES; i++) {
        r->station[i] = i % STATION_COUNT;
        AUTO_FREE char *name = name_at(r, i);
        put_file(f, name + strlen(f->dir) + 1, STR("x"));
    }
}

static void law1_a_scan_misses_no_file_that_is_renamed(void **state)
{
    struct fixture *f = *state;
    struct renamer renamer = {.storm = false};
    renamer_begin(f, &renamer);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, rename_all, &renamer), 0);
    for (int i = 0; i < SCANS; i++) {
        struct maildir_snapshot snapshot;
        renamer.scans++;
        ok(f, maildir_scan(f->md, "A", &snapshot, &f->err));
        size_t count = snapshot.files.len;
        maildir_snapshot_free(&snapshot);
        assert_int_equal(count, RENAMED_FILES);
    }
    renamer.stop = true;
    (void)pthread_join(thread, NULL);
    xfree(&renamer.folder);
}

static void law1_a_scan_under_storm_is_complete_or_none(void **state)
{
    struct fixture *f = *state;
    struct renamer renamer = {.storm = true};
    renamer_begin(f, &renamer);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, rename_all, &renamer), 0);
    for (int i = 0; i < STORM_SCANS; i++) {
        struct maildir_snapshot snapshot;
        int rc = maildir_scan(f->md, "A", &snapshot, &f->err);
        if (rc < 0) {
            fails(f, rc, ERR_CHANGED);
            continue;
        }
        size_t count = snapshot.files.len;
        maildir_snapshot_free(&snapshot);
        assert_int_equal(count, RENAMED_FILES);
    }
    renamer.stop = true;
    (void)pthread_join(thread, NULL);
    xfree(&renamer.folder);
}

/* ---- tmp ---- */

static void law4_leftovers_of_a_crash_are_removed(void **state)
{
    struct fixture *f = *state;
    put_file(f, "mail/A/tmp/maildird.123P1I1.5", STR("x"));
    put_file(f, "mail/A/tmp/foreign", STR("x"));
    put_file(f, "mail/A/tmp/.hidden", STR("x"));
    /* A program may give a file it is still writing the time of the message. */
    set_age(f, "mail/A/tmp/foreign", 1000000);
    struct maildir_delivery *delivery;
    ok(f, maildir_delivery_begin(f->md, "A", &delivery, &f->err));
    assert_int_equal(count_files(f, "mail/A/tmp"), 3);
    ok(f, maildir_clean_tmp(f->md, "A", &f->err));
    assert_false(file_exists(f, "mail/A/tmp/maildird.123P1I1.5"));
    assert_true(file_exists(f, "mail/A/tmp/foreign"));
    assert_true(file_exists(f, "mail/A/tmp/.hidden"));
    /* And the delivery under way goes on. */
    assert_int_equal(count_files(f, "mail/A/tmp"), 2);
    maildir_delivery_free(&delivery);
    assert_int_equal(count_files(f, "mail/A/tmp"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(law8_a_scan_finds_the_messages_and_nothing_else),
        TEST(law8_a_base_stands_once),
        TEST(law8_only_what_is_wanted_of_a_scan_is_kept),
        TEST(many_files_are_in_order_and_found),
        TEST(a_file_is_found_under_its_present_name),
        TEST(law4_fresh_times_are_not_settled),
        TEST(law4_times_move_with_each_change),
        TEST(law1_a_missing_cur_is_no_empty_folder),
        TEST(law8_a_folder_made_anew_is_seen),
        TEST(law1_a_scan_misses_no_file_that_is_renamed),
        TEST(law1_a_scan_under_storm_is_complete_or_none),
        TEST(law4_leftovers_of_a_crash_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
