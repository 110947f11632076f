typedef int server_cmd_expunge_unit;
