#pragma once
/* Messages known by their files, in folders that a pass leaves alone or that changed since its
 * survey: what is gone elsewhere may have been moved there. */
#include "survey/file_finder.h"

/* As what a message is looked for. */
enum seen_as {
    SEEN,            /* anywhere */
    SEEN_OTHER_HALF, /* where what came to the folder may come to its mailbox too */
    SEEN_KEPT_HERE,  /* where by policy what comes to the folder is not sent */
};

struct seen_file {
    struct digest header, body;
    bool has_other_half, is_kept_here;
};
VEC_STRUCT(seen_files, struct seen_file);

/* Whether by policy what comes to the pair's folder is not sent. */
bool seen_files_are_kept_here(const struct mailbox_pair *pair);
/* Reads a file of the finder's folder, in both forms in which it may have been stored (law 5), and
 * adds it. 1: it cannot be read, and is not added. */
int seen_files_look_at(struct file_finder *finder, const struct maildir_file *file,
                       struct seen_files *out, struct error *err);
bool seen_files_have(const struct seen_files *files, const struct index_message *message,
                     enum seen_as as);
