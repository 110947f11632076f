typedef int server_cmd_append_unit;
