typedef int server_session_unit;
