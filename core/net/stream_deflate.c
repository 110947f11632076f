typedef int net_stream_deflate_unit;
