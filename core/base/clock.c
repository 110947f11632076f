typedef int base_clock_unit;
