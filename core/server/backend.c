#include "server/backend.h"

void backend_expunges_since(const struct backend_expunges *all, uint64_t since, struct arena *arena,
                            struct backend_expunged **out, size_t *len_out)
{
    size_t begin = all->len;
    while (begin > 0 && all->items[begin - 1].modseq > since)
        begin--;
    *len_out = all->len - begin;
    *out = arena_array(arena, *len_out, sizeof **out);
    for (size_t i = 0; i < *len_out; i++)
        (*out)[i] = all->items[begin + i];
}
