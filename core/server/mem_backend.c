typedef int server_mem_backend_unit;
