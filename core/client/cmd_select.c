typedef int client_cmd_select_unit;
