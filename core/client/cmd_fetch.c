typedef int client_cmd_fetch_unit;
