typedef int net_tls_unit;
