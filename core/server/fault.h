#pragma once
/* Scripted faults of the embedded server, for tests. */
#include "base/str.h"

enum fault_kind {
    FAULT_CUT_IN,  /* close when `at` bytes have come in; the rest is not read */
    FAULT_CUT_OUT, /* close when `at` bytes have gone out */
    FAULT_NO,      /* answer the `at`th command NO, without doing it */
    FAULT_BAD,
    FAULT_BYE,
    FAULT_SILENCE,          /* do the `at`th command, but never answer it, and close */
    FAULT_DO_AND_CUT,       /* do the `at`th command and close before its tagged answer */
    FAULT_DO_AND_NO,        /* do the `at`th command, and answer NO all the same */
    FAULT_LIE_SIZE,         /* RFC822.SIZE is off by `value` */
    FAULT_HIDE_UID,         /* UID `value` is listed but its body is not told */
    FAULT_NO_UIDPLUS_CODES, /* APPENDUID and COPYUID left out */
    FAULT_DELAY,            /* answer the `at`th command `value` ms late */
    FAULT_GARBLE,           /* from the `at`th byte that goes out, `value` bytes are others */
    FAULT_LIE_UIDNEXT, /* UIDNEXT is off by `value`, which may be negative in two's complement */
    FAULT_LIE_UIDVALIDITY, /* and UIDVALIDITY */
    FAULT_LIE_EXISTS,      /* and EXISTS, at SELECT */
    FAULT_MISSING_UID,     /* UID `value` is left out of FETCH and SEARCH */
    FAULT_SILENT_ENABLE,   /* ENABLE enables, and does not tell what */
    FAULT_ID_FIRST,        /* SELECT and EXAMINE are refused until ID came */
    FAULT_LOSE_FLAGS,      /* APPEND keeps none of the system flags in `value`, and no keyword */
    FAULT_EXPUNGE_MARKED,  /* what STORE marks \Deleted is expunged at once */
    FAULT_INBOX_CASE,      /* INBOX/x is told as Inbox/x, and known in any letters */
};

struct fault {
    enum fault_kind kind;
    const char *command; /* counts only commands of this name; NULL: all */
    uint64_t at;         /* from 1 */
    uint64_t value;
    const char *text; /* of NO, BAD, BYE, e.g. "[UNAVAILABLE] try later"; NULL: a default */
};
/* Shared by the sessions of a test; counts go over all of them. */
struct fault_script {
    struct fault *faults;
    size_t len;
    uint64_t commands; /* running counts, kept by the sessions */
    uint64_t bytes_in, bytes_out;
    uint64_t *hits; /* per fault: matching commands so far; `len` of them, zeroed by the owner */
};

/* What the sessions call; `script` may be NULL. */

/* Counts a command named `name`; the fault of FAULT_NO … FAULT_DO_AND_NO to play on it, or NULL.
 */
const struct fault *fault_on_command(struct fault_script *script, const char *name);
/* Counts bytes of a direction (FAULT_CUT_IN or FAULT_CUT_OUT): how many of `len` pass before the
 * cut. *cut_out is set when they reach it. */
size_t fault_on_bytes(struct fault_script *script, enum fault_kind kind, size_t len, bool *cut_out);
/* Garbles what goes out, before it is counted by fault_on_bytes. */
void fault_garble(const struct fault_script *script, char *data, size_t len);
/* The first fault of the kind, or NULL. */
const struct fault *fault_of_kind(const struct fault_script *script, enum fault_kind kind);
