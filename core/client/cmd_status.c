typedef int client_cmd_status_unit;
