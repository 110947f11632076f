typedef int base_strmap_unit;
