typedef int client_cmd_store_unit;
