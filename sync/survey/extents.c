#include "survey/extents.h"

#include "reconcile/limits.h"
#include "survey/remote.h"

#define FACT "limits"
#define LIMITS_BYTES_MAX (1 << 20)
/* A FETCH of so many scattered UIDs still fits a command line. */
#define SLICE_BYTES 7000

/* ---- from the server ---- */

static void put(struct mailbox_pair *pair, const struct fetch_data *data)
{
    const struct remote_vec *fresh = &pair->remote.fresh;
    const struct remote_message *message = remote_find(fresh, data->uid);
    if (message == NULL)
        return;
    struct extent *extent = &pair->remote.extents.items[message - fresh->items];
    if (data->have & FETCH_SIZE)
        extent->size = data->size;
    if (data->have & FETCH_INTERNALDATE)
        extent->date_s = data->internal_date.unix_s;
}

static int fetch_some(struct pass *pass, struct mailbox_pair *pair, const struct seqset *uids,
                      struct error *err)
{
    const struct fetch_request request = {.items = FETCH_UID | FETCH_SIZE | FETCH_INTERNALDATE};
    AUTO_ARENA struct arena *arena = arena_new();
    struct client_fetch fetch;
    struct fetch_data data;
    int r = client_fetch_begin(pass->client, &fetch, uids, &request, NULL, arena, err);
    if (r < 0)
        return r;
    while ((r = client_fetch_next(pass->client, &fetch, &data, err)) > 0)
        put(pair, &data);
    return client_fetch_close(pass->client, &fetch, r, err);
}

static int learn(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    AUTO_SEQSET struct seqset left = {0};
    const struct remote_vec *fresh = &pair->remote.fresh;
    int r = remote_select(pass, pair, pair->remote.uidvalidity, err);
    for (size_t i = 0; i < fresh->len; i++) {
        seqset_add(&left, fresh->items[i].uid);
        (void)vec_add(&pair->remote.extents);
    }
    while (r == 0 && !seqset_is_empty(&left)) {
        AUTO_SEQSET struct seqset some = {0};
        seqset_take(&left, SLICE_BYTES, &some);
        r = fetch_some(pass, pair, &some, err);
    }
    return r;
}

int extents_learn(struct pass *pass, struct error *err)
{
    int r = 0;
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        bool asked = pair->policy != NULL && limits_any(pair->policy) && pair->in_target &&
                     pair->remote.fresh.len > 0 && !error_is_set(&pair->error);
        if (r < 0 || !asked)
            continue;
        if ((r = learn(pass, pair, err)) < 0)
            r = pass_absorb(pass, pair, err);
    }
    return r;
}

/* ---- limits that were changed ---- */

static void add_limits(struct buf *out, const char *match, const struct config_sync *sync)
{
    buf_addf(out, "%zu:%s %llu %lld %lld,", strlen(match), match,
             (unsigned long long)sync->max_size, (long long)sync->since.age_s,
             (long long)sync->since.date_s);
}

/* As 32 hexadecimal digits. */
static void describe(const struct config_account *account, char out[33])
{
    AUTO_BUF struct buf text = BUF_INIT(LIMITS_BYTES_MAX);
    add_limits(&text, "", &account->sync);
    for (size_t i = 0; i < account->overrides.len; i++)
        add_limits(&text, account->overrides.items[i].match, &account->overrides.items[i].sync);
    struct digester *digester = digester_new();
    digester_add(digester, text.data, text.len);
    struct digest digest = digester_finish(digester);
    digester_free(&digester);
    digest_to_hex(&digest, out);
}

static int have_changed(struct pass *pass, struct index_txn *txn, bool *out, struct error *err)
{
    char now[33];
    struct str before;
    describe(pass->account, now);
    int r = index_fact_get(txn, pass->arena, FACT, &before, err);
    *out = r == 0 && !str_eq(before, str_from(now));
    return r;
}

int extents_reconsider(struct pass *pass, struct index_txn *txn, const struct mailbox_pair *pair,
                       struct seqset *out, struct error *err)
{
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    struct index_message record;
    bool changed = false;
    int r = pair->record.id == 0 ? 0 : have_changed(pass, txn, &changed, err);
    if (r < 0 || !changed)
        return r;
    r = index_cursor_open(txn, pair->record.id, 1, &cursor, err);
    while (r >= 0 && (r = index_cursor_next(cursor, &record, err)) > 0) {
        if (record.state == MESSAGE_SKIPPED && record.wire_size != 0)
            seqset_add(out, record.uid);
    }
    return r;
}

int extents_settle(struct pass *pass, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    bool whole = pass->options->mailboxes == NULL || pass->options->mailboxes[0] == NULL;
    bool changed = false;
    char now[33];
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs)
        whole = whole && !error_is_set(&pair->error);
    if (!whole)
        return 0;
    int r = index_begin_read(pass->index, &txn, err);
    if (r == 0)
        r = have_changed(pass, txn, &changed, err);
    index_abort(&txn);
    if (r < 0 || !changed)
        return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
    describe(pass->account, now);
    r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = index_fact_put(txn, FACT, str_from(now), err);
    if (r == 0)
        r = index_commit(&txn, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}
