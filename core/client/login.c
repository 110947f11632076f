typedef int client_login_unit;
