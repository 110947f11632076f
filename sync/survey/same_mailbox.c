#include "survey/same_mailbox.h"

#include "imap/limits.h"
#include "survey/remote.h"

/* Messages by which a mailbox is known again: more say no more. */
#define SAMPLE_MAX 500

/* How the messages that the index has compare with those of the selected mailbox. */
struct sample {
    struct seqset uids;
    VEC(struct index_message) records; /* ascending by UID; only uid, size and state */
    size_t there, same;
    size_t deleted; /* of the records, those deleted here that are not there: rightly so */
};

static int take_sample(struct pass *pass, const struct index_mailbox *record, struct sample *s,
                       struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    struct index_message m;
    r = index_cursor_open(txn, record->id, 1, &cursor, err);
    while (r >= 0 && s->records.len < SAMPLE_MAX && (r = index_cursor_next(cursor, &m, err)) > 0) {
        if (m.state == MESSAGE_GONE_THERE)
            continue;
        struct index_message kept = {.uid = m.uid, .wire_size = m.wire_size, .state = m.state};
        vec_push(&s->records, kept);
        s->deleted += m.state == MESSAGE_DELETED_HERE;
        seqset_add(&s->uids, m.uid);
    }
    return r < 0 ? r : 0;
}

static void compare_one(struct sample *s, const struct fetch_data *data)
{
    size_t low = 0, high = s->records.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->records.items[middle].uid < data->uid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == s->records.len || s->records.items[low].uid != data->uid)
        return;
    uint64_t size = s->records.items[low].wire_size;
    s->deleted -= s->records.items[low].state == MESSAGE_DELETED_HERE;
    s->there++;
    s->same += size == 0 || size == data->size;
}

static int fetch_sample(struct pass *pass, struct sample *s, struct error *err)
{
    struct fetch_request request = {.items = FETCH_UID | FETCH_SIZE};
    int r = 0;
    while (r == 0 && !seqset_is_empty(&s->uids)) {
        AUTO_SEQSET struct seqset part = {0};
        struct client_fetch fetch;
        struct fetch_data data;
        seqset_take(&s->uids, LIMIT_COMMAND_LINE_BYTES - 100, &part);
        r = client_fetch_begin(pass->client, &fetch, &part, &request, NULL, pass->arena, err);
        if (r < 0)
            return r;
        while ((r = client_fetch_next(pass->client, &fetch, &data, err)) > 0)
            compare_one(s, &data);
        r = client_fetch_close(pass->client, &fetch, r, err);
    }
    return r;
}

/* Nothing is there but what came since: UIDNEXT is beyond all that was known, and no message stands
 * before it. */
static int has_only_later(struct pass *pass, const struct select_data *data,
                          const struct index_mailbox *record, const struct sample *s, bool *out,
                          struct error *err)
{
    AUTO_SEQSET struct seqset before = {0};
    AUTO_SEQSET struct seqset present = {0};
    uint32_t known = s->records.len > 0 ? s->records.items[s->records.len - 1].uid + 1 : 1;
    uint32_t next = known > record->uidnext ? known : record->uidnext;
    *out = data->uidnext >= next;
    if (!*out || data->exists == 0 || next == 1)
        return 0;
    seqset_add_range(&before, 1, next - 1);
    int r = remote_which_exist(pass, &before, &present, err);
    *out = r == 0 && seqset_is_empty(&present);
    return r;
}

int same_mailbox(struct pass *pass, struct str name, const struct index_mailbox *record, bool alone,
                 bool *out, struct error *err)
{
    struct select_data data;
    struct sample sample = {0};
    *out = false;
    int r = remote_examine(pass, name, &data, err);
    if (r < 0 || data.uidvalidity != record->uidvalidity)
        return r;
    r = take_sample(pass, record, &sample, err);
    if (r == 0 && sample.records.len > 0 && data.exists > 0)
        r = fetch_sample(pass, &sample, err);
    size_t expected = sample.records.len - sample.deleted;
    if (r == 0 && sample.there > 0) {
        bool most = expected > 0 && sample.there * 2 > expected;
        bool none_came = data.uidnext == record->uidnext && data.exists == sample.there;
        *out = sample.same == sample.there && (alone || most || none_came);
    } else if (r == 0 && alone) {
        r = has_only_later(pass, &data, record, &sample, out, err);
    }
    seqset_free(&sample.uids);
    vec_free(&sample.records);
    return r;
}
