#include "sync/engine.h"

/* Servers that do not do what they are asked, or do more: one account each, and how it stands
 * afterwards. */

static void begin(struct engine *e, const char *account)
{
    engine_begin(e, account, 5, "Box", "b", 2);
}

/* ---- rights ---- */

static void grant(struct engine *e, const char *mailbox, const char *rights)
{
    struct backend backend = mem_backend_vtable(e->env.backend);
    struct backend_user *user;
    struct acl_rights wanted;
    struct error err = ERROR_INIT;
    const struct str nobody = {NULL, 0};
    assert_true(acl_rights_parse(str_from(rights), &wanted));
    assert_int_equal(backend.ops->login(backend.self, STR(LOCKSTEP_USER), nobody, &user, &err), 0);
    assert_int_equal(backend.acl->set(user, str_from(mailbox), STR(LOCKSTEP_USER), wanted, &err),
                     0);
    backend.ops->logout(backend.self, user);
}

/* Gmail's Chats, mailboxes that others share: nothing changed here can go there, nor is it lost. */
static void law1_a_mailbox_that_may_only_be_read_is_fetched(void **state)
{
    struct engine e;
    begin(&e, NULL);
    grant(&e, "Box", "lr");
    local_flags(&e, "Box", "b1", "F");
    local_remove(&e, "Box", "b2");
    local_add(&e, "Box", "here", "");
    local_add(&e, "INBOX", "too", "");
    (void)server_append(&e, "Box", "there", "");
    int ends = 0;
    for (int pass = 0; pass < 3; pass++) {
        ends = engine_pass(&e, NULL);
        engine_wait(&e, 61);
    }
    assert_server(&e, "Box[b1 b2 there] INBOX[m1 m2 m3 m4 m5 too]");
    assert_local(&e, "Box[b1/F here there] INBOX[m1 m2 m3 m4 m5 too]");
    assert_int_equal(ends, 1); /* the new message is held */
    engine_free(&e);
}

/* ---- UIDVALIDITY ---- */

static struct str no_uidvalidity(struct engine *e, struct str line)
{
    return str_starts(line, STR("* OK [UIDVALIDITY")) ? STR_EMPTY : line;
}

static struct str uidvalidity_of_0(struct engine *e, struct str line)
{
    return str_starts(line, STR("* OK [UIDVALIDITY")) ? STR("* OK [UIDVALIDITY 0] x\r\n") : line;
}

/* Without it UIDs mean nothing from one time to the next. */
static void law1_without_uidvalidity_nothing_is_deleted(void **state)
{
    struct str (*const twists[])(struct engine *, struct str) = {no_uidvalidity, uidvalidity_of_0};
    for (size_t i = 0; i < sizeof twists / sizeof twists[0]; i++) {
        struct engine e;
        begin(&e, NULL);
        server_expunge(&e, "INBOX", "m1");
        local_remove(&e, "INBOX", "m2");
        (void)server_append(&e, "INBOX", "there", "");
        e.twist = twists[i];
        for (int pass = 0; pass < 3; pass++) {
            (void)engine_pass(&e, NULL);
            engine_wait(&e, 61);
            assert_server(&e, "Box[b1 b2] INBOX[m2 m3 m4 m5 there]");
            assert_true(folder_count(&e, "INBOX") >= 4);
        }
        e.twist = NULL;
        engine_wait(&e, 3600);
        engine_pass_ends(&e, 0);
        assert_both(&e, "Box[b1 b2] INBOX[m3 m4 m5 there]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* ---- what is more than was asked ---- */

/* Gmail with its setting "Auto-Expunge on": what is marked is gone at once, as UID EXPUNGE then
 * finds. */
static void what_is_marked_may_be_gone_at_once(void **state)
{
    static const char *const accounts[] = {
        NULL,
        "    disable: [MOVE]\n",
        "    disable: [UIDPLUS]\n",
        "    disable: [UIDPLUS, MOVE]\n",
        "    disable: [UIDPLUS, MOVE]\n    sync: {expunge_without_uidplus: careful}\n",
    };
    for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        struct engine e;
        begin(&e, accounts[i]);
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_EXPUNGE_MARKED});
        local_remove(&e, "INBOX", "m2");
        local_move(&e, "INBOX", "Box", "m1");
        local_flags(&e, "INBOX", "m3", "FS");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "Box[b1 b2 m1] INBOX[m3/FS m4 m5]");
        /* A mark that is carried is a deletion there, and then here. */
        local_flags(&e, "INBOX", "m4", "T");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        assert_both(&e, "Box[b1 b2 m1] INBOX[m3/FS m5]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* ---- commands that are announced and refused ---- */

/* The server's first refusal of a kind, and how all ends in the end. */
static void law7_what_is_refused_is_done_otherwise_or_again(void **state)
{
    static const struct {
        const char *command, *text;
        enum fault_kind kind;
        bool moves;
    } rows[] = {
        {"UID EXPUNGE", "Unknown command", FAULT_BAD, false},
        {"UID MOVE", "Unknown command", FAULT_BAD, true},
        {"UID MOVE", "Some messages could not be moved", FAULT_NO, true},
        {"LIST", "Command Argument Error. 12", FAULT_BAD, false},
        {"ENABLE", "Unknown command", FAULT_BAD, false},
        {"ID", "Unknown command", FAULT_BAD, false},
        {"NAMESPACE", "not now", FAULT_NO, false},
        {"SELECT", "User is authenticated but not connected.", FAULT_BAD, false},
        {"UID FETCH", "Request is throttled. Suggested Backoff Time: 60000 milliseconds", FAULT_BAD,
         false},
        {"UID STORE", "Server Unavailable. 15", FAULT_NO, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct engine e;
        begin(&e, NULL);
        lockstep_env_fault(&e.env, (struct fault){.kind = rows[i].kind,
                                                  .command = rows[i].command,
                                                  .at = 1,
                                                  .text = rows[i].text});
        local_flags(&e, "INBOX", "m3", "S");
        (void)server_append(&e, "Box", "there", "");
        if (rows[i].moves) {
            local_move(&e, "INBOX", "Box", "m2");
        } else {
            local_remove(&e, "INBOX", "m2");
        }
        for (int pass = 0; pass < 4; pass++) {
            (void)engine_pass(&e, NULL);
            engine_wait(&e, 61);
        }
        const char *view = rows[i].moves ? "Box[b1 b2 m2 there] INBOX[m1 m3/S m4 m5]"
                                         : "Box[b1 b2 there] INBOX[m1 m3/S m4 m5]";
        if (strcmp(local_view(&e), view) != 0 || strcmp(server_view(&e), view) != 0) {
            fail_msg("%s: %s: %s and %s", rows[i].command, rows[i].text, local_view(&e),
                     server_view(&e));
        }
        if (e.env.fault_hits[0] == 0) {
            fail_msg("%s was not sent", rows[i].command);
        }
        lockstep_env_clear_faults(&e.env);
        engine_free(&e);
    }
}

/* ID only in the answer to CAPABILITY, in no code. */
static struct str id_told_late(struct engine *e, struct str line)
{
    const char *id = memmem(line.ptr, line.len, " ID ", 4);
    if (id == NULL || !line_has(line, "[CAPABILITY ")) {
        return line;
    }
    return str_from(arena_printf(e->arena, "%.*s%.*s", (int)(id - line.ptr), line.ptr,
                                 (int)(line.len - (size_t)(id - line.ptr) - 3), id + 3));
}

/* NetEase (163.com, 126.com, yeah.net): "SELECT Unsafe Login". */
static void mailboxes_may_be_open_only_to_who_says_what_it_is(void **state)
{
    struct str (*const twists[])(struct engine *, struct str) = {NULL, id_told_late};
    for (size_t i = 0; i < sizeof twists / sizeof twists[0]; i++) {
        struct engine e;
        begin(&e, NULL);
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_ID_FIRST});
        e.twist = twists[i];
        local_add(&e, "Box", "here", "");
        local_remove(&e, "INBOX", "m1");
        (void)server_append(&e, "INBOX", "there", "");
        engine_pass_ends(&e, 0);
        assert_both(&e, "Box[b1 b2 here] INBOX[m2 m3 m4 m5 there]");
        assert_int_equal(e.twisted > 0, twists[i] != NULL);
        engine_free(&e);
    }
}

/* And where ID is not to be used, the server's words tell. */
static void what_it_says_to_others_is_told(void **state)
{
    struct engine e;
    begin(&e, "    disable: [ID]\n");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_ID_FIRST});
    local_remove(&e, "INBOX", "m1");
    (void)server_append(&e, "INBOX", "there", "");
    for (int pass = 0; pass < 3; pass++) {
        assert_int_not_equal(engine_pass(&e, NULL), 0);
        assert_non_null(strstr(e.report.error.text, "Unsafe Login"));
        assert_server(&e, "Box[b1 b2] INBOX[m1 m2 m3 m4 m5 there]");
        assert_local(&e, "Box[b1 b2] INBOX[m2 m3 m4 m5]");
        engine_wait(&e, 61);
    }
    engine_free(&e);
}

/* A NO to what was done all the same, or in part (RFC 6851 section 3.3). */
static void law2_what_was_done_and_refused_is_not_done_twice(void **state)
{
    static const struct {
        const char *command, *account;
    } rows[] = {
        {"UID MOVE", NULL},
        {"UID COPY", "    disable: [MOVE]\n"},
        {"UID STORE", "    disable: [MOVE]\n"},
        {"UID EXPUNGE", "    disable: [MOVE]\n"},
        {"UID STORE", NULL},
        {"UID EXPUNGE", NULL},
        {"APPEND", NULL},
        {"APPEND", "    disable: [OBJECTID]\n"},
        {"APPEND", "    disable: [OBJECTID, QRESYNC, CONDSTORE]\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct engine e;
        begin(&e, rows[i].account);
        for (unsigned at = 1; at <= 3; at++) {
            lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_DO_AND_NO,
                                                      .command = rows[i].command,
                                                      .at = at,
                                                      .text = "Server error"});
        }
        local_move(&e, "INBOX", "Box", "m1");
        local_move(&e, "INBOX", "Box", "m2");
        local_remove(&e, "INBOX", "m3");
        local_flags(&e, "INBOX", "m4", "S");
        local_add(&e, "INBOX", "here", "");
        for (int pass = 0; pass < 5; pass++) {
            (void)engine_pass(&e, NULL);
            engine_wait(&e, 120);
        }
        static const char view[] = "Box[b1 b2 m1 m2] INBOX[here m4/S m5]";
        if (strcmp(local_view(&e), view) != 0 || strcmp(server_view(&e), view) != 0) {
            fail_msg("%s: %s: %s and %s\n", rows[i].command, rows[i].account, local_view(&e),
                     server_view(&e));
        }
        assert_true(e.env.fault_hits[0] > 0);
        engine_free(&e);
    }
}

/* Strato, old Cyrus: a LIST with RETURN brings nothing. */
static struct str empty_extended_list(struct engine *e, struct str line)
{
    static bool extended;
    if (str_starts(line, STR("* OK [CAPABILITY"))) {
        extended = true;
    }
    bool list = str_starts(line, STR("* LIST")) || str_starts(line, STR("* STATUS"));
    if (extended && line_has(line, " OK ") && line.ptr[0] != '*' && e->twisted > 0) {
        extended = false;
    }
    return extended && list ? STR_EMPTY : line;
}

static void law1_an_extended_list_that_brings_nothing_is_asked_again_plainly(void **state)
{
    struct engine e;
    begin(&e, NULL);
    e.twist = empty_extended_list;
    (void)server_append(&e, "INBOX", "there", "");
    for (int pass = 0; pass < 3; pass++) {
        e.twisted = 0;
        engine_pass_ends(&e, 0);
        assert_true(e.twisted > 0);
    }
    e.twist = NULL;
    assert_both(&e, "Box[b1 b2] INBOX[m1 m2 m3 m4 m5 there]");
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law1_a_mailbox_that_may_only_be_read_is_fetched),
        cmocka_unit_test(law1_without_uidvalidity_nothing_is_deleted),
        cmocka_unit_test(what_is_marked_may_be_gone_at_once),
        cmocka_unit_test(law7_what_is_refused_is_done_otherwise_or_again),
        cmocka_unit_test(mailboxes_may_be_open_only_to_who_says_what_it_is),
        cmocka_unit_test(what_it_says_to_others_is_told),
        cmocka_unit_test(law2_what_was_done_and_refused_is_not_done_twice),
        cmocka_unit_test(law1_an_extended_list_that_brings_nothing_is_asked_again_plainly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
