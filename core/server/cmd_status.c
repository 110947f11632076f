typedef int server_cmd_status_unit;
