/* SEARCH with all keys and RETURN options, SORT, THREAD. */
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define UTF8_PLAIN "Content-Type: text/plain; charset=utf-8\r\n"

/* 1: encoded words and base64; 2: quoted-printable in Latin 1; 3: multipart; 4: nothing. */
static const struct {
    const char *message;
    unsigned flags;
    int64_t date_s;
} mails[] = {
    {"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: a@example.org, b@example.org\r\n"
     "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nDate: Mon, 1 Jan 2024 23:30:00 -0200\r\n"
     "Message-ID: <1@x>\r\n" UTF8_PLAIN "Content-Transfer-Encoding: base64\r\n\r\n"
     "SGFsbG8gV2VsdA==\r\n",
     FLAG_SEEN, 1704067200},
    {"From: Bob <bob@example.org>\r\nTo: c@example.org\r\nCc: d@example.org\r\n"
     "Subject: Re: =?utf-8?b?R3LDvMOfZQ==?=\r\nDate: Tue, 2 Jan 2024 10:00:00 +0000\r\n"
     "Message-ID: <2@x>\r\nReferences: <1@x>\r\n"
     "Content-Type: text/plain; charset=iso-8859-1\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\nsch=F6n\r\n",
     FLAG_FLAGGED, 1704153600},
    {"From: Alice <alice@example.org>\r\nSubject: lunch\r\nDate: Wed, 3 Jan 2024 10:00:00 +0000\r\n"
     "Message-ID: <3@x>\r\nX-Odd: yes\r\n"
     "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n" UTF8_PLAIN
     "\r\nplain words\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>marked</b>\r\n--b--\r\n",
     FLAG_ANSWERED | FLAG_DELETED, 1704240000},
    {"\r\nbare\r\n", 0, 1704326400},
};

static void fill(struct conversation *c)
{
    struct error err = ERROR_INIT;
    conversation_init(c);
    for (size_t i = 0; i < sizeof mails / sizeof *mails; i++) {
        assert_int_equal(mem_backend_append(c->env.backend, "u", "INBOX",
                                            str_from(mails[i].message), mails[i].flags,
                                            mails[i].date_s, NULL, &err),
                         0);
    }
    /* Four days on. */
    lockstep_env_advance(&c->env, (int64_t)4 * 86400 * 1000);
}

static const struct {
    const char *keys, *hits;
} KEYS[] = {
    {"ALL", " 1 2 3 4"},
    {"FROM bob", " 2"},
    {"FROM {7+}$J\xc3\xbcrgen", " 1"},
    {"CHARSET UTF-8 SUBJECT {6+}$gr\xc3\xbc\xc3\x9f", " 1 2"},
    {"SUBJECT {6+}$Gr\xc3\xbc\xc3\x9f", " 1 2"},
    {"BODY \"hallo welt\"", " 1"},
    {"BODY SGFsbG8", ""},
    {"BODY {6+}$sch\xc3\xb6n", " 2"},
    {"BODY \"plain words\"", " 3"},
    {"BODY marked", " 3"},
    {"TEXT lunch", " 3"},
    {"TEXT bare", " 4"},
    {"HEADER X-Odd \"\"", " 3"},
    {"HEADER X-Odd no", ""},
    {"CC d@", " 2"},
    {"TO b@example", " 1"},
    {"SEEN", " 1"},
    {"UNSEEN FLAGGED", " 2"},
    {"OR SEEN FLAGGED", " 1 2"},
    {"NOT (OR SEEN FLAGGED)", " 3 4"},
    {"2:*", " 2 3 4"},
    {"9:*", NULL},
    {"UID 9:*", " 4"},
    {"UID 2,3 DELETED", " 3"},
    {"SENTON 1-Jan-2024", " 1"},
    {"SENTBEFORE 2-Jan-2024", " 1"},
    {"SENTSINCE 3-Jan-2024", " 3"},
    {"ON 2-Jan-2024", " 2"},
    {"SINCE 3-Jan-2024 BEFORE 4-Jan-2024", " 3"},
    {"SAVEDSINCE 1-Jan-2024 SAVEDATESUPPORTED", " 1 2 3 4"},
    {"SAVEDBEFORE 1-Jan-2024", ""},
    {"OLDER 200000", " 1 2"},
    {"YOUNGER 200000", " 3 4"},
    {"LARGER 4 SMALLER 100", " 4"},
    {"FUZZY SUBJECT \"lunch\"", " 3"},
    {"FUZZY BODY \"words plain\"", " 3"},
    {"BODY \"words plain\"", ""},
    {"MODSEQ 1", " 1 2 3 4 (MODSEQ 5)"},
    {"NEW", ""},
    {"OLD", " 1 2 3 4"},
    {"KEYWORD x", ""},
    {"UNKEYWORD x", " 1 2 3 4"},
    {"CHARSET X-HATS ALL", NULL},
    {"XYZZY", NULL},
    {"X-GM-RAW x", NULL},
    {"UIDAFTER 2", NULL},
    {"(ALL", NULL},
};

static void keys(void **state)
{
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        struct conversation c;
        char script[512];
        fill(&c);
        if (KEYS[i].hits != NULL) {
            snprintf(script, sizeof script,
                     "1~ 1 EXAMINE INBOX\n1> a SEARCH %s\n1< * SEARCH%s\n1< a OK …\n", KEYS[i].keys,
                     KEYS[i].hits);
            conversation_play(&c, KEYS[i].keys, script);
        } else {
            snprintf(script, sizeof script, "1~ 1 EXAMINE INBOX\n1> a SEARCH %s\n", KEYS[i].keys);
            struct str wanted = str_starts(str_from(KEYS[i].keys), STR("CHARSET"))
                                    ? STR("a NO [BADCHARSET (US-ASCII UTF-8)]")
                                    : STR("a BAD ");
            snprintf(script + strlen(script), sizeof script - strlen(script), "1< %.*s…\n",
                     STR_ARG(wanted));
            conversation_play(&c, KEYS[i].keys, script);
        }
        conversation_free(&c);
    }
}

static void play_filled(const struct script *scripts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct conversation c;
        fill(&c);
        capabilities_set(&c.env.options.capabilities, CAP_X_GM_EXT_1, true);
        conversation_play(&c, scripts[i].name, "1~ 1 SELECT INBOX\n");
        conversation_play(&c, scripts[i].name, scripts[i].text);
        conversation_free(&c);
    }
}
#define PLAY_FILLED(scripts) play_filled(scripts, sizeof scripts / sizeof *(scripts))

/* RFC 4731, RFC 5182, RFC 9394. */
static void returns(void **state)
{
    static const struct script scripts[] = {
        {"all by default",
         "1> a SEARCH RETURN () UNSEEN\n1< * ESEARCH (TAG \"a\") ALL 2:4\n1< a OK …\n"},
        {"ends and count", "1> a UID SEARCH RETURN (MIN MAX COUNT) UNSEEN\n"
                           "1< * ESEARCH (TAG \"a\") UID MIN 2 MAX 4 COUNT 3\n1< a OK …\n"},
        {"nothing found",
         "1> a SEARCH RETURN (MIN MAX ALL COUNT) KEYWORD x\n"
         "1< * ESEARCH (TAG \"a\") COUNT 0\n1< a OK …\n"
         "1> b SEARCH RETURN (ALL) KEYWORD x\n1< * ESEARCH (TAG \"b\")\n1< b OK …\n"},
        {"with modseq", "1> a SEARCH RETURN (MIN) MODSEQ 1\n"
                        "1< * ESEARCH (TAG \"a\") MIN 1 MODSEQ 2\n1< a OK …\n"
                        "1> b SEARCH RETURN (COUNT) MODSEQ 1\n"
                        "1< * ESEARCH (TAG \"b\") COUNT 4 MODSEQ 5\n1< b OK …\n"},
        {"saved",
         "1> a SEARCH RETURN (SAVE) UNSEEN\n1< a OK …\n"
         "1> b FETCH \\$ UID\n1< * 2 FETCH (UID 2)\n1< * 3 FETCH (UID 3)\n"
         "1< * 4 FETCH (UID 4)\n1< b OK …\n"
         "1> c SEARCH \\$ DELETED\n1< * SEARCH 3\n1< c OK …\n"
         "1> d UID STORE \\$ +FLAGS.SILENT (k)\n1< d OK …\n"
         "1> e SEARCH RETURN (SAVE COUNT) CHARSET X ALL\n1< e NO [BADCHARSET (US-ASCII UTF-8)] …\n"
         "1> g FETCH \\$ UID\n1< g OK …\n"},
        {"saved ends", "1> a SEARCH RETURN (SAVE MIN MAX) UNSEEN\n"
                       "1< * ESEARCH (TAG \"a\") MIN 2 MAX 4\n1< a OK …\n"
                       "1> b SEARCH UID \\$\n1< * SEARCH 2 4\n1< b OK …\n"},
        {"saved and expunged", "1~ 2 SEARCH RETURN (SAVE) ALL\n1~ 3 EXPUNGE\n"
                               "1> a FETCH \\$ UID\n1< * 1 FETCH (UID 1)\n1< * 2 FETCH (UID 2)\n"
                               "1< * 3 FETCH (UID 4)\n1< a OK …\n"},
        {"a window", "1> a UID SEARCH RETURN (PARTIAL 1:2) ALL\n"
                     "1< * ESEARCH (TAG \"a\") UID PARTIAL (1:2 1:2)\n1< a OK …\n"
                     "1> b UID SEARCH RETURN (PARTIAL -1:-2) ALL\n"
                     "1< * ESEARCH (TAG \"b\") UID PARTIAL (-1:-2 3:4)\n1< b OK …\n"
                     "1> c UID SEARCH RETURN (PARTIAL 7:8) ALL\n"
                     "1< * ESEARCH (TAG \"c\") UID PARTIAL (7:8 NIL)\n1< c OK …\n"},
        {"Gmail's", "1> a SEARCH X-GM-RAW lunch\n1< * SEARCH 3\n1< a OK …\n"
                    "1~ 2 CREATE Work\n1~ 3 COPY 2 Work\n1> b SEARCH X-GM-LABELS Work\n"
                    "1< * SEARCH 2\n1< b OK …\n1> c FETCH 2 X-GM-LABELS\n"
                    "1< * 2 FETCH (X-GM-LABELS (Work))\n1< c OK …\n"},
    };
    PLAY_FILLED(scripts);
}

static void sort(void **state)
{
    static const struct script scripts[] = {
        {"by subject", "1> a SORT (SUBJECT) UTF-8 ALL\n1< * SORT 4 1 2 3\n1< a OK …\n"},
        {"by two, one reversed",
         "1> a UID SORT (SUBJECT REVERSE DATE) US-ASCII ALL\n1< * SORT 4 2 1 3\n1< a OK …\n"},
        {"arrival", "1> a SORT (REVERSE ARRIVAL) UTF-8 UNSEEN\n1< * SORT 4 3 2\n1< a OK …\n"},
        {"from and to", "1> a SORT (FROM) UTF-8 ALL\n1< * SORT 4 3 2 1\n1< a OK …\n"
                        "1> b SORT (TO) UTF-8 1:2\n1< * SORT 1 2\n1< b OK …\n"},
        {"size", "1> a SORT (SIZE) UTF-8 ALL\n1< * SORT 4 1 2 3\n1< a OK …\n"},
        {"display", "1> a SORT (DISPLAYFROM) UTF-8 1:3\n1< * SORT 3 2 1\n1< a OK …\n"},
        {"returning", "1> a SORT RETURN (COUNT ALL MIN MAX) (REVERSE ARRIVAL) UTF-8 ALL\n"
                      "1< * ESEARCH (TAG \"a\") MIN 1 MAX 4 COUNT 4 ALL 4,3,2,1\n1< a OK …\n"
                      "1> b UID SORT RETURN (PARTIAL 2:3) (REVERSE ARRIVAL) UTF-8 ALL\n"
                      "1< * ESEARCH (TAG \"b\") UID PARTIAL (2:3 3,2)\n1< b OK …\n"},
        {"wrong", "1> a SORT (HATS) UTF-8 ALL\n1< a BAD …\n1> b SORT (DATE) X ALL\n"
                  "1< b NO [BADCHARSET (US-ASCII UTF-8)] …\n1> c SORT () UTF-8 ALL\n1< c BAD …\n"},
    };
    PLAY_FILLED(scripts);
}

static void thread(void **state)
{
    static const struct script scripts[] = {
        {"by subject",
         "1> a THREAD ORDEREDSUBJECT UTF-8 ALL\n1< * THREAD (1 2)(3)(4)\n1< a OK …\n"},
        {"by references",
         "1> a THREAD REFERENCES UTF-8 ALL\n1< * THREAD (1 2)(3)(4)\n1< a OK …\n"
         "1> b UID THREAD REFERENCES UTF-8 2:4\n1< * THREAD (2)(3)(4)\n1< b OK …\n"},
        {"nothing", "1> a THREAD REFERENCES UTF-8 KEYWORD x\n1< * THREAD\n1< a OK …\n"},
        {"unknown", "1> a THREAD HATS UTF-8 ALL\n1< a BAD …\n"},
    };
    PLAY_FILLED(scripts);
}

/* One line each: Message-ID, references, subject; dates go up. */
struct thread_mail {
    const char *id, *references, *subject;
};

static void check_thread(const char *name, const struct thread_mail *mail, size_t len,
                         const char *expected)
{
    struct conversation c;
    struct error err = ERROR_INIT;
    char text[512];
    conversation_init(&c);
    for (size_t i = 0; i < len; i++) {
        snprintf(text, sizeof text,
                 "Message-ID: <%s>\r\nReferences: %s\r\nSubject: %s\r\n"
                 "Date: Mon, 1 Jan 2024 10:%02zu:00 +0000\r\n\r\n",
                 mail[i].id, mail[i].references, mail[i].subject, i);
        assert_int_equal(mem_backend_append(c.env.backend, "u", "INBOX", str_from(text), 0,
                                            BACKEND_DATE_NOW, NULL, &err),
                         0);
    }
    snprintf(text, sizeof text,
             "1~ 1 EXAMINE INBOX\n1> a THREAD REFERENCES UTF-8 ALL\n1< * THREAD%s\n1< a OK …\n",
             expected);
    conversation_play(&c, name, text);
    conversation_free(&c);
}

static void references(void **state)
{
    static const struct {
        const char *name;
        struct thread_mail mail[4];
        size_t len;
        const char *expected;
    } cases[] = {
        {"a chain", {{"1", "", "a"}, {"2", "<1>", "b"}, {"3", "<1> <2>", "c"}}, 3, " (1 2 3)"},
        {"branches", {{"1", "", "a"}, {"2", "<1>", "b"}, {"3", "<1>", "c"}}, 3, " (1 (2)(3))"},
        {"a missing parent of two", {{"2", "<1>", "b"}, {"3", "<1>", "c"}}, 2, " ((1)(2))"},
        {"a missing parent of one", {{"2", "<1>", "b"}, {"3", "<2>", "c"}}, 2, " (1 2)"},
        {"a missing one between", {{"1", "", "a"}, {"3", "<1> <2>", "b"}}, 2, " (1 2)"},
        {"the reply first", {{"2", "<1>", "b"}, {"1", "", "a"}}, 2, " (2 1)"},
        {"a loop", {{"1", "<2>", "a"}, {"2", "<1>", "b"}}, 2, " (2 1)"},
        {"to itself", {{"1", "<1>", "a"}}, 1, " (1)"},
        {"twice the same", {{"1", "", "a"}, {"1", "", "b"}, {"2", "<1>", "c"}}, 3, " (1 3)(2)"},
        {"joined by subject", {{"1", "", "a"}, {"2", "", "Re: a"}}, 2, " (1 2)"},
        {"two of one subject", {{"1", "", "a"}, {"2", "", "a"}}, 2, " ((1)(2))"},
        {"three of one subject",
         {{"1", "", "a"}, {"2", "", "a"}, {"3", "", "Re: a"}},
         3,
         " ((1)(2)(3))"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_thread(cases[i].name, cases[i].mail, cases[i].len, cases[i].expected);
    }
}

/* Neither recursion nor squares. */
static void a_chain_of_ten_thousand(void **state)
{
    struct conversation c;
    struct error err = ERROR_INIT;
    char text[256];
    conversation_init(&c);
    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "Message-ID: <%d>\r\nReferences: <%d>\r\n\r\n", i, i - 1);
        assert_int_equal(mem_backend_append(c.env.backend, "u", "INBOX", str_from(text), 0,
                                            BACKEND_DATE_NOW, NULL, &err),
                         0);
    }
    conversation_play(&c, "chain", "1~ 1 EXAMINE INBOX\n1~ a THREAD REFERENCES UTF-8 ALL\n");
    conversation_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),       cmocka_unit_test(returns),
        cmocka_unit_test(sort),       cmocka_unit_test(thread),
        cmocka_unit_test(references), cmocka_unit_test(a_chain_of_ten_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
