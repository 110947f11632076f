typedef int server_listener_unit;
