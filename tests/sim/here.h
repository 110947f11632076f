#pragma once
/*
 * The Maildir as other programs see and change it: straight on the disk in memory, one change at a
 * time, as a mail program's system calls do. Folders by their mailbox's name.
 */
#include "store/maildir.h"
#include "sim/disk.h"

#define HERE_ROOT DISK_ROOT "/mail"
#define HERE_STATE DISK_ROOT "/state/sim"

struct user_file {
    const char *folder;
    const char *name;
    struct disk_node *directory; /* its new/ or cur/ */
    struct disk_node *node;
    bool in_new;
    uint8_t flags; /* markings.h */
};
VEC_STRUCT(here_files, struct user_file);
VEC_STRUCT(here_names, const char *);

/* The layout from now on: nested after a reset. `other_names`: those of the policy. */
void here_lay_out(enum maildir_layout layout, bool other_names);
/* No file was named yet. */
void here_reset(void);

/* Folders that have a cur/, in order; in `arena`. */
void here_folders_list(struct arena *arena, struct here_names *out);
/* Those that have a new/ alone: a rename that was broken off brought it there, and cur/ comes last.
 */
void here_halves_list(struct arena *arena, struct here_names *out);
/* In order of name. */
void here_files_list(struct arena *arena, const char *folder, struct here_files *out);

/* Into tmp/ and on to new/ or cur/; false where there is no such folder. `name` NULL: a fresh one.
 */
bool here_deliver(const char *folder, struct str text, uint8_t flags, const char *name);
/* False where a keyword of them cannot get a letter now. */
bool here_set_flags(const struct user_file *file, uint8_t flags);
void here_remove(const struct user_file *file);
/* Keeps the base name, unless `fresh`. */
void here_move(const struct user_file *file, const char *to, bool fresh);
/* A hard link, or another file. */
bool here_copy(const struct user_file *file, const char *to, bool link);
bool here_create(const char *folder);
bool here_rename(const char *from, const char *to);
/* Of one at the top with nothing below. */
bool here_may_remove(const char *folder);
/* With all its messages. */
bool here_remove_folder(const char *folder);
