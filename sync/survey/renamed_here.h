#pragma once
/*
 * Which folder here is the one that the index knows under another name. The directories tell, since
 * a renamed folder keeps them, and the names of the files, which nobody makes twice; both are
 * asked, since numbers of directories are given out again.
 */
#include "pass/pass.h"

/* *is_out, in the pass's arena: of each folder the id of its record, 0: the one of its name.
 * `folders` gets those, too, that the index knows and that the layout does not list. */
int renamed_here(struct pass *pass, struct maildir_folders *folders,
                 const struct index_mailbox *known, size_t known_len, uint32_t **is_out,
                 struct error *err);
