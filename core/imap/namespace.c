typedef int imap_namespace_unit;
