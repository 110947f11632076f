typedef int imap_response_unit;
