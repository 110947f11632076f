#include "wire/reader.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* One call of the reader, its result put into words. */
typedef bool operation(struct reader *r, struct buf *result);

typedef bool string_call(struct reader *r, struct str *out);

static bool show(bool good, struct str value, struct buf *result)
{
    if (good && value.ptr == NULL) {
        buf_add_cstr(result, "<NIL>");
    } else if (good) {
        assert_int_equal(value.ptr[value.len], '\0');
        buf_add_str(result, value);
    }
    return good;
}

static bool show_call(string_call *call, struct reader *r, struct buf *result)
{
    struct str value = STR_EMPTY;
    bool good = call(r, &value);
    return show(good, value, result);
}

static bool tag(struct reader *r, struct buf *result)
{
    return show_call(reader_expect_tag, r, result);
}

static bool atom(struct reader *r, struct buf *result)
{
    return show_call(reader_expect_atom, r, result);
}

static bool astring(struct reader *r, struct buf *result)
{
    return show_call(reader_expect_astring, r, result);
}

static bool string(struct reader *r, struct buf *result)
{
    return show_call(reader_expect_string, r, result);
}

static bool nstring(struct reader *r, struct buf *result)
{
    return show_call(reader_expect_nstring, r, result);
}

static bool list_mailbox(struct reader *r, struct buf *result)
{
    return show_call(reader_expect_list_mailbox, r, result);
}

static bool text(struct reader *r, struct buf *result)
{
    return show_call(reader_expect_text, r, result);
}

static bool until(struct reader *r, struct buf *result)
{
    struct str value = STR_EMPTY;
    bool good = reader_expect_until(r, "])", &value);
    return show(good, value, result);
}

static bool view(struct reader *r, struct buf *result)
{
    struct str value;
    bool good = reader_expect_view(r, CHAR_NAME, &value);
    if (good) {
        buf_add_str(result, value);
    }
    return good;
}

static bool number(struct reader *r, struct buf *result)
{
    uint32_t value;
    bool good = reader_expect_number(r, &value);
    if (good) {
        buf_addf(result, "%lu", (unsigned long)value);
    }
    return good;
}

static bool nz_number(struct reader *r, struct buf *result)
{
    uint32_t value;
    bool good = reader_expect_nz_number(r, &value);
    if (good) {
        buf_addf(result, "%lu", (unsigned long)value);
    }
    return good;
}

static bool number64(struct reader *r, struct buf *result)
{
    uint64_t value;
    bool good = reader_expect_number64(r, &value);
    if (good) {
        buf_addf(result, "%llu", (unsigned long long)value);
    }
    return good;
}

static bool size(struct reader *r, struct buf *result)
{
    uint64_t value;
    bool good = reader_expect_size(r, &value);
    if (good) {
        buf_addf(result, "%llu", (unsigned long long)value);
    }
    return good;
}

static bool space(struct reader *r, struct buf *result)
{
    return reader_expect_sp(r);
}

static bool crlf(struct reader *r, struct buf *result)
{
    return reader_expect_crlf(r);
}

static bool byte_x(struct reader *r, struct buf *result)
{
    return reader_expect(r, 'x');
}

static bool skip_value(struct reader *r, struct buf *result)
{
    return reader_skip_value(r);
}

static bool skip_line(struct reader *r, struct buf *result)
{
    return reader_skip_line(r);
}

/* The literal's header as "size sync binary", then its bytes piece by piece. */
static bool literal(struct reader *r, struct buf *result)
{
    struct reader_literal header;
    struct str piece;
    if (!reader_accept_literal(r, &header)) {
        return reader_expected(r, "a literal");
    }
    buf_addf(result, "%llu%s%s:", (unsigned long long)header.size, header.sync ? " sync" : "",
             header.binary ? " binary" : "");
    do {
        if (!reader_literal_piece(r, &piece)) {
            return false;
        }
        buf_add_str(result, piece);
    } while (piece.len > 0);
    return true;
}

struct reader_case {
    const char *name;
    operation *call;
    struct str input;
    const char *expected; /* NULL: refused */
    const char *rest;     /* what is not consumed */
};

static void run_reader_case(const struct reader_case *c, size_t chunk)
{
    struct wire_input in;
    struct buf result = BUF_INIT(100000);
    struct error err = ERROR_INIT;
    wire_open(&in, c->input, chunk);
    buf_add_cstr(&result, "");
    bool good = c->call(in.reader, &result);
    if (c->expected == NULL) {
        if (good || reader_check(in.reader, &err) == 0) {
            fail_msg("%s (reads of %zu): taken as %s", c->name, chunk, result.data);
        }
        assert_true(err.code == ERR_PROTOCOL || err.code == ERR_NETWORK);
        assert_int_equal(err.scope, SCOPE_CONNECTION);
    } else {
        wire_assert_good(&in, c->name);
        assert_true(good);
        if (strcmp(result.data, c->expected) != 0 || !str_eq(wire_rest(&in), str_from(c->rest))) {
            fail_msg("%s (reads of %zu): \"%s\", then \"%.*s\"", c->name, chunk, result.data,
                     STR_ARG(wire_rest(&in)));
        }
    }
    buf_free(&result);
    wire_close(&in);
}

static void run_reader_cases(const struct reader_case *cases, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof wire_chunks / sizeof wire_chunks[0]; k++) {
            run_reader_case(&cases[i], wire_chunks[k]);
        }
    }
}
#define RUN(cases) run_reader_cases(cases, sizeof(cases) / sizeof(cases)[0])

static void grammar(void **state)
{
    static const struct reader_case cases[] = {
        {"tag", tag, {"a1] x", 5}, "a1]", " x"},
        {"tag stops at plus", tag, {"a+1 ", 4}, "a", "+1 "},
        {"atom", atom, {"FLAGS (", 7}, "FLAGS", " ("},
        {"atom stops at ]", atom, {"UIDNEXT]", 8}, "UIDNEXT", "]"},
        {"astring as atom", astring, {"a]b ", 4}, "a]b", " "},
        {"astring quoted", astring, {"\"a b\" ", 6}, "a b", " "},
        {"astring NIL is letters", astring, {"NIL\r\n", 5}, "NIL", "\r\n"},
        {"astring as literal", astring, {"{3}\r\na b)", 9}, "a b", ")"},
        {"astring as literal+", astring, {"{3+}\r\na b)", 10}, "a b", ")"},
        {"astring as literal8", astring, {"~{3}\r\na\rb)", 10}, "a\rb", ")"},
        {"astring begins with ~", astring, {"~user ", 6}, "~user", " "},
        {"empty quoted", string, {"\"\" ", 3}, "", " "},
        {"empty literal", string, {"{0}\r\n ", 6}, "", " "},
        {"escapes", string, {"\"a\\\"b\\\\c\"", 9}, "a\"b\\c", ""},
        {"literal not in quotes", string, {"\"a{3}\" ", 7}, "a{3}", " "},
        {"nstring", nstring, {"\"x\")", 4}, "x", ")"},
        {"nstring NIL", nstring, {"nil)", 4}, "<NIL>", ")"},
        {"quoted NIL is no NIL", nstring, {"\"NIL\"", 5}, "NIL", ""},
        {"list-mailbox", list_mailbox, {"INBOX.%*] ", 10}, "INBOX.%*]", " "},
        {"list-mailbox quoted", list_mailbox, {"\"a b\" ", 6}, "a b", " "},
        {"number", number, {"4294967295 ", 11}, "4294967295", " "},
        {"number64", number64, {"18446744073709551615)", 21}, "18446744073709551615", ")"},
        {"nz-number", nz_number, {"1 ", 2}, "1", " "},
        {"size", size, {"12345 ", 6}, "12345", " "},
        {"until", until, {"a (b] c", 7}, "a (b", "] c"},
        {"until the line end", until, {"abc\r\n", 5}, "abc", "\r\n"},
        {"view", view, {"RFC822.SIZE 5", 13}, "RFC822.SIZE", " 5"},
        {"text", text, {"a  b[ \r\nx", 9}, "a  b[ ", "\r\nx"},
        {"empty text", text, {"\r\n", 2}, "", "\r\n"},
        {"line end", crlf, {"\r\nx", 3}, "", "x"},
        {"literal", literal, {"{5}\r\nab\r\nc)", 11}, "5 sync:ab\r\nc", ")"},
        {"literal+", literal, {"{2+}\r\nab", 8}, "2:ab", ""},
        {"literal8", literal, {"~{2}\r\nab", 8}, "2 sync binary:ab", ""},
        {"literal8+", literal, {"~{2+}\r\nab", 9}, "2 binary:ab", ""},
        {"skip an atom", skip_value, {"abc def", 7}, "", " def"},
        {"skip a string", skip_value, {"\"a \\\" b\" c", 10}, "", " c"},
        {"skip a literal", skip_value, {"{2}\r\n)) x", 9}, "", " x"},
        {"skip a list", skip_value, {"(a (\")\" {1}\r\n)) ())b", 20}, "", "b"},
        {"skip a line", skip_line, {"a (b \"c\" {3}\r\n\r\n) d)\r\ne", 23}, "", "\r\ne"},
    };
    RUN(cases);
}

static void tolerated(void **state)
{
    static const struct reader_case cases[] = {
        {"runs of spaces", space, {"   x", 4}, "", "x"},
        {"spaces before the line end", crlf, {"  \r\nx", 5}, "", "x"},
        {"bare LF", crlf, {"\nx", 2}, "", "x"},
        {"bare LF behind text", text, {"abc\nx", 5}, "abc", "\nx"},
        {"bare CR in text", text, {"a\rb\r\n", 5}, "a\rb", "\r\n"},
        {"bare LF behind a literal's size", string, {"{1}\nx)", 6}, "x", ")"},
        {"zero-padded literal", literal, {"{00000000002}\r\nab", 17}, "2 sync:ab", ""},
        {"zero-padded number", number, {"00000000000000000000007 ", 24}, "7", " "},
        {"NIL for a string", string, {"NIL ", 4}, "", " "},
        {"8-bit in an atom", atom, {"caf\xe9 ", 5}, "caf\xe9", " "},
        {"8-bit in a quoted string", string, {"\"caf\xe9\"", 6}, "caf\xe9", ""},
        {"8-bit in a mailbox",
         list_mailbox,
         {"Entw\xc3\xbcrfe\r\n", 11},
         "Entw\xc3\xbcrfe",
         "\r\n"},
        {"[ and ] in a mailbox", list_mailbox, {"[Gmail]/x\r\n", 11}, "[Gmail]/x", "\r\n"},
        {"backslash in a mailbox", list_mailbox, {"a\\b\r\n", 5}, "a\\b", "\r\n"},
        {"needless escape", string, {"\"a\\b\"", 5}, "ab", ""},
        {"escaped 8-bit", string, {"\"\\\xe9\"", 4}, "\xe9", ""},
        {"float size", size, {"9.3736e+06 ", 11}, "9373600", " "},
        {"float size, short", size, {"1e3)", 4}, "1000", ")"},
        {"float size, down", size, {"12345.6789 ", 11}, "12345", " "},
        {"float size, small", size, {"5.0E-1 ", 7}, "0", " "},
        {"float size, many digits", size, {"1.00000000000000000000000000001e+1 ", 35}, "10", " "},
        {"odd atoms in a list", skip_value, {"(\\Inbox [Gmail]/x +y a{5}b %*)z", 31}, "", "z"},
        {"no space between lists", skip_value, {"((a)(b)\"c\"(d))z", 15}, "", "z"},
        {"unbalanced line", skip_line, {")) (a\r\nx", 8}, "", "\r\nx"},
        {"unbalanced quote in a line", skip_line, {"it's 5\" \"long\r\nx", 16}, "", "\r\nx"},
        {"controls in a line", skip_line, {"a\001 \0 b\r\nx", 9}, "", "\r\nx"},
        {"braces in a line", skip_line, {"{x} {5 {6}\r\n\r\nabcd\r\nx", 21}, "", "\r\nx"},
    };
    RUN(cases);
}

static void refused(void **state)
{
    static const struct reader_case cases[] = {
        {"8-bit tag", tag, {"a\xc1 ok", 5}, "a", "\xc1 ok"},
        {"no tag", tag, {"+ ok", 4}, NULL, NULL},
        {"no atom", atom, {"(a", 2}, NULL, NULL},
        {"control in an atom", atom, {"\001a", 2}, NULL, NULL},
        {"no string", string, {"abc ", 4}, NULL, NULL},
        {"no nstring", nstring, {"NILS ", 5}, NULL, NULL},
        {"no astring", astring, {"(a)", 3}, NULL, NULL},
        {"CR in quotes", string, {"\"a\rb\"", 5}, NULL, NULL},
        {"LF in quotes", string, {"\"a\nb\"", 5}, NULL, NULL},
        {"NUL in quotes", string, {"\"a\0b\"", 5}, NULL, NULL},
        {"escaped LF in quotes", string, {"\"a\\\nb\"", 6}, NULL, NULL},
        {"unterminated quotes", string, {"\"abc", 4}, NULL, NULL},
        {"ends behind a backslash", string, {"\"abc\\", 5}, NULL, NULL},
        {"float number", number, {"9.3736e+06 ", 11}, NULL, NULL},
        {"number and letters", number64, {"12ab ", 5}, NULL, NULL},
        {"no number", number, {"x", 1}, NULL, NULL},
        {"negative number", number, {"-1", 2}, NULL, NULL},
        {"number over 32 bits", number, {"4294967296 ", 11}, NULL, NULL},
        {"number over 64 bits", number64, {"18446744073709551616 ", 21}, NULL, NULL},
        {"number far over 64 bits", number64, {"99999999999999999999999 ", 24}, NULL, NULL},
        {"zero nz-number", nz_number, {"0 ", 2}, NULL, NULL},
        {"float size over 64 bits", size, {"2e19 ", 5}, NULL, NULL},
        {"float size with a vast exponent", size, {"1e999999 ", 9}, NULL, NULL},
        {"float size without exponent", size, {"1e ", 3}, NULL, NULL},
        {"no space", space, {"x", 1}, NULL, NULL},
        {"no line end", crlf, {"x\r\n", 3}, NULL, NULL},
        {"CR alone", crlf, {"\rx", 2}, NULL, NULL},
        {"another byte", byte_x, {"y", 1}, NULL, NULL},
        {"nothing until", until, {"]", 1}, NULL, NULL},
        {"literal without size", string, {"{}\r\n", 4}, NULL, NULL},
        {"literal without line end", string, {"{3}abc", 6}, NULL, NULL},
        {"literal cut off", string, {"{3}\r\nab", 7}, NULL, NULL},
        {"streamed literal cut off", literal, {"{3}\r\nab", 7}, NULL, NULL},
        {"literal over the token limit", string, {"{100001}\r\n", 10}, NULL, NULL},
        {"literal over the literal limit", literal, {"{1000001}\r\n", 11}, NULL, NULL},
        {"literal over 64 bits", literal, {"{18446744073709551616}\r\n", 24}, NULL, NULL},
        {"skipped literal over the limit", skip_value, {"{1000001}\r\n", 11}, NULL, NULL},
        {"nothing to skip", skip_value, {")", 1}, NULL, NULL},
        {"list cut off", skip_value, {"(a (b)", 6}, NULL, NULL},
        {"eleven deep", skip_value, {"((((((((((()))))))))))", 22}, NULL, NULL},
        {"line cut off", skip_line, {"abc", 3}, NULL, NULL},
        {"line cut off in quotes", skip_line, {"\"abc", 4}, NULL, NULL},
    };
    RUN(cases);
}

static void ten_deep_is_taken(void **state)
{
    static const struct reader_case cases[] = {
        {"ten deep", skip_value, {"(((((((((())))))))))z", 21}, "", "z"},
    };
    RUN(cases);
}

static void words_match_whole_and_in_any_case(void **state)
{
    static const struct {
        struct str input;
        const char *word;
        bool matches;
    } cases[] = {
        {{"flags (", 7}, "FLAGS", true},   {{"FLAGS]", 6}, "FLAGS", true},
        {{"FLAGS\r\n", 7}, "FLAGS", true}, {{"FLAGS", 5}, "FLAGS", true},
        {{"FLAGSX ", 7}, "FLAGS", false},  {{"FLAG ", 5}, "FLAGS", false},
        {{"BODY[", 5}, "BODY", false},     {{"NIL\xe9", 4}, "NIL", false},
        {{"", 0}, "NIL", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t k = 0; k < sizeof wire_chunks / sizeof wire_chunks[0]; k++) {
            struct wire_input in;
            wire_open(&in, cases[i].input, wire_chunks[k]);
            assert_int_equal(reader_accept_word(in.reader, cases[i].word), cases[i].matches);
            assert_int_equal(reader_offset(in.reader),
                             cases[i].matches ? strlen(cases[i].word) : 0);
            assert_false(reader_failed(in.reader));
            wire_close(&in);
        }
    }
}

/* What accept_* does not find stays where it is. */
static void accept_consumes_nothing_in_vain(void **state)
{
    struct wire_input in;
    struct reader_literal header;
    wire_open(&in, STR("{12x"), 1);
    assert_false(reader_accept(in.reader, 'x'));
    assert_false(reader_accept_sp(in.reader));
    assert_false(reader_at_crlf(in.reader));
    assert_false(reader_accept_literal(in.reader, &header));
    assert_int_equal(reader_offset(in.reader), 0);
    assert_int_equal(reader_peek(in.reader), '{');
    assert_false(reader_failed(in.reader));
    wire_close(&in);
}

static void tokens_longer_than_the_window_are_kept_whole(void **state)
{
    enum { LEN = 90000 };
    AUTO_FREE char *input = xmalloc(LEN + 3);
    for (size_t chunk = 0; chunk <= 5000; chunk += 5000) {
        struct wire_input in;
        struct str value;
        for (size_t i = 0; i < LEN; i++) {
            input[i + 1] = (char)('a' + i % 26);
        }
        input[0] = input[LEN + 1] = '"';
        input[LEN + 2] = 'x';
        wire_open(&in, str_make(input, LEN + 3), chunk);
        assert_true(reader_expect_string(in.reader, &value));
        assert_true(str_eq(value, str_make(input + 1, LEN)));
        assert_true(reader_accept(in.reader, 'x'));
        assert_true(reader_at_end(in.reader));
        wire_close(&in);
    }
}

static void law9_tokens_and_units_are_bounded(void **state)
{
    enum { LEN = 500000 };
    AUTO_FREE char *input = xmalloc(LEN);
    struct str all = str_make(input, LEN);
    struct {
        char fill;
        operation *call;
        bool quoted;
    } cases[] = {
        {'a', atom, false},      {'a', string, true},        {'a', text, false},
        {'a', until, false},     {'a', view, false},         {'1', number, false},
        {'a', tag, false},       {'a', list_mailbox, false}, {'(', skip_line, false},
        {' ', skip_line, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_input in;
        struct buf result = BUF_INIT(LEN);
        memset(input, cases[i].fill, LEN);
        input[0] = cases[i].quoted ? '"' : input[0];
        wire_open(&in, all, 0);
        assert_false(cases[i].call(in.reader, &result));
        assert_true(reader_failed(in.reader));
        wire_close(&in);
        buf_free(&result);
    }
}

/* Literals taken piece by piece do not count as part of the unit, and come as they are. */
static void streamed_literals_are_not_held(void **state)
{
    enum { LEN = 900000 };
    AUTO_FREE char *input = xmalloc(LEN + 20);
    struct wire_input in;
    struct reader_literal header;
    struct str piece;
    memcpy(input, "{900000}\r\n", 10);
    for (size_t i = 0; i < LEN + 10; i++) {
        input[10 + i] = (char)(i * 7 % 251);
    }
    wire_open(&in, str_make(input, LEN + 20), 0);
    assert_true(reader_accept_literal(in.reader, &header));
    uint64_t got = 0;
    do {
        assert_true(reader_literal_piece(in.reader, &piece));
        assert_memory_equal(piece.ptr, input + 10 + got, piece.len);
        got += piece.len;
    } while (piece.len > 0);
    assert_int_equal(got, LEN);
    assert_true(reader_literal_piece(in.reader, &piece));
    assert_int_equal(piece.len, 0);
    assert_int_equal(arena_used(in.arena), 0);
    assert_int_equal(wire_rest(&in).len, 10);
    wire_close(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grammar),
        cmocka_unit_test(tolerated),
        cmocka_unit_test(refused),
        cmocka_unit_test(ten_deep_is_taken),
        cmocka_unit_test(words_match_whole_and_in_any_case),
        cmocka_unit_test(accept_consumes_nothing_in_vain),
        cmocka_unit_test(tokens_longer_than_the_window_are_kept_whole),
        cmocka_unit_test(law9_tokens_and_units_are_bounded),
        cmocka_unit_test(streamed_literals_are_not_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
