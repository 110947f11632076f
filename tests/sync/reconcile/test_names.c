#include "imap/limits.h"
#include "imap/list.h"
#include "reconcile/names.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct names_space SLASH = {.prefix = {"", 0}, .delimiter = '/'};
static const struct names_space DOT = {.prefix = {"", 0}, .delimiter = '.'};
static const struct names_space INBOX_DOT = {.prefix = {"INBOX.", 6}, .delimiter = '.'};
static const struct names_space FLAT = {.prefix = {"", 0}, .delimiter = 0};
static const struct names_space UTF8 = {.prefix = {"", 0}, .delimiter = '/', .utf8 = true};
static const struct names_space MAIL_SLASH = {.prefix = {"mail/", 5}, .delimiter = '/'};

struct name_case {
    const struct names_space *space;
    const char *remote; /* NULL: cannot be told */
    const char *utf8;   /* NULL: outside */
};

static void check_to_utf8(const struct name_case *c)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct str out = STR_EMPTY;
    bool there = names_to_utf8(c->space, arena, str_from(c->remote), &out);
    if (there != (c->utf8 != NULL) || (there && !str_eq(out, str_from(c->utf8)))) {
        fail_msg("'%s' became %s'%.*s'", c->remote, there ? "" : "nothing ", STR_ARG(out));
    }
}

static void check_to_remote(const struct name_case *c)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct str out = STR_EMPTY;
    bool there = names_to_remote(c->space, arena, str_from(c->utf8), &out);
    if (there != (c->remote != NULL) || (there && !str_eq(out, str_from(c->remote)))) {
        fail_msg("'%s' became %s'%.*s'", c->utf8, there ? "" : "nothing ", STR_ARG(out));
    }
}

/* Each is the other's. */
static void names_go_round(void **state)
{
    static const struct name_case cases[] = {
        {&SLASH, "INBOX", "INBOX"},
        {&SLASH, "Sent", "Sent"},
        {&SLASH, "Lists/C/2024", "Lists/C/2024"},
        {&SLASH, "a.b", "a.b"},
        {&SLASH, "100%", "100%"},
        {&SLASH, " two  spaces ", " two  spaces "},
        {&SLASH, "Entw&APw-rfe", "Entwürfe"},
        {&SLASH, "&U,BTFw-/&ZeVnLIqe-", "台北/日本語"},
        {&SLASH, "Q&-A", "Q&A"},
        {&DOT, "Lists.C", "Lists/C"},
        {&DOT, "Lists.a/b", "Lists/a%2Fb"},
        {&DOT, "Lists.a%2Fb", "Lists/a%252Fb"},
        {&DOT, "a%252Fb.%25/c", "a%25252Fb/%25%2Fc"},
        {&SLASH, "100%25", "100%25"},
        {&SLASH, "%2F", "%252F"},
        {&SLASH, "a&AAk-b", "a%09b"},
        {&SLASH, "a%09b", "a%2509b"},
        {&SLASH, "a%2509b&AH8-", "a%252509b%7F"},
        {&SLASH, "a%0ab%20%80", "a%0ab%20%80"},
        {&UTF8, "a\tb", "a%09b"},
        {&UTF8, "a%09b", "a%2509b"},
        {&INBOX_DOT, "INBOX", "INBOX"},
        {&INBOX_DOT, "INBOX.Sent", "Sent"},
        {&INBOX_DOT, "INBOX.Lists.C", "Lists/C"},
        {&MAIL_SLASH, "mail/work/2024", "work/2024"},
        {&FLAT, "Sent", "Sent"},
        {&FLAT, "a.b", "a.b"},
        {&UTF8, "Entwürfe/日本語", "Entwürfe/日本語"},
        {&UTF8, "Q&A", "Q&A"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_to_utf8(&cases[i]);
        check_to_remote(&cases[i]);
    }
}

static void odd_names_of_the_server_become_names(void **state)
{
    static const struct name_case cases[] = {
        {&SLASH, "inbox", "INBOX"},
        {&SLASH, "InBoX", "INBOX"},
        {&SLASH, "inbox/sub", "inbox/sub"},
        {&SLASH, "a&AAk-b", "a%09b"},
        {&SLASH, "a\tb\x7f", "a%09b%7F"},
        {&SLASH, "caf\xe9", "caf%E9"},
        {&SLASH, "caf\xc3\xa9", "caf%C3%A9"}, /* raw UTF-8 where modified UTF-7 belongs */
        {&SLASH, "&AGE-", "&AGE-"},           /* `a` in disguise: not canonical */
        {&SLASH, "&", "&"},
        {&UTF8, "caf\xe9", "caf%E9"},
        {&UTF8, "&APw-", "&APw-"},
        {&INBOX_DOT, "Sent", NULL},
        {&INBOX_DOT, "INBOX.", NULL},
        {&INBOX_DOT, "INBOXES.a", NULL},
        {&MAIL_SLASH, "other/a", NULL},
        {&SLASH, "", NULL},
        {&FLAT, "", NULL},
        {&FLAT, "a/b", "a%2Fb"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_to_utf8(&cases[i]);
    }
}

static void law7_a_long_name_is_refused(void **state)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct str out;
    size_t len = (size_t)5 * LIMIT_MAILBOX_NAME_BYTES;
    char *name = arena_alloc(arena, len + 1);
    memset(name, 'a', len);
    assert_false(names_to_utf8(&SLASH, arena, str_make(name, len), &out));
    assert_false(names_to_remote(&SLASH, arena, str_make(name, len), &out));
}

static void some_folders_have_no_name_on_the_server(void **state)
{
    static const struct name_case cases[] = {
        {&FLAT, NULL, "Lists/C"}, {&DOT, NULL, "a.b"},       {&INBOX_DOT, NULL, "Lists/a.b"},
        {&SLASH, NULL, "a%2Fb"},  {&SLASH, NULL, "caf\xe9"}, {&SLASH, NULL, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_to_remote(&cases[i]);
    }
    /* What is escaped comes back as it was, all other % stand for themselves. */
    static const struct name_case escaped[] = {
        {&SLASH, "a&AAk-b", "a%09b"},   {&SLASH, "a%", "a%"},       {&SLASH, "a%2", "a%2"},
        {&SLASH, "a%41", "a%41"},       {&SLASH, "a%2f", "a%2f"},   {&SLASH, "%zz%0g", "%zz%0g"},
        {&SLASH, "Inboxes", "Inboxes"}, {&SLASH, "INBOX", "inbox"},
    };
    for (size_t i = 0; i < sizeof escaped / sizeof escaped[0]; i++) {
        check_to_remote(&escaped[i]);
    }
}

/* ---- patterns ---- */

static void the_last_pattern_that_matches_decides(void **state)
{
    static const char *const all[] = {"*", NULL};
    static const char *const no_junk[] = {"*", "!\\Junk", "!\\All", NULL};
    static const char *const but_one[] = {"*", "!Lists/*", "Lists/C", NULL};
    static const char *const shadowed[] = {"Lists/C", "!Lists/*", NULL};
    static const char *const top[] = {"%", NULL};
    static const char *const below[] = {"Lists/%", NULL};
    static const char *const sent[] = {"\\Sent", NULL};
    static const char *const none[] = {NULL};
    static const char *const bang[] = {"*", "!", NULL};
    static const char *const unknown[] = {"\\Nonsense", NULL};
    static const struct {
        const char *const *patterns;
        size_t len;
        const char *name;
        uint32_t attributes;
        bool selected;
    } cases[] = {
        {all, 1, "INBOX", 0, true},
        {all, 1, "a/b/c", 0, true},
        {none, 0, "INBOX", 0, false},
        {no_junk, 3, "Spam", LIST_JUNK, false},
        {no_junk, 3, "Junk", 0, true},
        {no_junk, 3, "All Mail", LIST_ALL | LIST_HASNOCHILDREN, false},
        {no_junk, 3, "Sent", LIST_SENT, true},
        {but_one, 3, "Lists/C", 0, true},
        {but_one, 3, "Lists/D", 0, false},
        {but_one, 3, "Lists", 0, true},
        {but_one, 3, "Lists/D/e", 0, false},
        {shadowed, 2, "Lists/C", 0, false},
        {shadowed, 2, "Sent", 0, false},
        {top, 1, "Lists", 0, true},
        {top, 1, "Lists/C", 0, false},
        {below, 1, "Lists/C", 0, true},
        {below, 1, "Lists/C/d", 0, false},
        {sent, 1, "Anything", LIST_SENT, true},
        {sent, 1, "Sent", 0, false},
        {bang, 2, "INBOX", 0, true},
        {unknown, 1, "Nonsense", UINT32_MAX, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* The list is the configuration's, which is never written through. */
        const struct config_strings patterns = {(const char **)(uintptr_t)cases[i].patterns,
                                                cases[i].len};
        bool selected = names_selected(&patterns, str_from(cases[i].name), cases[i].attributes);
        if (selected != cases[i].selected) {
            fail_msg("case %zu: %s", i, cases[i].name);
        }
    }
}

static void targets_are_patterns(void **state)
{
    static const char *const empty[] = {NULL};
    static const char *const two[] = {"INBOX", "Lists/*", NULL};
    static const struct {
        const char *const *targets;
        const char *name;
        bool targeted;
    } cases[] = {
        {NULL, "a", true},         {empty, "a", true},   {two, "INBOX", true},
        {two, "Lists/C/d", true},  {two, "Sent", false}, {two, "Lists", false},
        {two, "INBOX/sub", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(names_targeted(cases[i].targets, str_from(cases[i].name)),
                         cases[i].targeted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_round),
        cmocka_unit_test(odd_names_of_the_server_become_names),
        cmocka_unit_test(law7_a_long_name_is_refused),
        cmocka_unit_test(some_folders_have_no_name_on_the_server),
        cmocka_unit_test(the_last_pattern_that_matches_decides),
        cmocka_unit_test(targets_are_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
