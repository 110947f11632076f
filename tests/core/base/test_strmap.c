#include "base/strmap.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void put_get_remove(void **state)
{
    struct strmap *map = strmap_new();
    int one = 1;
    int two = 2;
    assert_null(strmap_get(map, STR("a")));
    assert_null(strmap_remove(map, STR("a")));
    assert_null(strmap_put(map, STR("a"), &one));
    assert_ptr_equal(strmap_put(map, STR("a"), &two), &one);
    assert_ptr_equal(strmap_get(map, STR("a")), &two);
    assert_null(strmap_get(map, STR("A")));
    assert_null(strmap_put(map, STR("a\0b"), &one));
    assert_null(strmap_put(map, STR_EMPTY, &one));
    assert_int_equal(strmap_len(map), 3);
    assert_ptr_equal(strmap_remove(map, STR("a")), &two);
    assert_null(strmap_get(map, STR("a")));
    assert_ptr_equal(strmap_get(map, STR("a\0b")), &one);
    assert_int_equal(strmap_len(map), 2);
    strmap_free(&map);
    assert_null(map);
}

#define MANY 5000

/* Insertions and removals in turn, against an array that knows what must be there. */
static void many(void **state)
{
    static char values[MANY];
    static bool present[MANY];
    struct strmap *map = strmap_new();
    char key[20];
    for (unsigned step = 0; step < 4 * MANY; step++) {
        unsigned i = step * 2654435761u % MANY;
        (void)snprintf(key, sizeof key, "k%u", i);
        void *before = present[i] ? &values[i] : NULL;
        assert_ptr_equal(strmap_get(map, str_from(key)), before);
        if (step % 3 == 0) {
            assert_ptr_equal(strmap_remove(map, str_from(key)), before);
            present[i] = false;
        } else {
            assert_ptr_equal(strmap_put(map, str_from(key), &values[i]), before);
            present[i] = true;
        }
    }
    size_t expected = 0;
    for (unsigned i = 0; i < MANY; i++) {
        expected += present[i];
    }
    assert_int_equal(strmap_len(map), expected);
    size_t cursor = 0;
    struct str found;
    void *value;
    size_t count = 0;
    for (; strmap_next(map, &cursor, &found, &value); count++) {
        assert_true(present[(char *)value - values]);
    }
    assert_int_equal(count, expected);
    strmap_free(&map);
}

static void iteration_keeps_the_order_of_insertion(void **state)
{
    static const char *const keys[] = {"z", "a", "m", "b", "y"};
    int value = 0;
    struct strmap *map = strmap_new();
    for (size_t i = 0; i < 5; i++) {
        strmap_put(map, str_from(keys[i]), &value);
    }
    strmap_remove(map, STR("m"));
    strmap_put(map, STR("a"), &value);
    static const char *const expected[] = {"z", "a", "b", "y"};
    size_t cursor = 0;
    struct str key;
    void *got;
    for (size_t i = 0; i < 4; i++) {
        assert_true(strmap_next(map, &cursor, &key, &got));
        assert_string_equal(key.ptr, expected[i]);
    }
    assert_false(strmap_next(map, &cursor, &key, &got));
    strmap_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_get_remove),
        cmocka_unit_test(many),
        cmocka_unit_test(iteration_keeps_the_order_of_insertion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
