typedef int base_buf_unit;
