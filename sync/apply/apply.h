#pragma once
/* Carrying out a plan: intent → I/O → outcome, in batches, no index transaction open across the
 * network. */
#include "pass/pass.h"

/* Everything in order: mailboxes, what was paired by content, flags to the server, moves there,
 * links and moves here, uploads, downloads, flags to files, deletions, mailboxes that are to go.
 * What fails for a message or mailbox is noted on its pair and the rest goes on; anything wider
 * ends it. */
int apply_plan(struct pass *pass, struct plan *plan, struct error *err);

/* The steps; each takes the whole plan. */
int apply_renames(struct pass *pass, struct plan *plan, struct error *err);  /* apply_rename.c */
int apply_folders(struct pass *pass, struct plan *plan, struct error *err);  /* apply_folders.c */
int apply_pairings(struct pass *pass, struct plan *plan, struct error *err); /* apply_pairing.c */
int apply_flags_remote(struct pass *pass, struct plan *plan, struct error *err); /* apply_flags.c */
/* Waits for the answers to what apply_flags_remote sent, and records them. Before commands that
 * count on these flags, or on the mailbox that is selected. */
int apply_flags_settle(struct pass *pass, struct error *err);
int apply_flags_local(struct pass *pass, struct plan *plan,
                      struct error *err); /* apply_flags_local.c */
int apply_moves_remote(struct pass *pass, struct plan *plan, struct error *err); /* apply_moves.c */
int apply_moves_local(struct pass *pass, struct plan *plan,
                      struct error *err);                                 /* apply_move_local.c */
int apply_links(struct pass *pass, struct plan *plan, struct error *err); /* apply_link.c */
int apply_late_links(struct pass *pass, struct plan *plan, struct error *err);
int apply_uploads(struct pass *pass, struct plan *plan, struct error *err);   /* apply_upload.c */
int apply_downloads(struct pass *pass, struct plan *plan, struct error *err); /* apply_download.c */
/* What an earlier pass could not fetch: the last step, for it may break the connection again, and
 * that is then no failure of the pass. */
int apply_retries(struct pass *pass, struct plan *plan, struct error *err);
int apply_delete_local(struct pass *pass, struct plan *plan,
                       struct error *err); /* apply_delete.c */
int apply_delete_remote(struct pass *pass, struct plan *plan, struct error *err);
/* Mailboxes that are empty by now and are to go. */
int apply_removals(struct pass *pass, struct plan *plan, struct error *err); /* apply_removal.c */

/* ---- shared by the steps (apply.c) ---- */

/* Calls `step` for each mailbox that has operations of this kind and has not failed; what fails in
 * one mailbox is noted there. */
int apply_each(struct pass *pass, struct plan *plan, enum operation_kind kind,
               int (*step)(struct pass *pass, struct mailbox_plan *plan, struct error *err),
               struct error *err);

/* Makes `pair` the selected mailbox, for writing, under the UIDVALIDITY that the plan was made for.
 * ERR_CHANGED if that moved. Nothing is sent where it is selected already. */
int apply_select(struct pass *pass, struct mailbox_pair *pair, struct error *err);

/* Marks them as \Deleted, and where the server can expunge by UID, or policy wants it all the
 * same, expunges (apply_delete.c). The mailbox is selected. */
int apply_expunge(struct pass *pass, struct mailbox_pair *pair, const struct seqset *uids,
                  struct error *err);

/* A run of moves of one kind between the same two mailboxes. */
struct move_group {
    const struct move *items;
    size_t len;
};
/* Start with *group all zero; false at the end. */
bool apply_next_group(const struct plan *plan, enum move_kind kind, struct move_group *group);
/* Whether both mailboxes of a move can be worked on; what cannot be done is seen again by the next
 * pass. */
bool apply_can_move(const struct move *move);
/* Adds to a list that is still to be worked on, keeping it ascending by UID. */
void apply_add_operation(struct mailbox_plan *plan, const struct operation *op);
/* Something of these two was left undone: their marks stay. */
void apply_block(struct mailbox_pair *from, struct mailbox_pair *to);
/* The same of a move. */
void apply_block_move(const struct move *move);
