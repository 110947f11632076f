#pragma once
/*
 * What happens in one run, made from its seed before it begins: a list of things, each on its own,
 * so that any of them can be left out and the others stay as they are.
 */
#include "base/buf.h"
#include "base/vec.h"
#include "store/maildir.h"

enum thing_kind {
    THING_ACTION, /* `value` is the action */
    THING_WAIT,   /* `value` seconds go by before the pass */
    THING_CLOCK,  /* the wall clock is set by `value` seconds */
    THING_LACK,   /* from here on the server lacks what `value` says */
    THING_FORGET, /* the pass believes no mark */
    THING_FAULT,  /* the server's `value` */
    THING_CRASH,  /* before the step `at` */
    THING_POWER,  /* of a crash: the power goes */
    THING_VIEW,   /* from here on the configuration shows what `value` says */
    THING_KINDS,
};

struct thing {
    enum thing_kind kind;
    unsigned round;
    unsigned long at; /* the point, command, byte or step in the pass; 0: before it */
    int64_t value;
    uint64_t random;
};

struct script {
    uint64_t seed;
    unsigned policy;
    unsigned carries; /* of carries.h; 0: everything */
    unsigned rounds;
    unsigned connections;       /* at most */
    unsigned connections_there; /* that the server takes; 0: any number */
    unsigned refusal;           /* of there.h: of what is more */
    unsigned portion;           /* of downloads; 0: as the engine has it */
    VEC(struct thing) things;   /* by round */
};

/* The policy of all scripts to come; negative: by chance. */
extern int script_policy_wanted;
/* All scripts to come have several connections; else one in eight has. */
extern bool script_connections_wanted;
/* In all scripts to come the configuration changes; else in one in eight. */
extern bool script_views_wanted;
void script_make(struct script *script, uint64_t seed);
void script_free(struct script *script);
void script_tell_thing(const struct thing *thing, struct buf *out);
const char *thing_kind_name(enum thing_kind kind);

/* What the account says besides. */
#define SCRIPT_POLICIES 14
struct script_policy {
    const char *name;
    const char *yaml; /* NULL: nothing */
    enum maildir_layout layout;
    bool other_names; /* some folders have others than their mailboxes */
    bool unguarded;
    bool removes;    /* mailboxes, too */
    bool trash;      /* what is removed here goes to Trash */
    bool expunges;   /* what is marked is removed */
    bool careful;    /* also where the server cannot expunge by UID */
    size_t max_size; /* of what is fetched; 0: all */
    int64_t since_s; /* what is older than these seconds is not fetched; 0: all */
};
extern const struct script_policy script_policies[SCRIPT_POLICIES];

/* The faults that `value` may name. */
#define SCRIPT_FAULTS 8
const char *script_fault_name(unsigned which);
