typedef int imap_capability_unit;
