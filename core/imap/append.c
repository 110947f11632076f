typedef int imap_append_unit;
