typedef int imap_list_unit;
