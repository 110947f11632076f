/* Every kind of response and command, damaged: what is read all the same can be written, and is
 * then read as the same; and a stream is read as memory is. */
#include "base/alloc.h"
#include "core/imap/noise.h"
#include "core/imap/unit_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROUNDS 40000

static const char *const units[] = {
    "* 12 FETCH (ENVELOPE (\"date\" {3}\r\na\"b ((\"T\" NIL \"g\" \"c.e\")) NIL () ((NIL NIL \"x\" "
    "NIL)(NIL NIL NIL NIL)) NIL NIL NIL \"<1@x>\"))\r\n",
    "* 1 FETCH (BODY ((\"TEXT\" \"PLAIN\" (\"A\" \"B\") NIL NIL \"7BIT\" 1152 23)(\"TEXT\" "
    "\"PLAIN\" "
    "NIL \"<9>\" \"d\" \"BASE64\" 4554 73) \"MIXED\"))\r\n",
    "* 1 FETCH (BODYSTRUCTURE ((\"text\" \"html\" NIL NIL NIL \"QP\" 10 1 NIL (\"inline\" (\"a\" "
    "\"b\")) (\"en\" \"de\") \"u\")(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 300 (NIL \"in\" "
    "NIL "
    "NIL NIL NIL NIL NIL NIL NIL) (\"a\" \"b\" NIL NIL NIL \"7BIT\" 2) 9) \"x\" (\"b\" \"c\") NIL "
    "NIL))\r\n",
    "* 1 FETCH (UID 5 X-GM-LABELS (\"\\\\Inbox\" x) SAVEDATE \" 1-Jan-2025 00:00:00 +0000\" "
    "PREVIEW "
    "\"h\" BINARY.SIZE[1.2] 500 BINARY[1]<0> ~{3}\r\na\r\n RFC822.TEXT \"x\")\r\n",
    "a FETCH 1:* (UID BODY.PEEK[1.MIME] BINARY[2]<0.100> BINARY.SIZE[2] PREVIEW (LAZY)) "
    "(CHANGEDSINCE 5 VANISHED PARTIAL -1:-30)\r\n",
    "a SEARCH RETURN (MIN ALL PARTIAL 1:5) CHARSET UTF-8 OR (SEEN 1:5,$) NOT FROM {3+}\r\n\xd0\xbf"
    "x UID 7:* ON 1-Feb-1994 HEADER a \"b\"\r\n",
    "a UID SEARCH FUZZY (SUBJECT \"I b\" MODSEQ \"/flags/x\" all 62) OLDER 5 KEYWORD $x LARGER "
    "9\r\n",
    "* SEARCH 2 5 6 7 11 12 18 19 20 23 (MODSEQ 917162500)\r\n",
    "* ESEARCH (TAG \"A285\") UID MIN 7 COUNT 43 ALL 43,88:90 PARTIAL (-1:-100 5,7) MODSEQ 5\r\n",
    "a SORT RETURN (COUNT) (REVERSE DATE SUBJECT) UTF-8 SINCE 1-Feb-1994\r\n",
    "* SORT 5 3 4 1 2 (MODSEQ 5)\r\n",
    "a THREAD REFERENCES UTF-8 ALL\r\n* THREAD (2)(3 6 (4 23)(44 7 96))((3)(5))\r\n",
    "* QUOTA \"\" (STORAGE 10 512 MESSAGE 1 2)\r\n* QUOTAROOT INBOX \"\" other\r\n",
    "a SETQUOTA \"\" (STORAGE 512)\r\na SETACL INBOX bob +lr\r\n",
    "* ACL INBOX Fred lrs -Fred x\r\n* LISTRIGHTS a b c d e\r\n* MYRIGHTS INBOX lrs\r\n",
    "* METADATA INBOX (/private/comment \"x\" /shared/c NIL)\r\n* METADATA \"\" /a /b\r\n",
    "a GETMETADATA (MAXSIZE 1024 DEPTH 1) INBOX (/shared/c /p)\r\n",
    "a SETMETADATA INBOX (/private/c {2+}\r\nxy /shared/d NIL)\r\n",
    "a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (% \"a b\") RETURN (CHILDREN STATUS (MESSAGES) "
    "METADATA "
    "(/a))\r\n",
    "* LIST (\\Sent) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (x) y (a b))\r\n",
    "a NOTIFY SET STATUS (selected (MessageNew (UID) MessageExpunge)) (subtree (a b) NONE)\r\n",
    "a UID STORE 6 (UNCHANGEDSINCE 12) -FLAGS.SILENT (\\Deleted foo)\r\na COPY 1:3 x\r\n",
    "a APPEND x (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {3+}\r\nabc (a) {1+}\r\nb\r\n",
    "a NO [METADATA MAXSIZE 1024] x\r\n* OK [INPROGRESS (\"A\" 454 NIL)] x\r\n",
    "a OK [MESSAGELIMIT 1000 23] x\r\na NO [BADCHARSET (UTF-8)] x\r\n+ hi\r\nDONE\r\n",
    "S: * OK hi\nC: a LOGIN x {3}\nS: + ok\nC: abc\nS: * 1 FETCH (BODY[] {4}\nS: a\nS: b)\n",
};
#define UNITS (sizeof units / sizeof units[0])

static int count_unit(void *self, const struct dissect_unit *unit, struct error *err)
{
    uint64_t *hash = self;
    *hash = *hash * 31 + unit->offset * 7 + unit->length * 3 + (uint64_t)unit->kind +
            (uint64_t)unit->value * 13 + str_hash(unit->name) + str_hash(unit->text);
    return 0;
}

struct pieces {
    struct str rest;
    struct dice *dice;
};

static ssize_t read_pieces(void *self, void *out, size_t size, struct error *err)
{
    struct pieces *p = self;
    size_t n = 1 + dice_below(p->dice, 40);
    n = n < size ? n : size;
    n = n < p->rest.len ? n : p->rest.len;
    memcpy(out, p->rest.ptr, n);
    p->rest = str_from_offset(p->rest, n);
    return (ssize_t)n;
}

static void assert_stream_as_memory(struct str input, struct dice *dice)
{
    struct error err = ERROR_INIT;
    uint64_t bad[2];
    uint64_t hash[2] = {0, 0};
    struct pieces pieces = {input, dice};
    const struct reader_source source = {read_pieces, &pieces};
    const struct dissect_visitor stream = {count_unit, NULL, &hash[0]};
    const struct dissect_visitor memory = {count_unit, NULL, &hash[1]};
    assert_int_equal(dissect(&source, &stream, &bad[0], &err), 0);
    assert_int_equal(dissect_memory(input, &memory, &bad[1], &err), 0);
    assert_int_equal(bad[0], bad[1]);
    if (hash[0] != hash[1]) {
        fail_msg("%.*s", STR_ARG(input));
    }
}

static void law7_what_is_read_is_written_and_read_again(void **state)
{
    struct dice dice = {7};
    struct buf once AUTO_BUF = BUF_INIT(4000000);
    struct buf twice AUTO_BUF = BUF_INIT(4000000);
    unsigned written = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const char *good = units[dice_below(&dice, UNITS)];
        size_t len = strlen(good);
        char text[1024];
        memcpy(text, good, len);
        len = noise_damage(&dice, text, len, sizeof text);
        char *exact = xmemdup(text, len); /* so that nothing is read behind its end unseen */
        bool prefixed = str_starts(str_make(exact, len), STR("S: "));
        if (!prefixed && units_write(str_make(exact, len), &once) &&
            memmem(once.data, once.len, "ERROR", 5) == NULL) {
            written++;
            if (!units_write(buf_str(&once), &twice) || !str_eq(buf_str(&once), buf_str(&twice))) {
                fail_msg("%.*s\n%s\n%s", (int)len, exact, once.data, twice.data);
            }
        }
        assert_stream_as_memory(str_make(exact, len), &dice);
        free(exact);
    }
    assert_true(written > ROUNDS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law7_what_is_read_is_written_and_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
