#include "base/alloc.h"
#include "base/files.h"
#include "store/fixture.h"
#include "store/message_digest.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

static int enter(void **state)
{
    (void)fixture_enter(state);
    struct fixture *f = *state;
    ok(f, maildir_create(f->md, "A", &f->err));
    return 0;
}

static struct maildir_delivery *begin(struct fixture *f)
{
    struct maildir_delivery *delivery;
    ok(f, maildir_delivery_begin(f->md, "A", &delivery, &f->err));
    return delivery;
}

static struct maildir_delivery *delivered(struct fixture *f, struct str message, size_t piece,
                                          struct maildir_delivered *out)
{
    struct maildir_delivery *delivery = begin(f);
    for (size_t at = 0; at < message.len; at += piece) {
        size_t len = message.len - at < piece ? message.len - at : piece;
        ok(f, maildir_delivery_write(delivery, message.ptr + at, len, &f->err));
    }
    ok(f, maildir_delivery_finish(delivery, 1000000000, out, &f->err));
    return delivery;
}

static void publish(struct fixture *f, struct maildir_delivery **delivery, const char *base)
{
    ok(f, maildir_deliveries_sync(delivery, 1, &f->err));
    ok(f, maildir_delivery_publish(*delivery, str_from(base), 0, STR_EMPTY, &f->err));
    maildir_delivery_free(delivery);
}

/* Delivers in pieces of some size and looks at what is stored. */
static void assert_stored(struct fixture *f, struct str message, size_t piece, struct str stored,
                          bool raw)
{
    struct maildir_delivered out;
    struct maildir_delivery *delivery = delivered(f, message, piece, &out);
    publish(f, &delivery, "m");
    assert_file(f, "mail/A/new/m", stored);
    assert_int_equal(out.raw, raw);
    assert_int_equal(out.wire_size, message.len);
    assert_int_equal(out.stored_size, stored.len);
    struct message_digester *digester = message_digester_new();
    struct digest header;
    struct digest body;
    message_digester_add(digester, message.ptr, message.len);
    message_digester_finish(digester, &header, &body);
    message_digester_free(&digester);
    assert_true(digest_eq(&out.header_digest, &header));
    assert_true(digest_eq(&out.body_digest, &body));
    assert_int_equal(count_files(f, "mail/A/tmp"), 0);
    AUTO_FREE char *path = path_join(f->root, "A/new/m");
    assert_int_equal(unlink(path), 0);
}

static void law5_well_formed_messages_get_lf_and_others_stay(void **state)
{
    struct fixture *f = *state;
    const struct {
        struct str message;
        struct str stored; /* ptr NULL: byte for byte */
    } cases[] = {
        {STR(""), STR("")},
        {STR("a"), STR("a")},
        {STR("\r\n"), STR("\n")},
        {STR("a: b\r\n\r\nc\r\n"), STR("a: b\n\nc\n")},
        {STR("a: b\r\n\r\nno end"), STR("a: b\n\nno end")},
        {STR("\xe4\xff 8 bit\r\n"), STR("\xe4\xff 8 bit\n")},
        {STR("a\r\nb\rc\r\n"), {NULL, 0}},
        {STR("a\r\nb\nc\r\n"), {NULL, 0}},
        {STR("a\r\nb\0c\r\n"), {NULL, 0}},
        {STR("a\r\nb\r\r\n"), {NULL, 0}},
        {STR("a\r\nb\r"), {NULL, 0}},
        {STR("\r"), {NULL, 0}},
        {STR("\n"), {NULL, 0}},
        {STR("\0"), {NULL, 0}},
        {STR("\r\r\n"), {NULL, 0}},
        {STR("\r\n\n"), {NULL, 0}},
        {STR("\n\r\n"), {NULL, 0}},
        {STR("a\nb\n"), {NULL, 0}},
        {STR("\r\n\0"), {NULL, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool raw = cases[i].stored.ptr == NULL;
        struct str stored = raw ? cases[i].message : cases[i].stored;
        for (size_t piece = 1; piece < 6; piece++) {
            assert_stored(f, cases[i].message, piece, stored, raw);
        }
    }
}

/* Odd bytes that come when much was written already, at the edges of buffers and pieces. */
static void law5_late_odd_bytes_bring_the_bytes_back(void **state)
{
    struct fixture *f = *state;
    const struct str odd[] = {STR("\r"), STR("\n"), STR("\0"), STR("x\rx"), STR("\r\r\n")};
    static const size_t lines[] = {0, 1, 5461, 5462, 10922, 10923, 10924, 30000};
    static const size_t pieces[] = {4093, 65536, 1 << 20};
    for (size_t l = 0; l < sizeof lines / sizeof *lines; l++) {
        struct str before = repeated(f, "line\r\n", lines[l]);
        for (size_t o = 0; o < sizeof odd / sizeof *odd; o++) {
            struct buf message = BUF_INIT(1 << 20);
            buf_add_str(&message, before);
            buf_add_str(&message, odd[o]);
            buf_add_cstr(&message, "and more\r\n");
            for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
                assert_stored(f, buf_str(&message), pieces[p], buf_str(&message), true);
            }
            buf_free(&message);
        }
        if (lines[l] > 0) {
            struct str stored = repeated(f, "line\n", lines[l]);
            assert_stored(f, before, 4099, stored, false);
        }
    }
}

static void law5_random_messages_keep_their_bytes(void **state)
{
    struct fixture *f = *state;
    static const char *const parts[] = {"\r\n", "\r\n", "\r\n", "\r\n", "text", "a", "\r", "\n"};
    struct random r = {.state = 5};
    for (int i = 0; i < 300; i++) {
        struct buf message = BUF_INIT(1 << 20);
        /* Half of them without the odd ones. */
        uint32_t kinds = i % 2 == 0 ? 8 : 6;
        for (uint32_t n = random_below(&r, 40); n > 0; n--) {
            buf_add_cstr(&message, parts[random_below(&r, kinds)]);
        }
        struct maildir_delivered out;
        struct maildir_delivery *delivery =
            delivered(f, buf_str(&message), 1 + random_below(&r, 7), &out);
        publish(f, &delivery, "m");
        AUTO_FREE char *path = path_join(f->root, "A/new/m");
        struct buf stored = BUF_INIT(1 << 20);
        struct buf back = BUF_INIT(1 << 20);
        ok(f, file_read(AT_FDCWD, path, &stored, &f->err));
        for (size_t at = 0; at < stored.len; at++) {
            if (!out.raw && stored.data[at] == '\n') {
                buf_add_byte(&back, '\r');
            }
            buf_add_byte(&back, stored.data[at]);
        }
        assert_true(str_eq(buf_str(&back), buf_str(&message)));
        buf_free(&back);
        buf_free(&stored);
        buf_free(&message);
        assert_int_equal(unlink(path), 0);
    }
}

static void the_mtime_is_the_internaldate(void **state)
{
    struct fixture *f = *state;
    static const int64_t dates[] = {1000000000, 1, -86400, 4000000000, 0, INT64_MAX};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        struct maildir_delivery *delivery = begin(f);
        struct maildir_delivered out;
        ok(f, maildir_delivery_finish(delivery, dates[i], &out, &f->err));
        publish(f, &delivery, arena_printf(f->arena, "m%zu", i));
        AUTO_FREE char *path = xasprintf("%s/A/new/m%zu", f->root, i);
        struct stat found;
        assert_int_equal(stat(path, &found), 0);
        if (dates[i] == 0) {
            assert_true(found.st_mtim.tv_sec > 1000000000);
        } else if (dates[i] != INT64_MAX) {
            assert_int_equal(found.st_mtim.tv_sec, dates[i]);
        }
        assert_int_equal(found.st_mode & 0777, 0600);
    }
}

static void flags_decide_where_it_goes(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t flags;
        const char *letters, *place;
    } cases[] = {
        {0, "", "mail/A/new/a"},
        {MAILDIR_SEEN, "", "mail/A/cur/b:2,S"},
        {0, "c", "mail/A/cur/c:2,c"},
        {MAILDIR_FLAGGED | MAILDIR_TRASHED, "ab", "mail/A/cur/d:2,FTab"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct maildir_delivered out;
        struct maildir_delivery *delivery = delivered(f, STR("x\r\n"), 3, &out);
        char base[] = {(char)('a' + i), '\0'};
        ok(f, maildir_delivery_publish(delivery, str_from(base), cases[i].flags,
                                       str_from(cases[i].letters), &f->err));
        maildir_delivery_free(&delivery);
        assert_true(file_exists(f, cases[i].place));
    }
    ok(f, maildir_sync_folder(f->md, "A", &f->err));
    ok(f, maildir_sync_all(f->md, &f->err));
}

static void law2_a_taken_name_is_not_taken_again(void **state)
{
    struct fixture *f = *state;
    put_file(f, "mail/A/new/a", STR("theirs"));
    struct maildir_delivered out;
    struct maildir_delivery *delivery = delivered(f, STR("ours\r\n"), 6, &out);
    fails(f, maildir_delivery_publish(delivery, STR("a"), 0, STR_EMPTY, &f->err), ERR_EXISTS);
    assert_file(f, "mail/A/new/a", STR("theirs"));
    ok(f, maildir_delivery_publish(delivery, STR("b"), 0, STR_EMPTY, &f->err));
    assert_file(f, "mail/A/new/b", STR("ours\n"));
    maildir_delivery_free(&delivery);
}

static void law3_nothing_is_seen_before_it_is_published(void **state)
{
    struct fixture *f = *state;
    struct maildir_delivery *batch[20];
    struct maildir_delivered out;
    for (size_t i = 0; i < 20; i++) {
        batch[i] = delivered(f, STR("x\r\n"), 3, &out);
    }
    assert_int_equal(count_files(f, "mail/A/tmp"), 20);
    ok(f, maildir_deliveries_sync(batch, 7, &f->err));
    ok(f, maildir_deliveries_sync(batch, 20, &f->err));
    ok(f, maildir_deliveries_sync(batch, 0, &f->err));
    assert_int_equal(count_files(f, "mail/A/new") + count_files(f, "mail/A/cur"), 0);
    for (size_t i = 0; i < 20; i++) {
        if (i < 10) {
            struct str base = str_from(arena_printf(f->arena, "%zu", i));
            ok(f, maildir_delivery_publish(batch[i], base, 0, STR_EMPTY, &f->err));
        }
        maildir_delivery_free(&batch[i]);
        assert_null(batch[i]);
    }
    assert_int_equal(count_files(f, "mail/A/new"), 10);
    assert_int_equal(count_files(f, "mail/A/tmp"), 0);
}

static void law7_a_disk_that_is_full_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct rlimit before;
    (void)getrlimit(RLIMIT_FSIZE, &before);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    (void)sigaction(SIGXFSZ, &ignore, &old);
    struct rlimit small = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    struct str message = repeated(f, "line\r\n", 50000);
    struct maildir_delivery *delivery = begin(f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = maildir_delivery_write(delivery, message.ptr, message.len, &f->err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)sigaction(SIGXFSZ, &old, NULL);
    fails(f, rc, ERR_WRITE);
    maildir_delivery_free(&delivery);
    assert_int_equal(count_files(f, "mail/A/tmp") + count_files(f, "mail/A/new"), 0);
}

static void law8_directories_that_go_missing_are_no_crash(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *fresh = path_join(f->root, "A/new");
    AUTO_FREE char *tmp = path_join(f->root, "A/tmp");
    assert_int_equal(rmdir(fresh), 0);
    assert_int_equal(rmdir(tmp), 0);
    struct maildir_delivered out;
    struct maildir_delivery *delivery = delivered(f, STR("x\r\n"), 3, &out);
    publish(f, &delivery, "a");
    assert_true(file_exists(f, "mail/A/new/a"));
    /* The folder is moved away while a message is on its way. */
    delivery = delivered(f, STR("x\r\n"), 3, &out);
    AUTO_FREE char *folder = path_join(f->root, "A");
    AUTO_FREE char *aside = path_join(f->root, "B");
    assert_int_equal(rename(folder, aside), 0);
    ok(f, maildir_create(f->md, "A", &f->err));
    struct maildir_snapshot snapshot;
    ok(f, maildir_scan(f->md, "A", &snapshot, &f->err));
    assert_int_equal(snapshot.files.len, 0);
    maildir_snapshot_free(&snapshot);
    maildir_delivery_free(&delivery);
    assert_int_equal(count_files(f, "mail/B/tmp"), 0);
    delivery = delivered(f, STR("y\r\n"), 3, &out);
    publish(f, &delivery, "b");
    assert_true(file_exists(f, "mail/A/new/b"));
    fails(f, maildir_delivery_begin(f->md, "C", &delivery, &f->err), ERR_NOT_FOUND);
    assert_false(file_exists(f, "mail/C"));
}

/* ---- several threads ---- */

#define THREADS 4
#define THREAD_MESSAGES 120
#define THREAD_FOLDERS 7

struct worker {
    struct fixture *f;
    unsigned number;
};

/* Into folders that the others use too; more of them than stay open. */
static void *deliver_many(void *self)
{
    struct worker *w = self;
    struct error err = ERROR_INIT;
    AUTO_ARENA struct arena *arena = arena_new();
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < THREAD_MESSAGES; i++) {
        const char *path = arena_printf(arena, "F%u", (i + w->number) % THREAD_FOLDERS);
        struct maildir_delivery *delivery = NULL;
        struct maildir_delivered out;
        struct maildir_snapshot snapshot;
        const char *base = maildir_unique_base(w->f->md, arena, 3, 4);
        rc = maildir_delivery_begin(w->f->md, path, &delivery, &err);
        rc = rc < 0 ? rc : maildir_delivery_write(delivery, "ab\r\n", 4, &err);
        rc = rc < 0 ? rc : maildir_delivery_finish(delivery, 5, &out, &err);
        rc = rc < 0 ? rc : maildir_delivery_publish(delivery, str_from(base), 0, STR_EMPTY, &err);
        maildir_delivery_free(&delivery);
        if (rc == 0 && maildir_scan(w->f->md, path, &snapshot, &err) == 0) {
            rc = maildir_snapshot_find(&snapshot, str_from(base)) != NULL ? 0 : -1;
            maildir_snapshot_free(&snapshot);
        }
    }
    return rc == 0 ? w : NULL;
}

static void law8_threads_share_a_maildir(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREAD_FOLDERS; i++) {
        ok(f, maildir_create(f->md, arena_printf(f->arena, "F%u", i), &f->err));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.f = f, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, deliver_many, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &workers[i]);
    }
    size_t count = 0;
    for (unsigned i = 0; i < THREAD_FOLDERS; i++) {
        count += count_files(f, arena_printf(f->arena, "mail/F%u/new", i));
    }
    assert_int_equal(count, THREADS * THREAD_MESSAGES);
}

static void an_unfinished_delivery_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct maildir_delivery *delivery = begin(f);
    ok(f, maildir_delivery_write(delivery, "half", 4, &f->err));
    maildir_delivery_free(&delivery);
    maildir_delivery_free(&delivery);
    assert_int_equal(count_files(f, "mail/A/tmp"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(law5_well_formed_messages_get_lf_and_others_stay),
        TEST(law5_late_odd_bytes_bring_the_bytes_back),
        TEST(law5_random_messages_keep_their_bytes),
        TEST(the_mtime_is_the_internaldate),
        TEST(flags_decide_where_it_goes),
        TEST(law2_a_taken_name_is_not_taken_again),
        TEST(law3_nothing_is_seen_before_it_is_published),
        TEST(law7_a_disk_that_is_full_leaves_nothing),
        TEST(law8_directories_that_go_missing_are_no_crash),
        TEST(law8_threads_share_a_maildir),
        TEST(an_unfinished_delivery_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
