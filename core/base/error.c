typedef int base_error_unit;
