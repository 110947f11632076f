typedef int base_str_unit;
