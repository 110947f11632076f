#include "pass/guard_store.h"

static const char GUARD_FACT[] = "guard";
#define GUARD_TEXT_MAX (1024u * 1024)

int guard_load(struct index_txn *txn, int64_t now_ms, struct guard_events *out, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct str text;
    int r = index_fact_get(txn, arena, GUARD_FACT, &text, err);
    if (r < 0 || text.len == 0)
        return r;
    if (!guard_events_read(text, out))
        return error_set(err, ERR_DEFECT, SCOPE_ACCOUNT,
                         "the record of recent deletions in the index cannot be read");
    guard_forget_old(out, now_ms);
    return 0;
}

static int store(struct index_txn *txn, const struct guard_events *events, struct error *err)
{
    AUTO_BUF struct buf text = BUF_INIT(GUARD_TEXT_MAX);
    guard_events_write(events, &text);
    int r = buf_check(&text, "the record of recent deletions", SCOPE_ACCOUNT, err);
    return r < 0 ? r : index_fact_put(txn, GUARD_FACT, buf_str(&text), err);
}

int guard_renumber(struct index_txn *txn, uint32_t from, uint32_t to, int64_t now_ms,
                   struct error *err)
{
    struct guard_events events = {0};
    int r = guard_load(txn, now_ms, &events, err);
    VEC_FOREACH (struct guard_event, event, &events) {
        if (event->mailbox == from)
            event->mailbox = to;
    }
    if (r == 0 && events.len > 0)
        r = store(txn, &events, err);
    vec_free(&events);
    return r;
}

int guard_note(struct index_txn *txn, uint32_t mailbox, uint32_t count, int64_t now_ms,
               struct error *err)
{
    struct guard_events events = {0};
    if (count == 0)
        return 0;
    int r = guard_load(txn, now_ms, &events, err);
    if (r == 0) {
        struct guard_event event = {.time_ms = now_ms, .mailbox = mailbox, .count = count};
        vec_push(&events, event);
        r = store(txn, &events, err);
    }
    vec_free(&events);
    return r;
}
