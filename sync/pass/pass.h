#pragma once
/*
 * The context of one pass over one account, shared by the files that carry it out. What
 * decides (sync/reconcile) cannot see it, but model.h alone.
 */
#include "base/strmap.h"
#include "client/client.h"
#include "reconcile/model.h"
#include "pass/options.h"
#include "pass/report.h"

struct pass {
    const struct config *config;
    const struct config_account *account;
    const struct pass_options *options;
    struct report *report;
    struct log_scope log;
    struct arena *arena; /* lives as long as the pass */
    struct maildir *maildir;
    const char *state_dir;
    const char *scratch_dir; /* of a dry run without an index; else NULL */
    int lock_fd;
    const char *keep_dir; /* state_dir/deleted, or NULL when nothing is kept */
    struct index *index;
    struct connection_pool *pool;
    struct client *client;         /* the pass's own connection, out of the pool */
    bool reused_connection;        /* it was open before the pass */
    bool learned;                  /* why the pass failed is known, and another one avoids it */
    bool without_mailboxid;        /* STATUS and LIST are not asked for it (broken.h) */
    char delimiter;                /* of the personal namespace */
    struct str prefix;             /* of the personal namespace, as sent; may be empty */
    struct strmap *keyword_ids;    /* lower-case name → struct keyword_id * */
    struct strmap *keyword_sets;   /* lists of ids, as bytes → the one copy of each */
    VEC(struct str) keyword_names; /* by id, from 1 on */
    struct pair_vec pairs;         /* sorted by name; never reallocated after the survey */
    struct storer *storer;         /* flags on their way: apply_flags_settle; NULL: none */
    struct told *told;             /* of survey/told.h; NULL: nothing */
    bool moving_there; /* mailboxes on the server kept losing messages while they were looked at,
                          or went before all was known of what is new in them */
    bool moving_here;  /* files went on before they were read, or to a folder made since */
    struct maildir_folders folders;      /* those of the Maildir, as the survey found them */
    bool local_changed;                  /* the marker's generation was raised in this pass */
    enum mailbox_doubt doubt;            /* that marker and index cast on every mailbox */
    enum mailbox_doubt doubt_of_targets; /* the same, of those that `adopt` names */
    bool marker_found;                   /* and it is this index's */
    uint64_t marker_generation;
    bool index_damaged;  /* found in the course of the pass */
    bool first_run;      /* the first run is not complete yet: what is here may have been
                            synced before (law 6) */
    uint64_t generation; /* of the index: of the last pass that came to its end */
    /* Of the last pass that changed something, and of the marker before it was raised for that
     * (state.c). */
    uint64_t begun, before_begun;
    char identity[33];
    struct progress progress;
};

struct pass *pass_new(const struct config *config, const struct config_account *account,
                      const struct pass_options *options, struct report *report);
void pass_free(struct pass **pass);

/* Whether nothing that the index has of the pair's messages holds, or it has nothing: they are
 * paired by content. */
bool pass_is_unpaired(const struct mailbox_pair *pair);

/* Before the first change in this pass to the Maildir, or to what is known of it: raises the
 * marker's generation (law 6). */
int pass_local_change(struct pass *pass, struct error *err);

/* Whether the index has a record of the pair's mailbox under this UID. */
int pass_knows_uid(struct pass *pass, const struct mailbox_pair *pair, uint32_t uid,
                   bool *known_out, struct error *err);

/* A fact in the index (index_fact_get), in the pass's arena; and putting one there. */
int pass_fact_get(struct pass *pass, const char *key, struct str *out, struct error *err);
int pass_fact_put(struct pass *pass, const char *key, struct str value, struct error *err);

/* Wall clock, milliseconds. */
int64_t pass_now_ms(const struct pass *pass);
/* ERR_CANCELLED once the wake was signalled: asked between the steps of long local work. */
int pass_check_cancelled(const struct pass *pass, struct error *err);
struct log_scope pass_log_scope(const struct pass *pass, const struct mailbox_pair *pair);

void pass_progress(struct pass *pass, enum progress_stage stage, const struct mailbox_pair *pair,
                   uint64_t done, uint64_t total);

/* Notes an error of message or mailbox scope on the pair (the first stays), logs it, blocks its
 * marks and returns 0; returns anything wider as it is. */
int pass_absorb(struct pass *pass, struct mailbox_pair *pair, struct error *err);
