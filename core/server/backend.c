#include "server/backend.h"
#include "imap/limits.h"

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

int backend_check_name(struct str name, char delimiter, struct error *err)
{
    struct str rest = name;
    struct str part;
    bool good = name.len > 0 && name.len <= LIMIT_MAILBOX_NAME_BYTES && str_is_utf8(name) &&
                name.ptr[name.len - 1] != delimiter;
    while (good && str_split(&rest, delimiter, &part))
        good = part.len > 0;
    for (size_t i = 0; good && i < name.len; i++)
        good = (unsigned char)name.ptr[i] >= ' ' && name.ptr[i] != 127;
    return good ? 0 : error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "No mailbox can have this name");
}
