#pragma once
/* The remote half of the survey. */
#include "reconcile/names.h"
#include "pass/pass.h"

/* ---- names and STATUS (remote_list.c) ---- */

struct names_space remote_space(const struct pass *pass);
/* Learns prefix and delimiter of the personal namespace. */
void remote_learn_space(struct pass *pass);
/* All mailboxes of the personal namespace that can be selected, with their STATUS: in the same
 * answer (LIST-STATUS), or pipelined where the server has CONDSTORE. */
int remote_list(struct pass *pass, struct remote_list *out, struct error *err);
/* Fills `status` of each, pipelined; have stays 0 where the server refuses. */
int remote_status(struct pass *pass, struct remote_mailbox *const *list, size_t len,
                  struct error *err);
/* The same of the pairs that `is_wanted` picks, into the pairs. */
int remote_status_of_pairs(struct pass *pass, bool (*is_wanted)(const struct mailbox_pair *pair),
                           struct error *err);
/* STATUS of each pair that is synced, anew, into the pairs; has_status is false where the server
 * does not tell it any more. `others_out`: a mailbox is there that is no pair's, new or renamed. */
int remote_refresh_status(struct pass *pass, bool *others_out, struct error *err);

/* ---- deltas (remote_open.c) ---- */

/* Opens the mailboxes, several in flight, each by the cheapest means, and fills their deltas.
 * Errors of one mailbox are noted on its pair. */
int remote_open(struct pass *pass, struct mailbox_pair *const *pairs, size_t len,
                struct error *err);

/* ---- the selected mailbox (remote_selected.c) ---- */

/* The pair's mailbox is the selected one, under this UIDVALIDITY: one that was replaced has the
 * name as well. `client`: of the pass, or one of its pool. */
bool remote_is_selected(const struct client *client, const struct mailbox_pair *pair,
                        uint32_t uidvalidity);
/* Makes the pair's mailbox the selected one, for writing, under this UIDVALIDITY (ERR_CHANGED).
 * Nothing is sent where it is selected already. */
int remote_select(struct pass *pass, const struct mailbox_pair *pair, uint32_t uidvalidity,
                  struct error *err);
/* In any case asks, and tells what is there now. */
int remote_select_anew(struct pass *pass, const struct mailbox_pair *pair, uint32_t uidvalidity,
                       struct select_data *out, struct error *err);

/* Selects a mailbox for reading only, whatever it holds, and tells what is there. */
int remote_examine(struct pass *pass, struct str name, struct select_data *out, struct error *err);

/* No mailbox is selected on return: before one is renamed or removed. */
int remote_unselect(struct pass *pass, struct error *err);

/* Sets or takes off \Deleted (`mode`) in the selected mailbox, in as many commands as it needs;
 * `uids` is emptied. */
int remote_mark(struct pass *pass, struct seqset *uids, enum store_mode mode, struct error *err);

/* Which of `uids` the selected mailbox still holds; also on failure `out` has those told until
 * then. */
int remote_which_exist(struct pass *pass, const struct seqset *uids, struct seqset *out,
                       struct error *err);

/* ---- the whole (remote.c) ---- */

/* Fills `pair->remote` of all pairs: what changed since the marks, with the evidence that law 1
 * asks for. */
int remote_survey(struct pass *pass, struct error *err);
