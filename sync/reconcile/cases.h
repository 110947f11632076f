#pragma once
/*
 * The decision table: what becomes of a message, by what the index knows of it and what each side
 * shows. README.md prints it for people; a test holds the two together.
 */
#include "reconcile/model.h"

enum case_action {
    CASE_NOTHING,
    CASE_MERGE, /* flags, three ways */
    CASE_DOWNLOAD,
    CASE_UPLOAD,
    CASE_DELETE_LOCAL,
    CASE_DELETE_REMOTE,
    CASE_FORGET,
    CASE_REVIVE, /* the file that was removed here is back: synced again, flags merged */
    CASE_RETRY,  /* a held download: again when it is due */
};

/* The index's side of a case: no record, or the record's state. */
enum case_base {
    BASE_NONE,
    BASE_SYNCED,
    BASE_DELETED_HERE,
    BASE_GONE_THERE,
    BASE_SKIPPED,
    BASE_HELD,
};

struct case_row {
    enum case_base base;
    unsigned remote; /* set of 1 << enum side_state */
    unsigned local;
    enum case_action action;
    const char *why;
};

extern const struct case_row CASES[];
extern const size_t CASES_LEN;

enum case_base case_base_of(const struct index_message *base);
/* Every combination that a survey can give has exactly one row. Never NULL. */
const struct case_row *case_find(enum case_base base, enum side_state remote,
                                 enum side_state local);
