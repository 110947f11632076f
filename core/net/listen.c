typedef int net_listen_unit;
