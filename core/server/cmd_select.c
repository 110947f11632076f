typedef int server_cmd_select_unit;
