#include "apply/appended.h"

#include "reconcile/flags.h"
#include "survey/listing.h"
#include "apply/apply.h"

/* The kinds of flags that the server keeps, as a number: enum maildir_flag bits, and one for
 * keywords. */
static const char FACT[] = "flags kept by APPEND";
#define KIND_KEYWORD 0x100u

static unsigned kinds_of(const struct mailbox_pair *pair, const struct index_flags *flags)
{
    unsigned kinds = flags->system & pair->remote.storable;
    for (size_t i = 0; i < flags->keywords_len; i++) {
        if (flags_keyword_is_storable(&pair->remote, flags->keywords[i]))
            kinds |= KIND_KEYWORD;
    }
    return kinds;
}

/* A full pass looks again. */
static int read_kept(struct pass *pass, unsigned *out, struct error *err)
{
    struct str fact;
    uint32_t kinds = 0;
    int r = pass_fact_get(pass, FACT, &fact, err);
    if (r == 0 && !pass->options->full)
        (void)str_to_u32(fact, &kinds);
    *out = kinds;
    return r;
}

/* `sent` less what could be stored and is not there. */
static struct index_flags less_lost(struct pass *pass, const struct mailbox_pair *pair,
                                    const struct index_flags *sent, const struct index_flags *seen)
{
    uint8_t lost = sent->system & pair->remote.storable & (uint8_t)~seen->system;
    uint32_t *ids = arena_array(pass->arena, sent->keywords_len, sizeof *ids);
    struct index_flags out = {.system = sent->system & (uint8_t)~lost, .keywords = ids};
    for (size_t i = 0; i < sent->keywords_len; i++) {
        uint32_t id = sent->keywords[i];
        if (flags_have_keyword_id(seen, id) || !flags_keyword_is_storable(&pair->remote, id))
            ids[out.keywords_len++] = id;
    }
    return out;
}

static int take_from_record(struct pass *pass, struct index_txn *txn, struct mailbox_pair *pair,
                            const struct appended *a, const struct index_flags *left,
                            struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_message m;
    int r = index_message_get(txn, arena, pair->record.id, a->uid, &m, err);
    if (r < 0)
        return r;
    struct log_scope scope = pass_log_scope(pass, pair);
    log_debug(&scope, "UID %u was stored without all of its flags", a->uid);
    m.flags = *left;
    pair->local_blocked = true;
    return index_message_put(txn, &m, err);
}

/* `kept` gains the kinds that all of them kept. */
static int settle(struct pass *pass, struct mailbox_pair *pair, const struct appended_vec *list,
                  const struct remote_vec *seen, unsigned *kept, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    unsigned met = 0, lost = 0;
    int r = index_begin_write(pass->index, &txn, err);
    for (size_t i = 0; i < list->len && r == 0; i++) {
        const struct appended *a = &list->items[i];
        const struct remote_message *now = remote_find(seen, a->uid);
        if (now == NULL)
            continue;
        struct index_flags left = less_lost(pass, pair, &a->flags, &now->flags);
        met |= kinds_of(pair, &a->flags);
        lost |= kinds_of(pair, &a->flags) & ~kinds_of(pair, &left);
        if (left.keywords_len < a->flags.keywords_len)
            lost |= KIND_KEYWORD;
        if (!flags_equal(&left, &a->flags))
            r = take_from_record(pass, txn, pair, a, &left, err);
    }
    *kept = (*kept | met) & ~lost;
    return r < 0 ? r : index_commit(&txn, err);
}

static int fetch_flags(struct pass *pass, struct mailbox_pair *pair, const struct seqset *uids,
                       struct remote_vec *out, struct error *err)
{
    struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS};
    AUTO_ARENA struct arena *arena = arena_new();
    struct client_fetch fetch;
    int r = apply_select(pass, pair, err);
    if (r == 0)
        r = client_fetch_begin(pass->client, &fetch, uids, &request, NULL, arena, err);
    if (r == 0)
        r = listing_read(pass, &fetch, out, err);
    listing_sort(out);
    return r;
}

int appended_check(struct pass *pass, struct mailbox_pair *pair, const struct appended_vec *list,
                   struct error *err)
{
    AUTO_SEQSET struct seqset uids = {0};
    struct remote_vec seen = {0};
    unsigned kept = 0;
    int r = list->len > 0 ? read_kept(pass, &kept, err) : 0;
    unsigned before = kept;
    for (size_t i = 0; i < list->len; i++) {
        if (kinds_of(pair, &list->items[i].flags) & ~kept)
            seqset_add(&uids, list->items[i].uid);
    }
    if (r < 0 || seqset_is_empty(&uids))
        return r;
    r = fetch_flags(pass, pair, &uids, &seen, err);
    if (r < 0 && err->scope <= SCOPE_MAILBOX) {
        error_clear(err);
        r = 0;
    } else if (r == 0) {
        r = settle(pass, pair, list, &seen, &kept, err);
        if (r == 0 && kept != before)
            r = pass_fact_put(pass, FACT, str_from(arena_printf(pass->arena, "%u", kept)), err);
    }
    vec_free(&seen);
    return r;
}
