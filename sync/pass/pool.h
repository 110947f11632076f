#pragma once
/*
 * The connections of one account: taken for work, given back after it, kept open between passes by
 * whoever keeps the pool, so that the next pass need not log in again. Thread-safe.
 */
#include "pass/connect.h"

struct connection_pool;

struct pool_counts {
    struct client_counters wire; /* of every connection there ever was, up to now */
    uint64_t opened;
    bool compressed; /* one of them was */
};

/* Everything is borrowed for the life of the pool; `wake` and `trace` may be NULL. The pool has a
 * dialer of its own, which further connections of the account can share. */
struct connection_pool *connection_pool_new(const struct config_account *account,
                                            const struct clock *clock, const struct wake *wake,
                                            const struct tap_sink *trace);
struct dialer *connection_pool_dialer(struct connection_pool *pool);
/* Logs out of what is idle and frees; all that was taken has been given back. NULL is ignored. */
void connection_pool_free(struct connection_pool **pool);

/*
 * An idle connection on which nothing says that it ended, else a new one (errors as those of
 * connection_open). A connection that a peer or a middle box dropped without a word looks alive:
 * the first command on a *reused one may fail, and says nothing about the server then.
 */
int connection_pool_take(struct connection_pool *pool, struct connection **out, bool *reused,
                         struct error *err);
/* Ends the loan and nulls; the connection is kept if it still works. NULL is ignored. */
void connection_pool_give(struct connection_pool *pool, struct connection **connection);
/* Closes what is idle: after a sleep or a change of network nothing of it works. */
void connection_pool_drop_idle(struct connection_pool *pool);

/* The same without a word to the server, which may not hear it. */
void connection_pool_forget_idle(struct connection_pool *pool);

struct pool_counts connection_pool_counts(struct connection_pool *pool);
