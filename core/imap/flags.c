typedef int imap_flags_unit;
