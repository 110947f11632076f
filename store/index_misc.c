typedef int index_misc_unit;
