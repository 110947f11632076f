typedef int net_stream_tap_unit;
