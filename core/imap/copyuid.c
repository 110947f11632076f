typedef int imap_copyuid_unit;
