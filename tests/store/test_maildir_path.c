#include "base/alloc.h"
#include "base/buf.h"
#include "store/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Mailbox names are made of these; what is special in any layout comes often. */
static const char *const pieces[] = {
    "/",        ".",
    "..",       "%",
    "%2F",      "2F",
    "25",       "%2E",
    "%-",       "cur",
    "new",      "tmp",
    "INBOX",    "Inbox",
    "a",        "B",
    " ",        "~",
    "-",        "--",
    "%01",      "%7F",
    "%0A",      "09",
    "\xc3\xa9", "\xe2\x82\xac",
    "\xff",     "\x80",
    "\\",       ":",
    "*",        ".maildird",
    "maildird", "Mail",
    "x",
};

struct setting {
    const char *name;
    enum maildir_layout layout;
    const char *separator;
    const char *inbox;
};

static const struct setting settings[] = {
    {"nested", MAILDIR_NESTED, NULL, NULL},
    {"nested, inbox Mail", MAILDIR_NESTED, NULL, "Mail"},
    {"nested, inbox a/x", MAILDIR_NESTED, NULL, "a/x"},
    {"nested, inbox the root", MAILDIR_NESTED, NULL, "."},
    {"maildir++", MAILDIR_PLUSPLUS, NULL, NULL},
    {"flat .", MAILDIR_FLAT, ".", NULL},
    {"flat --", MAILDIR_FLAT, "--", "Mail"},
    {"flat ~", MAILDIR_FLAT, "~", "/elsewhere/inbox"},
};
#define SETTING_COUNT (sizeof settings / sizeof *settings)

static struct str random_name(struct fixture *f, struct random *r, uint32_t parts_max)
{
    struct buf name = BUF_INIT(1 << 20);
    uint32_t parts = random_below(r, parts_max);
    for (uint32_t i = 0; i < parts; i++) {
        buf_add_cstr(&name, pieces[random_below(r, sizeof pieces / sizeof *pieces)]);
        if (random_below(r, 40) == 0) {
            buf_add_cstr(&name, "%00");
        }
    }
    struct str kept = arena_str(f->arena, buf_str(&name));
    buf_free(&name);
    return kept;
}

/* That a path is one below the root, made of names that a file system takes. */
static void assert_stays_inside(const char *path, const struct setting *setting)
{
    struct str rest = str_from(path);
    struct str part;
    assert_true(rest.len > 0 && path[0] != '/' && path[rest.len - 1] != '/');
    while (str_split(&rest, '/', &part)) {
        assert_true(part.len > 0 && part.len <= 255);
        assert_false(str_eq(part, STR(".")) || str_eq(part, STR("..")));
        assert_false(str_eq(part, STR("cur")) || str_eq(part, STR("new")) ||
                     str_eq(part, STR("tmp")));
        assert_true((part.ptr[0] == '.') == (setting->layout == MAILDIR_PLUSPLUS));
        for (size_t i = 0; i < part.len; i++) {
            assert_true((unsigned char)part.ptr[i] >= 0x20 && part.ptr[i] != 0x7f);
        }
    }
}

static void assert_round_trip(struct fixture *f, const struct setting *setting, struct str name)
{
    const char *path = maildir_path(f->md, f->arena, name);
    struct str back;
    if (!maildir_mailbox(f->md, f->arena, str_from(path), &back)) {
        fail_msg("%s: \"%.*s\" became %s, which leads nowhere", setting->name, STR_ARG(name), path);
    }
    if (str_eq_nocase(name, STR("INBOX"))) {
        assert_true(str_eq(back, STR("INBOX")));
        return;
    }
    if (!str_eq(back, name)) {
        fail_msg("%s: \"%.*s\" became %s became \"%.*s\"", setting->name, STR_ARG(name), path,
                 STR_ARG(back));
    }
    assert_stays_inside(path, setting);
}

static void law7_names_become_paths_and_names_again(void **state)
{
    struct fixture *f = *state;
    for (size_t s = 0; s < SETTING_COUNT; s++) {
        struct random r = {.state = s};
        fixture_layout(f, settings[s].layout, settings[s].separator, settings[s].inbox);
        for (int i = 0; i < 3000; i++) {
            assert_round_trip(f, &settings[s], random_name(f, &r, 12));
        }
        arena_reset(f->arena);
    }
}

static void law7_deep_names_stay_shallow(void **state)
{
    struct fixture *f = *state;
    for (size_t s = 0; s < SETTING_COUNT; s++) {
        fixture_layout(f, settings[s].layout, settings[s].separator, settings[s].inbox);
        for (size_t depth = 28; depth < 40; depth++) {
            struct str name = repeated(f, "d/", depth);
            assert_round_trip(f, &settings[s], str_sub(name, 0, name.len - 1));
            const char *path = maildir_path(f->md, f->arena, name);
            size_t slashes = 0;
            for (const char *c = path; *c != '\0'; c++) {
                slashes += *c == '/';
            }
            assert_true(slashes < 32);
        }
    }
}

static void law7_long_names_are_cut_and_stay_distinct(void **state)
{
    struct fixture *f = *state;
    static const char *const units[] = {"a", ".", "%", "\xc3\xa9", "\x80", "\x01"};
    for (size_t s = 0; s < SETTING_COUNT; s++) {
        fixture_layout(f, settings[s].layout, settings[s].separator, settings[s].inbox);
        for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
            const char *last = "";
            for (size_t count = 300; count < 305; count++) {
                const char *path = maildir_path(f->md, f->arena, repeated(f, units[u], count));
                assert_stays_inside(path, &settings[s]);
                assert_string_not_equal(path, last);
                struct str back;
                assert_false(maildir_mailbox(f->md, f->arena, str_from(path), &back));
                last = path;
            }
        }
    }
}

static void the_layouts_look_as_they_are_documented(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum maildir_layout layout;
        const char *separator, *inbox, *mailbox, *path;
    } cases[] = {
        {MAILDIR_NESTED, NULL, NULL, "Archive/2024", "Archive/2024"},
        {MAILDIR_NESTED, NULL, NULL, "a.b/.c", "a.b/%2Ec"},
        {MAILDIR_NESTED, NULL, NULL, "100%", "100%25"},
        {MAILDIR_NESTED, NULL, NULL, "100%25", "100%2525"},
        {MAILDIR_NESTED, NULL, NULL, "Lists/a%2Fb", "Lists/a%2Fb"},
        {MAILDIR_NESTED, NULL, NULL, "a%252Fb", "a%252Fb"},
        {MAILDIR_FLAT, ".", NULL, "a%2Fb/c", "a%2Fb.c"},
        {MAILDIR_FLAT, "2", NULL, "a%2Fb/c", "a%25%32Fb2c"},
        {MAILDIR_NESTED, NULL, NULL, "a%09b", "a%09b"},
        {MAILDIR_NESTED, NULL, NULL, "a%2509b%7F", "a%2509b%7F"},
        {MAILDIR_NESTED, NULL, NULL, "a%0ab%20", "a%250ab%2520"},
        {MAILDIR_NESTED, NULL, NULL, "a\tb", "a%09b"}, /* as its escape */
        {MAILDIR_FLAT, "9", NULL, "a%09b/c", "a%250%39b9c"},
        {MAILDIR_NESTED, NULL, NULL, "x/cur", "x/%63ur"},
        {MAILDIR_NESTED, NULL, NULL, "x/current", "x/current"},
        {MAILDIR_NESTED, NULL, NULL, "../../etc", "%2E./%2E./etc"},
        {MAILDIR_NESTED, NULL, NULL, "a//b/", "a/%/b/%"},
        {MAILDIR_NESTED, NULL, NULL, "", "%"},
        {MAILDIR_NESTED, NULL, NULL, "/etc", "%/etc"},
        {MAILDIR_NESTED, NULL, NULL, "inbox", "INBOX"},
        {MAILDIR_NESTED, NULL, "Inbox", "INBOX", "Inbox"},
        {MAILDIR_NESTED, NULL, "In", "In", "%49n"},
        {MAILDIR_NESTED, NULL, "/var/mail/me", "INBOX", "/var/mail/me"},
        {MAILDIR_NESTED, NULL, NULL, "INBOX/x", "INBOX/x"},
        {MAILDIR_FLAT, ".", NULL, "Archive/2024", "Archive.2024"},
        {MAILDIR_FLAT, ".", NULL, "a.b/c", "a%2Eb.c"},
        {MAILDIR_FLAT, "--", NULL, "a-b/c", "a%2Db--c"},
        {MAILDIR_PLUSPLUS, NULL, NULL, "INBOX", "."},
        {MAILDIR_PLUSPLUS, NULL, NULL, "Archive/2024", ".Archive.2024"},
        {MAILDIR_PLUSPLUS, NULL, NULL, "a.b", ".a%2Eb"},
        {MAILDIR_PLUSPLUS, NULL, NULL, "maildird", ".%6Daildird"},
        {MAILDIR_NESTED, NULL, NULL, "\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture_layout(f, cases[i].layout, cases[i].separator, cases[i].inbox);
        const char *path = maildir_path(f->md, f->arena, str_from(cases[i].mailbox));
        assert_string_equal(path, cases[i].path);
    }
    /* However the folder of INBOX below the root is named, it has one path. */
    AUTO_FREE char *below = xasprintf("%s/In//", f->root);
    fixture_layout(f, MAILDIR_NESTED, NULL, below);
    assert_string_equal(maildir_path(f->md, f->arena, STR("INBOX")), "In");
    fixture_layout(f, MAILDIR_NESTED, NULL, f->root);
    assert_string_equal(maildir_path(f->md, f->arena, STR("INBOX")), ".");
}

static void paths_of_other_making_lead_nowhere(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {
        "50%", "a/%2f", "%41", "%2E%2E", "%",    "a/%",  ".hidden", "a/../b", "inbox",
        "cur", "a/new", "a%2", "a%zz",   "a%-0", "a//b", "",        "a/",     "/a",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct str back = STR_EMPTY;
        bool leads = maildir_mailbox(f->md, f->arena, str_from(paths[i]), &back);
        /* These two are the parts of names that are empty. */
        bool empty_part = strcmp(paths[i], "%") == 0 || strcmp(paths[i], "a/%") == 0;
        assert_int_equal(leads, empty_part);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(law7_names_become_paths_and_names_again),
        TEST(law7_deep_names_stay_shallow),
        TEST(law7_long_names_are_cut_and_stay_distinct),
        TEST(the_layouts_look_as_they_are_documented),
        TEST(paths_of_other_making_lead_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
