/* Responses and commands of the standards' examples, and what real servers make of them: each read,
 * and written again. */
#include "core/imap/unit_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct unit_case {
    const char *input;    /* without its line end */
    const char *expected; /* NULL: the same; "ERROR": refused */
};

static void run_cases(const struct unit_case *cases, size_t len)
{
    struct buf once AUTO_BUF = BUF_INIT(4000000);
    struct buf twice AUTO_BUF = BUF_INIT(4000000);
    struct buf input AUTO_BUF = BUF_INIT(1000000);
    struct buf expected AUTO_BUF = BUF_INIT(1000000);
    for (size_t i = 0; i < len; i++) {
        const struct unit_case *c = &cases[i];
        buf_clear(&input);
        buf_addf(&input, "%s\r\n", c->input);
        buf_clear(&expected);
        buf_addf(&expected, "%s\r\n", c->expected != NULL ? c->expected : c->input);
        bool good = units_write(buf_str(&input), &once);
        if (!good || !str_eq(buf_str(&once), buf_str(&expected))) {
            fail_msg("%s\n%s", c->input, once.data);
        }
        if (c->expected == NULL || strcmp(c->expected, "ERROR") != 0) {
            assert_true(units_write(buf_str(&once), &twice));
            assert_string_equal(twice.data, once.data);
        }
    }
}
#define RUN(cases) run_cases(cases, sizeof(cases) / sizeof(cases)[0])

/* RFC 9051 section 7.5.2 and 8; QUIRKS of servers behind them. */
static void envelopes(void **state)
{
    static const struct unit_case cases[] = {
        {"* 12 FETCH (ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg "
         "summary and minutes\" ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry "
         "Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" "
         "\"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) ((NIL NIL "
         "\"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL "
         "NIL \"<B27397-0100000@cac.washington.edu>\"))",
         NULL},
        {"* 1 FETCH (ENVELOPE (NIL \"a group\" NIL NIL NIL ((NIL NIL \"friends\" NIL)(NIL NIL "
         "\"a\" \"b.c\")(NIL NIL NIL NIL)) NIL NIL NIL NIL))",
         NULL},
        {"* 1 FETCH (ENVELOPE ((NIL \"wrapped\" NIL NIL NIL NIL NIL NIL NIL NIL)))",
         "* 1 FETCH (ENVELOPE (NIL \"wrapped\" NIL NIL NIL NIL NIL NIL NIL NIL))"},
        {"* 1 FETCH (ENVELOPE (NIL {3}\r\na\"b () (NIL (NIL NIL x y) NIL)))",
         "* 1 FETCH (ENVELOPE (NIL \"a\\\"b\" NIL ((NIL NIL \"x\" \"y\")) NIL NIL NIL NIL NIL "
         "NIL))"},
        {"* 1 FETCH (ENVELOPE NIL UID 5)",
         "* 1 FETCH (UID 5 ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))"},
        {"* 1 FETCH (ENVELOPE x)", "ERROR"},
        {"* 1 FETCH (ENVELOPE (NIL \"x)", "ERROR"},
    };
    RUN(cases);
}

static void structures(void **state)
{
    static const struct unit_case cases[] = {
        {"* 1 FETCH (BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3028 "
         "92))",
         NULL},
        {"* 1 FETCH (BODY ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1152 "
         "23)(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") "
         "\"<960723163407.20117h@cac.washington.edu>\" \"Compiler diff\" \"BASE64\" 4554 73) "
         "\"MIXED\"))",
         NULL},
        {"* 1 FETCH (BODYSTRUCTURE ((\"text\" \"html\" NIL NIL NIL \"QUOTED-PRINTABLE\" 10 1 NIL "
         "(\"inline\" NIL) (\"en\" \"de\") \"http://x/\")(\"image\" \"png\" (\"name\" \"a b\") "
         "\"<1@x>\" NIL \"BASE64\" 100 \"md5==\" (\"attachment\" (\"filename\" \"a\\\"b.png\")) "
         "\"en\" NIL) \"related\" (\"boundary\" \"b\") NIL NIL NIL))",
         NULL},
        {"* 1 FETCH (BODYSTRUCTURE (\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 300 (NIL \"in\" "
         "NIL "
         "NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" NIL NIL NIL \"7BIT\" 2 1 NIL NIL NIL "
         "NIL) 9 NIL NIL NIL NIL))",
         NULL},
        /* A multipart without a part, in the shapes that servers have for it. */
        {"* 1 FETCH (BODY ((\"mixed\" (\"boundary\" \"x\"))(\"a\" \"b\" NIL NIL NIL \"7BIT\" 0) "
         "\"mixed\"))",
         "* 1 FETCH (BODY (((\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0) \"mixed\")(\"a\" \"b\" "
         "NIL "
         "NIL NIL \"7BIT\" 0) \"mixed\"))"},
        {"* 1 FETCH (BODYSTRUCTURE (NIL \"mixed\" (\"boundary\" \"x\") NIL NIL))",
         "* 1 FETCH (BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL) "
         "\"mixed\" "
         "(\"boundary\" \"x\") NIL NIL NIL))"},
        {"* 1 FETCH (BODY (\"multipart\" \"mixed\" NIL NIL NIL \"7BIT\" 0))",
         "* 1 FETCH (BODY ((\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0) \"mixed\"))"},
        /* message/rfc822 whose envelope and body were forgotten */
        {"* 1 FETCH (BODYSTRUCTURE (\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 7 NIL (\"inline\" "
         "NIL) NIL))",
         "* 1 FETCH (BODYSTRUCTURE (\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 7 NIL (\"inline\" "
         "NIL) NIL NIL))"},
        {"* 1 FETCH (BODY (\"text\" \"plain\" NIL NIL NIL \"7BIT\" NIL NIL))",
         "* 1 FETCH (BODY (\"text\" \"plain\" NIL NIL NIL \"7BIT\" 0 0))"},
        {"* 1 FETCH (BODY (text plain (charset utf-8) NIL NIL 7bit 5 1))",
         "* 1 FETCH (BODY (\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 5 1))"},
        {"* 1 FETCH (BODY NIL)",
         "* 1 FETCH (BODY (\"application\" \"octet-stream\" NIL NIL NIL \"7BIT\" 0))"},
        {"* 1 FETCH (BODY ())",
         "* 1 FETCH (BODY (\"application\" \"octet-stream\" NIL NIL NIL \"7BIT\" 0))"},
        {"* 1 FETCH (BODYSTRUCTURE (\"a\" \"b\" NIL NIL NIL \"7BIT\" 0 NIL NIL NIL NIL (1 (2)) x))",
         "* 1 FETCH (BODYSTRUCTURE (\"a\" \"b\" NIL NIL NIL \"7BIT\" 0 NIL NIL NIL NIL))"},
        {"* 1 FETCH (BODY \"x\")", "ERROR"},
    };
    RUN(cases);
}

static void other_fetch_data(void **state)
{
    static const struct unit_case cases[] = {
        {"* 1 FETCH (UID 5 THREADID (T1) X-GM-LABELS (\"\\\\Inbox\" x) SAVEDATE \" 1-Jan-2025 "
         "00:00:00 +0000\" PREVIEW \"hello\")",
         NULL},
        {"* 1 FETCH (X-GM-LABELS (\\Inbox [a]b \"c d\"))",
         "* 1 FETCH (X-GM-LABELS (\"\\\\Inbox\" [a]b \"c d\"))"},
        {"* 1 FETCH (SAVEDATE NIL PREVIEW NIL)", NULL},
        {"* 5 UIDFETCH (FLAGS (\\Seen) MODSEQ (12))", NULL},
        {"* 1 FETCH (BINARY.SIZE[1.2] 500 BINARY[1.2]<0> ~{3}\r\na\r\n)",
         "* 1 FETCH (BINARY.SIZE[1.2] 500 BINARY[1.2]<0> {3+}\r\na\r\n)"},
        {"* 1 FETCH (RFC822.TEXT \"x\" RFC822.HEADER {1}\r\ny RFC822 NIL UID 5)",
         "* 1 FETCH (UID 5 RFC822.TEXT {1+}\r\nx RFC822.HEADER {1+}\r\ny)"},
    };
    RUN(cases);
}

static void fetch_requests(void **state)
{
    static const struct unit_case cases[] = {
        {"a FETCH 1:* (UID FLAGS BODY.PEEK[1.MIME] BINARY.PEEK[2]<0.100> BINARY.SIZE[2])", NULL},
        {"a FETCH 2 (BODY[] BODY[1])", NULL},
        {"a FETCH $ (PREVIEW)", NULL},
        {"a FETCH 1 PREVIEW (LAZY)", "a FETCH 1 (PREVIEW (LAZY))"},
        {"a FETCH 1 (PREVIEW (LAZY) UID) (CHANGEDSINCE 5)",
         "a FETCH 1 (UID PREVIEW (LAZY)) (CHANGEDSINCE 5)"},
        {"a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 5 VANISHED PARTIAL -1:-30)", NULL},
        {"a UID FETCH 25900:26600 (FLAGS) (PARTIAL 100:1)",
         "a UID FETCH 25900:26600 (FLAGS) (PARTIAL 1:100)"},
        {"a FETCH 1 (X-GM-LABELS THREADID SAVEDATE)", "a FETCH 1 (THREADID X-GM-LABELS SAVEDATE)"},
        {"a FETCH 1 (PARTIAL 1:2)", "ERROR"},
        {"a FETCH 1 FLAGS (PARTIAL 0:2)", "ERROR"},
        {"a FETCH 1 FLAGS (PARTIAL -1:2)", "ERROR"},
        {"a FETCH 1 FLAGS (LAZY)", "ERROR"},
        {"a FETCH $,5 FLAGS", "ERROR"},
    };
    RUN(cases);
}

static void search_requests(void **state)
{
    static const struct unit_case cases[] = {
        {"a SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"", NULL},
        {"a SEARCH CHARSET UTF-8 TEXT {6+}\r\n\xd0\xbf\xd1\x80\xd0\xb8", NULL},
        {"a UID SEARCH RETURN (MIN MAX COUNT ALL) OR (SEEN 1:5) UID 7:*", NULL},
        {"a SEARCH RETURN () ALL", NULL},
        {"a SEARCH RETURN (SAVE) UNSEEN", NULL},
        {"a UID SEARCH RETURN (PARTIAL -1:-100) UNDELETED UNKEYWORD $Junk", NULL},
        {"a SEARCH $ OLDER 3600 YOUNGER 7 LARGER 9223372036854775807", NULL},
        {"a SEARCH MODSEQ \"/flags/\\\\draft\" all 620162338 MODSEQ 5", NULL},
        {"a SEARCH FUZZY (SUBJECT \"IMAP break\" BODY \"x\")", NULL},
        {"a SEARCH SAVEDBEFORE 2-Jan-2020 SAVEDON 3-Jan-2020 SAVEDSINCE 4-Jan-2020 "
         "SAVEDATESUPPORTED",
         NULL},
        {"a SEARCH EMAILID M1 THREADID T1 X-GM-RAW \"in:x\" X-GM-MSGID 5 X-GM-THRID 6 X-GM-LABELS "
         "\"y\"",
         NULL},
        {"a SEARCH UIDAFTER 5 UIDBEFORE 9", NULL},
        {"a SEARCH RECENT OLD NEW UNANSWERED UNDRAFT", NULL},
        {"a SEARCH (SEEN) ((DELETED))", "a SEARCH SEEN DELETED"},
        {"a SEARCH HEADER from x HEADER Message-ID <1@x>",
         "a SEARCH FROM \"x\" HEADER Message-ID \"<1@x>\""},
        {"a search not seen", "a SEARCH NOT SEEN"},
        {"a SEARCH ON \"1-feb-1994\"", "a SEARCH ON 1-Feb-1994"},
        {"a SEARCH", "ERROR"},
        {"a SEARCH FOO", "ERROR"},
        {"a SEARCH ()", "ERROR"},
        {"a SEARCH OR SEEN", "ERROR"},
        {"a SEARCH ON 30-Feb-1994", "ERROR"},
        {"a SEARCH OLDER 0", "ERROR"},
        {"a SEARCH RETURN (FOO) ALL", "ERROR"},
        {"a SEARCH LARGER 99999999999999999999", "ERROR"},
    };
    RUN(cases);
}

static void search_results(void **state)
{
    static const struct unit_case cases[] = {
        {"* SEARCH 2 84 882", NULL},
        {"* SEARCH", NULL},
        {"* SEARCH 882 2 0 84 2 ", "* SEARCH 2 84 882"},
        {"* SEARCH 2 5 6 7 11 12 18 19 20 23 (MODSEQ 917162500)", NULL},
        {"* ESEARCH (TAG \"A285\") UID MIN 7 MAX 3800 COUNT 43 ALL 43,88:90", NULL},
        {"* ESEARCH (TAG \"A282\") COUNT 0", NULL},
        {"* ESEARCH", NULL},
        {"* ESEARCH UID PARTIAL (-1:-100 NIL)", NULL},
        {"* ESEARCH (TAG \"A01\") UID PARTIAL (-1:-100 264:265,267) MODSEQ 5", NULL},
        {"* ESEARCH (TAG x MAILBOX \"a b\" UIDVALIDITY 1) UID ALL 5,3,1 X-FOO (1 2) COUNT 3",
         "* ESEARCH (TAG \"x\") UID COUNT 3 ALL 5,3,1"},
        {"* ESEARCH ALL 1:*", "ERROR"},
        {"* ESEARCH COUNT x", "ERROR"},
        {"* SEARCH x", "ERROR"},
        {"* SEARCH 99999999999", "ERROR"},
        {"* SORT 5 3 4 1 2", NULL},
        {"* SORT", NULL},
        {"* SORT 2 84 882 (MODSEQ 5)", NULL},
    };
    RUN(cases);
}

static void sort_and_thread(void **state)
{
    static const struct unit_case cases[] = {
        {"a SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994", NULL},
        {"a UID SORT RETURN (MIN COUNT) (REVERSE DATE DISPLAYFROM) UTF-8 ALL", NULL},
        {"a SORT (FOO) UTF-8 ALL", "ERROR"},
        {"a SORT () UTF-8 ALL", "ERROR"},
        {"a SORT (DATE REVERSE) UTF-8 ALL", "ERROR"},
        {"a THREAD ORDEREDSUBJECT UTF-8 SINCE 5-Mar-2000", NULL},
        {"a UID THREAD REFERENCES US-ASCII ALL", NULL},
        {"* THREAD (2)(3 6 (4 23)(44 7 96))", NULL},
        {"* THREAD ((3)(5))", NULL},
        {"* THREAD", NULL},
        {"* THREAD (166)(167)(168)(169)(172)(170 179)(171)(173)(174 (175)(176)(178 (181)(180)))"
         "(177 (183)(182)(188 (184)(185)(186)(187)))",
         NULL},
        {"* THREAD (1(2)(3))", "* THREAD (1 (2)(3))"},
        {"* THREAD (((4)))", NULL},
        {"* THREAD (1", "ERROR"},
        {"* THREAD 1)", "ERROR"},
        {"* THREAD (x)", "ERROR"},
    };
    RUN(cases);
}

static void quotas_and_rights(void **state)
{
    static const struct unit_case cases[] = {
        {"* QUOTA \"\" (STORAGE 10 512)", NULL},
        {"* QUOTA !partition/sda4 (STORAGE 104 10923847 MESSAGE 1 2)", NULL},
        {"* QUOTA x ()", NULL},
        {"* QUOTA \"ROOT\"", "* QUOTA ROOT ()"},
        {"* QUOTAROOT INBOX \"\" other", NULL},
        {"* QUOTAROOT comp.mail.mime", NULL},
        {"* QUOTA x (STORAGE 1)", "ERROR"},
        {"a SETQUOTA \"\" (STORAGE 512)", NULL},
        {"a SETQUOTA \"\" ()", NULL},
        {"a GETQUOTA \"\"", NULL},
        {"* ACL INBOX Fred eilrswtx -Fred wetd $team w",
         "* ACL INBOX Fred eilrstwx -Fred detw $team w"},
        {"* ACL INBOX", NULL},
        {"* ACL INBOX a \"\" b lrX?s", "* ACL INBOX a \"\" b lrs"},
        {"* ACL INBOX a", "ERROR"},
        {"* LISTRIGHTS ~/Mail/saved smith la r swicdkxte",
         "* LISTRIGHTS ~/Mail/saved smith al r cdeikstwx"},
        {"* LISTRIGHTS archive anyone \"\" l r 0", NULL},
        {"* MYRIGHTS INBOX rwiptsldaex", "* MYRIGHTS INBOX adeilprstwx"},
        {"a SETACL INBOX/Drafts Byron +lr", NULL},
        {"a SETACL x y -a", NULL},
        {"a SETACL x y \"\"", NULL},
        {"a SETACL x y lrX", "ERROR"},
        {"a DELETEACL INBOX Fred", NULL},
    };
    RUN(cases);
}

static void metadata_values(void **state)
{
    static const struct unit_case cases[] = {
        {"* METADATA \"\" (/shared/comment \"Shared comment\")", NULL},
        {"* METADATA INBOX (/private/comment \"x\" /shared/comment NIL)", NULL},
        {"* METADATA \"INBOX\" /shared/comment /private/comment",
         "* METADATA INBOX /shared/comment /private/comment"},
        {"* METADATA x (/shared/a ~{3}\r\na\001b)", "* METADATA x (/shared/a \"a\001b\")"},
        {"a GETMETADATA \"\" /shared/comment", "a GETMETADATA \"\" (/shared/comment)"},
        {"a GETMETADATA INBOX (/shared/comment /private/comment)", NULL},
        {"a GETMETADATA (MAXSIZE 1024 DEPTH infinity) INBOX (/private)", NULL},
        {"a GETMETADATA \"INBOX\" (MAXSIZE 1024) (/shared/comment /private/comment)",
         "a GETMETADATA (MAXSIZE 1024) INBOX (/shared/comment /private/comment)"},
        {"a GETMETADATA \"INBOX\" (DEPTH 1) (/private/filters/values)",
         "a GETMETADATA (DEPTH 1) INBOX (/private/filters/values)"},
        {"a GETMETADATA INBOX (FOO 1) /x/y", "ERROR"},
        {"a GETMETADATA INBOX", "ERROR"},
        {"a SETMETADATA INBOX (/private/comment {12+}\r\nMy \"new\"\r\n..)", NULL},
        {"a SETMETADATA INBOX (/private/comment NIL)", NULL},
        {"a SETMETADATA INBOX ()", "ERROR"},
        {"a SETMETADATA INBOX (/comment \"x\")", "ERROR"},
        {"a SETMETADATA INBOX (/shared/a* \"x\")", "ERROR"},
        {"a SETMETADATA INBOX (/shared//a \"x\")", "ERROR"},
        {"a SETMETADATA INBOX (/shared/a/ \"x\")", "ERROR"},
    };
    RUN(cases);
}

static void lists(void **state)
{
    static const struct unit_case cases[] = {
        {"a LIST \"\" *", NULL},
        {"a LIST (SUBSCRIBED) \"\" *", NULL},
        {"a LIST () \"\" %", NULL},
        {"a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" % RETURN (CHILDREN)", NULL},
        {"a LIST \"\" (INBOX Drafts Sent/%)", NULL},
        {"a LIST \"\" % RETURN (CHILDREN SUBSCRIBED SPECIAL-USE STATUS (MESSAGES SIZE) MYRIGHTS)",
         NULL},
        {"a LIST \"\" % RETURN (METADATA (\"/shared/a b\" /private/c))", NULL},
        {"a LIST (SPECIAL-USE) \"\" \"a b*\" RETURN ()", NULL},
        {"a LSUB #news. comp.mail.*", NULL},
        {"a LIST (RECURSIVEMATCH REMOTE) \"\" %", "ERROR"},
        {"a LIST (FOO) \"\" %", "ERROR"},
        {"a LIST \"\" % RETURN (FOO)", "ERROR"},
        {"a LIST \"\"", "ERROR"},
        {"* LIST (\\Subscribed) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\" \"SPECIAL-USE\"))", NULL},
        {"* LIST () \"/\" New (\"OLDNAME\" (\"a b\"))", NULL},
        {"* LIST () \"/\" x (X-FOO (a b) OLDNAME (y) CHILDINFO (\"FOO\"))",
         "* LIST () \"/\" x (\"OLDNAME\" (y))"},
        {"* XLIST (\\Inbox) \"/\" Posteingang", NULL},
        {"a STATUS x (MESSAGES DELETED SIZE DELETED-STORAGE)", NULL},
        {"* STATUS x (MESSAGES 1 DELETED 2 SIZE 3 DELETED-STORAGE 4)", NULL},
    };
    RUN(cases);
}

static void notify(void **state)
{
    static const struct unit_case cases[] = {
        {"a NOTIFY NONE", NULL},
        {"a notify set (selected MessageNew (uid))", "ERROR"},
        {"a NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (From)]) "
         "MessageExpunge)) (subtree (Lists) (MessageNew MessageExpunge))",
         NULL},
        {"a NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange)) (personal "
         "(MessageNew MessageExpunge)) (inboxes NONE)",
         NULL},
        {"a NOTIFY SET (mailboxes misc (MailboxName SubscriptionChange)) (subscribed "
         "(MailboxMetadataChange ServerMetadataChange))",
         "a NOTIFY SET (mailboxes (misc) (MailboxName SubscriptionChange)) (subscribed "
         "(MailboxMetadataChange ServerMetadataChange))"},
        {"a NOTIFY SET (personal (MessageNew MessageExpunge X-Foo (a b)))",
         "a NOTIFY SET (personal (MessageNew MessageExpunge))"},
        {"a NOTIFY SET (personal (MessageNew))", "ERROR"},
        {"a NOTIFY SET (personal (FlagChange))", "ERROR"},
        {"a NOTIFY SET (selected (MailboxName))", "ERROR"},
        {"a NOTIFY SET (personal (MessageNew (UID) MessageExpunge))", "ERROR"},
        {"a NOTIFY SET (selected (NONE)) (selected NONE)", "ERROR"},
        {"a NOTIFY SET (foo NONE)", "ERROR"},
        {"a NOTIFY SET", "ERROR"},
    };
    RUN(cases);
}

static void stores_and_appends(void **state)
{
    static const struct unit_case cases[] = {
        {"a STORE 2:4 +FLAGS (\\Deleted)", NULL},
        {"a UID STORE 6 (UNCHANGEDSINCE 12121230045) -FLAGS.SILENT (\\Deleted foo)", NULL},
        {"a STORE 1 FLAGS \\Seen foo", "a STORE 1 FLAGS (\\Seen foo)"},
        {"a STORE 1 FLAGS ()", NULL},
        {"a STORE 1 (UNCHANGEDSINCE 0) FLAGS (x)", NULL},
        {"a STORE 1 (FOO 1) FLAGS (x)", "ERROR"},
        {"a STORE 1 *FLAGS (x)", "ERROR"},
        {"a APPEND saved-messages (\\Seen) {3+}\r\nabc", NULL},
        {"a APPEND x () {1+}\r\na (\\Seen) {1+}\r\nb", NULL},
        {"a APPEND x UTF8 (~{3+}\r\nabc)", "a APPEND x () {3+}\r\nabc"},
        {"a REPLACE 4 Drafts () {3+}\r\nabc", NULL},
        {"a UID REPLACE 2000 x (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {3+}\r\nabc", NULL},
        {"a APPEND x \"abc\"", "ERROR"},
        {"a APPEND x {3+}\r\nabcd", "ERROR"},
    };
    RUN(cases);
}

static void response_codes(void **state)
{
    static const struct unit_case cases[] = {
        {"a OK [METADATA LONGENTRIES 2199] x", NULL},
        {"a NO [METADATA MAXSIZE 1024] x", NULL},
        {"a NO [METADATA TOOMANY] x", NULL},
        {"a NO [METADATA NOPRIVATE] x", NULL},
        {"a NO [METADATA FOO] x", NULL},
        {"a NO [BADEVENT (MessageNew FlagChange)] x", NULL},
        {"* OK [NOTIFICATIONOVERFLOW] x", NULL},
        {"* OK [INPROGRESS (\"A001\" 454 1000)] x", NULL},
        {"* OK [INPROGRESS (\"A001\" NIL NIL)] x", NULL},
        {"* OK [INPROGRESS (NIL 5 NIL)] x", NULL},
        {"* OK [INPROGRESS] x", NULL},
        {"a NO [OVERQUOTA] x", NULL},
        {"* NO [OVERQUOTA] x", NULL},
        {"* NO [NOUPDATE \"B02\"] x", NULL},
        {"a OK [MESSAGELIMIT 1000 23221] x", NULL},
        {"a OK [MESSAGELIMIT 1000] x", NULL},
        {"a BAD [UIDREQUIRED] x", NULL},
        {"a NO [BADCHARSET (UTF-8 US-ASCII)] x", NULL},
        {"a NO [NOTSAVED] x", NULL},
        {"a NO [USEATTR] x", NULL},
        {"a NO [MAXCONVERTMESSAGES 5] x", NULL},
        {"a NO [X-FOO bar (baz)] x", NULL},
        {"* OK [INPROGRESS (x] y", "ERROR"},
    };
    RUN(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes),        cmocka_unit_test(structures),
        cmocka_unit_test(other_fetch_data), cmocka_unit_test(fetch_requests),
        cmocka_unit_test(search_requests),  cmocka_unit_test(search_results),
        cmocka_unit_test(sort_and_thread),  cmocka_unit_test(quotas_and_rights),
        cmocka_unit_test(metadata_values),  cmocka_unit_test(lists),
        cmocka_unit_test(notify),           cmocka_unit_test(stores_and_appends),
        cmocka_unit_test(response_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
