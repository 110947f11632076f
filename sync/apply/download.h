#pragma once
/*
 * Downloads over one or several connections.
 *
 * The messages to fetch are one supply for all connections: each takes the next chunk of it as soon
 * as it has room, so that mailboxes spread over the connections by themselves and a large one is
 * split. What came goes to one deliverer.
 */
#include "apply/apply.h"
#include "apply/deliver.h"
#include <pthread.h>

/* Some messages of a mailbox, in one UID FETCH. */
struct download_order {
    struct mailbox_plan *plan;
    size_t count;
    struct seqset uids;
};

struct download {
    struct pass *pass;
    struct plan *plan;
    /* Guards what follows, and of the pass while several connections are at work: report, progress,
     * keywords, the errors of the pairs. */
    pthread_mutex_t lock;
    struct deliverer *deliverer;
    size_t next_mailbox, next_op;        /* where the next order begins; … */
    uint32_t last_uid;                   /* … of what the mailbox's plan has in `fetch` */
    VEC(struct download_order) returned; /* by a connection that broke */
    struct seqset *missing;              /* per mailbox: asked for, and not told */
    uint64_t done, total;
    uint64_t lane_messages; /* how many a connection may have asked for at a time … */
    size_t chunk_messages;  /* … and in one command */
    bool stopped;           /* something failed that concerns more than a mailbox */
};

/* How many messages the plan has to fetch for a mailbox, but for retries: those are fetched last of
 * all, as they may break the connection again. */
uint64_t download_count(const struct mailbox_plan *plan);

/* Fetches over `client` until the supply is empty. Cleans up after itself also on an error, which
 * concerns the connection or more. `is_further`: a connection beside the pass's own, whose end is
 * no reason to stop: what it had not fetched returns to the supply. */
int download_over(struct download *d, struct client *client, bool is_further, struct error *err);
/* Fetches one message of the selected mailbox by itself, over the pass's own connection; what does
 * not come is held. */
int download_alone(struct download *d, struct mailbox_plan *plan, uint32_t uid, struct error *err);
