typedef int imap_section_unit;
