typedef int client_cmd_copy_unit;
