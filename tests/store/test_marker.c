#include "store/fixture.h"
#include "store/marker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static void law6_a_marker_comes_back_as_written(void **state)
{
    struct fixture *f = *state;
    struct marker found;
    assert_int_equal(marker_read(f->root, &found, &f->err), 0);
    struct marker marker = {.account = "work", .identity = "00ff", .generation = 7};
    ok(f, marker_write(f->root, &marker, &f->err));
    marker.generation = UINT64_MAX;
    ok(f, marker_write(f->root, &marker, &f->err));
    assert_int_equal(marker_read(f->root, &found, &f->err), 1);
    assert_string_equal(found.account, "work");
    assert_string_equal(found.identity, "00ff");
    assert_true(found.generation == UINT64_MAX);
    /* Nothing else is left in the root. */
    assert_int_equal(count_files(f, "mail"), 0);
}

static void a_marker_that_cannot_be_understood_is_no_marker(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "",
        "maildird marker 1\n",
        "maildird marker 2\naccount a\nidentity 1\ngeneration 1\n",
        "maildird marker 1\naccount a\nidentity 1\ngeneration -1\n",
        "maildird marker 1\naccount a\nidentity 1\ngeneration 99999999999999999999\n",
        "maildird marker 1\naccount \nidentity 1\ngeneration 1\n",
        "maildird marker 1\naccount a\nidentity 1\ngeneration 1\nmore 1\n",
        "maildird marker 1\naccount a\nidentity 123456789012345678901234567890123\ngeneration 1\n",
        "\xff\xfe",
    };
    struct marker found;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put_file(f, "mail/.maildird", str_from(texts[i]));
        fails(f, marker_read(f->root, &found, &f->err), ERR_READ);
    }
    put_file(f, "mail/.maildird", repeated(f, "maildird", 10000));
    fails(f, marker_read(f->root, &found, &f->err), ERR_READ);
}

static void a_root_that_is_not_there_is_not_written_to(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(rmdir(f->root), 0);
    struct marker marker = {.account = "work", .identity = "00ff", .generation = 7};
    assert_true(marker_write(f->root, &marker, &f->err) < 0);
    assert_int_equal(f->err.scope, SCOPE_ACCOUNT);
    assert_false(file_exists(f, "mail"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(law6_a_marker_comes_back_as_written),
        TEST(a_marker_that_cannot_be_understood_is_no_marker),
        TEST(a_root_that_is_not_there_is_not_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
