typedef int base_alloc_unit;
