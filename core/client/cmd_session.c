typedef int client_cmd_session_unit;
