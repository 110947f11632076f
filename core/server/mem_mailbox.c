typedef int server_mem_mailbox_unit;
