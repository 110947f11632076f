#include "base/files.h"
#include "imap/flags.h"
#include "store/index.h"
#include "sync/folder_sides.h"
#include <stdio.h>
#include <stdlib.h>
#include <utime.h>

/*
 * Law 7: whatever a server says to an APPEND, the message is held with the server's words, tried
 * again later, and all else goes on; what cannot arrive is not even sent.
 */

static unsigned appends(const struct engine *e)
{
    return engine_sent(e, " APPEND ");
}

/* The one message that is held, and why. */
static void assert_held(struct engine *e, const char *words)
{
    struct index *index = NULL;
    enum index_opened opened;
    struct error err = ERROR_INIT;
    struct index_held held;
    uint64_t cursor = 0;
    struct index_txn *txn = NULL;
    assert_int_equal(index_open(e->state, &index, &opened, &err), 0);
    assert_int_equal(index_begin_read(index, &txn, &err), 0);
    if (index_held_next(txn, e->arena, &cursor, &held, &err) != 1) {
        engine_tell(e);
        fail_msg("nothing is held");
    }
    assert_int_equal(held.kind, HELD_UPLOAD);
    assert_int_equal(held.tries, 1);
    assert_int_equal(held.retry_ms, e->env.now_ms + 60000);
    if (memmem(held.reason.ptr, held.reason.len, words, strlen(words)) == NULL) {
        fail_msg("held for '%.*s', not for '%s'", STR_ARG(held.reason), words);
    }
    assert_int_equal(index_held_next(txn, e->arena, &cursor, &held, &err), 0);
    index_abort(&txn);
    index_close(&index);
}

static void law7_a_refused_upload_is_held_with_the_servers_words(void **state)
{
    static const struct {
        enum fault_kind kind;
        const char *text;
    } answers[] = {
        {FAULT_NO, "[TOOBIG] message exceeds the limit"},
        {FAULT_BAD, "[TOOBIG] Message too large"}, /* Gmail */
        {FAULT_NO, "[OVERQUOTA] the mailbox is full"},
        {FAULT_NO, "[ALERT] no more room for you"},
        {FAULT_BAD, "Unable to parse message"},    /* Gmail */
        {FAULT_BAD, "Command Argument Error. 11"}, /* Exchange */
        {FAULT_NO, "[LIMIT] line too long"},
        {FAULT_NO, "Message contains invalid header"}, /* Cyrus */
        {FAULT_NO, "Message contains bare newlines"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct engine e;
        engine_init(&e, NULL);
        server_create(&e, "Other");
        server_append(&e, "Other", "there", "");
        engine_pass_ends(&e, 0);
        local_fill(&e, "INBOX", "m", 3);
        local_add(&e, "Other", "o1", "");
        local_flags(&e, "Other", "there", "F");
        lockstep_env_fault(&e.env, (struct fault){.kind = answers[i].kind,
                                                  .command = "APPEND",
                                                  .at = 2,
                                                  .text = answers[i].text});
        engine_pass_ends(&e, 1);
        assert_int_equal(appends(&e), 4);
        assert_int_equal(e.report.messages.uploaded, 3);
        assert_int_equal(e.report.messages.held, 1);
        assert_int_equal(server_count(&e, "INBOX"), 2);
        assert_local(&e, "INBOX[m1 m2 m3] Other[o1 there/F]");
        assert_held(&e, answers[i].text);
        engine_pass_ends(&e, 1); /* not due yet */
        assert_int_equal(appends(&e), 0);
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[m1 m2 m3] Other[o1 there/F]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* ---- sizes ---- */

static const char LONG[] = "a-subject-that-makes-this-message-larger-than-what-the-server-is-ready-"
                           "to-take-and-that-stands-in-it-more-than-once";

static struct str with_limit(struct engine *e, struct str line)
{
    (void)e;
    if (memmem(line.ptr, line.len, "(APPENDLIMIT ", 13) == NULL)
        return line;
    return memmem(line.ptr, line.len, "INBOX", 5) != NULL
               ? STR("* STATUS INBOX (APPENDLIMIT 200)\r\n")
               : STR("* STATUS Other (APPENDLIMIT NIL)\r\n");
}

static void too_big(struct engine *e, const char *words)
{
    engine_pass_ends(e, 0);
    local_add(e, "INBOX", "m1", "");
    local_add(e, "INBOX", LONG, "");
    engine_pass_ends(e, 1);
    assert_int_equal(appends(e), 1);
    assert_int_equal(server_count(e, "INBOX"), 1);
    assert_int_equal(folder_count(e, "INBOX"), 2);
    assert_held(e, words);
}

static void law7_what_exceeds_the_limit_of_the_server_is_not_sent(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    e.env.options.capabilities.append_limit = 200;
    too_big(&e, "takes 200 at most");
    e.env.options.capabilities.append_limit = 0;
    engine_wait(&e, 61);
    engine_pass_ends(&e, 0);
    assert_int_equal(server_count(&e, "INBOX"), 2);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void law7_what_exceeds_the_limit_of_a_mailbox_is_not_sent(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_create(&e, "Other");
    e.env.options.capabilities.append_limit = 0;
    e.twist = with_limit;
    too_big(&e, "takes 200 at most in this mailbox");
    /* The other one has no limit. */
    local_add(&e, "Other", LONG, "");
    engine_pass_ends(&e, 1);
    assert_int_equal(server_count(&e, "Other"), 1);
    e.twist = NULL;
    engine_wait(&e, 61);
    engine_pass_ends(&e, 0);
    assert_int_equal(server_count(&e, "INBOX"), 2);
    engine_assert_settled(&e);
    engine_free(&e);
}

/* ---- the mailbox vanished ---- */

static void remove_it(struct engine *e)
{
    struct error err = ERROR_INIT;
    assert_int_equal(mem_backend_remove(e->env.backend, LOCKSTEP_USER, "Other", &err), 0);
}

static void law1_a_mailbox_that_vanishes_takes_nothing_along(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_create(&e, "Other");
    server_create(&e, "Zoo");
    server_append(&e, "Other", "there", "");
    engine_pass_ends(&e, 0);
    local_fill(&e, "Other", "o", 3);
    local_add(&e, "Zoo", "z1", "");
    e.meanwhile = remove_it;
    (void)engine_pass(&e, NULL);
    assert_error(&e, ERR_NO, "gone from the server");
    assert_string_equal(e.report.error_mailbox, "Other");
    assert_int_equal(e.report.messages.held, 0);
    assert_server(&e, "INBOX[] Zoo[z1]");
    assert_local(&e, "INBOX[] Other[o1 o2 o3 there] Zoo[z1]");
    for (int pass = 0; pass < 3; pass++) {
        engine_wait(&e, 120);
        (void)engine_pass(&e, NULL);
        assert_local(&e, "INBOX[] Other[o1 o2 o3 there] Zoo[z1]");
    }
    engine_free(&e);
}

/* ---- keywords ---- */

static void set_table(struct engine *e, const char *text)
{
    struct error err = ERROR_INIT;
    const char *path = arena_printf(e->arena, "%s/INBOX/dovecot-keywords", e->root);
    assert_int_equal(file_replace(path, str_from(text), 0600, &err), 0);
}

static void a_message_refused_for_its_keywords_goes_without_them(void **state)
{
    static const struct {
        enum fault_kind kind;
        const char *text;
        unsigned appends;
    } answers[] = {
        {FAULT_NO, "[LIMIT] too many keywords", 4},
        {FAULT_NO, "[CANNOT] no such keyword here", 4},
        {FAULT_BAD, "Invalid flag", 4},
        {FAULT_NO, "[OVERQUOTA] full", 3},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct engine e;
        bool again = answers[i].appends == 4;
        engine_init(&e, NULL);
        engine_pass_ends(&e, 0);
        set_table(&e, "0 work\n");
        local_add(&e, "INBOX", "m1", "Sa");
        local_add(&e, "INBOX", "m2", "S");
        local_add(&e, "INBOX", "m3", "FPa");
        lockstep_env_fault(&e.env, (struct fault){.kind = answers[i].kind,
                                                  .command = "APPEND",
                                                  .at = 1,
                                                  .text = answers[i].text});
        engine_pass_ends(&e, again ? 0 : 1);
        assert_int_equal(appends(&e), answers[i].appends);
        assert_int_equal(e.report.messages.held, again ? 0 : 1);
        assert_int_equal(server_count(&e, "INBOX"), again ? 3 : 2);
        engine_wait(&e, 61);
        engine_pass_ends(&e, 0);
        assert_int_equal(e.report.messages.flags_to_remote, again ? 1 : 0);
        assert_both(&e, "INBOX[m1/S m2/S m3/FP]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* ---- what Gmail does with messages that it has already ---- */

/* The copy that arrived goes at once, and the answer tells of the one that was there. */
static struct str deduplicated(struct engine *e, struct str line)
{
    struct error err = ERROR_INIT;
    const char *code = memmem(line.ptr, line.len, "[APPENDUID ", 11);
    if (code == NULL || e->twist_uid == 0)
        return line;
    char *end;
    unsigned long uidvalidity = strtoul(code + 11, &end, 10);
    uint32_t uid = (uint32_t)strtoul(end, NULL, 10);
    assert_int_equal(mem_backend_expunge(e->env.backend, LOCKSTEP_USER, "INBOX", uid, &err), 0);
    struct str tag = str_sub(line, 0, (size_t)str_find(line, ' '));
    return str_from(arena_printf(e->arena, "%.*s OK [APPENDUID %lu %u] (Success)\r\n", STR_ARG(tag),
                                 uidvalidity, e->twist_uid));
}

/* Removed here, by a policy that leaves it there, and put back. */
static void a_known_uid_gets_the_file_where_it_had_none(void **state)
{
    struct engine e;
    engine_init(&e, "    disable: [UIDPLUS]\n    sync:\n      deletions: to_local\n");
    server_fill(&e, "INBOX", "m", 3);
    engine_pass_ends(&e, 0);
    local_remove(&e, "INBOX", "m2");
    engine_pass_ends(&e, 0);
    assert_server(&e, "INBOX[m1 m2 m3]");
    assert_local(&e, "INBOX[m1 m3]");
    engine_configure(&e, "    sync:\n      deletions: to_local\n");
    e.twist_uid = server_uid(&e, "INBOX", "m2");
    e.twist = deduplicated;
    local_add_as(&e, "INBOX", "another", "m2");
    engine_pass_ends(&e, 0);
    assert_int_equal(appends(&e), 1);
    assert_both(&e, "INBOX[m1 m2 m3]");
    engine_pass_ends(&e, 0);
    engine_assert_settled(&e);
    assert_int_equal(appends(&e), 0);
    engine_free(&e);
}

/* A file that the message has already stays as it is, and the other one, too. */
static void law2_a_known_uid_keeps_the_file_it_has(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", 3);
    engine_pass_ends(&e, 0);
    e.twist_uid = server_uid(&e, "INBOX", "m2");
    e.twist = deduplicated;
    local_add(&e, "INBOX", "changed", "");
    engine_pass_ends(&e, 1);
    assert_held(&e, "has this message already, as UID 2");
    assert_server(&e, "INBOX[m1 m2 m3]");
    assert_local(&e, "INBOX[changed m1 m2 m3]");
    engine_free(&e);
}

static void it_arrives(struct engine *e)
{
    e->twist_uid = server_append(e, "INBOX", "m1", "");
}

/* Both in one pass: the first answer counts. */
static void law2_one_uid_for_two_files_is_one_record(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    e.twist = deduplicated;
    e.meanwhile = it_arrives;
    local_add_as(&e, "INBOX", "file1", "m1");
    local_add_as(&e, "INBOX", "file2", "m1");
    engine_pass_ends(&e, 1);
    assert_int_equal(e.report.messages.uploaded, 1);
    assert_held(&e, "has this message already");
    assert_server(&e, "INBOX[m1]");
    assert_local(&e, "INBOX[m1 m1]");
    engine_free(&e);
}

/* It is about to be fetched: what the server has may be another message of the same Message-ID. */
static void law2_a_uid_that_is_to_be_fetched_is_fetched(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    it_arrives(&e);
    e.twist = deduplicated;
    local_add(&e, "INBOX", "changed", "");
    engine_pass_ends(&e, 1);
    assert_held(&e, "has this message already");
    assert_server(&e, "INBOX[m1]");
    assert_local(&e, "INBOX[changed m1]");
    engine_free(&e);
}

/* ---- the date ---- */

static bool is_dated(void *self, const struct backend_message *message, struct str body)
{
    (void)body;
    *(int64_t *)self = message->internal_date_s;
    return true;
}

static void the_date_of_the_file_is_that_of_the_message(void **state)
{
    struct engine e;
    struct error err = ERROR_INIT;
    const struct utimbuf then = {.actime = 1234567890, .modtime = 1234567890};
    int64_t date_s = 0;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    local_add(&e, "INBOX", "m1", "");
    const char *path = arena_printf(e.arena, "%s/INBOX/new/m1.user", e.root);
    assert_int_equal(utime(path, &then), 0);
    engine_pass_ends(&e, 0);
    assert_true(mem_backend_each(e.env.backend, LOCKSTEP_USER, "INBOX", is_dated, &date_s, &err) >=
                0);
    assert_int_equal(date_s, 1234567890);
    engine_free(&e);
}

/* ---- flags ---- */

/* Some keep of a message that APPEND brings not all of its flags (Exchange), and those of STORE. */
static void flags_that_append_loses_are_stored(void **state)
{
    static const char *const accounts[] = {
        NULL,
        "    disable: [QRESYNC]\n",
        "    disable: [QRESYNC, CONDSTORE]\n",
        "    disable: [QRESYNC, CONDSTORE, LIST-STATUS, UIDPLUS]\n",
    };
    const unsigned lost[] = {FLAG_FLAGGED, FLAG_FLAGGED | FLAG_SEEN, FLAG_ANSWERED | FLAG_DRAFT};
    for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        for (size_t k = 0; k < sizeof lost / sizeof lost[0]; k++) {
            struct engine e;
            engine_init(&e, accounts[i]);
            engine_pass_ends(&e, 0);
            lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_LOSE_FLAGS, .value = lost[k]});
            for (int round = 0; round < 2; round++) {
                const char *name = round == 0 ? "a" : "b";
                local_add(&e, "INBOX", arena_printf(e.arena, "%s1", name), "F");
                local_add(&e, "INBOX", arena_printf(e.arena, "%s2", name), "FRS");
                local_add(&e, "INBOX", arena_printf(e.arena, "%s3", name), "");
                local_add(&e, "INBOX", arena_printf(e.arena, "%s4", name), "D");
                engine_pass_ends(&e, 0);
                engine_pass_ends(&e, 0);
            }
            assert_both(&e, "INBOX[a1/F a2/FRS a3 a4/D b1/F b2/FRS b3 b4/D]");
            engine_assert_settled(&e);
            engine_free(&e);
        }
    }
}

/* What was once seen to be kept is not asked for again, but in a full pass. */
static void flags_that_append_keeps_are_asked_for_once(void **state)
{
    static const struct {
        const char *subject, *flags;
        bool full;
        unsigned asked;
    } rows[] = {
        {"m1", "", false, 0}, {"m2", "S", false, 1},  {"m3", "S", false, 0},
        {"m4", "", false, 0}, {"m5", "FS", false, 1}, {"m6", "FS", false, 0},
        {"m7", "F", true, 1}, {"m8", "F", false, 0},
    };
    struct engine e;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct pass_options options = {.full = rows[i].full};
        local_add(&e, "INBOX", rows[i].subject, rows[i].flags);
        assert_int_equal(engine_pass(&e, &options), 0);
        unsigned asked = engine_sent(&e, arena_printf(e.arena, "UID FETCH %zu (UID FLAGS)", i + 1));
        if (asked != rows[i].asked) {
            engine_tell(&e);
            fail_msg("%s: asked for %u times", rows[i].subject, asked);
        }
    }
    engine_assert_settled(&e);
    engine_free(&e);
}

/* What was kept, and another client took off since, is no loss. */
static void a_flag_taken_off_afterwards_stays_off(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    engine_pass_ends(&e, 0);
    local_add(&e, "INBOX", "m1", "F");
    engine_pass_ends(&e, 0);
    local_add(&e, "INBOX", "m2", "F");
    engine_pass_ends(&e, 0);
    server_flags(&e, "INBOX", "m2", "");
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1/F m2]");
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law7_a_refused_upload_is_held_with_the_servers_words),
        cmocka_unit_test(law7_what_exceeds_the_limit_of_the_server_is_not_sent),
        cmocka_unit_test(law7_what_exceeds_the_limit_of_a_mailbox_is_not_sent),
        cmocka_unit_test(law1_a_mailbox_that_vanishes_takes_nothing_along),
        cmocka_unit_test(a_message_refused_for_its_keywords_goes_without_them),
        cmocka_unit_test(a_known_uid_gets_the_file_where_it_had_none),
        cmocka_unit_test(law2_a_known_uid_keeps_the_file_it_has),
        cmocka_unit_test(law2_one_uid_for_two_files_is_one_record),
        cmocka_unit_test(law2_a_uid_that_is_to_be_fetched_is_fetched),
        cmocka_unit_test(the_date_of_the_file_is_that_of_the_message),
        cmocka_unit_test(flags_that_append_loses_are_stored),
        cmocka_unit_test(flags_that_append_keeps_are_asked_for_once),
        cmocka_unit_test(a_flag_taken_off_afterwards_stays_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
