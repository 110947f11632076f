#pragma once
/* BODY[section]<partial> of FETCH (RFC 9051 section 6.4.5). */
#include "wire/reader.h"
#include "wire/writer.h"

enum section_part {
    SECTION_WHOLE,
    SECTION_HEADER,
    SECTION_HEADER_FIELDS,
    SECTION_HEADER_FIELDS_NOT,
    SECTION_TEXT,
    SECTION_MIME
};
#define SECTION_PATH_MAX 32

struct section {
    uint32_t path[SECTION_PATH_MAX];
    unsigned path_len;
    enum section_part part;
    struct str *fields;
    size_t fields_len;
    bool has_partial;
    uint32_t offset;
    uint32_t count; /* asked for; in answers only the offset is told: 0 */
};
/* From `[`; in answers `<origin>` without a count. */
bool section_read(struct reader *r, struct arena *arena, struct section *out);
/* "[1.HEADER.FIELDS (Subject)]<0.100>"; without the count where it is 0. */
void section_write(struct writer *w, const struct section *section);
