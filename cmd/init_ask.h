#pragma once
/* Questions at a terminal. */
#include "base/wake.h"

/* Longer answers are refused by asking again. */
#define ANSWER_BYTES_MAX 1024

/* Asks; an empty answer is `fallback` (shown in brackets; NULL: none). The answer is the caller's.
 * ERR_CANCELLED on Ctrl-C and at the end of the input. */
int ask_text(const char *question, const char *fallback, const struct wake *wake, char **out,
             struct error *err);
/* What is typed is not shown; to be freed with secret_free. */
int ask_secret(const char *question, const struct wake *wake, char **out, struct error *err);
/* Y or n; an empty answer is `fallback`. */
int ask_yes(const char *question, bool fallback, const struct wake *wake, bool *out,
            struct error *err);
