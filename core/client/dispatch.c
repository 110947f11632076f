typedef int client_dispatch_unit;
