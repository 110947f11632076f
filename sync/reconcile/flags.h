#pragma once
/* Flags between the three places: IMAP words, Maildir letters, and the merge of all three. */
#include "imap/flags.h"
#include "imap/select.h"
#include "config/config.h"
#include "reconcile/model.h"

/* enum imap_flag and keywords to enum maildir_flag: $Forwarded is `P`. Keywords other than
 * $Forwarded are left to the caller. */
uint8_t flags_system_from_imap(const struct imap_flags *flags);
bool flags_is_forwarded(struct str keyword);

/* The words for a set of enum maildir_flag bits, in `arena`. */
void flags_to_imap(uint8_t system, struct arena *arena, struct imap_flags *out);

/* Which of enum maildir_flag the mailbox keeps, by its PERMANENTFLAGS. */
uint8_t flags_storable(const struct select_data *data);

bool flags_equal(const struct index_flags *a, const struct index_flags *b);

/* The three-way merge, each flag by itself. */
struct flags_merge {
    struct index_flags agreed; /* for the index */
    uint8_t remote;            /* what the server shall have */
    uint8_t local;             /* what the file shall have */
};
/* `storable`: a flag outside of it says nothing about the server's side and is not sent. Of
 * keywords, `agreed` has the server's. */
struct flags_merge flags_merge(const struct index_flags *base, const struct index_flags *remote,
                               uint8_t local, uint8_t storable, enum direction direction);

/* The same for keywords, each by itself. One that a side cannot store, or that has no letter in the
 * folder, is no information about it. Lists in `arena`. */
struct keywords_merge {
    struct index_flags agreed; /* `system` is 0 in all of them */
    struct index_flags remote_add, remote_remove;
    struct index_flags local_add, local_remove;
};
struct keywords_sides {
    const struct index_flags *base, *remote, *local;
    const struct remote_delta *storable; /* which keywords the server keeps */
    const struct keyword_letters *letters;
    enum direction direction;
};
void flags_merge_keywords(const struct keywords_sides *sides, struct arena *arena,
                          struct keywords_merge *out);
/* `agreed` for the record: of what the server does not keep now nothing is agreed, so that it goes
 * there once the server keeps it, and is not taken for removed there. Keywords in `arena`. */
struct index_flags flags_agreed_there(const struct index_flags *base,
                                      const struct index_flags *agreed,
                                      const struct remote_delta *remote, struct arena *arena);
/* What of `agreed` a file has before the merge changes it. Lists in `arena`. */
struct index_flags flags_before_local(const struct index_flags *agreed,
                                      const struct keywords_merge *k, struct arena *arena);
/* Whether the server keeps it in this mailbox. */
bool flags_keyword_is_storable(const struct remote_delta *remote, uint32_t id);
bool flags_have_keyword_id(const struct index_flags *flags, uint32_t id);
/* The keywords that the letters of a file name stand for in a folder, up to a comma; in `arena`.
 * `system` is 0. */
struct index_flags flags_of_letters(const struct keyword_letters *letters, struct str text,
                                    struct arena *arena);
/* The letter of a keyword in a folder, 0 to 25; negative: none. */
int flags_letter_of(const struct keyword_letters *letters, uint32_t id);
