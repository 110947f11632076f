#pragma once
/*
 * The server, and what other clients do there; in the place of dial() stands a stream to it, whose
 * every read and write is a step of the machine.
 */
#include "base/arena.h"
#include "base/vec.h"
#include "server/mem_backend.h"
#include "server/session.h"

#define THERE_USER "u"
#define THERE_FAULTS_MAX 8
/* Some INTERNALDATE. */
#define THERE_DATE_S INT64_C(1600000000)

/* How a server turns a connection away that is one too many. */
enum there_refusal { REFUSE_TO_CONNECT, REFUSE_WITH_BYE, REFUSE_WITH_NO, THERE_REFUSALS };

struct refusal;

struct server {
    struct mem_backend *backend;
    struct backend vtable;
    struct backend watched; /* the same, for the engine: acts.h */
    struct backend_user *user;
    struct clock clock;
    struct session_options options; /* of the sessions to come */
    struct fault_script faults;
    struct fault fault_items[THERE_FAULTS_MAX];
    uint64_t fault_hits[THERE_FAULTS_MAX];
    struct mem_backup *backup; /* NULL: none */
    VEC(struct session *) sessions;
    uint64_t traffic;         /* a hash of what went over the wire */
    unsigned connections;     /* open */
    unsigned connections_max; /* 0: as many as there are */
    enum there_refusal refusal;
    VEC(struct refusal *) refusals; /* of sessions */
    uint64_t refused;
};
extern struct server server;

/* Empty but for INBOX, and able to do everything. */
void there_reset(void);
/* Ends the sessions of a pass; their faults are over. */
void there_hang_up(void);
/* One of several servers that lack things. */
void there_lack(unsigned which);
unsigned there_lacks(void);
const char *there_lack_name(unsigned which);
void there_fault(struct fault fault);
/* No more connections than these from here on. */
void there_limit(unsigned connections, enum there_refusal refusal);
/* How many commands and bytes the last pass had. */
struct session_counters there_counters(void);

VEC_STRUCT(there_names, const char *);
/* Those that can be selected, in order; in `arena`. */
void there_mailboxes(struct arena *arena, struct there_names *out);
/* False where there is no such mailbox. */
bool there_info(const char *mailbox, struct backend_mailbox_info *out);
bool there_each(const char *mailbox,
                bool (*visit)(void *self, const struct backend_message *message, struct str body),
                void *self);

uint8_t there_flags(const struct imap_flags *flags);
/* `date_s`: its INTERNALDATE. */
bool there_append(const char *mailbox, struct str text, uint8_t flags, int64_t date_s);
/* Flags as in markings.h. */
void there_set_flags(const char *mailbox, uint32_t uid, uint8_t flags);
void there_expunge(const char *mailbox, uint32_t uid);
/* Leaves the message out of `from` where it is to be moved. */
void there_copy(const char *from, uint32_t uid, const char *to, bool moving);
bool there_create(const char *mailbox);
bool there_rename(const char *from, const char *to);
bool there_remove(const char *mailbox);
bool there_subscribe(const char *mailbox, bool on);
void there_renumber(const char *mailbox);
/* All that is there now, in the place of the backup before; and back to it. */
void there_back_up(void);
bool there_restore(void);
void there_forget_expunged(const char *mailbox);
