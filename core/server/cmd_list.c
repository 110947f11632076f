typedef int server_cmd_list_unit;
