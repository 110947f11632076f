typedef int imap_seqset_unit;
