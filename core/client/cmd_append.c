typedef int client_cmd_append_unit;
