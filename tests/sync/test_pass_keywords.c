#include "base/files.h"
#include "imap/flags.h"
#include "sync/folder_sides.h"
#include "sync/keyword_sides.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Keywords both ways. */

static void begin(struct engine *e, const char *account)
{
    engine_init(e, account);
    server_fill(e, "INBOX", "m", 3);
}

static void settled(struct engine *e)
{
    engine_pass_ends(e, 0);
    assert_int_equal(e->report.messages.flags_to_local + e->report.messages.flags_to_remote, 0);
    engine_pass_ends(e, 0);
    assert_int_equal(e->counts.commands, 1);
}

/* ---- both ways ---- */

static void from_the_server_to_letters(void **state)
{
    struct engine e;
    begin(&e, NULL);
    server_words(&e, "m1", "work");
    server_words(&e, "m2", "later work");
    engine_pass_ends(&e, 0);
    assert_table(&e, "0 work\n1 later\n");
    assert_info(&e, "m1", "Sa");
    assert_info(&e, "m2", "Sab");
    assert_info(&e, "m3", "");
    settled(&e);
    server_words(&e, "m1", "");
    server_words(&e, "m3", "LATER third");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.flags_to_local, 2);
    assert_table(&e, "0 work\n1 later\n2 third\n");
    assert_info(&e, "m1", "S");
    assert_info(&e, "m3", "Sbc");
    settled(&e);
    engine_free(&e);
}

static void from_letters_to_the_server(void **state)
{
    struct engine e;
    begin(&e, NULL);
    engine_pass_ends(&e, 0);
    set_table(&e, "0 work\n3 later\n");
    set_info(&e, "m1", "Sa");
    set_info(&e, "m2", "ad");
    engine_pass_ends(&e, 0);
    assert_words(&e, "m1", "S work");
    assert_words(&e, "m2", " later work");
    settled(&e);
    set_info(&e, "m2", "d");
    engine_pass_ends(&e, 0);
    assert_words(&e, "m2", " later");
    settled(&e);
    /* A new file brings its keywords along. */
    local_add(&e, "INBOX", "here", "S");
    set_info(&e, "here", "FSad");
    engine_pass_ends(&e, 0);
    assert_words(&e, "here", "SF later work");
    settled(&e);
    engine_free(&e);
}

static void each_by_itself_when_both_sides_change(void **state)
{
    struct engine e;
    begin(&e, NULL);
    server_words(&e, "m1", "a b");
    server_words(&e, "m2", "a");
    engine_pass_ends(&e, 0);
    assert_info(&e, "m1", "Sab");
    engine_pass_ends(&e, 0);
    server_words(&e, "m1", "a c");
    set_info(&e, "m1", "Sb");
    engine_pass_ends(&e, 0);
    assert_words(&e, "m1", "S c");
    assert_info(&e, "m1", "Sc");
    settled(&e);
    engine_free(&e);
}

static void forwarded_is_a_flag(void **state)
{
    struct engine e;
    begin(&e, NULL);
    server_words(&e, "m1", "$Forwarded work");
    engine_pass_ends(&e, 0);
    assert_info(&e, "m1", "PSa");
    set_info(&e, "m2", "P");
    engine_pass_ends(&e, 0);
    assert_words(&e, "m2", " $Forwarded");
    set_info(&e, "m1", "Sa");
    engine_pass_ends(&e, 0);
    assert_words(&e, "m1", "S work");
    settled(&e);
    engine_free(&e);
}

static void unknown_letters_are_kept(void **state)
{
    struct engine e;
    begin(&e, NULL);
    engine_pass_ends(&e, 0);
    set_info(&e, "m1", "SXaz");
    engine_pass_ends(&e, 0);
    server_words(&e, "m1", "work");
    engine_pass_ends(&e, 0);
    /* `a` and `z` are in use, though nobody says for what. */
    assert_table(&e, "1 work\n");
    assert_info(&e, "m1", "SXabz");
    server_words(&e, "m1", "");
    engine_pass_ends(&e, 0);
    assert_info(&e, "m1", "SXaz");
    settled(&e);
    engine_free(&e);
}

static void more_than_the_letters_are_in_the_index_alone(void **state)
{
    struct engine e;
    begin(&e, NULL);
    AUTO_BUF struct buf words = BUF_INIT(1024);
    for (int i = 0; i < 30; i++)
        buf_addf(&words, "%sk%02d", i > 0 ? " " : "", i);
    const char *all = arena_str(e.arena, buf_str(&words)).ptr;
    server_words(&e, "m1", all);
    engine_pass_ends(&e, 0);
    assert_info(&e, "m1", "Sabcdefghijklmnopqrstuvwxyz");
    settled(&e);
    set_info(&e, "m1", "FSbcdefghijklmnopqrstuvwxyz");
    engine_pass_ends(&e, 0);
    const char *left = arena_printf(e.arena, "SF %s", all + 4);
    assert_words(&e, "m1", left);
    settled(&e);
    engine_free(&e);
}

/* ---- other programs, other servers ---- */

static void the_table_of_another_program_counts(void **state)
{
    struct engine e;
    begin(&e, NULL);
    server_words(&e, "m1", "work");
    server_words(&e, "m2", "other");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    /* It adds to the table, and uses what it added. */
    set_table(&e, "0 work\n1 other\n2 mine\n");
    set_info(&e, "m3", "Sc");
    engine_pass_ends(&e, 0);
    assert_words(&e, "m3", "S mine");
    settled(&e);
    /* It lost it: letters that stand for nothing any more say nothing. */
    assert_int_equal(unlink(table_path(&e)), 0);
    set_info(&e, "m1", "FSa");
    engine_pass_ends(&e, 0);
    assert_words(&e, "m1", "SF work");
    assert_words(&e, "m2", "S other");
    assert_words(&e, "m3", "S mine");
    settled(&e);
    engine_free(&e);
}

int __real_maildir_scan_filtered(const struct maildir *md, const char *path,
                                 const struct maildir_filter *filter, struct maildir_snapshot *out,
                                 struct error *err);
int __wrap_maildir_scan_filtered(const struct maildir *md, const char *path,
                                 const struct maildir_filter *filter, struct maildir_snapshot *out,
                                 struct error *err);

/* Once, right before a folder is read. */
static void (*before_scan)(struct engine *e);
static struct engine *scanned;

int __wrap_maildir_scan_filtered(const struct maildir *md, const char *path,
                                 const struct maildir_filter *filter, struct maildir_snapshot *out,
                                 struct error *err)
{
    void (*act)(struct engine * e) = before_scan;
    before_scan = NULL;
    if (act != NULL)
        act(scanned);
    return __real_maildir_scan_filtered(md, path, filter, out, err);
}

static void make_up_a_word(struct engine *e)
{
    set_table(e, "0 work\n1 later\n");
    set_info(e, "m1", "Sab");
}

/* Its letter means nothing to who read the table before, so that the file looks as agreed. */
static void a_word_made_up_while_the_folder_is_read_is_seen(void **state)
{
    struct engine e;
    begin(&e, NULL);
    server_words(&e, "m1", "work");
    engine_agree(&e);
    local_add(&e, "INBOX", "new", "");
    before_scan = make_up_a_word;
    scanned = &e;
    engine_pass_ends(&e, 0);
    assert_null(before_scan);
    assert_words(&e, "m1", "S later work");
    engine_pass_ends(&e, 0);
    settled(&e);
    engine_free(&e);
}

/* While another program holds the lock the keyword has no letter; that is no removal. */
static void messages_wait_while_the_table_of_their_letters_is_locked(void **state)
{
    struct engine e;
    begin(&e, NULL);
    server_words(&e, "m1", "work");
    local_create(&e, "INBOX");
    const char *lock = arena_printf(e.arena, "%s.lock", table_path(&e));
    struct error err = ERROR_INIT;
    int fd = -1;
    assert_int_equal(file_open(AT_FDCWD, lock, O_WRONLY | O_CREAT, 0600, &fd, &err), 0);
    file_close(&fd);
    engine_pass_ends(&e, 75);
    assert_words(&e, "m1", "S work");
    assert_int_equal(unlink(lock), 0);
    engine_pass_ends(&e, 0);
    assert_info(&e, "m1", "Sa");
    assert_words(&e, "m1", "S work");
    engine_pass_ends(&e, 0);
    settled(&e);
    engine_free(&e);
}

static struct str limit_flags(struct engine *e, struct str line)
{
    if (str_starts(line, STR("* OK [PERMANENTFLAGS"))) {
        return STR("* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted)] Limited\r\n");
    }
    return line;
}

/* Exchange: no keywords at all. */
static void what_the_server_does_not_keep_is_no_information(void **state)
{
    struct engine e;
    begin(&e, NULL);
    e.twist = limit_flags;
    engine_pass_ends(&e, 0);
    set_table(&e, "0 work\n");
    set_info(&e, "m1", "PSa");
    engine_pass_ends(&e, 0);
    assert_words(&e, "m1", "S");
    assert_info(&e, "m1", "PSa");
    server_flags(&e, "INBOX", "m1", "FS");
    engine_pass_ends(&e, 0);
    assert_info(&e, "m1", "FPSa");
    settled(&e);
    engine_free(&e);
}

/* Nor was it removed there while it could not be kept: what was set here goes there then, what was
 * taken off here is taken off there. */
static void what_the_server_keeps_again_is_sent(void **state)
{
    for (int full = 0; full < 2; full++) {
        const struct pass_options options = {.full = full};
        struct engine e;
        begin(&e, NULL);
        server_words(&e, "m2", "$Forwarded old");
        engine_pass_ends(&e, 0);
        e.twist = limit_flags;
        set_table(&e, "0 old\n1 work\n");
        set_info(&e, "m1", "PSb");
        set_info(&e, "m2", "S");
        engine_pass_ends(&e, 0);
        settled(&e);
        e.twist = NULL;
        server_flags(&e, "INBOX", "m1", "FS");
        local_add(&e, "INBOX", "new", "");
        assert_int_equal(engine_pass(&e, &options), 0);
        assert_words(&e, "m1", "SF $Forwarded work");
        assert_info(&e, "m1", "FPSb");
        assert_words(&e, "m2", "S");
        assert_info(&e, "m2", "S");
        settled(&e);
        engine_free(&e);
    }
}

static void a_refused_keyword_is_kept_here_and_not_sent_again(void **state)
{
    struct engine e;
    begin(&e, NULL);
    engine_pass_ends(&e, 0);
    set_table(&e, "0 work\n");
    set_info(&e, "m1", "Sa");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO,
                                              .command = "UID STORE",
                                              .at = 1,
                                              .text = "[CANNOT] no keywords here"});
    engine_pass_ends(&e, 0);
    lockstep_env_clear_faults(&e.env);
    engine_pass_ends(&e, 0);
    assert_words(&e, "m1", "S");
    assert_info(&e, "m1", "Sa");
    settled(&e);
    engine_free(&e);
}

static void policy_says_which_way(void **state)
{
    static const struct {
        const char *account, *words, *info;
    } cases[] = {
        {"    sync: {flags: to_local}\n", "S there", "Sbc"},
        {"    sync: {flags: to_remote}\n", "S mine there", "Sac"},
        {"    sync: {flags: none}\n", "S there", "Sac"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine e;
        begin(&e, cases[i].account);
        server_words(&e, "m1", "old");
        server_words(&e, "m2", "there");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_table(&e, "0 old\n1 there\n");
        set_table(&e, "0 old\n1 there\n2 mine\n");
        set_info(&e, "m1", "Sac");
        server_words(&e, "m1", "there");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_words(&e, "m1", cases[i].words);
        assert_info(&e, "m1", cases[i].info);
        engine_free(&e);
    }
}

/* ---- moves: letters are those of the folder ---- */

static void moved_keywords_get_the_letters_of_their_folder(void **state)
{
    for (int here = 0; here < 2; here++) {
        struct engine e;
        begin(&e, NULL);
        server_create(&e, "other");
        server_words(&e, "m1", "first second");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        local_create(&e, "away");
        engine_pass_ends(&e, 0);
        /* In this one the letters mean other things. */
        const char *table = arena_printf(e.arena, "%s/away/dovecot-keywords", e.root);
        struct error err = ERROR_INIT;
        assert_int_equal(file_replace(table, STR("0 other\n1 first\n"), 0600, &err), 0);
        if (here) {
            local_move(&e, "INBOX", "away", "m1");
        } else {
            server_move(&e, "INBOX", "away", "m1");
        }
        for (int pass = 0; pass < 3; pass++) {
            engine_pass_ends(&e, 0);
            assert_int_equal(e.counts.bodies, 0);
        }
        /* `mailbox` of the helpers is the INBOX: it comes back, and has kept its words. */
        server_move(&e, "away", "INBOX", "m1");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_words(&e, "m1", "S first second");
        assert_info(&e, "m1", "Sab");
        settled(&e);
        engine_free(&e);
    }
}

/* The file's letters changed before it was moved, by a program here, or the message was there. */
static void keywords_changed_before_a_move_go_along(void **state)
{
    for (int here = 0; here < 2; here++) {
        struct engine e;
        begin(&e, NULL);
        server_create(&e, "other");
        server_words(&e, "m1", "first second");
        server_words(&e, "m2", "third");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_info(&e, "m1", "Sab");
        set_info(&e, "m1", here ? "Sac" : "Sabc");
        if (here) {
            local_move(&e, "INBOX", "other", "m1");
        } else {
            server_move(&e, "INBOX", "other", "m1");
        }
        for (int pass = 0; pass < 3; pass++) {
            engine_pass_ends(&e, 0);
            assert_int_equal(e.counts.bodies, 0);
        }
        server_move(&e, "other", "INBOX", "m1");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_words(&e, "m1", here ? "S first third" : "S first second third");
        assert_info(&e, "m1", here ? "Sac" : "Sabc");
        settled(&e);
        engine_free(&e);
    }
}

/* There it went and came back, and lost its words. */
static void the_words_of_what_has_another_uid_change(void **state)
{
    struct engine e;
    begin(&e, NULL);
    server_create(&e, "other");
    server_words(&e, "m1", "first");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    server_move(&e, "INBOX", "other", "m1");
    server_move(&e, "other", "INBOX", "m1");
    server_words(&e, "m1", "");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 0);
    engine_pass_ends(&e, 0);
    assert_info(&e, "m1", "S");
    settled(&e);
    engine_free(&e);
}

/* ---- few commands ---- */

static void a_thousand_changes_of_every_kind(void **state)
{
    static const char letters[] = "FSab";
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", 1000);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    set_table(&e, "0 work\n1 later\n");
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(maildir_scan(e.maildir, "INBOX", &snapshot, &err), 0);
    for (size_t i = 0; i < snapshot.files.len; i++) {
        char info[8];
        size_t len = 0;
        for (size_t k = 0; k < 4; k++) {
            if (((i % 15) + 1) & (1u << k)) {
                info[len++] = letters[k];
            }
        }
        info[len] = '\0';
        const struct maildir_file *file = &snapshot.files.items[i];
        const char *from = arena_printf(e.arena, "%s/INBOX/%s/%.*s", e.root,
                                        file->in_new ? "new" : "cur", STR_ARG(file->name));
        const char *to = arena_printf(e.arena, "%s/INBOX/cur/%.*s:2,%s", e.root,
                                      STR_ARG(file->parsed.base), info);
        assert_int_equal(rename(from, to), 0);
    }
    maildir_snapshot_free(&snapshot);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.flags_to_remote, 1000);
    assert_true(e.counts.commands <= 10 && e.counts.round_trips <= 4);
    settled(&e);
    engine_free(&e);
}

/* The connection ends at each command, before or after it was carried out. */
static void law4_keywords_survive_cuts(void **state)
{
    static const enum fault_kind kinds[] = {FAULT_BYE, FAULT_DO_AND_CUT};
    for (size_t k = 0; k < 2; k++) {
        for (uint64_t at = 1; at < 40; at++) {
            struct engine e;
            begin(&e, NULL);
            server_words(&e, "m1", "a b");
            engine_pass_ends(&e, 0);
            engine_pass_ends(&e, 0);
            server_words(&e, "m1", "b c");
            server_words(&e, "m2", "d");
            set_info(&e, "m1", "FSab");
            set_info(&e, "m3", "Sa");
            lockstep_env_fault(&e.env, (struct fault){.kind = kinds[k], .at = at});
            bool hit = engine_pass(&e, NULL) != 0;
            lockstep_env_clear_faults(&e.env);
            engine_pass_ends(&e, 0);
            assert_words(&e, "m1", "SF b c");
            assert_words(&e, "m2", "S d");
            assert_words(&e, "m3", "S a");
            assert_info(&e, "m3", "Sa");
            settled(&e);
            engine_free(&e);
            if (!hit) {
                break;
            }
        }
    }
}

/* Words of an older Maildir are no news, whatever they say: not what was taken off since, nor the
 * lack of what came since, which has no letter in its table. The connection ends at each command.
 */
static void law6_an_older_maildir_takes_the_words_of_the_server(void **state)
{
    bool hit = true;
    for (uint64_t at = 1; hit; at++) {
        struct engine e;
        begin(&e, NULL);
        server_words(&e, "m1", "old");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        disk_copy(&e, "mail", "copy");
        server_words(&e, "m1", "");
        server_words(&e, "m2", "new");
        server_fill(&e, "INBOX", "n", 1);
        engine_pass_ends(&e, 0);
        assert_int_equal(rename(e.root, arena_printf(e.arena, "%s/newer", e.dir)), 0);
        assert_int_equal(rename(arena_printf(e.arena, "%s/copy", e.dir), e.root), 0);
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_BYE, .at = at});
        hit = engine_pass(&e, NULL) != 0;
        lockstep_env_clear_faults(&e.env);
        engine_pass_ends(&e, 0);
        assert_words(&e, "m1", "S");
        assert_info(&e, "m1", "S");
        assert_words(&e, "m2", "S new");
        assert_info(&e, "m2", "Sb");
        settled(&e);
        engine_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_the_server_to_letters),
        cmocka_unit_test(from_letters_to_the_server),
        cmocka_unit_test(each_by_itself_when_both_sides_change),
        cmocka_unit_test(forwarded_is_a_flag),
        cmocka_unit_test(unknown_letters_are_kept),
        cmocka_unit_test(more_than_the_letters_are_in_the_index_alone),
        cmocka_unit_test(the_table_of_another_program_counts),
        cmocka_unit_test(a_word_made_up_while_the_folder_is_read_is_seen),
        cmocka_unit_test(messages_wait_while_the_table_of_their_letters_is_locked),
        cmocka_unit_test(what_the_server_does_not_keep_is_no_information),
        cmocka_unit_test(what_the_server_keeps_again_is_sent),
        cmocka_unit_test(a_refused_keyword_is_kept_here_and_not_sent_again),
        cmocka_unit_test(policy_says_which_way),
        cmocka_unit_test(moved_keywords_get_the_letters_of_their_folder),
        cmocka_unit_test(keywords_changed_before_a_move_go_along),
        cmocka_unit_test(the_words_of_what_has_another_uid_change),
        cmocka_unit_test(a_thousand_changes_of_every_kind),
        cmocka_unit_test(law4_keywords_survive_cuts),
        cmocka_unit_test(law6_an_older_maildir_takes_the_words_of_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
