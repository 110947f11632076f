#pragma once
/*
 * A folder's keywords: `dovecot-keywords`, a line "NUMBER NAME" for each, says which keyword the
 * letters a to z stand for in this folder's file names. Dovecot and other programs read it and add
 * to it; so does this one, under the lock that Dovecot takes (`dovecot-keywords.lock`), and only
 * ever adds.
 */
#include "store/maildir.h"

#define MAILDIR_KEYWORDS 26

struct maildir_keywords {
    struct str names[MAILDIR_KEYWORDS]; /* of each letter; empty: it stands for nothing */
};

/* A folder without the file has no keywords. Names in `arena`. */
int maildir_keywords_read(const struct maildir *md, const char *path, struct arena *arena,
                          struct maildir_keywords *out, struct error *err);
/* Gives those names a letter that have none (case does not count), while there are letters free
 * that are not in the set `avoid` (bit 0: a). Durable on return; *out is what the file holds then.
 * ERR_LOCKED while another program writes it. */
int maildir_keywords_add(const struct maildir *md, const char *path, const struct str *names,
                         size_t len, uint32_t avoid, struct arena *arena,
                         struct maildir_keywords *out, struct error *err);

/* Makes durable that the table is there, where it is not known who wrote it. */
int maildir_keywords_sync(const struct maildir *md, const char *path, struct error *err);
