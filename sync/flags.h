#pragma once
/* Flags between the three places: IMAP words, Maildir letters, and the merge of all three. */
#include "imap/flags.h"
#include "imap/select.h"
#include "config/config.h"
#include "sync/model.h"

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
/* `storable`: a flag outside of it says nothing about the server's side and is not sent. Keywords
 * have no place in the Maildir yet: the server's word is taken. */
struct flags_merge flags_merge(const struct index_flags *base, const struct index_flags *remote,
                               uint8_t local, uint8_t storable, enum direction direction);
