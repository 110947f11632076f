#include "reconcile/flags.h"

#include "base/vec.h"

static const struct flag_pair {
    unsigned imap;
    uint8_t maildir;
} FLAG_PAIRS[] = {
    {FLAG_ANSWERED, MAILDIR_REPLIED}, {FLAG_FLAGGED, MAILDIR_FLAGGED},
    {FLAG_DELETED, MAILDIR_TRASHED},  {FLAG_SEEN, MAILDIR_SEEN},
    {FLAG_DRAFT, MAILDIR_DRAFT},
};
#define FLAG_PAIRS_LEN (sizeof FLAG_PAIRS / sizeof FLAG_PAIRS[0])

static const char FORWARDED[] = "$Forwarded";

bool flags_is_forwarded(struct str keyword)
{
    return str_eq_nocase(keyword, STR("$Forwarded"));
}

uint8_t flags_system_from_imap(const struct imap_flags *flags)
{
    uint8_t out = 0;
    for (size_t i = 0; i < FLAG_PAIRS_LEN; i++) {
        if (flags->system & FLAG_PAIRS[i].imap)
            out |= FLAG_PAIRS[i].maildir;
    }
    for (size_t i = 0; i < flags->keywords_len; i++) {
        if (flags_is_forwarded(flags->keywords[i]))
            out |= MAILDIR_PASSED;
    }
    return out;
}

void flags_to_imap(uint8_t system, struct arena *arena, struct imap_flags *out)
{
    *out = (struct imap_flags){0};
    for (size_t i = 0; i < FLAG_PAIRS_LEN; i++) {
        if (system & FLAG_PAIRS[i].maildir)
            out->system |= FLAG_PAIRS[i].imap;
    }
    if (system & MAILDIR_PASSED) {
        out->keywords = arena_array(arena, 1, sizeof *out->keywords);
        out->keywords[0] = str_from(FORWARDED);
        out->keywords_len = 1;
    }
}

uint8_t flags_storable(const struct select_data *data)
{
    const uint8_t all = MAILDIR_DRAFT | MAILDIR_FLAGGED | MAILDIR_PASSED | MAILDIR_REPLIED |
                        MAILDIR_SEEN | MAILDIR_TRASHED;
    if (data->read_only)
        return 0;
    if (!data->has_permanent_flags)
        return all;
    uint8_t storable = flags_system_from_imap(&data->permanent_flags);
    if (data->permanent_flags.system & FLAG_WILDCARD)
        storable |= MAILDIR_PASSED;
    return storable;
}

bool flags_equal(const struct index_flags *a, const struct index_flags *b)
{
    return a->system == b->system && a->keywords_len == b->keywords_len &&
           (a->keywords_len == 0 ||
            memcmp(a->keywords, b->keywords, a->keywords_len * sizeof *a->keywords) == 0);
}

/*
 * For one bit with base b, server r and file l: the side that differs from b changed it, and where
 * both did they agree. Where a change is not carried, the agreed value follows the side that is
 * listened to, so that the other side's own value neither travels nor is overwritten until that
 * flag moves again.
 */
struct flags_merge flags_merge(const struct index_flags *base, const struct index_flags *remote,
                               uint8_t local, uint8_t storable, enum direction direction)
{
    const uint8_t b = base->system;
    const uint8_t r = (uint8_t)((remote->system & storable) | (b & ~storable));
    const uint8_t l = local;
    const uint8_t by_remote = r ^ b;
    const uint8_t by_local = l ^ b;
    struct flags_merge out = {.remote = r, .local = l, .agreed = *remote};

    switch (direction) {
    case DIRECTION_BOTH:
        out.remote = out.local = (uint8_t)(b ^ (by_remote | by_local));
        out.agreed.system = out.local;
        break;
    case DIRECTION_TO_LOCAL:
        out.local = (uint8_t)((l & ~by_remote) | (r & by_remote));
        out.agreed.system = r;
        break;
    case DIRECTION_TO_REMOTE:
        out.remote = (uint8_t)((r & ~by_local) | (l & by_local));
        out.agreed.system = l;
        break;
    case DIRECTION_NONE:
        out.agreed.system = b;
        break;
    }
    return out;
}

/* ---- keywords ---- */

#define ALL_LETTERS ((1u << 26) - 1)

bool flags_have_keyword_id(const struct index_flags *flags, uint32_t id)
{
    for (size_t i = 0; i < flags->keywords_len; i++) {
        if (flags->keywords[i] == id)
            return true;
    }
    return false;
}

int flags_letter_of(const struct keyword_letters *letters, uint32_t id)
{
    for (int i = 0; i < 26; i++) {
        if (letters->ids[i] == id && id != 0)
            return i;
    }
    return -1;
}

struct index_flags flags_of_letters(const struct keyword_letters *letters, struct str text,
                                    struct arena *arena)
{
    uint32_t ids[26];
    size_t len = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] != ','; i++) {
        char c = text.ptr[i];
        uint32_t id = c >= 'a' && c <= 'z' ? letters->ids[c - 'a'] : 0;
        size_t at = 0;
        while (at < len && ids[at] < id)
            at++;
        if (id == 0 || (at < len && ids[at] == id))
            continue;
        memmove(&ids[at + 1], &ids[at], (len - at) * sizeof *ids);
        ids[at] = id;
        len++;
    }
    struct index_flags out = {.keywords_len = (uint8_t)len};
    if (len > 0)
        out.keywords = memcpy(arena_array(arena, len, sizeof *ids), ids, len * sizeof *ids);
    return out;
}

bool flags_keyword_is_storable(const struct remote_delta *remote, uint32_t id)
{
    return (remote->keeps_any_keyword || flags_have_keyword_id(&remote->storable_keywords, id)) &&
           !flags_have_keyword_id(&remote->refused_keywords, id);
}

/* Lists grow in the order of ids; a message has no more keywords than the index holds. */
static void append(struct index_flags *list, struct arena *arena, uint32_t id)
{
    if (list->keywords_len == UINT8_MAX)
        return;
    if (list->keywords == NULL)
        list->keywords = arena_array(arena, UINT8_MAX, sizeof *list->keywords);
    ((uint32_t *)(uintptr_t)list->keywords)[list->keywords_len++] = id;
}

struct keyword_goal {
    bool agreed, remote, local;
};

/* As flags_merge, of one keyword. */
static struct keyword_goal merge_keyword(bool b, bool r, bool l, enum direction direction)
{
    switch (direction) {
    case DIRECTION_BOTH: {
        bool goal = r != b ? r : l;
        return (struct keyword_goal){goal, goal, goal};
    }
    case DIRECTION_TO_LOCAL:
        return (struct keyword_goal){r, r, r != b ? r : l};
    case DIRECTION_TO_REMOTE:
        return (struct keyword_goal){l, l != b ? l : r, l};
    case DIRECTION_NONE:
        break;
    }
    return (struct keyword_goal){b, r, l};
}

static void merge_one(const struct keywords_sides *s, uint32_t id, struct arena *arena,
                      struct keywords_merge *out)
{
    bool b = flags_have_keyword_id(s->base, id);
    bool r = flags_have_keyword_id(s->remote, id);
    bool l = flags_have_keyword_id(s->local, id);
    bool kept_there = flags_keyword_is_storable(s->storable, id);
    int letter = flags_letter_of(s->letters, id);
    bool told_here =
        l || (letter >= 0 && (s->letters->complete & (1u << letter))) || !s->letters->known;
    bool carried_here = s->direction == DIRECTION_BOTH || s->direction == DIRECTION_TO_LOCAL;
    bool place_here = letter >= 0 || !s->letters->known || s->letters->taken != ALL_LETTERS;
    struct keyword_goal goal =
        merge_keyword(b, kept_there ? r : b, told_here ? l : b, s->direction);
    if (goal.agreed)
        append(&out->agreed, arena, id);
    if (kept_there && goal.remote != r)
        append(goal.remote ? &out->remote_add : &out->remote_remove, arena, id);
    if (carried_here && goal.local != l && place_here)
        append(goal.local ? &out->local_add : &out->local_remove, arena, id);
}

void flags_merge_keywords(const struct keywords_sides *sides, struct arena *arena,
                          struct keywords_merge *out)
{
    const struct index_flags *lists[] = {sides->base, sides->remote, sides->local};
    size_t at[3] = {0};
    *out = (struct keywords_merge){0};
    for (;;) {
        uint32_t id = UINT32_MAX;
        for (size_t i = 0; i < 3; i++) {
            if (at[i] < lists[i]->keywords_len && lists[i]->keywords[at[i]] < id)
                id = lists[i]->keywords[at[i]];
        }
        if (id == UINT32_MAX)
            return;
        for (size_t i = 0; i < 3; i++)
            at[i] += at[i] < lists[i]->keywords_len && lists[i]->keywords[at[i]] == id;
        merge_one(sides, id, arena, out);
    }
}

struct index_flags flags_agreed_there(const struct index_flags *base,
                                      const struct index_flags *agreed,
                                      const struct remote_delta *remote, struct arena *arena)
{
    struct index_flags out = {.system = (uint8_t)((agreed->system & remote->storable) |
                                                  (base->system & ~remote->storable))};
    size_t i = 0, k = 0;
    while (i < base->keywords_len || k < agreed->keywords_len) {
        uint32_t before = i < base->keywords_len ? base->keywords[i] : UINT32_MAX;
        uint32_t after = k < agreed->keywords_len ? agreed->keywords[k] : UINT32_MAX;
        uint32_t id = before < after ? before : after;
        if (flags_keyword_is_storable(remote, id) ? id == after : id == before)
            append(&out, arena, id);
        i += id == before;
        k += id == after;
    }
    return out;
}

struct index_flags flags_before_local(const struct index_flags *agreed,
                                      const struct keywords_merge *k, struct arena *arena)
{
    if (k->local_add.keywords_len == 0 && k->local_remove.keywords_len == 0)
        return *agreed;
    struct index_flags out = {.system = agreed->system};
    uint32_t *ids = arena_array(arena, UINT8_MAX, sizeof *ids);
    size_t gone = 0;
    for (size_t i = 0; i < agreed->keywords_len || gone < k->local_remove.keywords_len;) {
        bool take_gone =
            gone < k->local_remove.keywords_len &&
            (i == agreed->keywords_len || k->local_remove.keywords[gone] < agreed->keywords[i]);
        uint32_t id = take_gone ? k->local_remove.keywords[gone++] : agreed->keywords[i++];
        if (out.keywords_len < UINT8_MAX && !flags_have_keyword_id(&k->local_add, id))
            ids[out.keywords_len++] = id;
    }
    out.keywords = ids;
    return out;
}
