/* Each limit of imap/limits.h that a reader keeps: as much as it allows is read, one more is
 * refused with a reason. What is cut instead of refused comes behind. */
#include "imap/limits.h"
#include "imap/acl.h"
#include "imap/bodystructure.h"
#include "imap/dissect.h"
#include "imap/fetch.h"
#include "imap/id.h"
#include "imap/list.h"
#include "imap/metadata.h"
#include "imap/mime.h"
#include "imap/namespace.h"
#include "imap/notify.h"
#include "imap/quota.h"
#include "imap/sasl.h"
#include "imap/search.h"
#include "imap/sort.h"
#include "imap/thread.h"
#include "imap/tree.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* The client's, so that no other limit comes first. */
static const struct reader_limits reader_limits = {.token_bytes = LIMIT_TOKEN_BYTES,
                                                   .literal_bytes = LIMIT_LITERAL_BYTES,
                                                   .depth = LIMIT_DEPTH,
                                                   .unit_bytes = LIMIT_RESPONSE_BYTES};

typedef bool limit_call(struct reader *r, struct arena *arena);

static bool acl(struct reader *r, struct arena *arena)
{
    struct acl value;
    return acl_read(r, arena, &value);
}

static bool list_rights(struct reader *r, struct arena *arena)
{
    struct acl_list_rights value;
    return acl_list_rights_read(r, arena, &value);
}

static bool structure(struct reader *r, struct arena *arena)
{
    struct body_part value;
    return bodystructure_read(r, arena, &value);
}

static bool tree(struct reader *r, struct arena *arena)
{
    struct tree *value;
    return tree_read(r, arena, &value);
}

static bool fetch_items(struct reader *r, struct arena *arena)
{
    struct fetch_request value;
    return fetch_request_read(r, arena, &value);
}

static bool fetch_data(struct reader *r, struct arena *arena)
{
    struct fetch_data value = {0};
    return fetch_data_read(r, arena, NULL, &value, NULL);
}

static bool id(struct reader *r, struct arena *arena)
{
    struct id_fields value;
    return id_read(r, arena, &value);
}

static bool list_request(struct reader *r, struct arena *arena)
{
    struct list_request value;
    return list_request_read(r, arena, &value);
}

static bool metadata(struct reader *r, struct arena *arena)
{
    struct metadata value;
    return metadata_read(r, arena, &value);
}

static bool metadata_get(struct reader *r, struct arena *arena)
{
    struct metadata_get value;
    return metadata_get_read(r, arena, &value);
}

static bool namespaces(struct reader *r, struct arena *arena)
{
    struct namespaces value;
    return namespaces_read(r, arena, &value);
}

static bool notify(struct reader *r, struct arena *arena)
{
    struct notify_request value;
    bool unknown;
    return notify_request_read(r, arena, &value, &unknown);
}

static bool quota(struct reader *r, struct arena *arena)
{
    struct quota value;
    return quota_read(r, arena, &value);
}

static bool quota_root(struct reader *r, struct arena *arena)
{
    struct quota_root value;
    return quota_root_read(r, arena, &value);
}

static bool search(struct reader *r, struct arena *arena)
{
    const struct search_key *value;
    return search_keys_read(r, arena, &value);
}

static bool search_result(struct reader *r, struct arena *arena)
{
    struct search_result value;
    bool good = search_result_read(r, &value);
    search_result_free(&value);
    return good;
}

static bool section(struct reader *r, struct arena *arena)
{
    struct section value;
    return section_read(r, arena, &value);
}

static bool sort(struct reader *r, struct arena *arena)
{
    struct sort_request value;
    return sort_request_read(r, arena, &value);
}

static bool thread(struct reader *r, struct arena *arena)
{
    struct thread_node *value;
    return thread_result_read(r, arena, &value);
}

/* `before`, `item` as often as told, `middle` and `item_behind` as often, `after`. */
struct limit_case {
    const char *name;
    limit_call *read;
    const char *before, *item, *middle, *item_behind, *after;
    size_t most;
};
#define ROW(limit, ...)                                                                            \
    {                                                                                              \
#limit, __VA_ARGS__, (limit)                                                               \
    }

static const struct limit_case cases[] = {
    ROW(LIMIT_ACL_ENTRIES, acl, "INBOX", " u lr", "", "", "\r\n"),
    ROW(LIMIT_ACL_ENTRIES, list_rights, "INBOX u l", " r", "", "", "\r\n"),
    {"LIMIT_BODY_PARTS", structure, "(", "(\"a\" \"b\" NIL NIL NIL \"7BIT\" 1)", "", "",
     " \"mixed\")", LIMIT_BODY_PARTS - 1},
    {"LIMIT_DEPTH", tree, "(", "(", "a", ")", ")", LIMIT_DEPTH - 1},
    {"LIMIT_TREE_NODES", tree, "(", "a ", "", "", ")", LIMIT_TREE_NODES - 1},
    ROW(LIMIT_FETCH_SECTIONS, fetch_items, "(UID", " BODY[1]", "", "", ")\r\n"),
    ROW(LIMIT_FETCH_SECTIONS, fetch_data, "(UID 1", " BINARY.SIZE[1] 1", "", "", ")\r\n"),
    ROW(LIMIT_LABELS, fetch_data, "(X-GM-LABELS (", "a ", "", "", "))\r\n"),
    ROW(LIMIT_ID_FIELDS, id, "(", "\"a\" \"b\" ", "", "", ")"),
    ROW(LIMIT_LIST_PATTERNS, list_request, "\"\" (", "a ", "", "", ")\r\n"),
    ROW(LIMIT_METADATA_ENTRIES, metadata, "INBOX (", "/shared/a NIL ", "", "", ")"),
    ROW(LIMIT_METADATA_ENTRIES, metadata_get, "INBOX (", "/shared/a ", "", "", ")"),
    ROW(LIMIT_METADATA_ENTRIES, list_request, "\"\" * RETURN (METADATA (", "/shared/a ", "", "",
        "))\r\n"),
    ROW(LIMIT_NAMESPACES, namespaces, "(", "(\"\" \"/\")", "", "", ") NIL NIL\r\n"),
    ROW(LIMIT_NOTIFY_GROUPS, notify, "SET", " (personal NONE)", "", "", "\r\n"),
    ROW(LIMIT_MAILBOXES, notify, "SET (mailboxes (", "a ", "", "", ") NONE)\r\n"),
    ROW(LIMIT_QUOTA_RESOURCES, quota, "\"\" (", "STORAGE 1 2 ", "", "", ")"),
    ROW(LIMIT_QUOTA_RESOURCES, quota_root, "INBOX", " a", "", "", "\r\n"),
    {"LIMIT_SEARCH_KEYS", search, "SEEN", " SEEN", "", "", "\r\n", LIMIT_SEARCH_KEYS - 1},
    {"LIMIT_SEARCH_DEPTH", search, "SEEN ", "NOT ", "SEEN", "", "\r\n", LIMIT_SEARCH_DEPTH - 1},
    ROW(LIMIT_SEARCH_NUMBERS, search_result, "", " 1", "", "", "\r\n"),
    {"LIMIT_SEARCH_NUMBERS", thread, " (1", " 1", "", "", ")\r\n", LIMIT_SEARCH_NUMBERS - 1},
    ROW(LIMIT_SECTION_FIELDS, section, "[HEADER.FIELDS (", "a ", "", "", ")]"),
    {"LIMIT_SECTION_PATH", section, "[1", ".1", "", "", "]", LIMIT_SECTION_PATH - 1},
    ROW(LIMIT_SORT_CRITERIA, sort, "(", "DATE ", "", "", ") UTF-8 ALL\r\n"),
    {"LIMIT_THREAD_DEPTH", thread, " (1 2", "(1 2", "", ")", ")\r\n", LIMIT_THREAD_DEPTH - 1},
};

static void add_times(struct buf *out, const char *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_cstr(out, item);
    }
}

static void what_is_allowed_is_read_and_one_more_refused(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct limit_case *c = &cases[i];
        for (size_t more = 0; more < 2; more++) {
            AUTO_BUF struct buf text = BUF_INIT((size_t)64 << 20);
            AUTO_ARENA struct arena *arena = arena_new();
            struct error err = ERROR_INIT;
            buf_add_cstr(&text, c->before);
            add_times(&text, c->item, c->most + more);
            buf_add_cstr(&text, c->middle);
            add_times(&text, c->item_behind, c->most + more);
            buf_add_cstr(&text, c->after);
            struct reader *r = reader_new_memory(buf_str(&text), &reader_limits);
            reader_begin(r, arena);
            bool good = c->read(r, arena);
            (void)reader_check(r, &err);
            if (good != (more == 0) || (!good && err.code != ERR_PROTOCOL)) {
                fail_msg("%s: %zu and %zu more: %s", c->name, c->most, more, err.text);
            }
            reader_free(&r);
        }
    }
}

/* ---- what is cut ---- */

static void limit_body_params(void **state)
{
    AUTO_BUF struct buf text = BUF_INIT((size_t)1 << 20);
    AUTO_ARENA struct arena *arena = arena_new();
    struct body_part part;
    buf_add_cstr(&text, "(\"a\" \"b\" (");
    add_times(&text, "\"n\" \"v\" ", LIMIT_BODY_PARAMS + 1);
    buf_add_cstr(&text, ") NIL NIL \"7BIT\" 1)");
    struct reader *r = reader_new_memory(buf_str(&text), &reader_limits);
    reader_begin(r, arena);
    assert_true(bodystructure_read(r, arena, &part));
    assert_int_equal(part.params.len, LIMIT_BODY_PARAMS);
    reader_free(&r);
}

static void limit_addresses(void **state)
{
    AUTO_BUF struct buf text = BUF_INIT((size_t)1 << 20);
    AUTO_ARENA struct arena *arena = arena_new();
    struct imap_addresses addresses;
    buf_add_cstr(&text, "(");
    add_times(&text, "(NIL NIL \"a\" \"b\")", LIMIT_ADDRESSES + 1);
    buf_add_cstr(&text, ")");
    struct reader *r = reader_new_memory(buf_str(&text), &reader_limits);
    reader_begin(r, arena);
    assert_true(imap_addresses_read(r, arena, &addresses));
    assert_int_equal(addresses.len, LIMIT_ADDRESSES);
    reader_free(&r);
}

static void limit_mime_field_bytes(void **state)
{
    AUTO_BUF struct buf text = BUF_INIT((size_t)1 << 20);
    AUTO_ARENA struct arena *arena = arena_new();
    buf_add_cstr(&text, "Subject: ");
    add_times(&text, "x", LIMIT_MIME_FIELD_BYTES + 1);
    buf_add_cstr(&text, "\r\n\r\n");
    assert_int_equal(mime_field(arena, buf_str(&text), STR("Subject")).len, LIMIT_MIME_FIELD_BYTES);
}

static void limit_preview_bytes(void **state)
{
    for (size_t more = 0; more < 2; more++) {
        AUTO_BUF struct buf text = BUF_INIT((size_t)1 << 20);
        AUTO_ARENA struct arena *arena = arena_new();
        buf_add_cstr(&text, "Subject: x\r\n\r\n");
        add_times(&text, " ", LIMIT_PREVIEW_BYTES - 1 + more);
        buf_add_cstr(&text, "text");
        struct str preview = mime_preview(arena, mime_parse(arena, buf_str(&text)));
        assert_true(str_eq(preview, more == 0 ? STR("t") : STR_EMPTY));
    }
}

/* ---- SASL ---- */

static void limit_sasl_steps(void **state)
{
    static const struct sasl_credentials credentials = {.user = "u", .password = "p"};
    struct error err = ERROR_INIT;
    struct sasl_client *client;
    enum sasl_step step;
    AUTO_BUF struct buf out = BUF_INIT(1000);
    int result = 0;
    unsigned steps = 0;
    assert_int_equal(sasl_client_new(SASL_LOGIN, &credentials, &client, &err), 0);
    while (result == 0 && steps <= LIMIT_SASL_STEPS + 1) {
        result = sasl_client_step(client, STR("Again:"), &out, &step, &err);
        steps++;
    }
    assert_int_equal(result, -ERR_AUTH);
    assert_true(steps <= LIMIT_SASL_STEPS + 1);
    sasl_client_free(&client);
}

static int scram_answer(unsigned iterations)
{
    static const struct sasl_credentials credentials = {.user = "u", .password = "p"};
    struct error err = ERROR_INIT;
    struct sasl_client *client;
    enum sasl_step step;
    AUTO_BUF struct buf out = BUF_INIT(1000);
    char challenge[256];
    assert_int_equal(sasl_client_new(SASL_SCRAM_SHA_256, &credentials, &client, &err), 0);
    assert_int_equal(sasl_client_step(client, STR_EMPTY, &out, &step, &err), 0);
    (void)snprintf(challenge, sizeof challenge, "%sxyz,s=QSXCR+Q6sek8bf92,i=%u",
                   strstr(out.data, "r="), iterations);
    int result = sasl_client_step(client, str_from(challenge), &out, &step, &err);
    sasl_client_free(&client);
    return result;
}

static void limit_scram_iterations(void **state)
{
    assert_int_equal(scram_answer(LIMIT_SCRAM_ITERATIONS), 0);
    assert_int_equal(scram_answer(LIMIT_SCRAM_ITERATIONS + 1), -ERR_AUTH);
}

static bool long_password(void *self, struct str user, struct buf *out)
{
    add_times(out, "p", *(size_t *)self);
    return true;
}

static int log_in_with(size_t bytes)
{
    const struct sasl_passwords passwords = {long_password, &bytes};
    struct error err = ERROR_INIT;
    struct sasl_server *server;
    enum sasl_step step;
    AUTO_BUF struct buf response = BUF_INIT(LIMIT_SASL_PASSWORD_BYTES + 10);
    AUTO_BUF struct buf out = BUF_INIT(1000);
    buf_add(&response, "\0u\0", 3);
    add_times(&response, "p", bytes);
    assert_int_equal(sasl_server_new(SASL_PLAIN, &passwords, STR_EMPTY, &server, &err), 0);
    int result = sasl_server_step(server, buf_str(&response), &out, &step, &err);
    sasl_server_free(&server);
    return result;
}

static void limit_sasl_password_bytes(void **state)
{
    assert_int_equal(log_in_with(LIMIT_SASL_PASSWORD_BYTES), 0);
    assert_int_equal(log_in_with(LIMIT_SASL_PASSWORD_BYTES + 1), -ERR_AUTH);
}

static void limit_scram_server_iterations(void **state)
{
    size_t bytes = 1;
    const struct sasl_passwords passwords = {long_password, &bytes};
    struct error err = ERROR_INIT;
    struct sasl_server *server;
    enum sasl_step step;
    AUTO_BUF struct buf out = BUF_INIT(1000);
    char expected[32];
    assert_int_equal(sasl_server_new(SASL_SCRAM_SHA_256, &passwords, STR_EMPTY, &server, &err), 0);
    assert_int_equal(
        sasl_server_step(server, STR("n,,n=u,r=fyko+d2lbbFgONRv9qkxdawL"), &out, &step, &err), 0);
    (void)snprintf(expected, sizeof expected, ",i=%d", LIMIT_SCRAM_SERVER_ITERATIONS);
    assert_true(str_ends(buf_str(&out), str_from(expected)));
    sasl_server_free(&server);
}

/* ---- the dissector ---- */

static int count_unit(void *self, const struct dissect_unit *unit, struct error *err)
{
    ++*(unsigned *)self;
    return 0;
}

static uint64_t bad_units_of(struct str input, unsigned *units)
{
    struct error err = ERROR_INIT;
    uint64_t bad;
    const struct dissect_visitor visitor = {count_unit, NULL, units};
    *units = 0;
    assert_int_equal(dissect_memory(input, &visitor, &bad, &err), 0);
    return bad;
}

/* The server's words between a command and its literal: kept, until they are too many. */
static void limit_dissect_waiting_lines(void **state)
{
    for (size_t more = 0; more < 2; more++) {
        AUTO_BUF struct buf text = BUF_INIT((size_t)1 << 20);
        unsigned units;
        buf_add_cstr(&text, "C: a SELECT {1}\r\n");
        add_times(&text, "S: * OK x\r\n", LIMIT_DISSECT_WAITING_LINES + more);
        buf_add_cstr(&text, "C: p\r\n");
        assert_int_equal(bad_units_of(buf_str(&text), &units) != 0, more != 0);
    }
}

static void limit_dissect_waiting_bytes(void **state)
{
    for (size_t more = 0; more < 2; more++) {
        AUTO_BUF struct buf text = BUF_INIT((size_t)1 << 20);
        unsigned units;
        buf_add_cstr(&text, "C: a SELECT {1}\r\nS: * OK ");
        add_times(&text, "x", LIMIT_DISSECT_WAITING_BYTES - 12 + 12 * more);
        buf_add_cstr(&text, "\r\nC: p\r\n");
        assert_int_equal(bad_units_of(buf_str(&text), &units) != 0, more != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_allowed_is_read_and_one_more_refused),
        cmocka_unit_test(limit_body_params),
        cmocka_unit_test(limit_addresses),
        cmocka_unit_test(limit_mime_field_bytes),
        cmocka_unit_test(limit_preview_bytes),
        cmocka_unit_test(limit_sasl_steps),
        cmocka_unit_test(limit_scram_iterations),
        cmocka_unit_test(limit_sasl_password_bytes),
        cmocka_unit_test(limit_scram_server_iterations),
        cmocka_unit_test(limit_dissect_waiting_lines),
        cmocka_unit_test(limit_dissect_waiting_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
