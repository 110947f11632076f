#pragma once
/* A client of the control socket, as its methods see it. */
#include "daemon/supervisor.h"
#include "daemon/varlink.h"

struct peer;

struct supervisor *peer_supervisor(struct peer *peer);
/* The end of a call that was answered with several replies, or later than at once. */
void peer_reply(struct peer *peer, json_t *parameters);
/* One of several replies. Nothing where the client is too slow to take it, which drops it. */
void peer_continue(struct peer *peer, json_t *parameters);
void peer_error(struct peer *peer, const char *name, json_t *parameters);
/* The error `err` of ours. */
void peer_fail(struct peer *peer, const struct error *err);
/* How much was told and not taken yet, in bytes. */
size_t peer_backlog(const struct peer *peer);
/* What peer_reply will send for a Sync without `more`: gathers here. Owned by the peer. */
json_t **peer_gathered(struct peer *peer);
/* Events that wait until it has taken what was told before; NULL: none. Owned by the peer. */
struct gathered_events;
struct gathered_events **peer_events(struct peer *peer);

/* Carries out a call, or begins it: it has ended once peer_reply, peer_error or peer_fail was
 * called for it. */
void control_dispatch(struct peer *peer, const struct varlink_call *call);
/* control_watch.c: a listener; and one that took something of what it was told. */
void control_watch(struct peer *peer, const struct varlink_call *call);
void control_drained(struct peer *peer);
void gathered_events_free(struct gathered_events **gathered);
/* The client went away in the middle of a call. */
void control_abandon(struct peer *peer);
