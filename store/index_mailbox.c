typedef int index_mailbox_unit;
