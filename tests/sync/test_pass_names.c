#include "imap/list.h"
#include "sync/folder_sides.h"
#include <dirent.h>
#include <stdio.h>

/* Which mailboxes are synced, and under which names. */

/* ---- `mailboxes: rename` ---- */

static void the_map_gives_other_names(void **state)
{
    struct engine e;
    engine_init(&e, "    mailboxes:\n"
                    "      rename: {\"Lists/*\": \"L/*\", \"\\\\Sent\": Outbox, a: \"b c\"}\n");
    server_create(&e, "a");
    server_create(&e, "Lists/x/y");
    server_create_special(&e, "Gesendet", LIST_SENT);
    (void)server_append(&e, "a", "a", "");
    (void)server_append(&e, "Lists/x/y", "y", "");
    (void)server_append(&e, "Gesendet", "s", "");
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[] L/x[] L/x/y[y] Lists[] Outbox[s] b c[a]");
    local_create(&e, "L/fresh");
    local_add(&e, "L/fresh", "n", "");
    local_add(&e, "Outbox", "t", "");
    engine_pass_ends(&e, 0);
    assert_server(&e, "Gesendet[s t] INBOX[] Lists[] Lists/fresh[n] Lists/x[] Lists/x/y[y] a[a]");
    local_rename(&e, "L/fresh", "L/old");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_server(&e, "Gesendet[s t] INBOX[] Lists[] Lists/old[n] Lists/x[] Lists/x/y[y] a[a]");
    engine_assert_settled(&e);
    engine_free(&e);
}

static void a_collision_is_an_error_of_one_mailbox(void **state)
{
    struct engine e;
    engine_init(&e, "    mailboxes: {rename: {a: b}}\n");
    server_create(&e, "a");
    server_create(&e, "b");
    server_create(&e, "c");
    (void)server_append(&e, "c", "c", "");
    engine_pass_ends(&e, 75);
    assert_error(&e, ERR_REFUSED, "mailboxes: rename");
    assert_true(strstr(local_view(&e), "c[c]") != NULL);
    engine_free(&e);
}

static void a_folder_whose_name_the_map_gives_away_is_an_error(void **state)
{
    struct engine e;
    engine_init(&e, "    mailboxes: {rename: {\"Lists/*\": \"L/*\"}}\n");
    local_create(&e, "Lists/x");
    engine_pass_ends(&e, 75);
    assert_server(&e, "INBOX[]");
    engine_free(&e);
}

static void folders_follow_a_changed_map(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_create(&e, "a");
    server_create(&e, "b");
    (void)server_append(&e, "a", "a", "");
    (void)server_append(&e, "b", "b", "");
    engine_pass_ends(&e, 0);
    engine_configure(&e, "    mailboxes: {rename: {a: b, b: a}}\n");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_local(&e, "INBOX[] a[b] b[a]");
    engine_configure(&e, "    layout: flat\n    mailboxes: {rename: {a: x/y}}\n");
    engine_pass_ends(&e, 0);
    assert_nothing_moved(&e);
    assert_local(&e, "INBOX[] b[b] x.y[a]");
    assert_server(&e, "INBOX[] a[a] b[b]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ---- `subscribed`, `special`, patterns ---- */

static void subscribed_ones_only(void **state)
{
    static const enum capability lacks[] = {CAP_LIST_STATUS, CAP_LIST_EXTENDED, CAP_IMAP4REV1};
    for (int old = 0; old < 2; old++) {
        struct engine e;
        engine_init(&e, "    mailboxes: {subscribed: true}\n");
        if (old) {
            server_lacks(&e, lacks);
        }
        server_create(&e, "a");
        server_create(&e, "b");
        (void)server_append(&e, "a", "a", "");
        (void)server_append(&e, "b", "b", "");
        server_subscribe(&e, "a", true);
        server_subscribe(&e, "INBOX", false);
        engine_pass_ends(&e, 0);
        assert_local(&e, "INBOX[] a[a]");
        server_subscribe(&e, "a", false);
        server_subscribe(&e, "b", true);
        engine_pass_ends(&e, 0);
        assert_local(&e, "INBOX[] a[a] b[b]");
        (void)server_append(&e, "a", "more", "");
        local_create(&e, "c");
        engine_pass_ends(&e, 0);
        assert_local(&e, "INBOX[] a[a] b[b] c[]");
        assert_true(server_is_subscribed(&e, "c"));
        server_subscribe(&e, "a", true);
        engine_pass_ends(&e, 0);
        assert_local(&e, "INBOX[] a[a more] b[b] c[]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void special_uses_where_the_server_marks_none(void **state)
{
    struct engine e;
    engine_init(&e, "    mailboxes:\n"
                    "      special: {trash: Bin, junk: Spam}\n"
                    "      patterns: [\"*\", \"!\\\\Trash\", \"!\\\\Junk\"]\n");
    server_create(&e, "Bin");
    server_create(&e, "Spam");
    server_create_special(&e, "Real", LIST_JUNK);
    engine_pass_ends(&e, 0);
    /* The server marks another as \Junk: its word counts. */
    assert_local(&e, "INBOX[] Spam[]");
    engine_free(&e);
}

static void nothing_that_cannot_be_selected_is_synced(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_create(&e, "a/b");
    (void)server_append(&e, "a/b", "m", "");
    engine_pass_ends(&e, 0);
    server_remove(&e, "a");
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[] a/b[m]");
    assert_true(strstr(local_view(&e), "a/b[m]") != NULL);
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ---- names ---- */

/* The fixture's directory holds what it should, and nothing escaped from the Maildir. */
static void assert_nothing_outside(struct engine *e)
{
    DIR *dir = opendir(e->dir);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        bool known = strcmp(entry->d_name, "mail") == 0 || strcmp(entry->d_name, "state") == 0 ||
                     strcmp(entry->d_name, "config.yaml") == 0 || entry->d_name[0] == '.';
        assert_true(known);
    }
    (void)closedir(dir);
}

static void flag_everything(struct engine *e)
{
    struct maildir_folders folders = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(maildir_list(e->maildir, e->arena, &folders, &err), 0);
    for (size_t i = 0; i < folders.len; i++) {
        local_flags_all(e, folders.items[i].path, "FS");
    }
}

/* Each comes here, is written to here, and goes back as it was. */
static void law7_names_of_every_kind_in_every_layout(void **state)
{
    static const char *const layouts[] = {
        "    layout: nested\n", "    layout: flat\n", "    layout: flat\n    separator: \"-\"\n",
        "    layout: maildir++\n", "    layout: nested\n    disable: [UTF8=ACCEPT, IMAP4rev2]\n"};
    static const char *const names[] = {
        ".hidden",  "..",      "...",     "cur",           "new",           "tmp",
        "a/cur",    "a/.b",    "100%",    "%2F",           "a%41",          "x.y",
        "x-y",      "x.y/z-w", "space d", " lead",         "trail ",        "\"q\"",
        "back\\sl", "a&b",     "&",       "Grüße",         "日本語/メール", "inbox/x",
        "*",        "a~b",     ":2,S",    "maildirfolder", ".maildird",     "~"};
    for (size_t l = 0; l < sizeof layouts / sizeof layouts[0]; l++) {
        struct engine e;
        engine_init(&e, layouts[l]);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            struct error err = ERROR_INIT;
            if (mem_backend_create(e.env.backend, LOCKSTEP_USER, names[i], 0, &err) == 0) {
                (void)server_append(&e, names[i], "m", "");
            }
        }
        const char *long_name = arena_printf(e.arena, "long/%0300d/%0300d", 1, 2);
        server_create(&e, long_name);
        (void)server_append(&e, long_name, "m", "");
        engine_pass_ends(&e, 0);
        const char *before = server_view(&e);
        assert_nothing_outside(&e);
        flag_everything(&e);
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.uploaded, 0);
        assert_true(e.report.messages.flags_to_remote > 20);
        assert_true(strlen(server_view(&e)) > strlen(before));
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Stalwart, as it was: what is made as INBOX/x is listed as Inbox/x from then on. The folder
 * follows as for a renamed mailbox, beside that of INBOX. */
static void law2_what_stands_below_inbox_in_other_letters(void **state)
{
    static const struct {
        const char *account, *folder, *view;
    } rows[] = {
        {NULL, "INBOX/here", "INBOX[] Inbox/here[h1 h2/S] Inbox/there[t1]"},
        {"    disable: [OBJECTID]\n", "INBOX/here", "INBOX[] Inbox/here[h1 h2/S] Inbox/there[t1]"},
        {"    disable: [OBJECTID, QRESYNC, CONDSTORE, LIST-STATUS]\n", "INBOX/here",
         "INBOX[] Inbox/here[h1 h2/S] Inbox/there[t1]"},
        {"    layout: flat\n", "INBOX.here", "INBOX[] Inbox.here[h1 h2/S] Inbox.there[t1]"},
        {"    layout: maildir++\n    disable: [OBJECTID]\n", ".INBOX.here",
         ".[] .Inbox.here[h1 h2/S] .Inbox.there[t1]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct engine e;
        engine_init(&e, rows[i].account);
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_INBOX_CASE});
        server_create(&e, "INBOX/there");
        (void)server_append(&e, "INBOX/there", "t1", "");
        engine_pass_ends(&e, 0);
        local_create(&e, rows[i].folder);
        local_add(&e, rows[i].folder, "h1", "");
        local_add(&e, rows[i].folder, "h2", "S");
        for (int pass = 0; pass < 3; pass++) {
            engine_pass_ends(&e, 0);
            engine_wait(&e, 61);
        }
        assert_server(&e, "INBOX[] INBOX/here[h1 h2/S] INBOX/there[t1]");
        assert_local(&e, rows[i].view);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void law7_a_percent_is_no_control_character(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_create(&e, "x%09y");
    (void)server_append(&e, "x%09y", "percent", "");
    engine_pass_ends(&e, 0);
    assert_local(&e, "INBOX[] x%2509y[percent]");
    local_create(&e, "n%250A");
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[] n%0A[] x%09y[percent]");
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_gives_other_names),
        cmocka_unit_test(a_collision_is_an_error_of_one_mailbox),
        cmocka_unit_test(a_folder_whose_name_the_map_gives_away_is_an_error),
        cmocka_unit_test(folders_follow_a_changed_map),
        cmocka_unit_test(subscribed_ones_only),
        cmocka_unit_test(special_uses_where_the_server_marks_none),
        cmocka_unit_test(nothing_that_cannot_be_selected_is_synced),
        cmocka_unit_test(law7_names_of_every_kind_in_every_layout),
        cmocka_unit_test(law2_what_stands_below_inbox_in_other_letters),
        cmocka_unit_test(law7_a_percent_is_no_control_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
