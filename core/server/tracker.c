#include "server/tracker.h"
#include "server/session_private.h"
#include <assert.h>

/* First position in ascending `uids` with a value >= uid. */
static uint32_t lower_bound(const uint32_t *uids, size_t len, uint32_t uid)
{
    size_t low = 0;
    size_t high = len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uids[middle] < uid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (uint32_t)low;
}

static bool contains(const uint32_t *uids, size_t len, uint32_t uid)
{
    uint32_t at = lower_bound(uids, len, uid);
    return at < len && uids[at] == uid;
}

static int compare_uids(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

void tracker_open(struct tracker *t, const struct backend_ops *ops, struct backend_mailbox *mailbox,
                  const struct backend_mailbox_info *info, struct str name, bool read_only)
{
    struct backend_message message;
    assert(t->mailbox == NULL);
    t->mailbox = mailbox;
    t->name = xstrndup(name.ptr, name.len);
    t->rights.bits = UINT64_MAX;
    t->read_only = read_only;
    t->modseq = info->highestmodseq;
    vec_reserve(&t->uids, info->messages);
    for (uint32_t i = 0; ops->message(mailbox, i, &message); i++) {
        vec_push(&t->uids, message.uid);
    }
}

void tracker_close(struct tracker *t, const struct backend_ops *ops)
{
    if (t->mailbox != NULL) {
        ops->close(t->mailbox);
    }
    t->mailbox = NULL;
    xfree(&t->name);
    seqset_free(&t->recent);
    vec_free(&t->uids);
    vec_free(&t->gone);
    vec_free(&t->told);
}

bool tracker_message(const struct tracker *t, const struct backend_ops *ops, uint32_t index,
                     struct backend_message *out)
{
    assert(index < t->uids.len);
    uint32_t uid = t->uids.items[index];
    /* Unless something was expunged meanwhile, the backend counts as the view does. */
    if (ops->message(t->mailbox, index, out) && out->uid == uid) {
        return true;
    }
    return ops->find(t->mailbox, uid, out);
}

bool tracker_index(const struct tracker *t, uint32_t uid, uint32_t *out)
{
    *out = lower_bound(t->uids.items, t->uids.len, uid);
    return *out < t->uids.len && t->uids.items[*out] == uid;
}

/* `first` <= `last`, both real numbers. */
static struct tracker_range range_of(const struct tracker *t, uint32_t first, uint32_t last,
                                     bool uid)
{
    struct tracker_range range;
    if (!uid) {
        return (struct tracker_range){first - 1, last};
    }
    range.begin = lower_bound(t->uids.items, t->uids.len, first);
    range.end = last == UINT32_MAX ? (uint32_t)t->uids.len
                                   : lower_bound(t->uids.items, t->uids.len, last + 1);
    return range;
}

bool tracker_resolve(const struct tracker *t, const struct seqset *set, bool uid,
                     struct arena *arena, struct tracker_ranges *out)
{
    uint32_t len = (uint32_t)t->uids.len;
    uint32_t star = !uid ? len : len > 0 ? t->uids.items[len - 1] : 0;
    uint32_t done = 0;
    out->items = arena_array(arena, set->len, sizeof *out->items);
    out->len = 0;
    for (size_t i = 0; i < set->len; i++) {
        uint32_t first = set->items[i].first == SEQ_STAR ? star : set->items[i].first;
        uint32_t last = set->items[i].last == SEQ_STAR ? star : set->items[i].last;
        uint32_t low = first < last ? first : last;
        uint32_t high = first < last ? last : first;
        if (len == 0 && set->items[i].last == SEQ_STAR) {
            continue;
        }
        if (!uid && high > len) {
            return false;
        }
        struct tracker_range range = range_of(t, low, high, uid);
        if (range.begin < done) {
            range.begin = done;
        }
        if (range.begin >= range.end) {
            continue;
        }
        done = range.end;
        out->items[out->len++] = range;
    }
    return true;
}

void tracker_take_recent(struct tracker *t, const struct backend_ops *ops)
{
    uint32_t last = t->uids.len > 0 ? t->uids.items[t->uids.len - 1] : 0;
    uint32_t first = ops->recent != NULL ? ops->recent(t->mailbox, !t->read_only) : last + 1;
    if (first <= last) {
        seqset_add_range(&t->recent, first, last);
    }
}

uint32_t tracker_count_recent(const struct tracker *t)
{
    uint32_t count = 0;
    if (!seqset_is_empty(&t->recent)) {
        VEC_FOREACH (uint32_t, uid, &t->uids)
            count += seqset_contains(&t->recent, *uid);
    }
    return count;
}

void tracker_told(struct tracker *t, uint32_t uid)
{
    if (t->told.len > 0 && t->told.items[t->told.len - 1] >= uid) {
        if (contains(t->told.items, t->told.len, uid)) {
            return;
        }
        vec_push(&t->told, uid);
        qsort(t->told.items, t->told.len, sizeof *t->told.items, compare_uids);
        return;
    }
    vec_push(&t->told, uid);
}

/* ---- telling ---- */

static int note_gone(struct session *s, struct arena *arena, struct error *err)
{
    struct tracker *t = &s->tracker;
    const struct backend_ops *ops = s->backend.ops;
    struct backend_expunged *expunged = NULL;
    struct backend_message message;
    size_t len = 0;
    bool complete = true;
    int r = ops->expunged(t->mailbox, t->modseq, arena, &expunged, &len, &complete, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; complete && i < len; i++) {
        uint32_t index;
        if (tracker_index(t, expunged[i].uid, &index)) {
            vec_push(&t->gone, expunged[i].uid);
        }
    }
    if (!complete) {
        vec_clear(&t->gone);
        VEC_FOREACH (uint32_t, uid, &t->uids)
            if (!ops->find(t->mailbox, *uid, &message)) {
                vec_push(&t->gone, *uid);
            }
    }
    if (t->gone.len > 1) {
        qsort(t->gone.items, t->gone.len, sizeof *t->gone.items, compare_uids);
    }
    return 0;
}

static void write_vanished(struct session *s, const struct tracker *t)
{
    struct seqset set = {0};
    VEC_FOREACH (uint32_t, uid, &t->gone)
        seqset_add(&set, *uid);
    writer_cstr(&s->out, "* VANISHED ");
    seqset_write(&s->out, &set);
    writer_crlf(&s->out);
    seqset_free(&set);
}

/* From the last to the first, so that no number moves before it is told. */
static void write_expunges(struct session *s, const struct tracker *t)
{
    for (size_t i = t->gone.len; i-- > 0;) {
        uint32_t index;
        if (tracker_index(t, t->gone.items[i], &index)) {
            writer_format(&s->out, "* %u EXPUNGE\r\n", index + 1);
        }
    }
}

static void tell_gone(struct session *s)
{
    struct tracker *t = &s->tracker;
    size_t kept = 0;
    size_t gone = 0;
    if (t->gone.len == 0) {
        return;
    }
    if (s->qresync || s->uidonly) {
        write_vanished(s, t);
    } else {
        write_expunges(s, t);
    }
    for (size_t i = 0; i < t->uids.len; i++) {
        while (gone < t->gone.len && t->gone.items[gone] < t->uids.items[i]) {
            gone++;
        }
        if (gone == t->gone.len || t->gone.items[gone] != t->uids.items[i]) {
            t->uids.items[kept++] = t->uids.items[i];
        }
    }
    t->uids.len = kept;
    vec_clear(&t->gone);
}

static void tell_new(struct session *s, const uint32_t *changed, size_t len)
{
    struct tracker *t = &s->tracker;
    uint32_t last = t->uids.len > 0 ? t->uids.items[t->uids.len - 1] : 0;
    size_t before = t->uids.len;
    for (uint32_t i = lower_bound(changed, len, last + 1); i < len; i++) {
        vec_push(&t->uids, changed[i]);
    }
    if (t->uids.len > before) {
        writer_format(&s->out, "* %zu EXISTS\r\n", t->uids.len);
        if (s->options.recent && !s->rev2) {
            tracker_take_recent(t, s->backend.ops);
            writer_format(&s->out, "* %u RECENT\r\n", tracker_count_recent(t));
        }
    }
}

static void tell_flags(struct session *s, const uint32_t *changed, size_t len, uint32_t last_uid,
                       bool with_uid)
{
    struct tracker *t = &s->tracker;
    for (size_t i = 0; i < len && changed[i] <= last_uid; i++) {
        struct backend_message message;
        uint32_t index;
        if (contains(t->told.items, t->told.len, changed[i])) {
            continue;
        }
        if (tracker_index(t, changed[i], &index) &&
            s->backend.ops->find(t->mailbox, changed[i], &message)) {
            fetch_tell_flags(s, index + 1, &message, with_uid || s->qresync, true);
        }
    }
}

int tracker_sync(struct session *s, unsigned events, bool may_expunge, bool with_uid,
                 struct error *err)
{
    struct tracker *t = &s->tracker;
    struct arena *arena AUTO_ARENA = NULL;
    struct backend_mailbox_info info;
    uint32_t *changed = NULL;
    size_t len = 0;
    int r = s->backend.ops->info(t->mailbox, &info, err);
    if (r < 0) {
        return r;
    }
    if ((events & NOTIFY_MESSAGE_NEW) == 0) {
        vec_clear(&t->told);
        return 0;
    }
    if (info.highestmodseq != t->modseq) {
        arena = arena_new();
        if ((r = s->backend.ops->changed(t->mailbox, t->modseq, arena, &changed, &len, err)) < 0 ||
            (r = note_gone(s, arena, err)) < 0) {
            return r;
        }
    }
    uint32_t last_uid = t->uids.len > 0 ? t->uids.items[t->uids.len - 1] : 0;
    if (may_expunge) {
        tell_gone(s);
    }
    uint32_t before = (uint32_t)t->uids.len;
    tell_new(s, changed, len);
    if ((events & NOTIFY_FLAG_CHANGE) != 0) {
        tell_flags(s, changed, len, last_uid, with_uid);
    }
    notify_tell_arrivals(s, before, (uint32_t)t->uids.len);
    t->modseq = info.highestmodseq;
    vec_clear(&t->told);
    return 0;
}
