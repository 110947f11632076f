typedef int imap_select_unit;
