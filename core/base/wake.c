typedef int base_wake_unit;
