#include "imap/seqset.h"
#include "base/alloc.h"
#include "imap/limits.h"
#include <assert.h>
#include <stdlib.h>

void seqset_free(struct seqset *set)
{
    vec_free(set);
}

bool seqset_is_empty(const struct seqset *set)
{
    return set->len == 0 && !set->saved;
}

bool seqset_has_star(const struct seqset *set)
{
    return set->len > 0 && set->items[set->len - 1].last == SEQ_STAR;
}

bool seqset_eq(const struct seqset *a, const struct seqset *b)
{
    return a->saved == b->saved && a->len == b->len &&
           (a->len == 0 || memcmp(a->items, b->items, a->len * sizeof *a->items) == 0);
}

/* Index of the first range whose end is at or behind `n`; set->len if there is none. */
static size_t seqset_find(const struct seqset *set, uint32_t n)
{
    size_t low = 0;
    size_t high = set->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->items[middle].last < n) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool seqset_contains(const struct seqset *set, uint32_t n)
{
    size_t at = seqset_find(set, n);
    return at < set->len && set->items[at].first <= n;
}

/* Replaces `count` ranges at `at` by one. */
static void seqset_replace(struct seqset *set, size_t at, size_t count, struct seq_range range)
{
    if (count == 0) {
        vec_reserve(set, 1);
    }
    size_t behind = set->len - at - count;
    if (behind > 0) {
        memmove(&set->items[at + 1], &set->items[at + count], behind * sizeof range);
    }
    set->items[at] = range;
    set->len = set->len - count + 1;
}

void seqset_add_range(struct seqset *set, uint32_t first, uint32_t last)
{
    assert(first != 0 && first <= last);
    struct seq_range *tail = set->len > 0 ? &set->items[set->len - 1] : NULL;
    if (tail == NULL || tail->last < first - 1) {
        vec_push(set, ((struct seq_range){first, last}));
        return;
    }
    /* Ranges that touch count as overlapping: they merge. */
    size_t at = seqset_find(set, first - 1);
    uint32_t reach = last == SEQ_STAR ? SEQ_STAR : last + 1;
    size_t end = at;
    while (end < set->len && set->items[end].first <= reach) {
        first = set->items[end].first < first ? set->items[end].first : first;
        last = set->items[end].last > last ? set->items[end].last : last;
        end++;
    }
    seqset_replace(set, at, end - at, (struct seq_range){first, last});
}

void seqset_add(struct seqset *set, uint32_t n)
{
    seqset_add_range(set, n, n);
}

void seqset_add_set(struct seqset *set, const struct seqset *other)
{
    for (size_t i = 0; i < other->len; i++) {
        seqset_add_range(set, other->items[i].first, other->items[i].last);
    }
}

void seqset_remove_range(struct seqset *set, uint32_t first, uint32_t last)
{
    assert(first != 0 && first <= last);
    size_t at = seqset_find(set, first);
    if (at < set->len && set->items[at].first < first) {
        struct seq_range left = {set->items[at].first, first - 1};
        if (set->items[at].last > last) {
            set->items[at].first = last + 1;
            seqset_replace(set, at, 0, left);
            return;
        }
        set->items[at++] = left;
    }
    size_t end = at;
    while (end < set->len && set->items[end].last <= last) {
        end++;
    }
    if (end < set->len && set->items[end].first <= last) {
        set->items[end].first = last + 1;
    }
    if (end > at && end < set->len) {
        memmove(&set->items[at], &set->items[end], (set->len - end) * sizeof *set->items);
    }
    set->len -= end - at;
}

uint64_t seqset_count(const struct seqset *set)
{
    uint64_t count = 0;
    for (size_t i = 0; i < set->len; i++) {
        struct seq_range range = set->items[i];
        if (range.last == SEQ_STAR) {
            count += range.first == SEQ_STAR ? 1 : 2;
        } else {
            count += (uint64_t)range.last - range.first + 1;
        }
    }
    return count;
}

bool seqset_next(const struct seqset *set, uint32_t *cursor)
{
    if (*cursor == SEQ_STAR) {
        return false;
    }
    uint32_t next = *cursor + 1;
    size_t at = seqset_find(set, next);
    if (at == set->len) {
        return false;
    }
    struct seq_range range = set->items[at];
    if (range.first >= next) {
        *cursor = range.first;
    } else {
        *cursor = range.last == SEQ_STAR ? SEQ_STAR : next;
    }
    return true;
}

/* ---- reading ---- */

static bool seq_number_read(struct reader *r, bool star_ok, uint32_t *out)
{
    if (star_ok && reader_accept(r, '*')) {
        *out = SEQ_STAR;
        return true;
    }
    return reader_expect_nz_number(r, out);
}

bool seqset_read_number(struct reader *r, uint32_t *out)
{
    if (!reader_expect_nz_number(r, out)) {
        return false;
    }
    return *out != SEQ_STAR || reader_fail(r, "a message's number out of range, %u", *out);
}

static bool seq_range_read(struct reader *r, bool star_ok, struct seq_range *out)
{
    uint32_t a;
    if (!seq_number_read(r, star_ok, &a)) {
        return false;
    }
    uint32_t b = a;
    if (reader_accept(r, ':') && !seq_number_read(r, star_ok, &b)) {
        return false;
    }
    *out = a <= b ? (struct seq_range){a, b} : (struct seq_range){b, a};
    if (!star_ok && out->last == SEQ_STAR) {
        out->last = SEQ_STAR - 1;
        return out->first < SEQ_STAR || reader_fail(r, "a UID out of range, %u", a);
    }
    return true;
}

static bool seqset_read_ranges(struct reader *r, bool star_ok, struct seqset *out)
{
    *out = (struct seqset){0};
    do {
        struct seq_range range;
        if (!seq_range_read(r, star_ok, &range)) {
            break;
        }
        if (out->len == LIMIT_SET_RANGES) {
            (void)reader_fail(r, "a set of more than %d ranges", LIMIT_SET_RANGES);
            break;
        }
        vec_push(out, range);
    } while (reader_accept(r, ','));
    if (reader_failed(r)) {
        seqset_free(out);
        return false;
    }
    return true;
}

static int seq_range_order(const void *a, const void *b)
{
    const struct seq_range *x = a;
    const struct seq_range *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* Sorts and merges. */
static void seqset_settle(struct seqset *set)
{
    bool sorted = true;
    for (size_t i = 1; i < set->len && sorted; i++) {
        sorted = set->items[i].first >= set->items[i - 1].first;
    }
    if (!sorted) {
        qsort(set->items, set->len, sizeof *set->items, seq_range_order);
    }
    size_t kept = set->len > 0 ? 1 : 0;
    for (size_t i = 1; i < set->len; i++) {
        struct seq_range *tail = &set->items[kept - 1];
        struct seq_range range = set->items[i];
        if (tail->last == SEQ_STAR || range.first <= tail->last + 1) {
            tail->last = range.last > tail->last ? range.last : tail->last;
        } else {
            set->items[kept++] = range;
        }
    }
    set->len = kept;
}

void seqset_add_numbers(struct seqset *set, const uint32_t *numbers, size_t len)
{
    vec_reserve(set, len);
    for (size_t i = 0; i < len; i++) {
        assert(numbers[i] != 0);
        set->items[set->len++] = (struct seq_range){numbers[i], numbers[i]};
    }
    seqset_settle(set);
}

struct seqset seqset_in_arena(struct arena *arena, const struct seqset *set)
{
    struct seqset copy = {.len = set->len, .cap = set->len, .saved = set->saved};
    if (set->len > 0) {
        copy.items = arena_array(arena, set->len, sizeof *copy.items);
        memcpy(copy.items, set->items, set->len * sizeof *copy.items);
    }
    return copy;
}

bool seqset_read(struct reader *r, struct seqset *out)
{
    if (reader_accept(r, '$')) {
        *out = (struct seqset){.saved = true};
        return true;
    }
    if (!seqset_read_ranges(r, true, out)) {
        return false;
    }
    seqset_settle(out);
    return true;
}

bool seqset_read_uids(struct reader *r, struct seqset *out)
{
    if (!seqset_read_ranges(r, false, out)) {
        return false;
    }
    seqset_settle(out);
    return true;
}

bool seqset_read_ordered(struct reader *r, struct seqset *out)
{
    return seqset_read_ranges(r, false, out);
}

/* ---- writing ---- */

/* Above the longest range, 4294967293:4294967294. */
#define RANGE_TEXT_BYTES 24

static size_t seq_number_text(char *out, uint32_t n)
{
    if (n == SEQ_STAR) {
        out[0] = '*';
        return 1;
    }
    char digits[10];
    size_t at = sizeof digits;
    for (; n > 0; n /= 10) {
        digits[--at] = (char)('0' + n % 10);
    }
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

static size_t seq_range_text(char out[RANGE_TEXT_BYTES], struct seq_range range)
{
    size_t len = seq_number_text(out, range.first);
    if (range.first != range.last) {
        out[len++] = ':';
        len += seq_number_text(out + len, range.last);
    }
    return len;
}

void seqset_write(struct writer *w, const struct seqset *set)
{
    if (set->saved) {
        writer_byte(w, '$');
        return;
    }
    if (set->len == 0) {
        writer_fail(w, "an empty set of messages");
    }
    for (size_t i = 0; i < set->len; i++) {
        char text[RANGE_TEXT_BYTES];
        size_t len = seq_range_text(text, set->items[i]);
        if (i > 0) {
            writer_byte(w, ',');
        }
        writer_raw(w, str_make(text, len));
    }
}

bool seqset_take(struct seqset *set, size_t max_bytes, struct seqset *out)
{
    vec_clear(out);
    size_t bytes = 0;
    size_t taken = 0;
    for (; taken < set->len; taken++) {
        char text[RANGE_TEXT_BYTES];
        size_t more = seq_range_text(text, set->items[taken]) + (taken > 0 ? 1 : 0);
        if (taken > 0 && bytes + more > max_bytes) {
            break;
        }
        bytes += more;
        vec_push(out, set->items[taken]);
    }
    if (taken == 0) {
        return false;
    }
    set->len -= taken;
    memmove(set->items, set->items + taken, set->len * sizeof *set->items);
    return true;
}
