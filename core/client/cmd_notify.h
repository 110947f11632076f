#pragma once
/* NOTIFY (RFC 5465). What it tells becomes events: EXISTS, FETCH, EXPUNGE of the selected mailbox,
 * STATUS of others, LIST, METADATA. */
#include "imap/notify.h"
#include "client/client.h"

/* SET or NONE. Refused where the request contradicts itself: MessageNew without MessageExpunge or
 * the other way round, FlagChange or AnnotationChange without both, no group, items to be fetched
 * outside the selected mailbox. BADEVENT is ERR_NO. */
int client_notify(struct client *c, const struct notify_request *request, struct error *err);
/* Whether NOTIFY SET is in force: STATUS answers may be its. */
bool client_notifies(const struct client *c);
