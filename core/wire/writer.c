typedef int wire_writer_unit;
