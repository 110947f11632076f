typedef int base_log_unit;
