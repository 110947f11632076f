typedef int base_arena_unit;
