typedef int server_cmd_copy_unit;
