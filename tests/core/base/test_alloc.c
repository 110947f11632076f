#include "base/alloc.h"
#include "base/vec.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void copies_are_equal_and_terminated(void **state)
{
    AUTO_FREE char *whole = xstrdup("Archive");
    AUTO_FREE char *part = xstrndup("Archive", 4);
    AUTO_FREE char *bytes = xmemdup("a\0b", 3);
    AUTO_FREE char *made = xasprintf("%s-%d", "x", 7);
    assert_string_equal(whole, "Archive");
    assert_string_equal(part, "Arch");
    assert_memory_equal(bytes, "a\0b", 3);
    assert_string_equal(made, "x-7");
}

static void nothing_is_still_a_pointer(void **state)
{
    AUTO_FREE void *none = xmalloc(0);
    AUTO_FREE void *no_items = xcalloc(0, 8);
    AUTO_FREE void *no_bytes = xmemdup(NULL, 0);
    assert_non_null(none);
    assert_non_null(no_items);
    assert_non_null(no_bytes);
}

static void xfree_sets_null(void **state)
{
    char *text = xstrdup("x");
    xfree(&text);
    assert_null(text);
    xfree(&text);
}

static void overflow_ends_the_process(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        (void)close(STDERR_FILENO);
        /* The sanitizers would report the abort. */
        struct sigaction plain = {.sa_handler = SIG_DFL};
        sigaction(SIGABRT, &plain, NULL);
        (void)alloc_size(SIZE_MAX / 2, 3);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void vec_keeps_order_as_it_grows(void **state)
{
    VEC(int) numbers = {0};
    for (int i = 0; i < 1000; i++) {
        vec_push(&numbers, i);
    }
    int expected = 0;
    VEC_FOREACH (int, n, &numbers) {
        assert_int_equal(*n, expected);
        expected++;
    }
    assert_int_equal(expected, 1000);
    vec_clear(&numbers);
    assert_int_equal(numbers.len, 0);
    *vec_add(&numbers) += 5;
    assert_int_equal(numbers.items[0], 5);
    vec_free(&numbers);
    assert_null(numbers.items);
}

static void vec_of_nothing_has_no_turns(void **state)
{
    VEC(int) none = {0};
    VEC_FOREACH (int, n, &none) {
        fail();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_equal_and_terminated),
        cmocka_unit_test(nothing_is_still_a_pointer),
        cmocka_unit_test(xfree_sets_null),
        cmocka_unit_test(overflow_ends_the_process),
        cmocka_unit_test(vec_keeps_order_as_it_grows),
        cmocka_unit_test(vec_of_nothing_has_no_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
