/* Messages told while the caller takes none, as many as LIMIT_FETCH_QUEUE allows, and one more. It
 * needs a few GB: one of the long runs. */
#include "imap/limits.h"
#include "client/client.h"
#include "core/client/endless.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void limit_fetch_queue(void **state)
{
    static const struct client_options options = {.host = "mail.example",
                                                  .security = SECURITY_NONE,
                                                  .plaintext_ok = true,
                                                  .timeout_ms = 600000,
                                                  .clock = &clock_system};
    for (unsigned more = 0; more < 2; more++) {
        struct endless e = {.before = "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\nA1 OK x\r\n",
                            .item = STR("* 1 FETCH (UID 7)\r\n"),
                            .times = LIMIT_FETCH_QUEUE + more,
                            .after = "A2 OK x\r\nA3 OK x\r\n"};
        struct error err = ERROR_INIT;
        struct client *c = NULL;
        struct client_select select;
        struct client_fetch fetch;
        AUTO_SEQSET struct seqset uids = {0};
        AUTO_ARENA struct arena *arena = arena_new();
        assert_int_equal(client_open(endless_stream(&e), &options, &c, &err), 0);
        assert_int_equal(client_select_begin(c, &select, STR("x"), false, NULL, arena, &err), 0);
        assert_int_equal(client_select_end(c, &select, &err), 0);
        seqset_add(&uids, 7);
        const struct fetch_request request = {.items = FETCH_UID};
        assert_int_equal(client_fetch_begin(c, &fetch, &uids, &request, NULL, arena, &err), 0);
        assert_int_equal(client_noop(c, &err), more == 0 ? 0 : -ERR_PROTOCOL);
        (void)client_fetch_end(c, &fetch, &err);
        client_fetch_free(&fetch);
        client_select_free(&select);
        client_close(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_fetch_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
