#pragma once
/* IMAP flags to index flags: keyword names become the index's small numbers. */
#include "sync/pass.h"

/* Reads the known names. */
int keywords_load(struct pass *pass, struct error *err);
/* Keywords that the index has not met are given a number (a short write transaction; in a dry run
 * they are left out). The result lives in the pass's arena. */
int keywords_index_flags(struct pass *pass, const struct imap_flags *flags, struct index_flags *out,
                         struct error *err);
