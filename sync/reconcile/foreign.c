#include "reconcile/foreign.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct str s, size_t at)
{
    size_t end = at;
    while (end < s.len && is_digit(s.ptr[end]))
        end++;
    return end - at;
}

/* Where `key` stands in the name, behind it; 0: nowhere. */
static size_t behind(struct str base, struct str key)
{
    for (size_t i = 0; i + key.len <= base.len; i++) {
        if (memcmp(base.ptr + i, key.ptr, key.len) == 0)
            return i + key.len;
    }
    return 0;
}

/* SECONDS.MµsPpidQseq.HOST,S=bytes,W=wirebytes */
static bool is_ours(struct str base)
{
    static const char letters[] = "MPQ";
    size_t at = digits(base, 0);
    if (at == 0 || at >= base.len || base.ptr[at++] != '.')
        return false;
    for (const char *letter = letters; *letter != '\0'; letter++) {
        if (at >= base.len || base.ptr[at] != *letter || digits(base, at + 1) == 0)
            return false;
        at += 1 + digits(base, at + 1);
    }
    return at < base.len && base.ptr[at] == '.' && behind(base, STR(",S=")) != 0 &&
           behind(base, STR(",W=")) != 0;
}

struct foreign_name foreign_name_read(struct str base)
{
    struct foreign_name name = {0};
    size_t uid_at = behind(base, STR(",U="));
    size_t len = uid_at != 0 ? digits(base, uid_at) : 0;
    bool has_uid = len > 0 && str_to_u32(str_sub(base, uid_at, len), &name.uid);
    name.synced = has_uid || behind(base, STR(",FMD5=")) != 0 || is_ours(base);
    return name;
}

static int by_near_uid(const void *a, const void *b)
{
    const struct foreign_pair *x = a;
    const struct foreign_pair *y = b;
    return (x->near_uid > y->near_uid) - (x->near_uid < y->near_uid);
}

/* "FarUidValidity 12", of older versions "MasterUidValidity 12". */
static void read_heading(struct str line, struct foreign_state *out)
{
    struct str key;
    if (str_split(&line, ' ', &key) &&
        (str_eq(key, STR("FarUidValidity")) || str_eq(key, STR("MasterUidValidity"))))
        (void)str_to_u32(str_trim(line), &out->far_uidvalidity);
}

/* "FAR NEAR FLAGS" */
static void read_pair(struct str line, struct foreign_state *out)
{
    struct str far, near;
    struct foreign_pair pair;
    if (!str_split(&line, ' ', &far) || !str_split(&line, ' ', &near))
        return;
    if (str_to_u32(far, &pair.far_uid) && str_to_u32(near, &pair.near_uid) && pair.far_uid != 0 &&
        pair.near_uid != 0)
        vec_push(out, pair);
}

void foreign_state_read(struct str text, struct foreign_state *out)
{
    bool in_pairs = false;
    struct str line;
    *out = (struct foreign_state){0};
    while (str_split(&text, '\n', &line)) {
        if (line.len == 0)
            in_pairs = true;
        else if (in_pairs)
            read_pair(line, out);
        else
            read_heading(line, out);
    }
    if (out->len > 1)
        qsort(out->items, out->len, sizeof *out->items, by_near_uid);
}

uint32_t foreign_state_find(const struct foreign_state *state, uint32_t near_uid)
{
    size_t low = 0, high = state->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->items[middle].near_uid < near_uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < state->len && state->items[low].near_uid == near_uid ? state->items[low].far_uid
                                                                      : 0;
}
