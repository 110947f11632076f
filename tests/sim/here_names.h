#pragma once
/* How folders and files are called: the layouts, and the keywords' letters. */
#include "sim/here.h"

#define HERE_NAME_MAX 400

/* Below HERE_ROOT; NULL: none there. */
struct disk_node *here_folder(const char *mailbox);
/* The directory's name, or its path in a nested layout; "" is the root. */
void here_path_of(const char *mailbox, char out[HERE_NAME_MAX]);
/* The reverse, of what the index calls a folder, too; in `arena`. */
const char *here_mailbox_of(struct arena *arena, const char *path);

/* Somebody writes the table of keywords, or did so when the machine crashed. */
bool here_is_locked(const char *mailbox);
/* What the letters of a file in this folder say. */
uint8_t here_markings(const struct disk_node *folder, const char *file_name);
/* The base name with other markings; letters that say nothing stay. False where a keyword cannot
 * get a letter, as another program writes the table. */
bool here_name_with(struct disk_node *folder, const char *file_name, uint8_t markings,
                    char out[HERE_NAME_MAX]);
