typedef int server_conn_unit;
