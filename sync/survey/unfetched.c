#include "survey/unfetched.h"

#include "survey/listing.h"

#include <assert.h>

/* Below, a listing costs no more than this does. */
#define WORTH_MESSAGES 1000
/* Of the fact. What is scattered so much that it needs more is listed again. */
#define FACT_BYTES_MAX (200u * 1024)
#define NUMBER_BYTES_MAX 5

/* ---- the fact: UIDVALIDITY, then of each range how far behind the one before, and how long ----
 */

static const char *fact_key(struct pass *pass, const struct mailbox_pair *pair)
{
    return arena_printf(pass->arena, "unfetched %u", pair->record.id);
}

/* Seven bits a byte, the lowest first. */
static void write_number(struct buf *out, uint32_t number)
{
    for (; number >= 0x80; number >>= 7)
        buf_add_byte(out, (char)(0x80 | (number & 0x7f)));
    buf_add_byte(out, (char)number);
}

static bool read_number(struct str *text, uint32_t *out)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < NUMBER_BYTES_MAX && i < text->len; i++) {
        unsigned char byte = (unsigned char)text->ptr[i];
        number |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        *text = str_from_offset(*text, i + 1);
        *out = (uint32_t)number;
        return number < SEQ_STAR;
    }
    return false;
}

/* False: it does not fit. */
static bool write_fact(struct buf *out, uint32_t uidvalidity, const struct seqset *uids)
{
    uint32_t last = 0;
    write_number(out, uidvalidity);
    for (size_t i = 0; i < uids->len; i++) {
        if (out->len > FACT_BYTES_MAX - 2 * (size_t)NUMBER_BYTES_MAX)
            return false;
        write_number(out, uids->items[i].first - last);
        write_number(out, uids->items[i].last - uids->items[i].first);
        last = uids->items[i].last;
    }
    return true;
}

/* False: it is of another UIDVALIDITY, or not what this wrote. */
static bool read_fact(struct str fact, uint32_t uidvalidity, struct seqset *out)
{
    uint32_t of = 0, behind, more;
    uint64_t last = 0;
    if (!read_number(&fact, &of) || of != uidvalidity)
        return false;
    while (fact.len > 0) {
        if (!read_number(&fact, &behind) || !read_number(&fact, &more) || behind == 0 ||
            last + behind + more >= SEQ_STAR)
            return false;
        seqset_add_range(out, (uint32_t)last + behind, (uint32_t)last + behind + more);
        last += (uint64_t)behind + more;
    }
    return true;
}

/* ---- loading ---- */

/* Of `uids` those that have no record. */
static int leave_out_recorded(struct index_txn *txn, uint32_t mailbox, const struct seqset *uids,
                              struct seqset *out, struct error *err)
{
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    struct index_message record = {.uid = 0};
    int r = index_cursor_open(txn, mailbox, 1, &cursor, err);
    if (r == 0)
        r = index_cursor_next(cursor, &record, err);
    for (size_t i = 0; i < uids->len && r >= 0; i++) {
        uint32_t next = uids->items[i].first, last = uids->items[i].last;
        while (r > 0 && record.uid <= last) {
            if (record.uid > next)
                seqset_add_range(out, next, record.uid - 1);
            next = record.uid >= next ? record.uid + 1 : next;
            r = index_cursor_next(cursor, &record, err);
        }
        if (r >= 0 && next <= last)
            seqset_add_range(out, next, last);
    }
    return r < 0 ? r : 0;
}

static int load(struct pass *pass, struct index_txn *txn, struct mailbox_pair *pair,
                struct error *err)
{
    AUTO_SEQSET struct seqset uids = {0};
    struct str fact = STR_EMPTY;
    int r = index_fact_get(txn, pass->arena, fact_key(pass, pair), &fact, err);
    if (r < 0 && err->code != ERR_NOT_FOUND)
        return r;
    error_clear(err);
    if (fact.len == 0)
        return 0;
    pair->unfetched_stored = true;
    if (!listing_is_fetched_anyhow(pair) || !read_fact(fact, pair->record.uidvalidity, &uids)) {
        pair->record.highestmodseq = 0;
        return 0;
    }
    return leave_out_recorded(txn, pair->record.id, &uids, &pair->unfetched, err);
}

int unfetched_load(struct pass *pass, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        bool marked = pair->record.id != 0 && pair->record.highestmodseq != 0;
        if (r == 0 && marked && pair->policy != NULL)
            r = load(pass, txn, pair, err);
    }
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

void unfetched_take(struct mailbox_pair *pair, const struct seqset *vanished)
{
    seqset_add_set(&pair->remote.plain, &pair->unfetched);
    for (size_t i = 0; i < vanished->len; i++)
        seqset_remove_range(&pair->remote.plain, vanished->items[i].first, vanished->items[i].last);
}

/* ---- storing ---- */

/* Whether the server told of nothing but what is to be fetched: its marks then stand for that. */
static bool is_worth_it(const struct pass *pass, const struct mailbox_pair *pair)
{
    const struct remote_delta *remote = &pair->remote;
    uint32_t worth = listing_slice(pass) < WORTH_MESSAGES ? listing_slice(pass) : WORTH_MESSAGES;
    return pair->action == PAIR_SYNC && !error_is_set(&pair->error) && pair->pairing == NULL &&
           pair->record.id != 0 && pair->record.uidnext == 0 && !pair->remote_blocked &&
           remote->means == SURVEY_LISTING && remote->complete && remote->highestmodseq != 0 &&
           remote->uidvalidity == pair->record.uidvalidity && remote->fresh.len == 0 &&
           remote->changed.len == 0 && seqset_is_empty(&remote->gone) &&
           seqset_count(&remote->plain) >= worth;
}

static int store(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_BUF struct buf fact = BUF_INIT(FACT_BYTES_MAX);
    struct index_mailbox record = pair->record;
    if (!write_fact(&fact, record.uidvalidity, &pair->remote.plain))
        return 0;
    record.uidnext = pair->remote.uidnext;
    record.highestmodseq = pair->remote.highestmodseq;
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = index_fact_put(txn, fact_key(pass, pair), buf_str(&fact), err);
    if (r == 0)
        r = index_mailbox_put(txn, &record, err);
    if (r == 0)
        r = index_commit(&txn, err);
    if (r < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    assert(seqset_is_empty(&pair->unfetched));
    seqset_add_set(&pair->unfetched, &pair->remote.plain);
    pair->unfetched_stored = true;
    pair->record.uidnext = record.uidnext;
    pair->record.highestmodseq = record.highestmodseq;
    return 0;
}

int unfetched_store(struct pass *pass, const struct plan *plan, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < plan->mailboxes.len && r == 0; i++) {
        struct mailbox_pair *pair = plan->mailboxes.items[i].pair;
        if (is_worth_it(pass, pair))
            r = store(pass, pair, err);
    }
    return r;
}

int unfetched_drop(struct pass *pass, struct index_txn *txn, const struct mailbox_pair *pair,
                   struct error *err)
{
    return pair->unfetched_stored ? index_fact_put(txn, fact_key(pass, pair), STR_EMPTY, err) : 0;
}
