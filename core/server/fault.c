typedef int server_fault_unit;
