#pragma once
/* The flags and keywords of what moves: pure (moves.h). */
#include "base/arena.h"
#include "reconcile/model.h"

/* Those of a record's message on the server, as far as this pass was told. */
struct index_flags moves_flags_there(const struct mailbox_plan *plan,
                                     const struct index_message *record);

/* The file's letters travel to the message before the server moves it. What changed there is left
 * to the next pass, which is told of it again. */
void moves_send_flags_ahead(struct arena *arena, struct mailbox_plan *from,
                            const struct operation *gone, struct move *move);

/* The file gets what changed on the server; what changed here is sent by the next pass, to which it
 * looks new against what is recorded. */
void moves_take_flags_along(struct mailbox_plan *to, const struct index_flags *remote,
                            uint8_t local, struct move *move);
/* As for flags. */
void moves_take_keywords_along(struct arena *arena, const struct mailbox_plan *from,
                               const struct mailbox_plan *to, const struct index_flags *remote,
                               const struct maildir_file *file, struct move *move);

/* Nothing is renamed and nothing sent: what differs is looked at again by the next pass. So are
 * keywords, where the file has the letters of another folder. `file` NULL: as agreed. */
void moves_keep_flags(struct mailbox_plan *to, const struct index_flags *remote,
                      const struct maildir_file *file, struct move *move);
