#pragma once
/* The local half of the survey. */
#include "pass/pass.h"

/* The folders of the Maildir: a list in the pass's arena, sorted by path. */
int local_folders(struct pass *pass, struct maildir_folders *out, struct error *err);

/* Fills `pair->local` by scanning the folder and comparing it with the index. A folder whose
 * settled times stand in the record is not scanned, unless `full` or to be paired by content. */
int local_survey(struct pass *pass, struct mailbox_pair *pair, struct error *err);

/* Where files are gone: they may have gone on to a folder that was read before, or go on while
 * folders are read again. Each that changed is scanned again, until a look finds no more gone (law
 * 1); if none does, the pass knows (moving_here). */
int local_survey_again(struct pass *pass, struct error *err);

/* Whether the folder is, by its times, still as the survey saw it; one that was not there, still
 * not there. */
bool local_is_unchanged(struct pass *pass, const struct mailbox_pair *pair);

/* Another look at the folder: `fresh` of *out has the files that neither the index nor the survey
 * knew, `times` are those of this look. To be cleared in any case. */
int local_newcomers(struct pass *pass, const struct mailbox_pair *pair, struct local_delta *out,
                    struct error *err);

/* How many messages the folder holds; 0 where it cannot be read. */
uint32_t local_count(struct pass *pass, const struct mailbox_pair *pair);
