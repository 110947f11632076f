#include "daemon/varlink.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void messages_end_with_a_nul(void **state)
{
    struct buf in = BUF_INIT(100);
    struct str text;
    assert_false(varlink_next(&in, &text));
    buf_add(&in, "{}\0{\"a\"", 7);
    assert_true(varlink_next(&in, &text));
    assert_int_equal(text.len, 2);
    buf_consume(&in, text.len + 1);
    assert_false(varlink_next(&in, &text));
    buf_add(&in, ":1}\0", 4);
    assert_true(varlink_next(&in, &text));
    assert_int_equal(text.len, 7);
    buf_free(&in);
}

static void a_call_is_read_back(void **state)
{
    struct buf out = BUF_INIT(1000);
    struct varlink_call call;
    struct error err = ERROR_INIT;
    struct str text;
    varlink_write_call(&out, "org.maildird.Watch", json_pack("{s:i}", "n", 7), true);
    assert_true(varlink_next(&out, &text));
    assert_int_equal(varlink_call_read(text, &call, &err), 0);
    assert_string_equal(call.method, "org.maildird.Watch");
    assert_int_equal(json_integer_value(json_object_get(call.parameters, "n")), 7);
    assert_true(call.more);
    assert_false(call.oneway);
    varlink_call_free(&call);
    buf_free(&out);
}

static void replies_and_errors_are_read_back(void **state)
{
    struct buf out = BUF_INIT(1000);
    struct varlink_reply reply;
    struct error err = ERROR_INIT;
    struct str text;
    varlink_write_reply(&out, NULL, true);
    varlink_write_error(&out, VARLINK_METHOD_NOT_FOUND, json_pack("{s:s}", "method", "a.B"));
    assert_true(varlink_next(&out, &text));
    assert_int_equal(varlink_reply_read(text, &reply, &err), 0);
    assert_true(reply.continues);
    assert_null(reply.error);
    assert_int_equal(json_object_size(reply.parameters), 0);
    varlink_reply_free(&reply);
    buf_consume(&out, text.len + 1);
    assert_true(varlink_next(&out, &text));
    assert_int_equal(varlink_reply_read(text, &reply, &err), 0);
    assert_false(reply.continues);
    assert_string_equal(reply.error, VARLINK_METHOD_NOT_FOUND);
    varlink_reply_free(&reply);
    buf_free(&out);
}

static void what_is_no_call_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "7",
                                        "{}",
                                        "\xff",
                                        "{\"method\":1}",
                                        "{\"method\":\"a.B\",\"parameters\":[]}",
                                        "{\"method\":\"a.B\",\"method\":\"a.C\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct varlink_call call;
        struct error err = ERROR_INIT;
        assert_int_equal(varlink_call_read(str_from(texts[i]), &call, &err), -ERR_PROTOCOL);
        assert_null(call.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_end_with_a_nul),
        cmocka_unit_test(a_call_is_read_back),
        cmocka_unit_test(replies_and_errors_are_read_back),
        cmocka_unit_test(what_is_no_call_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
