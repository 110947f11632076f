#include "reconcile/pairing.h"

#include <assert.h>

/* The messages by header digest and own size, with what was given away passed over quickly. */
struct shelf {
    struct pairing_message *messages;
    size_t len;
    size_t *order; /* of those with content */
    size_t order_len;
    size_t *free; /* per place in `order`: itself, or a later place to go on from */
};

struct shelf_entry {
    const struct pairing_message *message;
    size_t at;
};

static uint64_t own_size(uint64_t size, uint64_t left_out)
{
    return size > left_out ? size - left_out : 0;
}

static uint64_t message_own_size(const struct pairing_message *m)
{
    return own_size(m->size, m->left_out);
}

static int compare(const struct pairing_message *m, const struct digest *header, uint64_t own)
{
    int order = memcmp(m->header.bytes, header->bytes, sizeof header->bytes);
    uint64_t size = message_own_size(m);
    return order != 0 ? order : (size > own) - (size < own);
}

static int by_content(const void *a, const void *b)
{
    const struct shelf_entry *x = a;
    const struct shelf_entry *y = b;
    int order = compare(x->message, &y->message->header, message_own_size(y->message));
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static void shelf_fill(struct shelf *shelf, struct pairing_message *messages, size_t len)
{
    struct shelf_entry *entries = xcalloc(len + 1, sizeof *entries);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        assert(i == 0 || messages[i - 1].uid < messages[i].uid);
        if (messages[i].has_content && messages[i].partner == PAIRING_NONE)
            entries[n++] = (struct shelf_entry){&messages[i], i};
    }
    if (n > 1)
        qsort(entries, n, sizeof *entries, by_content);
    *shelf = (struct shelf){.messages = messages,
                            .len = len,
                            .order = xcalloc(n + 1, sizeof *shelf->order),
                            .order_len = n,
                            .free = xcalloc(n + 1, sizeof *shelf->free)};
    for (size_t i = 0; i < n; i++)
        shelf->order[i] = entries[i].at;
    for (size_t i = 0; i <= n; i++)
        shelf->free[i] = i;
    xfree(&entries);
}

static void shelf_clear(struct shelf *shelf)
{
    xfree(&shelf->order);
    xfree(&shelf->free);
}

/* The first place from `at` on whose message is not given away; order_len at the end. */
static size_t next_free(struct shelf *shelf, size_t at)
{
    size_t end = at;
    while (end < shelf->order_len && shelf->messages[shelf->order[end]].partner != PAIRING_NONE)
        end = shelf->free[end] > end ? shelf->free[end] : end + 1;
    while (at < end) {
        size_t next = shelf->free[at] > at ? shelf->free[at] : at + 1;
        shelf->free[at] = end;
        at = next;
    }
    return end;
}

static size_t lower_bound(const struct shelf *shelf, const struct digest *header, uint64_t own)
{
    size_t low = 0, high = shelf->order_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&shelf->messages[shelf->order[middle]], header, own) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void pair(struct pairing_file *files, size_t file, struct pairing_message *messages,
                 size_t message)
{
    assert(files[file].partner == PAIRING_NONE && messages[message].partner == PAIRING_NONE);
    files[file].partner = message;
    messages[message].partner = file;
}

/* ---- what agrees ---- */

static bool may_be(const struct pairing_file *f, const struct pairing_message *m)
{
    return !f->marked || m->marked;
}

static bool agrees_exactly(const struct pairing_file *f, const struct pairing_message *m)
{
    return may_be(f, m) && f->has_content && m->has_content && digest_eq(&f->header, &m->header) &&
           (f->size == m->size || own_size(f->size, f->left_out) == message_own_size(m));
}

static bool agrees_as_stored(const struct pairing_file *f, const struct pairing_message *m)
{
    return may_be(f, m) && f->has_stored && m->has_content &&
           digest_eq(&f->stored_header, &m->header) && f->stored_size == m->size;
}

/* A server that keeps bare line ends tells a size smaller by a byte for each. */
static bool agrees_but_for_line_ends(const struct pairing_file *f, const struct pairing_message *m)
{
    uint64_t most = own_size(f->size, f->left_out);
    uint64_t own = message_own_size(m);
    return may_be(f, m) && f->has_content && m->has_content && digest_eq(&f->header, &m->header) &&
           own <= most && most - own <= f->lines;
}

static bool same_email_id(const struct pairing_file *f, const struct pairing_message *m)
{
    return f->email_id.len > 0 && str_eq(f->email_id, m->email_id);
}

/* ---- the steps ---- */

size_t pairing_find_uid(const struct pairing_message *messages, size_t len, uint32_t uid)
{
    size_t low = 0, high = len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (messages[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < len && messages[low].uid == uid ? low : PAIRING_NONE;
}

/* By the UID that somebody noted: `trusted` says which ones are looked at. */
static void match_wanted(struct pairing_file *files, size_t files_len,
                         struct pairing_message *messages, size_t messages_len, bool trusted)
{
    for (size_t i = 0; i < files_len; i++) {
        struct pairing_file *f = &files[i];
        if (f->partner != PAIRING_NONE || f->wanted_uid == 0 || f->trusted != trusted)
            continue;
        size_t at = pairing_find_uid(messages, messages_len, f->wanted_uid);
        if (at == PAIRING_NONE || messages[at].partner != PAIRING_NONE)
            continue;
        const struct pairing_message *m = &messages[at];
        if (trusted || (same_email_id(f, m) && may_be(f, m)) || agrees_exactly(f, m) ||
            agrees_as_stored(f, m) || agrees_but_for_line_ends(f, m)) {
            f->by_stored = !trusted && !agrees_exactly(f, m) && agrees_as_stored(f, m);
            pair(files, i, messages, at);
        }
    }
}

static int by_email_id(const void *a, const void *b)
{
    const struct shelf_entry *x = a;
    const struct shelf_entry *y = b;
    int order = str_cmp(x->message->email_id, y->message->email_id);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static void match_email_ids(struct pairing_file *files, size_t files_len,
                            struct pairing_message *messages, size_t messages_len, bool ghosts)
{
    struct shelf_entry *entries = xcalloc(messages_len + 1, sizeof *entries);
    size_t n = 0;
    for (size_t i = 0; i < messages_len; i++) {
        if (messages[i].email_id.len > 0)
            entries[n++] = (struct shelf_entry){&messages[i], i};
    }
    if (n > 1)
        qsort(entries, n, sizeof *entries, by_email_id);
    for (size_t i = 0; i < files_len && n > 0; i++) {
        struct pairing_file *f = &files[i];
        if (f->partner != PAIRING_NONE || f->ghost != ghosts || f->email_id.len == 0)
            continue;
        size_t low = 0, high = n;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (str_cmp(entries[middle].message->email_id, f->email_id) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        while (low < n && same_email_id(f, entries[low].message) &&
               (entries[low].message->partner != PAIRING_NONE || !may_be(f, entries[low].message)))
            low++;
        if (low < n && same_email_id(f, entries[low].message))
            pair(files, i, messages, entries[low].at);
    }
    xfree(&entries);
}

/* The first free message with this header that agrees. */
static size_t
find_by_header(struct shelf *shelf, const struct digest *header, const struct pairing_file *f,
               bool (*agrees)(const struct pairing_file *, const struct pairing_message *))
{
    for (size_t at = next_free(shelf, lower_bound(shelf, header, 0)); at < shelf->order_len;
         at = next_free(shelf, at + 1)) {
        const struct pairing_message *m = &shelf->messages[shelf->order[at]];
        if (!digest_eq(&m->header, header))
            break;
        if (agrees(f, m))
            return shelf->order[at];
    }
    return PAIRING_NONE;
}

static size_t find_exactly(struct shelf *shelf, const struct pairing_file *f)
{
    uint64_t own = own_size(f->size, f->left_out);
    size_t at = next_free(shelf, lower_bound(shelf, &f->header, own));
    if (at < shelf->order_len && may_be(f, &shelf->messages[shelf->order[at]]) &&
        compare(&shelf->messages[shelf->order[at]], &f->header, own) == 0)
        return shelf->order[at];
    return find_by_header(shelf, &f->header, f, agrees_exactly);
}

static size_t find_as_stored(struct shelf *shelf, const struct pairing_file *f)
{
    return f->has_stored ? find_by_header(shelf, &f->stored_header, f, agrees_as_stored)
                         : PAIRING_NONE;
}

static size_t find_but_for_line_ends(struct shelf *shelf, const struct pairing_file *f)
{
    return find_by_header(shelf, &f->header, f, agrees_but_for_line_ends);
}

static void match_contents(struct pairing_file *files, size_t files_len,
                           struct pairing_message *messages, size_t messages_len, bool ghosts)
{
    static size_t (*const ways[])(struct shelf *, const struct pairing_file *) = {
        find_exactly, find_as_stored, find_but_for_line_ends};
    struct shelf shelf;
    shelf_fill(&shelf, messages, messages_len);
    for (size_t way = 0; way < sizeof ways / sizeof ways[0] && shelf.order_len > 0; way++) {
        for (size_t i = 0; i < files_len; i++) {
            struct pairing_file *f = &files[i];
            if (f->partner != PAIRING_NONE || f->ghost != ghosts || !f->has_content)
                continue;
            size_t at = ways[way](&shelf, f);
            if (at == PAIRING_NONE)
                continue;
            f->by_stored = ways[way] == find_as_stored;
            pair(files, i, messages, at);
        }
    }
    shelf_clear(&shelf);
}

void pairing_match(struct pairing_file *files, size_t files_len, struct pairing_message *messages,
                   size_t messages_len)
{
    match_wanted(files, files_len, messages, messages_len, true);
    match_wanted(files, files_len, messages, messages_len, false);
    for (int ghosts = 0; ghosts < 2; ghosts++) {
        match_email_ids(files, files_len, messages, messages_len, ghosts);
        match_contents(files, files_len, messages, messages_len, ghosts);
    }
}

void pairing_settle(const struct pairing_file *files, size_t len, enum pairing_fate *out)
{
    size_t all = 0, paired = 0;
    for (size_t i = 0; i < len; i++) {
        all += !files[i].ghost;
        paired += !files[i].ghost && files[i].partner != PAIRING_NONE;
    }
    bool few = all >= PAIRING_ENOUGH_OF && paired * 100 < all * PAIRING_ENOUGH_PERCENT;
    for (size_t i = 0; i < len; i++) {
        if (files[i].partner != PAIRING_NONE)
            out[i] = PAIRING_PAIRED;
        else if (files[i].once_synced)
            out[i] = PAIRING_HELD_SYNCED;
        else
            out[i] = few ? PAIRING_HELD_FEW : PAIRING_NEW;
    }
}
