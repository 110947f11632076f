typedef int server_cmd_session_unit;
