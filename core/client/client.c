typedef int client_client_unit;
