#include "daemon/memory.h"

#include "base/arena.h"
#include "daemon/scheduler.h"

static const char IDLE_FACT[] = "idle-ms";

int64_t memory_patience(struct index *index)
{
    AUTO_ARENA struct arena *arena = arena_new();
    AUTO_TXN struct index_txn *txn = NULL;
    struct error ignored = ERROR_INIT;
    struct str text = STR_EMPTY;
    uint64_t value = 0;
    if (index_begin_read(index, &txn, &ignored) < 0 ||
        index_fact_get(txn, arena, IDLE_FACT, &text, &ignored) < 0 || !str_to_u64(text, &value) ||
        value > IDLE_MOST_MS)
        return 0;
    return (int64_t)value;
}

void memory_set_patience(struct index *index, int64_t idle_ms)
{
    AUTO_ARENA struct arena *arena = arena_new();
    AUTO_TXN struct index_txn *txn = NULL;
    struct error ignored = ERROR_INIT;
    const char *text = arena_printf(arena, "%lld", (long long)idle_ms);
    if (index_begin_write(index, &txn, &ignored) == 0 &&
        index_fact_put(txn, IDLE_FACT, str_from(text), &ignored) == 0)
        (void)index_commit(&txn, &ignored);
}

/* ---- what is held ---- */

static int list_mailboxes(struct index_txn *txn, struct arena *arena, struct held_count_vec *out,
                          struct error *err)
{
    AUTO_ARENA struct arena *own = arena_new();
    struct index_mailbox mailbox;
    uint32_t cursor = 0;
    int r;
    while ((r = index_mailbox_next(txn, own, &cursor, &mailbox, err)) > 0) {
        const struct held_count count = {.mailbox = mailbox.id,
                                         .name = arena_str(arena, mailbox.utf8).ptr};
        vec_push(out, count);
        arena_reset(own);
    }
    return r;
}

static void count_one(const struct held_count_vec *counts, uint32_t mailbox)
{
    for (size_t i = 0; i < counts->len; i++) {
        if (counts->items[i].mailbox == mailbox) {
            counts->items[i].count++;
            return;
        }
    }
}

int memory_held(struct index *index, struct arena *arena, struct held_count_vec *out,
                struct error *err)
{
    AUTO_ARENA struct arena *own = arena_new();
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_held held;
    uint64_t cursor = 0;
    int r = index_begin_read(index, &txn, err);
    if (r == 0)
        r = list_mailboxes(txn, arena, out, err);
    while (r >= 0 && (r = index_held_next(txn, own, &cursor, &held, err)) > 0) {
        if (held.answer != HELD_KEPT)
            count_one(out, held.mailbox);
        arena_reset(own);
    }
    return r;
}
