typedef int base_files_unit;
