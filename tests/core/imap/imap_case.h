#pragma once
/*
 * Tables of input and what it is read as. A case's call reads a value and writes it again; what the
 * writer makes of it shows, in one canonical form, what the reader understood.
 */
#include "wire/reader.h"
#include "wire/writer.h"

typedef bool imap_call(struct reader *r, struct arena *arena, struct writer *w);

struct imap_case {
    const char *name;
    imap_call *call;
    const char *input;
    const char *expected; /* NULL: refused */
};

/* Each with reads of several sizes; the input must be consumed whole. */
void imap_cases_run(const struct imap_case *cases, size_t len);
#define IMAP_CASES_RUN(cases) imap_cases_run(cases, sizeof(cases) / sizeof(cases)[0])
