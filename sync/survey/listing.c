#include "survey/listing.h"

#include "reconcile/flags.h"
#include "reconcile/limits.h"
#include "pass/keywords.h"

/* Some megabytes, and few enough answers that a slice at a time costs no round trip that counts. */
#define SLICE_MESSAGES 50000
#define SLICES_IN_FLIGHT 2

uint32_t listing_slice(const struct pass *pass)
{
    return pass->options->listing_slice != 0 ? pass->options->listing_slice : SLICE_MESSAGES;
}

int listing_take(struct pass *pass, const struct fetch_data *data, struct remote_vec *out,
                 struct error *err)
{
    const unsigned need = FETCH_UID | FETCH_FLAGS;
    if ((data->have & need) != need || data->uid == 0)
        return 0;
    struct remote_message *m = vec_add(out);
    m->uid = data->uid;
    return keywords_index_flags(pass, &data->flags, &m->flags, err);
}

int listing_read(struct pass *pass, struct client_fetch *fetch, struct remote_vec *out,
                 struct error *err)
{
    struct fetch_data data;
    int r;
    while ((r = client_fetch_next(pass->client, fetch, &data, err)) > 0) {
        if ((r = listing_take(pass, &data, out, err)) < 0)
            break;
        arena_reset(fetch->op.arena);
    }
    return client_fetch_close(pass->client, fetch, r, err);
}

void listing_sort(struct remote_vec *v)
{
    bool sorted = true;
    for (size_t i = 1; i < v->len && sorted; i++)
        sorted = v->items[i - 1].uid < v->items[i].uid;
    if (sorted)
        return;
    qsort(v->items, v->len, sizeof *v->items, remote_by_uid);
    size_t kept = 0;
    for (size_t i = 0; i < v->len; i++) {
        if (kept > 0 && v->items[kept - 1].uid == v->items[i].uid)
            v->items[kept - 1] = v->items[i];
        else
            v->items[kept++] = v->items[i];
    }
    v->len = kept;
}

bool listing_is_fetched_anyhow(const struct mailbox_pair *pair)
{
    const struct config_sync *policy = pair->policy;
    bool may_be_here =
        pass_is_unpaired(pair) &&
        (pair->record.id != 0 || pair->record.doubt != MAILBOX_HOLDS || pair->local.fresh.len > 0);
    return policy != NULL && !limits_any(policy) && !may_be_here &&
           (policy->messages_new == DIRECTION_BOTH || policy->messages_new == DIRECTION_TO_LOCAL);
}

void listing_note_fresh(struct mailbox_pair *pair, const struct remote_message *message)
{
    if (listing_is_fetched_anyhow(pair))
        seqset_add(&pair->remote.plain, message->uid);
    else
        vec_push(&pair->remote.fresh, *message);
}

int listing_compare(struct pass *pass, struct mailbox_pair *pair, const struct remote_vec *seen,
                    struct seq_range range, struct error *err)
{
    size_t at = 0;
    if (!pass_is_unpaired(pair)) {
        AUTO_TXN struct index_txn *txn = NULL;
        int r = index_begin_read(pass->index, &txn, err);
        if (r < 0)
            return r;
        AUTO_CURSOR struct index_cursor *cursor = NULL;
        if ((r = index_cursor_open(txn, pair->record.id, range.first, &cursor, err)) < 0)
            return r;
        struct index_message record;
        while ((r = index_cursor_next(cursor, &record, err)) > 0 && record.uid <= range.last) {
            while (at < seen->len && seen->items[at].uid < record.uid)
                listing_note_fresh(pair, &seen->items[at++]);
            if (at == seen->len || seen->items[at].uid != record.uid) {
                if (record.state != MESSAGE_GONE_THERE)
                    seqset_add(&pair->remote.gone, record.uid);
                continue;
            }
            if (!flags_equal(&seen->items[at].flags, &record.flags))
                vec_push(&pair->remote.changed, seen->items[at]);
            at++;
        }
        if (r < 0)
            return r;
    }
    while (at < seen->len)
        listing_note_fresh(pair, &seen->items[at++]);
    return 0;
}

/* ---- slices ---- */

struct slice {
    struct client_fetch fetch;
    struct arena *arena; /* NULL: not under way */
    struct seq_range range;
};

struct slices {
    struct pass *pass;
    struct mailbox_pair *pair;
    struct slice items[SLICES_IN_FLIGHT]; /* a ring */
    size_t first, len;
    uint32_t next, last; /* UIDs not asked for yet; none when next > last */
    uint32_t width;      /* of the slice before, in UIDs */
    uint32_t exists;
    uint64_t listed;
};

/* Where UIDs are sparse a slice spans more of them: as many as hold a slice's messages if those not
 * listed yet were spread evenly, and at most twice as many as the one before. */
static uint32_t next_width(const struct slices *s)
{
    uint64_t least = listing_slice(s->pass);
    uint64_t left = s->exists > s->listed ? s->exists - s->listed : 1;
    uint64_t even = least * ((uint64_t)s->last - s->next + 1) / left;
    uint64_t twice = s->width == 0 ? least : 2 * (uint64_t)s->width;
    uint64_t width = even < twice ? even : twice;
    width = width < least ? least : width;
    return width < UINT32_MAX ? (uint32_t)width : UINT32_MAX;
}

static int slice_begin(struct slices *s, struct error *err)
{
    struct slice *slice = &s->items[(s->first + s->len) % SLICES_IN_FLIGHT];
    const struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS};
    AUTO_SEQSET struct seqset uids = {0};
    uint32_t width = next_width(s);
    uint32_t end = s->last - s->next < width ? s->last : s->next + width - 1;
    slice->range = (struct seq_range){s->next, end};
    seqset_add_range(&uids, s->next, end);
    slice->arena = arena_new();
    int r = client_fetch_begin(s->pass->client, &slice->fetch, &uids, &request, NULL, slice->arena,
                               err);
    if (r < 0) {
        arena_free(&slice->arena);
        return r;
    }
    s->width = width;
    s->next = end + 1;
    s->len++;
    return 0;
}

static int slice_end(struct slices *s, struct error *err)
{
    struct slice *slice = &s->items[s->first];
    struct remote_vec seen = {0};
    int r = listing_read(s->pass, &slice->fetch, &seen, err);
    arena_free(&slice->arena);
    s->first = (s->first + 1) % SLICES_IN_FLIGHT;
    s->len--;
    listing_sort(&seen);
    if (r == 0)
        r = listing_compare(s->pass, s->pair, &seen, slice->range, err);
    if (seen.len >= listing_slice(s->pass) / 2)
        s->width = 0;
    s->listed += seen.len;
    vec_free(&seen);
    pass_progress(s->pass, PROGRESS_SURVEY, s->pair, s->listed, s->exists);
    return r < 0 ? r : pass_check_cancelled(s->pass, err);
}

static void abandon(struct slices *s)
{
    struct error ignored = ERROR_INIT;
    for (; s->len > 0; s->len--) {
        struct slice *slice = &s->items[s->first];
        client_fetch_end(s->pass->client, &slice->fetch, &ignored);
        client_fetch_free(&slice->fetch);
        arena_free(&slice->arena);
        s->first = (s->first + 1) % SLICES_IN_FLIGHT;
    }
}

int listing_in_slices(struct pass *pass, struct mailbox_pair *pair, const struct select_data *data,
                      uint64_t *listed_out, struct error *err)
{
    struct slices s = {.pass = pass, .pair = pair, .next = 1, .exists = data->exists};
    int r = 0;
    /* Without UIDNEXT the end is the last UID that can be: `*` is told where there is none. */
    s.last = data->uidnext != 0 ? data->uidnext - 1 : SEQ_STAR - 1;
    if (s.exists == 0)
        s.last = 0;
    while (r == 0 && (s.len > 0 || s.next <= s.last)) {
        while (r == 0 && s.len < SLICES_IN_FLIGHT && s.next <= s.last)
            r = slice_begin(&s, err);
        if (r == 0)
            r = slice_end(&s, err);
        /* Behind the last message there is nothing to ask for. */
        if (s.listed >= s.exists)
            s.last = 0;
    }
    abandon(&s);
    const struct seq_range rest = {s.next, SEQ_STAR};
    const struct remote_vec none = {0};
    if (r == 0)
        r = listing_compare(pass, pair, &none, rest, err);
    *listed_out = s.listed;
    return r;
}
