#pragma once
/* APPENDUID and COPYUID (RFC 4315). */
#include "imap/seqset.h"

struct copyuid {
    uint32_t uidvalidity;
    struct seqset source; /* empty for APPENDUID, and where 0 is told; in the server's order */
    struct seqset dest;   /* corresponds to source one by one */
};
void copyuid_free(struct copyuid *c);
bool copyuid_read(struct reader *r, struct copyuid *out);   /* behind "COPYUID " */
bool appenduid_read(struct reader *r, struct copyuid *out); /* behind "APPENDUID " */
void copyuid_write(struct writer *w, const struct copyuid *c);
void appenduid_write(struct writer *w, const struct copyuid *c);
/* The destination UID of `source_uid`; 0 when it is not listed or the sets do not correspond. */
uint32_t copyuid_map(const struct copyuid *c, uint32_t source_uid);
