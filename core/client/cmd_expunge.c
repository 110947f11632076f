typedef int client_cmd_expunge_unit;
