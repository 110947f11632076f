typedef int wire_chars_unit;
