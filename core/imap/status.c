typedef int imap_status_unit;
