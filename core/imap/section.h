#pragma once
/* BODY[section]<partial> of FETCH (RFC 9051 section 6.4.5). */
#include "wire/reader.h"
#include "wire/writer.h"
#include "imap/limits.h"

enum section_part {
    SECTION_WHOLE,
    SECTION_HEADER,
    SECTION_HEADER_FIELDS,
    SECTION_HEADER_FIELDS_NOT,
    SECTION_TEXT,
    SECTION_MIME
};
/* By which name it is asked for and answered. */
enum section_item {
    SECTION_BODY,        /* BODY[…], BODY.PEEK[…] */
    SECTION_BINARY,      /* BINARY[…]: numbers alone */
    SECTION_BINARY_SIZE, /* BINARY.SIZE[…]: numbers alone */
    SECTION_RFC822,      /* RFC822: as BODY[] */
    SECTION_RFC822_HEADER,
    SECTION_RFC822_TEXT,
    SECTION_ITEMS
};

struct section {
    uint32_t path[LIMIT_SECTION_PATH];
    unsigned path_len;
    enum section_part part;
    enum section_item item;
    struct str *fields;
    size_t fields_len;
    bool has_partial;
    uint32_t offset;
    uint32_t count; /* asked for; in answers only the offset is told: 0 */
};
/* From `[`; out->item is SECTION_BODY. In answers `<origin>` without a count. */
bool section_read(struct reader *r, struct arena *arena, struct section *out);
/* "[1.HEADER.FIELDS (Subject)]<0.100>"; without the count where it is 0. */
void section_write(struct writer *w, const struct section *section);
/* "BODY.PEEK[1]", "BINARY[2]<0.100>", "BINARY.SIZE[2]", "RFC822.TEXT": the item's name, with its
 * section where it has one. `peek` matters to BODY and BINARY. */
void section_item_write(struct writer *w, const struct section *section, bool peek);
/* "RFC822.HEADER" and its like to what they stand for; "BODY", "BINARY" and "BINARY.SIZE", with
 * ".PEEK" too, to an empty section, which follows from `[`. False for other names. */
bool section_item_parse(struct str name, struct section *out, bool *peek);
/* Whether `[…]` follows its name. */
bool section_item_has_section(enum section_item item);
