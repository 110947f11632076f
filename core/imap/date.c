typedef int imap_date_unit;
