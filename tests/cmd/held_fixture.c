/*
 * usage: held_fixture DIR
 *
 * Makes an index in DIR with two mailboxes, in which a guard and an upload hold something.
 */
#include "base/alloc.h"
#include "store/index.h"
#include <stdio.h>
#include <stdlib.h>

#define DELETIONS 12
#define SINCE_MS INT64_C(1769860800000) /* 2026-01-31 12:00 UTC */

static int put_mailbox(struct index_txn *txn, const char *name, uint32_t *id_out, struct error *err)
{
    struct index_mailbox mailbox = {
        .name = str_from(name), .utf8 = str_from(name), .path = str_from(name), .uidvalidity = 1};
    int result = index_mailbox_put(txn, &mailbox, err);
    *id_out = mailbox.id;
    return result;
}

static int put_all(struct index_txn *txn, struct error *err)
{
    uint32_t inbox, lists;
    if (put_mailbox(txn, "INBOX", &inbox, err) < 0 ||
        put_mailbox(txn, "Lists/C", &lists, err) < 0) {
        return -(int)err->code;
    }
    struct index_held upload = {.kind = HELD_UPLOAD,
                                .mailbox = lists,
                                .base = STR_INIT("1.M1P1Q1.host,S=4,W=5"),
                                .reason = STR_INIT("the server said: too big"),
                                .since_ms = SINCE_MS,
                                .retry_ms = SINCE_MS + 60000,
                                .tries = 3};
    if (index_held_put(txn, &upload, err) < 0) {
        return -(int)err->code;
    }
    for (uint32_t uid = 1; uid <= DELETIONS; uid++) {
        struct index_held held = {.kind = HELD_DELETE_REMOTE,
                                  .mailbox = inbox,
                                  .uid = uid,
                                  .base = STR_EMPTY,
                                  .reason = STR_INIT("all of the mailbox would be deleted"),
                                  .since_ms = SINCE_MS,
                                  .answer = uid == 2 ? HELD_APPROVED : HELD_UNANSWERED};
        if (index_held_put(txn, &held, err) < 0) {
            return -(int)err->code;
        }
    }
    return 0;
}

static int put_events(struct index_txn *txn, struct error *err)
{
    static const struct index_event events[] = {
        {.mailbox = STR_INIT("INBOX"),
         .what = STR_INIT("downloaded"),
         .why = STR_INIT("first download: 3 messages")},
        {.mailbox = STR_INIT("INBOX"),
         .uid = 4,
         .what = STR_INIT("uploaded"),
         .why = STR_INIT("new here"),
         .base = STR_INIT("1.M1P1Q1.host")},
        {.mailbox = STR_INIT("Lists/C"),
         .uid = 7,
         .what = STR_INIT("moved here"),
         .why = STR_INIT("moved on the server"),
         .base = STR_INIT("1.M1P1Q2.host"),
         .from = STR_INIT("INBOX")},
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct index_event event = events[i];
        event.time_ms = SINCE_MS + (int64_t)i * 1000;
        if (index_event_add(txn, &event, err) < 0) {
            return -(int)err->code;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    struct index *index;
    struct index_txn *txn;
    enum index_opened opened;
    if (argc != 2) {
        return 64;
    }
    if (index_open(argv[1], &index, &opened, &err) < 0 ||
        index_begin_write(index, &txn, &err) < 0 || put_all(txn, &err) < 0 ||
        put_events(txn, &err) < 0 || index_commit(&txn, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    index_close(&index);
    return 0;
}
