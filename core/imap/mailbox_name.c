typedef int imap_mailbox_name_unit;
