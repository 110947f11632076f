typedef int server_cmd_store_unit;
