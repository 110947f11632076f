/* Every command of the table, where its state forbids it and where its capability is missing:
 * refused before a byte is sent, naming which. */
#include "client/client_private.h"
#include "core/client/endless.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct client *open_client(struct endless *e)
{
    static const struct client_options options = {.host = "mail.example",
                                                  .security = SECURITY_NONE,
                                                  .plaintext_ok = true,
                                                  .timeout_ms = 1000,
                                                  .clock = &clock_system};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    assert_int_equal(client_open(endless_stream(e), &options, &c, &err), 0);
    return c;
}

static void select_inbox(struct client *c, struct arena *arena)
{
    struct client_select h;
    struct error err = ERROR_INIT;
    assert_int_equal(client_select_begin(c, &h, STR("INBOX"), false, NULL, arena, &err), 0);
    assert_int_equal(client_select_end(c, &h, &err), 0);
    client_select_free(&h);
}

/* What the server says until the client is in that state, all its capabilities told or none. */
struct stage {
    enum conn_state state;
    const char *said;
};

static const struct stage stages[] = {
    {STATE_NOT_AUTHENTICATED, "* OK [CAPABILITY IMAP4rev1] hi\r\n"},
    {STATE_AUTHENTICATED, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"},
    {STATE_SELECTED, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\nA1 OK [READ-WRITE] x\r\n"},
};

/* Tries a command; *err tells how it was refused. */
static void try_row(struct client *c, const struct command_row *row, bool allowed)
{
    struct client_op op;
    struct error err = ERROR_INIT;
    struct client_counters before = client_counters(c);
    int result = pipeline_open(c, &op, row->id, &no_hooks, NULL, &err);
    struct client_counters after = client_counters(c);
    assert_true(before.bytes_out == after.bytes_out && before.commands == after.commands);
    if (!allowed) {
        assert_int_equal(result, -ERR_STATE);
        assert_non_null(strstr(err.text, row->name));
    } else if (row->capability >= 0 && !client_has(c, (enum capability)row->capability)) {
        assert_int_equal(result, -ERR_CAPABILITY);
        assert_non_null(strstr(err.text, capability_name((enum capability)row->capability)));
    } else if (result < 0) {
        fail_msg("%s: %s", row->name, err.text);
    }
    if (result < 0) {
        assert_int_equal(err.scope, SCOPE_MAILBOX);
        assert_null(client_failure(c));
    }
}

static void law7_every_command_in_every_state(void **state)
{
    unsigned refused_by_state = 0;
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        struct endless e = {.before = stages[i].said, .item = STR_EMPTY, .after = ""};
        AUTO_ARENA struct arena *arena = arena_new();
        struct client *c = open_client(&e);
        if (stages[i].state == STATE_SELECTED) {
            select_inbox(c, arena);
        }
        assert_int_equal(client_state(c), stages[i].state);
        for (int id = 0; id < CMD_COUNT; id++) {
            const struct command_row *row = command_row((enum command_id)id);
            bool allowed = (row->states & stages[i].state) != 0;
            refused_by_state += !allowed;
            try_row(c, row, allowed);
        }
        client_close(&c);
    }
    assert_true(refused_by_state > CMD_COUNT / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law7_every_command_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
