typedef int net_stream_tls_unit;
