/*
 * Commands at random: words of the grammar in any order, whole and broken, to several sessions.
 * Nothing crashes, every line gets its answer or ends the session, and what is said are lines.
 */
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define RUNS 300
#define COMMANDS 150
#define SESSIONS 3

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *d, uint32_t below)
{
    d->state = d->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(d->state >> 33) % below;
}

static const char *const names[] = {
    "CAPABILITY",     "NOOP",        "ID",          "ENABLE",      "NAMESPACE",
    "SELECT",         "EXAMINE",     "CLOSE",       "UNSELECT",    "CREATE",
    "DELETE",         "RENAME",      "SUBSCRIBE",   "UNSUBSCRIBE", "LIST",
    "LSUB",           "XLIST",       "STATUS",      "APPEND",      "CHECK",
    "EXPUNGE",        "UID EXPUNGE", "SEARCH",      "UID SEARCH",  "FETCH",
    "UID FETCH",      "STORE",       "UID STORE",   "COPY",        "UID COPY",
    "MOVE",           "UID MOVE",    "NOTIFY",      "GETACL",      "SETACL",
    "DELETEACL",      "LISTRIGHTS",  "MYRIGHTS",    "GETQUOTA",    "GETQUOTAROOT",
    "SETQUOTA",       "GETMETADATA", "SETMETADATA", "SORT",        "UID SORT",
    "THREAD",         "UID THREAD",  "REPLACE",     "UID REPLACE", "IDLE",
    "UNAUTHENTICATE", "LOGIN u p",
};

static const char *const words[] = {
    "INBOX",
    "x",
    "x/y",
    "\"\"",
    "\"*\"",
    "%",
    "1",
    "1:*",
    "2,4:7",
    "*",
    "99",
    "0",
    "$",
    "NIL",
    "(",
    ")",
    "()",
    "(\\Seen)",
    "\\Deleted",
    "k",
    "FLAGS",
    "+FLAGS (k)",
    "-FLAGS.SILENT (\\Seen)",
    "(UNCHANGEDSINCE 3) +FLAGS (\\Flagged)",
    "(FLAGS UID)",
    "ALL",
    "FULL",
    "ENVELOPE",
    "BODYSTRUCTURE",
    "(BODY[] BODY.PEEK[1.MIME]<1.3>)",
    "BINARY.PEEK[1]",
    "BINARY.SIZE[2.1]",
    "PREVIEW (LAZY)",
    "(CHANGEDSINCE 2 VANISHED)",
    "(PARTIAL 1:2)",
    "RFC822",
    "SEEN",
    "NOT",
    "OR",
    "SUBJECT x",
    "BODY a",
    "OLDER 1",
    "SAVEDSINCE 1-Jan-2020",
    "UID 1:3",
    "MODSEQ 2",
    "FUZZY TEXT m",
    "RETURN (MIN MAX COUNT ALL SAVE)",
    "RETURN (PARTIAL -1:-3)",
    "CHARSET UTF-8",
    "UTF-8",
    "(SUBJECT REVERSE DATE)",
    "(DISPLAYFROM)",
    "REFERENCES",
    "ORDEREDSUBJECT",
    "QRESYNC",
    "IMAP4rev2",
    "UTF8=ACCEPT",
    "UIDONLY",
    "CONDSTORE",
    "(QRESYNC (1704067201 1 1:9))",
    "(MESSAGES UIDNEXT SIZE DELETED)",
    "RETURN (STATUS (MESSAGES) MYRIGHTS CHILDREN)",
    "(SUBSCRIBED RECURSIVEMATCH)",
    "bob",
    "+lr",
    "-a",
    "lrswipkxtea",
    "(STORAGE 5 MESSAGE 90)",
    "(/private/a b)",
    "/shared/a",
    "(DEPTH infinity)",
    "(MAXSIZE 2)",
    "SET",
    "STATUS",
    "NONE",
    "(SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange))",
    "(PERSONAL (MessageNew MessageExpunge MailboxName SubscriptionChange))",
    "(SUBTREE x (MailboxMetadataChange))",
    "{3+}\r\nabc",
    "~{3+}\r\na\x01z",
    "{12+}\r\nSubject: m\r\n",
    "UTF8 (~{2+}\r\nmm)",
    "\"1-Jan-2020 00:00:00 +0000\"",
    "\"\xc3\xa4\"",
    "&AOQ-",
    "(USE (\\Sent))",
    "\xff\xfe",
    "\"",
    "\\",
    "[",
    "{",
    "{99999999999999999999}",
    "))))((((",
};

/* What a client would say, more often than not. */
static const char *const sane[] = {
    "SELECT INBOX",
    "APPEND INBOX {12+}\r\nSubject: m\r\n",
    "APPEND x (\\Deleted) {1+}\r\nm",
    "UID FETCH 1:* (FLAGS UID ENVELOPE)",
    "UID STORE 1:* +FLAGS (\\Deleted)",
    "EXPUNGE",
    "UID COPY 1:* x",
    "UID MOVE 1 x",
    "UID SEARCH RETURN (SAVE) ALL",
    "CREATE x",
    "DELETE x",
    "UID THREAD REFERENCES UTF-8 ALL",
    "UID SORT (SUBJECT) UTF-8 ALL",
    "ENABLE QRESYNC",
    "NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange)) (PERSONAL (MessageNew "
    "MessageExpunge "
    "MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))",
    "LIST (SUBSCRIBED RECURSIVEMATCH) \"\" *",
    "RENAME x x/y",
    "RENAME INBOX z",
    "SETACL x u -te",
};

#define PICK(d, list) (list)[roll(d, sizeof(list) / sizeof *(list))]

static void make_line(struct dice *d, struct buf *out)
{
    buf_clear(out);
    if (roll(d, 3) == 0) {
        buf_addf(out, "t%u %s\r\n", roll(d, 100), PICK(d, sane));
        return;
    }
    buf_addf(out, "t%u %s", roll(d, 100), PICK(d, names));
    for (uint32_t i = roll(d, 5); i > 0; i--) {
        buf_addf(out, " %s", PICK(d, words));
    }
    if (roll(d, 10) == 0 && out->len > 4) {
        out->data[roll(d, (uint32_t)out->len)] = (char)roll(d, 256);
    }
    buf_add_cstr(out, "\r\n");
}

static bool is_over(enum session_next next)
{
    return next == SESSION_CLOSE || next == SESSION_CUT;
}

static bool feed(struct session *session, struct str input, struct buf *out)
{
    enum session_next next = SESSION_MORE;
    buf_clear(out);
    while (next == SESSION_MORE) {
        next = session_feed(session, input, out);
        input = STR_EMPTY;
    }
    assert_true(out->len == 0 || str_ends(buf_str(out), STR("\r\n")));
    return !is_over(next);
}

static struct session *begin(struct conversation *c, struct buf *out)
{
    struct backend vtable = mem_backend_vtable(c->env.backend);
    struct session *session = session_new(&vtable, &c->env.options);
    assert_true(feed(session, STR("l LOGIN u p\r\n"), out));
    return session;
}

static void run(uint64_t seed)
{
    struct conversation c;
    struct dice d = {seed};
    struct buf out AUTO_BUF = BUF_INIT((size_t)256 << 20);
    struct buf line AUTO_BUF = BUF_INIT(65536);
    struct session *sessions[SESSIONS] = {NULL};
    conversation_init(&c);
    for (int i = 0; i < COMMANDS; i++) {
        struct session **session = &sessions[roll(&d, SESSIONS)];
        if (*session == NULL) {
            *session = begin(&c, &out);
        }
        make_line(&d, &line);
        if (roll(&d, 6) == 0) {
            buf_add_cstr(&line, "DONE\r\n");
        }
        lockstep_env_advance(&c.env, roll(&d, 2000));
        if (!feed(*session, buf_str(&line), &out)) {
            session_free(session);
        }
    }
    for (size_t i = 0; i < SESSIONS; i++) {
        session_free(&sessions[i]);
    }
    conversation_free(&c);
}

static void nothing_crashes(void **state)
{
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_crashes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
