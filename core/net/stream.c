typedef int net_stream_unit;
