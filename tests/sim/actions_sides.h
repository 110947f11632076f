#pragma once
/* The actions of each side, for the table (actions.c), and what they share. */
#include "base/arena.h"
#include "sim/actions.h"
#include "sim/truth.h"

#define ACTIONS_NAMES_LEN 6
#define ACTIONS_NEW_NAMES_LEN 4
/* Of mailboxes that are made, and those that one is renamed to. */
extern const char *const actions_names[ACTIONS_NAMES_LEN];
extern const char *const actions_new_names[ACTIONS_NEW_NAMES_LEN];

/* Of one action. */
extern struct arena *actions_scratch;

/* Mostly none. */
uint8_t actions_some_flags(uint64_t *random);
/* Where what is marked is removed, at some time, if the mark is not taken off before. */
void actions_note_marked(struct message *m, uint8_t flags);

/* ---- there (actions_there.c) ---- */

/* A person makes the folders here that the policy leaves out. */
void actions_mirror_mailboxes(void);
bool actions_deliver_there(uint64_t *random);
bool actions_deliver_raw_there(uint64_t *random);
bool actions_deliver_again_there(uint64_t *random);
bool actions_flag_there(uint64_t *random);
bool actions_expunge_there(uint64_t *random);
bool actions_replace_there(uint64_t *random);
bool actions_move_there(uint64_t *random);
bool actions_copy_there(uint64_t *random);
bool actions_create_there(uint64_t *random);
bool actions_rename_there(uint64_t *random);
bool actions_remove_mailbox_there(uint64_t *random);
bool actions_clear_there(uint64_t *random);
bool actions_subscribe_there(uint64_t *random);
bool actions_forget_there(uint64_t *random);
bool actions_renumber_there(uint64_t *random);

/* ---- here (actions_here.c) ---- */

/* Nothing was taken out yet. */
void actions_here_reset(void);
bool actions_deliver_here(uint64_t *random);
bool actions_deliver_again_here(uint64_t *random);
bool actions_flag_here(uint64_t *random);
bool actions_see_here(uint64_t *random);
bool actions_remove_here(uint64_t *random);
bool actions_take_out_here(uint64_t *random);
bool actions_bring_back_here(uint64_t *random);
bool actions_clear_here(uint64_t *random);
bool actions_replace_here(uint64_t *random);
bool actions_move_here(uint64_t *random);
bool actions_copy_here(uint64_t *random);
bool actions_create_here(uint64_t *random);
bool actions_rename_here(uint64_t *random);
bool actions_remove_folder_here(uint64_t *random);
