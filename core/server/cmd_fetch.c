typedef int server_cmd_fetch_unit;
