#pragma once
/*
 * NOTIFY's standing order, and what the mailboxes looked like when the client last heard of them
 * (RFC 5465). The backend only tells that something changed; what it was is found by comparing.
 */
#include "imap/notify.h"
#include "server/session_private.h"

struct notify;

/* A standing order; `request` and all it holds are in `arena`, which it takes over. */
struct notify *notify_new(struct arena *arena, const struct notify_request *request);
void notify_free(struct notify **notify);
/* The group of the selected mailbox; NULL: none, and nothing is told of its messages. */
const struct notify_group *notify_selected(const struct notify *n);

/* Looks at all mailboxes. With `tell` the client hears of what changed since the last look;
 * without, it knows already (it did it itself). Negative when there is more than it can be told. */
int notify_look(struct session *s, struct arena *arena, bool tell, struct error *err);
/* STATUS of all that is watched, for NOTIFY SET STATUS. */
void notify_tell_status(struct session *s, struct arena *arena);
