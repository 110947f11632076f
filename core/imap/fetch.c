typedef int imap_fetch_unit;
