typedef int base_base64_unit;
