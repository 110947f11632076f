typedef int client_cmd_mailbox_unit;
