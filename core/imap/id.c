typedef int imap_id_unit;
