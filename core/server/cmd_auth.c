typedef int server_cmd_auth_unit;
