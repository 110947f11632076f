#include "imap/dissect.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* A line for each unit: side, kind, tag, number, name, and something of its value. */
struct summary {
    struct buf text;
    uint64_t literal_bytes; /* of those passed on in pieces */
    size_t piece_max;
    uint64_t end; /* of the last unit */
};

static void add_value(struct buf *out, const struct dissect_unit *unit)
{
    switch (unit->value) {
    case DISSECT_STATUS_RESPONSE:
        buf_addf(out, " [%s] %.*s", response_code_name(unit->status_response.code),
                 STR_ARG(unit->text));
        break;
    case DISSECT_TEXT:
        buf_addf(out, " %.*s", STR_ARG(unit->text));
        break;
    case DISSECT_FETCH:
        buf_addf(out, " uid %u", unit->fetch.data.uid);
        for (size_t i = 0; i < unit->fetch.bodies_len; i++) {
            const struct dissect_literal *body = &unit->fetch.bodies[i];
            buf_addf(out, " %llu:%.*s", (unsigned long long)body->size, STR_ARG(body->bytes));
        }
        break;
    case DISSECT_APPEND:
        buf_addf(out, " %.*s", STR_ARG(unit->append.mailbox));
        for (size_t i = 0; i < unit->append.len; i++) {
            buf_addf(out, " %.*s", STR_ARG(unit->append.messages[i].bytes));
        }
        break;
    case DISSECT_LIST:
        buf_addf(out, " %.*s", STR_ARG(unit->list.name));
        break;
    case DISSECT_SELECT:
        buf_addf(out, " %.*s", STR_ARG(unit->select.mailbox));
        break;
    case DISSECT_COPY:
        buf_addf(out, " %zu %.*s", unit->copy.set.len, STR_ARG(unit->copy.mailbox));
        break;
    case DISSECT_SEARCH:
        buf_addf(out, " %llu", (unsigned long long)seqset_count(&unit->search_result.all));
        break;
    case DISSECT_CAPABILITY:
    case DISSECT_STRINGS:
    case DISSECT_SECRET:
        for (size_t i = 0; i < unit->names.len; i++) {
            buf_addf(out, " %.*s", STR_ARG(unit->names.items[i]));
        }
        break;
    default:
        break;
    }
}

static int on_unit(void *self, const struct dissect_unit *unit, struct error *err)
{
    static const char *const kinds[] = {"command", "continuation", "untagged", "tagged", "error"};
    struct summary *s = self;
    assert_true(unit->offset >= s->end || unit->kind == DISSECT_CONTINUATION);
    assert_true(unit->length > 0);
    s->end = unit->offset + unit->length;
    buf_addf(&s->text, "%c %s", unit->direction == DISSECT_CLIENT ? 'C' : 'S', kinds[unit->kind]);
    if (unit->kind == DISSECT_ERROR) {
        assert_non_null(unit->reason);
        buf_addf(&s->text, " %llu\n", (unsigned long long)unit->offset);
        return 0;
    }
    if (unit->tag.len > 0) {
        buf_addf(&s->text, " %.*s", STR_ARG(unit->tag));
    }
    if (unit->has_number) {
        buf_addf(&s->text, " %u", unit->number);
    }
    if (unit->name.len > 0) {
        buf_addf(&s->text, " %.*s", STR_ARG(unit->name));
    }
    add_value(&s->text, unit);
    buf_add_byte(&s->text, '\n');
    return 0;
}

static int on_literal(void *self, uint64_t at, struct str piece, struct error *err)
{
    struct summary *s = self;
    assert_true(at == 0 || at <= s->literal_bytes);
    s->literal_bytes += piece.len;
    s->piece_max = piece.len > s->piece_max ? piece.len : s->piece_max;
    return 0;
}

struct bytes_source {
    struct str rest;
    size_t chunk;
};

static ssize_t read_bytes(void *self, void *out, size_t size, struct error *err)
{
    struct bytes_source *source = self;
    size_t n = source->rest.len < size ? source->rest.len : size;
    n = source->chunk != 0 && n > source->chunk ? source->chunk : n;
    memcpy(out, source->rest.ptr, n);
    source->rest = str_from_offset(source->rest, n);
    return (ssize_t)n;
}

struct dissect_case {
    const char *name;
    const char *input;
    const char *expected;
    unsigned bad;
};

static void assert_summary(const struct dissect_case *c, struct summary *s, uint64_t bad)
{
    buf_add_byte(&s->text, '\0');
    if (strcmp(s->text.data, c->expected) != 0) {
        fail_msg("%s:\n%s", c->name, s->text.data);
    }
    assert_int_equal(bad, c->bad);
    buf_free(&s->text);
}

static void run_case(const struct dissect_case *c)
{
    struct error err = ERROR_INIT;
    uint64_t bad;
    for (size_t k = 0; k < sizeof wire_chunks / sizeof wire_chunks[0]; k++) {
        struct summary s = {.text = BUF_INIT(100000)};
        struct bytes_source bytes = {str_from(c->input), wire_chunks[k]};
        const struct reader_source source = {read_bytes, &bytes};
        const struct dissect_visitor visitor = {on_unit, on_literal, &s};
        assert_int_equal(dissect(&source, &visitor, &bad, &err), 0);
        assert_summary(c, &s, bad);
    }
    struct summary s = {.text = BUF_INIT(100000)};
    const struct dissect_visitor visitor = {on_unit, on_literal, &s};
    /* Not NUL-terminated: nothing may be read behind its end. */
    char *copy = xmemdup(c->input, strlen(c->input));
    assert_int_equal(dissect_memory(str_make(copy, strlen(c->input)), &visitor, &bad, &err), 0);
    assert_summary(c, &s, bad);
    free(copy);
}

static void conversations(void **state)
{
    static const struct dissect_case cases[] = {
        {"server", "* OK [CAPABILITY IMAP4rev1] ready\r\n* 172 EXISTS\r\na1 OK done\r\n",
         "S untagged OK [CAPABILITY] ready\nS untagged 172 EXISTS\nS tagged a1 OK [] done\n", 0},
        {"client", "a1 login alice secret\r\na2 uid fetch 1:* flags\r\na3 select \"x y\"\r\n",
         "C command a1 LOGIN alice\nC command a2 UID FETCH\nC command a3 SELECT x y\n", 0},
        {"both, bare LF",
         "* PREAUTH hi\na NOOP\na OK\nb CAPABILITY\n* CAPABILITY IMAP4rev1 IDLE\nb OK done\n",
         "S untagged PREAUTH [] hi\nC command a NOOP\nS tagged a OK [] \nC command b CAPABILITY\n"
         "S untagged CAPABILITY IMAP4rev1 IDLE\nS tagged b OK [] done\n",
         0},
        {"prefixed",
         "S: * OK hi\r\nC: a IDLE\r\nS: + idling\r\nS: * 4 EXISTS\r\nC: DONE\r\nS: a OK done\r\n",
         "S untagged OK [] hi\nC command a IDLE\nS continuation idling\nS untagged 4 EXISTS\n"
         "C continuation DONE\nS tagged a OK [] done\n",
         0},
        {"a body", "* 12 FETCH (BODY[HEADER] {5}\r\na\r\n)b UID 3)\r\n* 13 EXPUNGE\r\n",
         "S untagged 12 FETCH uid 3 5:a\r\n)b\nS untagged 13 EXPUNGE\n", 0},
        {"literals in a command", "a SELECT {5+}\r\nINBOX\r\nb CREATE {1}\r\nx\r\n",
         "C command a SELECT INBOX\nC command b CREATE x\n", 0},
        {"the server's + before a literal",
         "* OK hi\r\na APPEND x (\\Seen) {4}\r\n+ go\r\nab\r\n\r\na OK done\r\n",
         "S untagged OK [] hi\nC command a APPEND x ab\r\n\nS continuation go\n"
         "S tagged a OK [] done\n",
         0},
        {"a client's literal that begins as a +", "a APPEND x {6}\r\n+ go\r\n\r\nb NOOP\r\n",
         "C command a APPEND x + go\r\n\nC command b NOOP\n", 0},
        {"prefixed literals, bare LF",
         "S: * OK hi\nC: a APPEND x {8}\nS: + go\nC: ab\nC: cd\nC:\nS: * 1 FETCH (BODY[] {6}\n"
         "S: ab\nS: cd UID 7)\nS: a OK done\n",
         "S untagged OK [] hi\nC command a APPEND x ab\r\ncd\r\n\nS continuation go\n"
         "S untagged 1 FETCH uid 7 6:ab\r\ncd\nS tagged a OK [] done\n",
         0},
        {"prefixed lines, a literal without", "S: * 1 FETCH (BODY[] {6}\r\nab\r\ncd)\r\nS: + x\r\n",
         "S untagged 1 FETCH uid 0 6:ab\r\ncd\nS continuation x\n", 0},
        {"indented, with empty lines", "   S: * OK hi\n\n   C: a NOOP\n  \n",
         "S untagged OK [] hi\nC command a NOOP\n", 0},
        {"an exchange of secrets",
         "* OK hi\r\na AUTHENTICATE PLAIN AGEAYg==\r\nb AUTHENTICATE LOGIN\r\n+ VXNlcg==\r\n"
         "c2VjcmV0\r\n*\r\nb BAD no\r\n",
         "S untagged OK [] hi\nC command a AUTHENTICATE PLAIN\nC command b AUTHENTICATE LOGIN\n"
         "S continuation VXNlcg==\nC continuation\nC continuation *\nS tagged b BAD [] no\n",
         0},
        {"unknown things", "* X-FOO bar (1)\r\na X-BAR baz\r\n* 5 FOO\r\n",
         "S untagged X-FOO bar (1)\nC command a X-BAR baz\nS untagged 5 FOO \n", 0},
        {"several messages at once", "a APPEND x {1+}\r\na {1+}\r\nb\r\n",
         "C command a APPEND x a b\n", 0},
        {"sets", "a UID COPY 1:3,5 Sent\r\na UID EXPUNGE 7\r\n* SEARCH 5 3 1\r\n",
         "C command a UID COPY 2 Sent\nC command a UID EXPUNGE 1 \nS untagged SEARCH 3\n", 0},
        {"nothing", "", "", 0},
        {"text that ends as a literal would", "* OK look {5}\r\n* BYE\r\n",
         "S untagged OK [] look {5}\nS untagged BYE [] \n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_case(&cases[i]);
    }
}

static void goes_on_behind_what_cannot_be_read(void **state)
{
    static const struct dissect_case cases[] = {
        {"a bad line", "* LIST what\r\n* 5 EXISTS\r\n", "S error 0\nS untagged 5 EXISTS\n", 1},
        {"a bad command with a literal", "a STORE {3+}\r\nabc +FLAGS (x\r\nb NOOP\r\n",
         "C error 0\nC command b NOOP\n", 1},
        {"junk", "\x01\x02 \xff{\r\n * x\r\na NOOP\r\n", "C error 0\nC error 7\nC command a NOOP\n",
         2},
        {"an unprefixed line", "S: * OK hi\r\nhello\r\nS: * BYE\r\n",
         "S untagged OK [] hi\nS error 12\nS untagged BYE [] \n", 1},
        {"the wrong side", "S: * OK hi\r\nC: * OK hi\r\nS: a b c\r\n",
         "S untagged OK [] hi\nC error 12\nS error 24\n", 2},
        {"an end in a literal", "* 1 FETCH (BODY[] {10}\r\nabc", "S error 0\n", 1},
        {"an end in a line", "* 1 FETCH (UID 5", "S error 0\n", 1},
        {"a body, then nonsense", "* 1 FETCH (BODY[] {3}\r\nabc ?)\r\n* 2 EXISTS\r\n",
         "S error 0\nS untagged 2 EXISTS\n", 1},
        {"numbers out of range", "* 99999999999 EXISTS\r\n* 1 EXISTS\r\n",
         "S error 0\nS untagged 1 EXISTS\n", 1},
        {"a literal without an end in sight", "* LIST () \"/\" {99999999999999999999}\r\nx\r\n",
         "S error 0\nC error 38\n", 2},
        {"words", "this is no IMAP\r\nhello\r\n* 1 EXISTS\r\n",
         "C error 0\nC error 17\nS untagged 1 EXISTS\n", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_case(&cases[i]);
    }
}

/* ---- large literals ---- */

struct endless {
    struct str head, tail;
    uint64_t body;
};

static ssize_t read_endless(void *self, void *out, size_t size, struct error *err)
{
    struct endless *e = self;
    struct str *text = e->head.len > 0 ? &e->head : e->body == 0 ? &e->tail : NULL;
    if (text != NULL) {
        size_t n = text->len < size ? text->len : size;
        memcpy(out, text->ptr, n);
        *text = str_from_offset(*text, n);
        return (ssize_t)n;
    }
    size_t n = e->body < size ? (size_t)e->body : size;
    memset(out, 'x', n);
    e->body -= n;
    return (ssize_t)n;
}

static void law9_large_literals_are_not_held(void **state)
{
    static const struct {
        const char *head, *tail, *expected;
    } cases[] = {
        {"* 1 FETCH (UID 5 BODY[] {50000000}\r\n", ")\r\n* 2 EXISTS\r\n",
         "S untagged 1 FETCH uid 5 50000000:\nS untagged 2 EXISTS\n"},
        {"a APPEND INBOX {50000000+}\r\n", "\r\nb NOOP\r\n",
         "C command a APPEND INBOX \nC command b NOOP\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = ERROR_INIT;
        uint64_t bad;
        struct summary s = {.text = BUF_INIT(100000)};
        struct endless endless = {str_from(cases[i].head), str_from(cases[i].tail), 50000000};
        const struct reader_source source = {read_endless, &endless};
        const struct dissect_visitor visitor = {on_unit, on_literal, &s};
        assert_int_equal(dissect(&source, &visitor, &bad, &err), 0);
        assert_int_equal(s.literal_bytes, 50000000);
        assert_true(s.piece_max <= 1024 * 1024);
        buf_add_byte(&s.text, '\0');
        assert_string_equal(s.text.data, cases[i].expected);
        buf_free(&s.text);
    }
}

static int stop(void *self, const struct dissect_unit *unit, struct error *err)
{
    return error_set(err, ERR_CANCELLED, SCOPE_CANCELLED, "enough");
}

static void the_visitor_may_stop(void **state)
{
    struct error err = ERROR_INIT;
    uint64_t bad;
    const struct dissect_visitor visitor = {stop, NULL, NULL};
    assert_int_equal(dissect_memory(STR("* 1 EXISTS\r\n* 2 EXISTS\r\n"), &visitor, &bad, &err),
                     -ERR_CANCELLED);
    assert_string_equal(err.text, "enough");
}

static void tells_imap_from_other_things(void **state)
{
    static const struct {
        const char *text;
        bool imap;
    } cases[] = {
        {"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", true},
        {"* PREAUTH hi\r\n", true},
        {"* BYE", true},
        {"* 5 FETCH (UID", true},
        {"* LIST () \"/\" x", true},
        {"a001 LOGIN x y\r\n", true},
        {"A1 uid fetch 1:* (FLAGS)", true},
        {"A142 OK [READ-WRITE] done\r\n", true},
        {"S: * OK hi\r\n", true},
        {"C: a NOOP\r\n", true},
        {"", false},
        {"+OK POP3 ready\r\n", false},
        {"+ idling", false},
        {"220 mail.example ESMTP\r\n", false},
        {"GET / HTTP/1.1\r\n", false},
        {"HTTP/1.1 200 OK\r\n", false},
        {"SSH-2.0-OpenSSH_9\r\n", false},
        {"\x16\x03\x01\x02", false},
        {"* hello world\r\n", false},
        {"From alice@example.com Thu Jan 1\r\n", false},
        {"Subject: hello\r\n", false},
        {"UID", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (looks_like_imap(str_from(cases[i].text)) != cases[i].imap) {
            fail_msg("%s", cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations),
        cmocka_unit_test(goes_on_behind_what_cannot_be_read),
        cmocka_unit_test(law9_large_literals_are_not_held),
        cmocka_unit_test(the_visitor_may_stop),
        cmocka_unit_test(tells_imap_from_other_things),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
