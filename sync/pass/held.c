#include "pass/held.h"

#define MINUTE_MS (60 * 1000LL)
#define RETRY_MAX_MS (24 * 60 * MINUTE_MS)

static bool same_entry(const struct index_held *a, const struct index_held *b)
{
    return a->mailbox == b->mailbox && a->kind == b->kind &&
           (a->kind == HELD_UPLOAD ? str_eq(a->base, b->base) : a->uid == b->uid);
}

static int find_held(struct index_txn *txn, struct arena *arena, const struct index_held *what,
                     struct index_held *out, struct error *err)
{
    uint64_t cursor = 0;
    int r;
    while ((r = index_held_next(txn, arena, &cursor, out, err)) > 0) {
        if (same_entry(out, what))
            return 1;
    }
    return r;
}

/* 1, 2, 4, … minutes, a day at most. */
static int64_t retry_delay_ms(uint32_t tries)
{
    int64_t delay = tries < 12 ? MINUTE_MS << tries : RETRY_MAX_MS;
    return delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
}

int held_add(struct pass *pass, struct mailbox_pair *pair, const struct index_held *what,
             bool at_once, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_held fresh = *what;
    struct index_held held;
    fresh.mailbox = pair->record.id;
    fresh.since_ms = pass_now_ms(pass);
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = find_held(txn, arena, &fresh, &held, err);
    if (r < 0)
        return r;
    if (r == 0)
        held = fresh;
    held.reason = what->reason;
    held.retry_ms =
        pass_now_ms(pass) + (at_once && held.tries == 0 ? 0 : retry_delay_ms(held.tries));
    held.tries++;
    /* What a person approved was tried: from here on it is tried when it is due, not in each pass.
     */
    held.answer = HELD_UNANSWERED;
    struct log_scope scope = pass_log_scope(pass, pair);
    const char *uid = what->uid != 0 ? arena_printf(arena, "UID %u", what->uid) : "";
    log_warning(&scope, "held: %.*s%s: %.*s", STR_ARG(what->base), uid, STR_ARG(what->reason));
    if ((r = index_held_put(txn, &held, err)) < 0)
        return r;
    return index_commit(&txn, err);
}

bool held_is_suspect(const struct error *err)
{
    return err->scope == SCOPE_CONNECTION &&
           (err->code == ERR_NETWORK || err->code == ERR_BYE || err->code == ERR_TIMEOUT ||
            err->code == ERR_PROTOCOL);
}

int held_drop(struct index_txn *txn, const struct index_held *what, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_held held;
    int r = find_held(txn, arena, what, &held, err);
    return r > 0 ? index_held_delete(txn, held.id, err) : r;
}

int held_drop_upload(struct index_txn *txn, uint32_t mailbox, struct str base, struct error *err)
{
    const struct index_held what = {.kind = HELD_UPLOAD, .mailbox = mailbox, .base = base};
    return held_drop(txn, &what, err);
}

int held_add_download(struct pass *pass, struct mailbox_pair *pair, uint32_t uid, bool at_once,
                      const char *reason, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_message m = {.mailbox = pair->record.id, .uid = uid, .state = MESSAGE_HELD};
    const struct index_held what = {.kind = HELD_DOWNLOAD, .uid = uid, .reason = str_from(reason)};
    /* The entry first: by it the record is looked at again. */
    int r = held_add(pass, pair, &what, at_once, err);
    if (r < 0)
        return r;
    r = index_begin_write(pass->index, &txn, err);
    if (r < 0 || (r = index_message_put(txn, &m, err)) < 0 || (r = index_commit(&txn, err)) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    return 0;
}
