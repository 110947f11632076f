/* CAPABILITY to COMPRESS, login, mailboxes, LIST, STATUS. */
#include "imap/command.h"
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void run_all(const struct script *scripts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        conversation_run(scripts[i].name, scripts[i].text);
    }
}

#define RUN(scripts) run_all(scripts, sizeof scripts / sizeof *scripts)

static void session_commands(void **state)
{
    static const struct script scripts[] = {
        {"noop", "1> a NOOP\n1< a OK …\n"},
        {"names in any case", "1> a noop\n1< a OK …\n"},
        {"unknown command", "1> a XYZZY\n1< a BAD Unknown command\n"},
        {"extra arguments", "1> a NOOP x\n1< a BAD …\n"},
        {"no tag", "1> \n1< * BAD …\n"},
        {"tag alone", "1> a\n1< a BAD …\n"},
        {"wrong state", "1> a FETCH 1 FLAGS\n1< a BAD Not in this state\n"},
        {"id", "1> a ID NIL\n1< * ID (\"name\" \"maildird\")\n1< a OK …\n"},
        {"namespace", "1> a NAMESPACE\n1< * NAMESPACE ((\"\" \"/\")) NIL NIL\n1< a OK …\n"},
        {"enable", "1> a ENABLE QRESYNC X-NO\n1< * ENABLED QRESYNC\n1< a OK …\n"
                   "1> b ENABLE CONDSTORE\n1< * ENABLED\n1< b OK …\n"},
        {"logout", "1> a LOGOUT\n1< * BYE …\n1< a OK …\n1!\n"},
        {"pieces", "1+ a NO\n1.\n1+ OP$\n1< a OK …\n"},
        {"pipelined", "1+ a NOOP$b NOOP$c NO\n1< a OK …\n1< b OK …\n1+ OP$\n1< c OK …\n"},
        {"the line end apart", "1+ a NOOP\n1.\n1+ $\n1< a OK …\n"},
        {"idle", "1> a IDLE\n1< + idling\n1?\n1.\n1> DONE\n1< a OK …\n"},
        {"idle broken off", "1> a IDLE\n1< + idling\n1> b NOOP\n1< a BAD Expected DONE\n"},
    };
    RUN(scripts);
}

static void login(void **state)
{
    static const struct script scripts[] = {
        {"greeting",
         "1< * OK [CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID ENABLE NAMESPACE "
         "CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE IDLE …\n"
         "1> a LOGIN u p\n1< a OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE …\n"},
        {"literals", "1< * OK …\n1> a LOGIN {1}\n1< + …\n1> u {1+}\n1.\n1> p\n1< a OK …\n"},
        {"wrong password", "1< * OK …\n1> a LOGIN u x\n1< a NO [AUTHENTICATIONFAILED] …\n"
                           "1> b LOGIN u p\n1< b OK …\n"},
        {"three wrong passwords",
         "1< * OK …\n1> a LOGIN u x\n1< a NO …\n1> b LOGIN x p\n1< b NO …\n"
         "1> c AUTHENTICATE PLAIN AHUAeA==\n1< c NO [AUTHENTICATIONFAILED] …\n1< * BYE …\n1!\n"},
        {"plain", "1< * OK …\n1> a AUTHENTICATE PLAIN\n1< + \n1> AHUAcA==\n1< a OK …\n"},
        {"plain at once", "1< * OK …\n1> a AUTHENTICATE PLAIN AHUAcA==\n1< a OK …\n"},
        {"plain as oneself", "1< * OK …\n1> a AUTHENTICATE plain dQB1AHA=\n1< a OK …\n"},
        {"plain for another",
         "1< * OK …\n1> a AUTHENTICATE PLAIN eAB1AHA=\n1< a NO [AUTHORIZATIONFAILED] …\n"},
        {"plain given up", "1< * OK …\n1> a AUTHENTICATE PLAIN\n1< + \n1> *\n1< a BAD …\n"},
        {"plain but no base64", "1< * OK …\n1> a AUTHENTICATE PLAIN\n1< + \n1> %%\n1< a BAD …\n"},
        {"unknown mechanism", "1< * OK …\n1> a AUTHENTICATE X-Y\n1< a NO [CANNOT] …\n"},
        {"login twice",
         "1< * OK …\n1> a LOGIN u p\n1< a OK …\n1> b LOGIN u p\n1< b BAD Not in this state\n"},
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct conversation c;
        conversation_init(&c);
        c.raw = true;
        conversation_play(&c, scripts[i].name, scripts[i].text);
        conversation_free(&c);
    }
}

static void no_login_without_tls(void **state)
{
    struct conversation c;
    conversation_init(&c);
    c.raw = true;
    c.env.options.allow_plaintext = false;
    c.env.options.tls_available = true;
    capabilities_set(&c.env.options.capabilities, CAP_STARTTLS, true);
    conversation_play(
        &c, "privacy",
        "1< * OK [CAPABILITY IMAP4rev1 IMAP4rev2 STARTTLS LOGINDISABLED SASL-IR LITERAL+ ID …\n"
        "1> a LOGIN u p\n1< a NO [PRIVACYREQUIRED] …\n"
        "1> b AUTHENTICATE PLAIN AHUAcA==\n1< b NO [PRIVACYREQUIRED] …\n");
    conversation_free(&c);
}

/* What came in clear text behind STARTTLS is not taken as if it had come through TLS. */
static void starttls_drops_what_was_injected(void **state)
{
    struct conversation c;
    struct buf out AUTO_BUF = BUF_INIT(65536);
    conversation_init(&c);
    c.env.options.tls_available = true;
    capabilities_set(&c.env.options.capabilities, CAP_STARTTLS, true);
    struct backend vtable = mem_backend_vtable(c.env.backend);
    struct session *session = session_new(&vtable, &c.env.options);
    assert_int_equal(session_feed(session, STR("a STARTTLS\r\nb LOGIN u p\r\n"), &out),
                     SESSION_STARTTLS);
    assert_non_null(strstr(out.data, "a OK"));
    session_tls_done(session);
    buf_clear(&out);
    assert_int_equal(session_feed(session, STR("c CAPABILITY\r\n"), &out), SESSION_READ);
    assert_true(str_starts(buf_str(&out), STR("* CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR")));
    assert_null(strstr(out.data, "b "));
    session_free(&session);
    conversation_free(&c);
}

static void preauth(void **state)
{
    struct conversation c;
    conversation_init(&c);
    c.raw = true;
    c.env.options.preauth = true;
    c.env.options.preauth_user = "u";
    conversation_play(&c, "preauth",
                      "1< * PREAUTH [CAPABILITY …\n1> a STATUS INBOX (MESSAGES)\n"
                      "1< * STATUS INBOX (MESSAGES 0)\n1< a OK …\n");
    conversation_free(&c);
}

static void mailboxes(void **state)
{
    static const struct script scripts[] = {
        {"create with what is above it",
         "1> a CREATE x/y\n1< a OK [MAILBOXID (F3)] …\n1> b LIST \"\" *\n"
         "1< * LIST (\\HasNoChildren) \"/\" INBOX\n1< * LIST (\\HasChildren) \"/\" x\n"
         "1< * LIST (\\HasNoChildren) \"/\" x/y\n1< b OK …\n"},
        {"create twice", "1> a CREATE x\n1< a OK …\n1> b CREATE x\n1< b NO [ALREADYEXISTS] …\n"},
        {"create INBOX", "1> a CREATE inbox\n1< a NO [ALREADYEXISTS] …\n"},
        {"create what cannot be", "1> a CREATE x//y\n1< a NO [CANNOT] …\n"
                                  "1> b CREATE \"&x\"\n1< b NO [CANNOT] …\n"
                                  "1> c CREATE \"\"\n1< c NO [CANNOT] …\n"},
        {"special use", "1> a CREATE Sent (USE (\\Sent))\n1< a OK …\n"
                        "1> b LIST (SPECIAL-USE) \"\" *\n1< * LIST (\\Sent) \"/\" Sent\n1< b OK …\n"
                        "1> c CREATE x (USE (\\Hats))\n1< c BAD …\n"},
        {"names beyond ASCII", "1> a CREATE &AOQ-\n1< a OK …\n1> b LIST \"\" &AOQ-\n"
                               "1< * LIST (\\HasNoChildren) \"/\" &AOQ-\n1< b OK …\n"},
        {"delete", "1> a CREATE x\n1< a OK …\n1> b DELETE x\n1< b OK …\n"
                   "1> c DELETE x\n1< c NO [NONEXISTENT] …\n1> d DELETE INBOX\n1< d NO …\n"},
        {"delete with children",
         "1> a CREATE x/y\n1< a OK …\n1> b DELETE x\n1< b OK …\n1> c LIST \"\" x\n"
         "1< * LIST (\\Noselect \\HasChildren) \"/\" x\n1< c OK …\n1> d DELETE x\n1< d NO …\n"
         "1> e SELECT x\n1< e NO [NONEXISTENT] …\n1> f CREATE x\n1< f OK …\n"},
        {"rename with children",
         "1> a CREATE x/y\n1< a OK …\n1> b RENAME x z/q\n1< b OK …\n1> c LIST \"\" *\n"
         "1< * LIST (\\HasNoChildren) \"/\" INBOX\n1< * LIST (\\HasChildren) \"/\" z\n"
         "1< * LIST (\\HasChildren) \"/\" z/q\n1< * LIST (\\HasNoChildren) \"/\" z/q/y\n1< c OK …\n"
         "1> d RENAME z z/z\n1< d NO …\n"},
        {"rename INBOX", "1> a APPEND INBOX {1+}\n1> x\n1< a OK …\n1> b RENAME INBOX old\n"
                         "1< b OK …\n1> c STATUS old (MESSAGES)\n1< * STATUS old (MESSAGES 1)\n"
                         "1< c OK …\n1> d STATUS INBOX (MESSAGES UIDNEXT)\n"
                         "1< * STATUS INBOX (MESSAGES 0 UIDNEXT 2)\n1< d OK …\n"},
        {"subscriptions outlive mailboxes",
         "1> a CREATE x\n1< a OK …\n1> b SUBSCRIBE x\n1< b OK …\n1> c LSUB \"\" *\n"
         "1< * LSUB () \"/\" x\n1< c OK …\n1> d DELETE x\n1< d OK …\n"
         "1> e LIST (SUBSCRIBED) \"\" *\n1< * LIST (\\NonExistent \\Subscribed) \"/\" x\n"
         "1< e OK …\n1> f LIST \"\" x\n1< f OK …\n1> g UNSUBSCRIBE x\n1< g OK …\n"
         "1> h LSUB \"\" *\n1< h OK …\n"},
    };
    RUN(scripts);
}

static void list(void **state)
{
    static const struct script scripts[] = {
        {"the delimiter alone",
         "1> a LIST \"\" \"\"\n1< * LIST (\\Noselect) \"/\" \"\"\n1< a OK …\n"},
        {"percent", "1> a CREATE x/y\n1< a OK …\n1> b LIST \"\" x%\n"
                    "1< * LIST (\\HasChildren) \"/\" x\n1< b OK …\n1> c LIST x/ %\n"
                    "1< * LIST (\\HasNoChildren) \"/\" x/y\n1< c OK …\n"},
        {"inbox in any case", "1> a LIST \"\" inbox\n1< * LIST (\\HasNoChildren) \"/\" INBOX\n"
                              "1< a OK …\n"},
        {"several patterns", "1> a CREATE x\n1< a OK …\n1> b LIST \"\" (INBOX x)\n"
                             "1< * LIST () \"/\" INBOX\n1< * LIST () \"/\" x\n1< b OK …\n"},
        {"return", "1> a SUBSCRIBE INBOX\n1< a OK …\n"
                   "1> b LIST \"\" * RETURN (SUBSCRIBED CHILDREN)\n"
                   "1< * LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX\n1< b OK …\n"},
        {"status", "1> a LIST \"\" * RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT))\n"
                   "1< * LIST () \"/\" INBOX\n1< * STATUS INBOX (MESSAGES 0 UIDNEXT 1)\n"
                   "1< a OK …\n"},
        {"no STATUS of what cannot be opened",
         "1> a CREATE x/y\n1< a OK …\n1> b DELETE x\n1< b OK …\n"
         "1> c LIST \"\" x RETURN (STATUS (MESSAGES))\n1< * LIST (\\Noselect) \"/\" x\n1< c OK "
         "…\n"},
        {"unknown options", "1> a LIST (HATS) \"\" *\n1< a BAD …\n"
                            "1> b LIST \"\" * RETURN (HATS)\n1< b BAD …\n"},
    };
    RUN(scripts);
}

static void status(void **state)
{
    conversation_run("status",
                     "1> a APPEND INBOX (\\Seen) {3+}\n1> abc\n1< a OK …\n"
                     "1> b APPEND INBOX (\\Deleted) {4+}\n1> abcd\n1< b OK …\n"
                     "1> c STATUS INBOX (MESSAGES UIDNEXT UNSEEN DELETED SIZE HIGHESTMODSEQ "
                     "UIDVALIDITY MAILBOXID RECENT)\n"
                     "1< * STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 1704067201 UNSEEN 1 "
                     "RECENT 0 DELETED 1 SIZE 7 HIGHESTMODSEQ 3 MAILBOXID (F1))\n1< c OK …\n"
                     "1> d STATUS x (MESSAGES)\n1< d NO [NONEXISTENT] …\n"
                     "1> e STATUS INBOX ()\n1< e BAD …\n");
}

static void namespace_with_a_prefix(void **state)
{
    struct conversation c;
    conversation_init(&c);
    c.env.options.namespace_prefix = "INBOX.";
    conversation_play(&c, "prefix",
                      "1> a NAMESPACE\n1< * NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\n1< a OK …\n"
                      "1> b CREATE INBOX.x.y\n1< b OK …\n1> c LIST \"\" *\n"
                      "1< * LIST (\\HasNoChildren) \".\" INBOX\n"
                      "1< * LIST (\\HasChildren) \".\" INBOX.x\n"
                      "1< * LIST (\\HasNoChildren) \".\" INBOX.x.y\n1< c OK …\n"
                      "1> d CREATE x\n1< d NO [NONEXISTENT] …\n1> e SELECT INBOX.x.y\n"
                      "1< * FLAGS …\n1< * OK [PERMANENTFLAGS …\n1< * 0 EXISTS\n1< * 0 RECENT\n"
                      "1< * OK [UIDVALIDITY …\n1< * OK [UIDNEXT 1] …\n1< * OK [HIGHESTMODSEQ 1] …\n"
                      "1< * OK [MAILBOXID (F3)] …\n1< e OK [READ-WRITE] …\n");
    struct error err = ERROR_INIT;
    assert_int_equal(mem_backend_remove(c.env.backend, "u", "x/y", &err), 0);
    conversation_free(&c);
}

/* Every command of the table, where the state forbids it: BAD, and nothing is done. */
static void law7_every_command_in_every_state(void **state)
{
    static const struct {
        enum conn_state state;
        const char *before;
    } stages[] = {
        {STATE_NOT_AUTHENTICATED, ""},
        {STATE_AUTHENTICATED, "l LOGIN u p\r\n"},
        {STATE_SELECTED, "l LOGIN u p\r\ns SELECT INBOX\r\n"},
    };
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        for (int id = 0; id < CMD_COUNT; id++) {
            const struct command_row *row = command_row((enum command_id)id);
            struct conversation c;
            struct buf out AUTO_BUF = BUF_INIT(65536);
            conversation_init(&c);
            struct backend vtable = mem_backend_vtable(c.env.backend);
            struct session *session = session_new(&vtable, &c.env.options);
            struct buf line AUTO_BUF = BUF_INIT(1000);
            buf_addf(&line, "x %s\r\n", row->name);
            session_feed(session, str_from(stages[i].before), &out);
            buf_clear(&out);
            session_feed(session, buf_str(&line), &out);
            bool refused = strstr(out.data, "x BAD Not in this state") != NULL;
            bool unknown = strstr(out.data, "x BAD Unknown command") != NULL;
            if (!unknown && refused != ((row->states & (unsigned)stages[i].state) == 0)) {
                fail_msg("%s in %d: %s", row->name, (int)stages[i].state, out.data);
            }
            session_free(&session);
            conversation_free(&c);
        }
    }
}

/* What is off is neither announced nor understood. */
struct switched_off {
    enum capability cap;
    const char *command;
};
static const struct switched_off switched_off[] = {
    {CAP_ID, "ID NIL"},
    {CAP_ENABLE, "ENABLE CONDSTORE"},
    {CAP_NAMESPACE, "NAMESPACE"},
    {CAP_IDLE, "IDLE"},
    {CAP_LIST_STATUS, "LIST \"\" * RETURN (STATUS (MESSAGES))"},
    {CAP_CREATE_SPECIAL_USE, "CREATE x (USE (\\Sent))"},
    {CAP_OBJECTID, "STATUS INBOX (MAILBOXID)"},
    {CAP_OBJECTID, "FETCH 1 EMAILID"},
    {CAP_STATUS_SIZE, "STATUS INBOX (SIZE)"},
    {CAP_LIST_EXTENDED, "LIST (SUBSCRIBED) \"\" *"},
    {CAP_UIDPLUS, "UID EXPUNGE 1"},
    {CAP_MOVE, "UID MOVE 1 INBOX"},
    {CAP_MOVE, "MOVE 1 INBOX"},
    {CAP_UNSELECT, "UNSELECT"},
    {CAP_CONDSTORE, "STATUS INBOX (HIGHESTMODSEQ)"},
    {CAP_CONDSTORE, "SELECT INBOX (CONDSTORE)"},
    {CAP_CONDSTORE, "FETCH 1 MODSEQ"},
    {CAP_CONDSTORE, "FETCH 1 FLAGS (CHANGEDSINCE 1)"},
    {CAP_CONDSTORE, "STORE 1 (UNCHANGEDSINCE 1) FLAGS (\\Seen)"},
    {CAP_CONDSTORE, "SEARCH MODSEQ 1"},
    {CAP_QRESYNC, "SELECT INBOX (QRESYNC (1 1))"},
    {CAP_LITERAL_PLUS, "STATUS {5+}\r\nINBOX (MESSAGES)"},
    {CAP_COMPRESS_DEFLATE, "COMPRESS DEFLATE"},
};

static void try_switched_off(struct session *session, const char *command, struct buf *out)
{
    struct buf line AUTO_BUF = BUF_INIT(4096);
    buf_addf(&line, "%s%s\r\n", strncmp(command, "SELECT", 6) == 0 ? "x " : "s SELECT INBOX\r\nx ",
             command);
    session_feed(session, STR("l LOGIN u p\r\n"), out);
    buf_clear(out);
    session_feed(session, buf_str(&line), out);
}

static void extensions_can_be_off(void **state)
{
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < sizeof switched_off / sizeof *switched_off; i++) {
        struct conversation c;
        struct buf out AUTO_BUF = BUF_INIT(65536);
        conversation_init(&c);
        assert_int_equal(
            mem_backend_append(c.env.backend, "u", "INBOX", STR("x\r\n"), 0, 0, NULL, &err), 0);
        capabilities_set(&c.env.options.capabilities, switched_off[i].cap, false);
        if (switched_off[i].cap == CAP_CONDSTORE) {
            capabilities_set(&c.env.options.capabilities, CAP_QRESYNC, false);
        }
        struct backend vtable = mem_backend_vtable(c.env.backend);
        struct session *session = session_new(&vtable, &c.env.options);
        try_switched_off(session, switched_off[i].command, &out);
        if (strstr(out.data, "x BAD") == NULL) {
            fail_msg("%s: %s", switched_off[i].command, out.data);
        }
        session_free(&session);
        conversation_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_commands),
        cmocka_unit_test(login),
        cmocka_unit_test(no_login_without_tls),
        cmocka_unit_test(starttls_drops_what_was_injected),
        cmocka_unit_test(preauth),
        cmocka_unit_test(mailboxes),
        cmocka_unit_test(list),
        cmocka_unit_test(status),
        cmocka_unit_test(namespace_with_a_prefix),
        cmocka_unit_test(extensions_can_be_off),
        cmocka_unit_test(law7_every_command_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
