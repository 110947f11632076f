#include "base/arena.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    AUTO_ARENA struct arena *arena = arena_new();
    unsigned char *last = NULL;
    for (size_t size = 1; size < 3000; size += 7) {
        unsigned char *memory = arena_alloc(arena, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xee, size);
        assert_ptr_not_equal(memory, last);
        last = memory;
    }
}

static void large_ones_do_not_waste_the_block(void **state)
{
    AUTO_ARENA struct arena *arena = arena_new();
    char *before = arena_alloc(arena, 16);
    char *large = arena_alloc(arena, 1000000);
    memset(large, 1, 1000000);
    char *after = arena_alloc(arena, 16);
    assert_ptr_equal(after, before + 16);
}

static void reset_keeps_a_block_and_zeroes_anew(void **state)
{
    AUTO_ARENA struct arena *arena = arena_new();
    char *first = arena_alloc(arena, 100);
    memset(first, 1, 100);
    for (int i = 0; i < 100; i++) {
        (void)arena_alloc(arena, 5000);
    }
    assert_true(arena_used(arena) >= 500100);
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
    char *again = arena_alloc(arena, 100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(again[i], 0);
    }
    arena_reset(arena);
    assert_ptr_equal(arena_alloc(arena, 100), again);
}

static void copies_are_terminated(void **state)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct str copy = arena_str(arena, str_make("a\0bXX", 3));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.ptr, "a\0b\0", 4);
    assert_string_equal(arena_str(arena, str_make(NULL, 0)).ptr, "");
    assert_string_equal(arena_strdup(arena, "INBOX"), "INBOX");
    assert_string_equal(arena_printf(arena, "%d/%s", 7, "x"), "7/x");
    int *numbers = arena_array(arena, 10, sizeof *numbers);
    assert_int_equal(numbers[9], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(large_ones_do_not_waste_the_block),
        cmocka_unit_test(reset_keeps_a_block_and_zeroes_anew),
        cmocka_unit_test(copies_are_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
