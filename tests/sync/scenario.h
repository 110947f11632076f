#pragma once
/*
 * A day of mail: both sides in step, then changes of every kind on both, to be carried over
 * whatever happens on the way. However it goes, nothing may be lost and nothing doubled (laws 1, 2
 * and 4).
 */
#include "sync/engine.h"

/* A server that lacks something. */
struct scenario_server {
    const char *name;
    enum capability lacks[16]; /* ends at the first CAP_IMAP4REV1 */
    bool no_uidplus_codes;     /* says UIDPLUS, but does not tell UIDs */
    bool silent_enable;        /* enables, but does not say so */
    bool keeps_deleted;        /* a deletion is a mark there, for want of UID EXPUNGE */
};

/* The changes: INBOX has "m1" to "m6", and there is "Other". */
void scenario_change_there(struct engine *e);
void scenario_change_here(struct engine *e);
/* Both sides in step, then changed on both. */
void scenario_begin(struct engine *e, const struct scenario_server *server);
void scenario_end(struct engine *e);
/* Two clean passes, more than a minute apart: then both sides must have everything, and a third
 * finds nothing to do. `what` and `at` name the trouble in a failure. */
void scenario_assert_converges(struct engine *e, const struct scenario_server *server,
                               const char *what, uint64_t at);

/* The scenario once for every command of it (all of its sessions), with this fault. `step`: only
 * every so many. */
void scenario_with_fault(const struct scenario_server *server, enum fault_kind kind,
                         const char *what, uint64_t step);
/* How many commands, bytes in and bytes out the scenario's pass takes when all goes well. */
struct session_counters scenario_size(const struct scenario_server *server);
