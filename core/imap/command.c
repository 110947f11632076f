typedef int imap_command_unit;
