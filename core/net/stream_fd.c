typedef int net_stream_fd_unit;
