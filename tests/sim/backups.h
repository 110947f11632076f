#pragma once
/* Actions: copies of either side, and older ones put in their place (actions.h). */
#include <stdbool.h>
#include <stdint.h>

/* There is none. */
void backups_reset(void);
bool backups_back_up_there(uint64_t *random);
bool backups_restore_there(uint64_t *random);
bool backups_back_up_here(uint64_t *random);
bool backups_restore_mail_here(uint64_t *random);
bool backups_restore_index_here(uint64_t *random);
bool backups_restore_all_here(uint64_t *random);
bool backups_lose_index_here(uint64_t *random);
