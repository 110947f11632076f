#pragma once
/* Mailbox names between the server's spelling and the one for people and disks, and which of them a
 * pass is about. Pure. */
#include "base/arena.h"
#include "config/config.h"

struct names_space {
    struct str prefix; /* personal namespace as sent, e.g. "INBOX."; may be empty */
    char delimiter;    /* 0: none */
    bool utf8;         /* names on the wire are UTF-8 (IMAP4rev2, UTF8=ACCEPT) */
};

/* "INBOX.Lists.C" to "Lists/C". A `/` inside a component becomes "%2F", a control character
 * likewise, and "%2F" there becomes "%252F"; a name that is no modified UTF-7 stays as it is, 8-bit
 * bytes as %XX. False when the name lies outside the personal
 * namespace. */
bool names_to_utf8(const struct names_space *space, struct arena *arena, struct str remote,
                   struct str *out);
/* The reverse, for CREATE. False when it cannot be expressed (no delimiter but a nested name). */
bool names_to_remote(const struct names_space *space, struct arena *arena, struct str utf8,
                     struct str *out);

/*
 * `mailboxes.rename`: the name that a mailbox has here. Keys are names, patterns with one `*`,
 * whose text goes where the value has its own, or special uses (`\Sent`); the last that matches
 * counts. INBOX keeps its name.
 */
struct str names_to_local(const struct config_pairs *rename, struct arena *arena, struct str utf8,
                          uint32_t attributes);
/* A mailbox's name and special uses, for names_from_local. */
struct names_use {
    struct str utf8;
    uint32_t attributes;
};
/* The reverse: `uses` are the mailboxes known to have special uses. False where no mailbox has that
 * name here, since the map gives it another. */
bool names_from_local(const struct config_pairs *rename, const struct names_use *uses,
                      size_t uses_len, struct arena *arena, struct str local, struct str *out);

/* `mailboxes.patterns`: the last that matches decides; `!` leaves out; `\Junk` names a special use.
 * `*` matches anything, `%` all but `/`. */
bool names_selected(const struct config_strings *patterns, struct str utf8, uint32_t attributes);
/* TARGETs of the command line; NULL or empty: all. */
bool names_targeted(const char *const *targets, struct str utf8);
