#pragma once
/* An index in the fixture's state directory. */
#include "store/fixture.h"

struct index_fixture {
    struct fixture *base;
    struct index *index;
    struct index_txn *txn;
    struct arena *arena; /* the base's */
    struct error *err;   /* the base's */
    uint32_t mailbox;    /* "INBOX", made at the beginning */
};

int index_enter(void **state);
int index_leave(void **state);

void begin_read(struct index_fixture *f);
void begin_write(struct index_fixture *f);
/* Ends whatever was begun. */
void commit(struct index_fixture *f);
/* Closes and opens again. */
void reopen(struct index_fixture *f);
/* Within a write transaction. */
uint32_t add_mailbox(struct index_fixture *f, const char *name);
/* A message in "INBOX" with digests made of its UID; base "UID.base" when `with_file`. */
struct index_message sample_message(struct index_fixture *f, uint32_t uid, bool with_file);
void put_message(struct index_fixture *f, const struct index_message *message);
