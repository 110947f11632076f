#include "client/cmd_metadata.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void get_and_set(struct fixture *f)
{
    struct str names[] = {STR_INIT("/private/filters/values"), STR_INIT("/shared/comment")};
    struct str admin[] = {STR_INIT("/shared/admin")};
    const struct metadata_get get = {.mailbox = STR("INBOX"),
                                     .has_max_size = true,
                                     .max_size = 1024,
                                     .depth = METADATA_DEPTH_1,
                                     .names = {names, 2, 2}};
    const struct metadata_get server = {.mailbox = STR(""), .names = {admin, 1, 1}};
    struct metadata_entry entries[] = {{STR("/private/comment"), {NULL, 0}},
                                       {STR("/shared/comment"), STR("two\nline")}};
    struct metadata_entry plain[] = {{STR("/private/comment"), STR("x")}};
    const struct metadata set = {.mailbox = STR("INBOX"), .items = entries, .len = 2};
    const struct metadata more = {.mailbox = STR("INBOX"), .items = plain, .len = 1};
    struct client_metadata h;
    struct client_event event;
    assert_ok(f, client_getmetadata(f->c, &h, &get, f->arena, &f->err));
    assert_int_equal(h.metadata.len, 2);
    assert_text(h.metadata.items[0].value, "SMALLER 5000");
    assert_null(h.metadata.items[1].value.ptr);
    assert_int_equal(h.longest_left_out, 2199);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_METADATA);
    assert_text(event.text, "Other");
    assert_text(event.metadata->items[0].value, "somebody's");
    assert_true(client_next_event(f->c, &event));
    assert_true(event.metadata->names_only);
    assert_ok(f, client_getmetadata(f->c, &h, &server, f->arena, &f->err));
    assert_text(h.metadata.items[0].value, "imap://admin.example");
    assert_ok(f, client_setmetadata(f->c, &set, &f->err));
    assert_error(f, client_setmetadata(f->c, &more, &f->err), ERR_NO, SCOPE_MAILBOX, "too many");
}

static void needs(struct fixture *f)
{
    struct metadata_entry entries[] = {{STR("/private/comment"), STR("x")}};
    struct metadata_entry wrong[] = {{STR("/private/*"), STR("x")}};
    const struct metadata set = {.mailbox = STR("INBOX"), .items = entries, .len = 1};
    const struct metadata bad = {.mailbox = STR(""), .items = wrong, .len = 1};
    bool of_server = client_has(f->c, CAP_METADATA_SERVER);
    assert_error(f, client_setmetadata(f->c, &set, &f->err), ERR_CAPABILITY, SCOPE_MAILBOX,
                 "METADATA");
    assert_error(f, client_setmetadata(f->c, &bad, &f->err), of_server ? ERR_STATE : ERR_CAPABILITY,
                 SCOPE_MAILBOX, of_server ? "no name of an entry" : "METADATA-SERVER");
    assert_int_equal(client_counters(f->c).commands, 0);
}

static const struct fixture_case cases[] = {
    {"get and set", get_and_set, 0},
    {"of the server alone", needs, 0},
    {"without METADATA", needs, 0},
};

int main(void)
{
    return fixture_main("metadata.txt", cases, sizeof cases / sizeof cases[0]);
}
