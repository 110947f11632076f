typedef int client_cmd_auth_unit;
