typedef int server_cmd_mailbox_unit;
