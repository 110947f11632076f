#include "pass/report_json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Every member another number, so that none can stand for another. */
static struct report sample(void)
{
    struct report r = {
        .account = "work",
        .result = REPORT_FAILED,
        .elapsed_ms = 1500,
        .wire = {.bytes_in = 1,
                 .bytes_out = 2,
                 .commands = 3,
                 .round_trips = 4,
                 .connections = 5,
                 .compressed = true},
        .mailboxes_total = 6,
        .mailboxes_changed = 7,
    };
    uint64_t value = 100;
    for (const struct report_count *c = report_counts; c->name != NULL; c++)
        report_count_set(&r.messages, c, value++);
    error_set(&r.error, ERR_AUTH, SCOPE_ACCOUNT, "the server says \"no\"");
    snprintf(r.error_mailbox, sizeof r.error_mailbox, "%s", "Listen/Größe");
    return r;
}

static void what_is_written_is_read_back(void **state)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct report r = sample();
    struct report back;
    json_t *object = report_to_json(&r);
    assert_true(report_from_json(object, arena, &back));
    json_t *again = report_to_json(&back);
    assert_true(json_equal(object, again));
    assert_int_equal(report_exit_code(&back), report_exit_code(&r));
    assert_memory_equal(&back.messages, &r.messages, sizeof r.messages);
    json_decref(object);
    json_decref(again);
}

static void what_is_no_report_is_refused(void **state)
{
    static const char *const texts[] = {
        "{}", "{\"name\": \"a\"}", "{\"name\": \"a\", \"result\": \"fine\"}",
        "{\"name\": 1, \"result\": \"ok\"}",
        "{\"name\": \"a\", \"result\": \"failed\", \"error\": {\"code\": 77}}"};
    AUTO_ARENA struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct report back;
        json_t *object = json_loads(texts[i], 0, NULL);
        assert_non_null(object);
        assert_false(report_from_json(object, arena, &back));
        json_decref(object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(what_is_no_report_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
