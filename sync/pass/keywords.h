#pragma once
/* Keywords in the three places: IMAP's words, the index's small numbers, a folder's letters. */
#include "pass/pass.h"

/* Reads the known names. */
int keywords_load(struct pass *pass, struct error *err);
/* IMAP flags to index flags. Keywords that the index has not met are given a number (a short write
 * transaction; in a dry run they are left out). The result lives in the pass's arena. */
int keywords_index_flags(struct pass *pass, const struct imap_flags *flags, struct index_flags *out,
                         struct error *err);
/* The reverse, in `arena`: of what the mailbox keeps. */
void keywords_imap_flags(const struct pass *pass, const struct mailbox_pair *pair,
                         const struct index_flags *flags, struct arena *arena,
                         struct imap_flags *out);

/* ---- letters ---- */

/* Keyword letters among those of a file name, a bit each. */
uint32_t keywords_letters_in(struct str letters);
/* Reads what the letters of the pair's folder stand for; again, whatever was known. */
int keywords_read_letters(struct pass *pass, struct mailbox_pair *pair, struct error *err);
/* The keywords of a file's letters; in the pass's arena. */
struct index_flags keywords_of_file(struct pass *pass, const struct mailbox_pair *pair,
                                    const struct maildir_name *name);
/* Before files are written: each of these keywords gets a letter while there are some. What gets
 * none is kept in the index alone. */
int keywords_give_letters(struct pass *pass, struct mailbox_pair *pair,
                          const struct index_flags *flags, size_t len, struct error *err);
/* The letters of a file that had `letters` (those that stand for nothing are kept), with some
 * keywords more and some fewer. In `arena`. */
struct str keywords_letters(const struct mailbox_pair *pair, struct str letters,
                            const struct index_flags *add, const struct index_flags *remove,
                            struct arena *arena);
/* The letters of a file that leaves `from` for `to`, where it has these keywords: those that stood
 * for nothing are kept while they still do. In the pass's arena. */
int keywords_letters_elsewhere(struct pass *pass, struct mailbox_pair *from,
                               struct mailbox_pair *to, struct str letters,
                               const struct index_flags *flags, struct str *out, struct error *err);
/* At the end of a pass whose scan was complete: from now on the absence of a letter says something,
 * too. */
int keywords_store_letters(struct pass *pass, struct index_txn *txn, struct mailbox_pair *pair,
                           struct error *err);
/* The server refused to store these: they are not sent to this mailbox any more. */
int keywords_note_refused(struct pass *pass, struct mailbox_pair *pair,
                          const struct index_flags *refused, struct error *err);
/* What PERMANENTFLAGS says of keywords, less what was refused, into the pair's delta. */
int keywords_learn_storable(struct pass *pass, struct mailbox_pair *pair,
                            const struct select_data *data, struct error *err);
