typedef int wire_reader_unit;
