typedef int server_cmd_search_unit;
