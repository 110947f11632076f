typedef int client_cmd_list_unit;
