/* Good responses and commands with a few bytes changed, cut or doubled: each is read or refused,
 * with nothing read beyond the end and nothing held beyond the limits. Seeded. */
#include "imap/append.h"
#include "imap/fetch.h"
#include "imap/id.h"
#include "imap/list.h"
#include "imap/namespace.h"
#include "imap/response.h"
#include "imap/select.h"
#include "imap/status.h"
#include "imap/vanished.h"
#include "core/imap/noise.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ROUNDS 30000

static const char *const responses[] = {
    "* OK [CAPABILITY IMAP4rev1 APPENDLIMIT=5] hello\r\n",
    "* OK [PERMANENTFLAGS (\\Seen foo] \\*)] limited\r\n",
    "a1 NO [COPYUID 1 304,319:320 3956:3958] done\r\n",
    "* OK [HIGHESTMODSEQ 715194045007]\r\n",
    "* OK [MODIFIED 7,9:11] x\r\n",
    "[APPENDUID 38505 3955] x\r\n",
    "* 12 FETCH (UID 7 FLAGS (\\Seen $Forwarded) MODSEQ (624140003) BODY[] {11}\r\nFrom: "
    "x\r\n\r\n)\r\n",
    "* 12 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 9.3736e+06 EMAILID "
    "(M1))\r\n",
    "* 1 FETCH (BODY[1.HEADER.FIELDS (A \"b\")]<0> \"x\" X-GM-LABELS (\\Inbox [a] {1}\r\nx) UID "
    "5)\r\n",
    "* 1 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL)(\"A\")) UID 5)\r\n",
    "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent &AOk- Mail\" (\"CHILDINFO\" "
    "(\"SUBSCRIBED\"))\r\n",
    "* STATUS {5}\r\nINBOX (MESSAGES 231 UIDNEXT 44292 SIZE 12 MAILBOXID (F1) X (a (b)))\r\n",
    "* NAMESPACE ((\"\" \"/\")(\"#mh/\" \"/\" \"X\" (\"Y\"))) NIL NIL\r\n",
    "* ID (\"name\" \"x\" \"version\" NIL)\r\n",
    "* VANISHED (EARLIER) 300:310,405,411\r\n",
    "* FLAGS (\\Answered \"\\\\Seen\" foo)\r\n",
    "* SELECT (QRESYNC (67890007 90060115194045000 41,43:211 (1,5 41,211)))\r\n",
    "* APPEND (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {3}\r\nabc\r\n",
    "* ASK (UID FLAGS BODY.PEEK[1.MIME]<0.100> RFC822.HEADER) (CHANGEDSINCE 12345 VANISHED)\r\n",
    "* X-UNKNOWN (a \"b\" {3}\r\n\r\n) c) d\r\n",
};
#define RESPONSES (sizeof responses / sizeof responses[0])

static bool sink_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    *(uint64_t *)self = size;
    return size % 7 != 3;
}

static bool sink_piece(void *self, struct str data, struct error *err)
{
    uint64_t *left = self;
    assert_true(data.len <= *left);
    *left -= data.len;
    return true;
}

static bool sink_end(void *self, struct error *err)
{
    assert_true(*(uint64_t *)self == 0);
    return true;
}

static bool read_fetch(struct reader *r, struct arena *arena)
{
    uint64_t left = 0;
    struct fetch_sink sink = {sink_begin, sink_piece, sink_end, &left};
    struct error err = ERROR_INIT;
    struct fetch_data value = {0};
    return fetch_data_read(r, arena, &sink, &value, &err);
}

static bool read_sets(struct reader *r, struct arena *arena, bool vanished)
{
    struct seqset uids = {0};
    struct select_params params = {0};
    bool earlier;
    bool good = vanished ? vanished_read(r, &earlier, &uids) : select_params_read(r, &params);
    seqset_free(&uids);
    seqset_free(&params.known_uids);
    return good;
}

/* As its name tells; any other by the general means. */
static bool read_named(struct reader *r, struct arena *arena, struct str name)
{
    union {
        struct list_entry list;
        struct status_data status;
        struct namespaces namespaces;
        struct id_fields id;
        struct imap_flags flags;
        struct append_params append;
        struct fetch_request request;
    } value;
    struct str text;
    if (str_eq(name, STR("LIST"))) {
        return list_entry_read(r, &value.list);
    }
    if (str_eq(name, STR("STATUS"))) {
        return status_data_read(r, &value.status);
    }
    if (str_eq(name, STR("NAMESPACE"))) {
        return namespaces_read(r, arena, &value.namespaces);
    }
    if (str_eq(name, STR("ID"))) {
        return id_read(r, arena, &value.id);
    }
    if (str_eq(name, STR("APPEND"))) {
        return append_params_read(r, arena, &value.append) && reader_expect_astring(r, &text);
    }
    if (str_eq(name, STR("VANISHED")) || str_eq(name, STR("SELECT"))) {
        return read_sets(r, arena, name.ptr[0] == 'V');
    }
    (void)reader_accept_sp(r);
    if (str_eq(name, STR("FLAGS"))) {
        return flags_read(r, arena, &value.flags);
    }
    if (str_eq(name, STR("ASK"))) {
        return fetch_request_read(r, arena, &value.request);
    }
    return str_eq(name, STR("FETCH")) ? read_fetch(r, arena) : reader_skip_line(r);
}

static bool read_response(struct reader *r, struct arena *arena)
{
    struct response_head head;
    struct imap_response_status status;
    if (!response_head_read(r, arena, &head)) {
        return false;
    }
    if (head.status == STATUS_NONE) {
        return read_named(r, arena, head.name) && reader_expect_crlf(r);
    }
    if (!imap_response_status_read(r, arena, head.status, &status)) {
        return false;
    }
    imap_response_status_free(&status);
    return true;
}

static void good_ones_are_read(void **state)
{
    for (size_t i = 0; i < RESPONSES; i++) {
        for (size_t k = 0; k < sizeof wire_chunks / sizeof wire_chunks[0]; k++) {
            struct wire_input in;
            wire_open(&in, str_from(responses[i]), wire_chunks[k]);
            (void)read_response(in.reader, in.arena);
            wire_assert_good(&in, responses[i]);
            assert_true(reader_at_end(in.reader));
            wire_close(&in);
        }
    }
}

static void law7_damaged_ones_are_read_or_refused(void **state)
{
    struct dice dice = {41};
    unsigned refused = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char text[512];
        struct wire_input in;
        const char *good = responses[dice_below(&dice, RESPONSES)];
        size_t len = strlen(good);
        memcpy(text, good, len);
        len = noise_damage(&dice, text, len, sizeof text);
        wire_open(&in, str_make(text, len), wire_chunks[dice_below(&dice, 4)]);
        for (unsigned step = 0; step < 600 && !reader_at_end(in.reader); step++) {
            reader_begin(in.reader, in.arena);
            if (read_response(in.reader, in.arena)) {
                assert_false(reader_failed(in.reader));
                continue;
            }
            assert_true(reader_failed(in.reader));
            refused++;
            break;
        }
        assert_true(reader_offset(in.reader) <= len);
        wire_close(&in);
    }
    assert_true(refused > ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_read),
        cmocka_unit_test(law7_damaged_ones_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
