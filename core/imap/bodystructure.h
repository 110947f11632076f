#pragma once
/* BODY and BODYSTRUCTURE as a tree (RFC 9051 section 7.5.2). Strings with ptr NULL are NIL. */
#include "imap/envelope.h"
#include "imap/str_list.h"

enum body_kind {
    BODY_BASIC,
    BODY_TEXT,    /* text with the count of lines */
    BODY_MESSAGE, /* message/rfc822 or message/global: envelope, one child */
    BODY_MULTIPART,
};

struct body_param {
    struct str name, value;
};
struct body_params {
    struct body_param *items;
    size_t len; /* 0: NIL */
};

struct body_part {
    enum body_kind kind;
    struct str type, subtype;  /* as sent; compare without regard to case. type of a multipart:
                                  "multipart" */
    struct body_params params; /* of a multipart: extension data */
    struct str id, description, encoding;
    uint64_t size, lines; /* octets and lines as transferred */
    struct envelope *envelope;
    struct body_part *children; /* a list by `next` */
    size_t children_len;
    struct body_part *next;
    /* extension data, of BODYSTRUCTURE */
    bool extended;          /* some was told */
    struct str md5;         /* of a single part */
    struct str disposition; /* "attachment"; ptr NULL: NIL */
    struct body_params disposition_params;
    struct str_list languages;
    struct str location;
};

/* At most LIMIT_DEPTH deep and LIMIT_BODY_PARTS parts. Tolerates multiparts without a part, NIL for
 * numbers, parameter lists and whole parts, message/rfc822 parts without envelope and body, text
 * parts without lines, extension data cut off anywhere or of unknown kinds. */
bool bodystructure_read(struct reader *r, struct arena *arena, struct body_part *out);
/* With `extended`, as BODYSTRUCTURE, else as BODY. */
void bodystructure_write(struct writer *w, const struct body_part *part, bool extended);
/* The part that a section's numbers name; NULL if there is none. 1 of what is no multipart is the
 * part itself. */
const struct body_part *body_part_find(const struct body_part *root, const uint32_t *path,
                                       size_t path_len);
/* By name, case-insensitive; ptr NULL if it is not there. */
struct str body_param_find(const struct body_params *params, struct str name);
