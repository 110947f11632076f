#include "sync/keywords.h"

#include "imap/limits.h"
#include "sync/flags.h"

struct keyword_id {
    uint32_t id;
};

static struct str fold(struct arena *arena, struct str name)
{
    char *lower = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return str_make(lower, name.len);
}

static void remember(struct pass *pass, struct str name, uint32_t id)
{
    struct keyword_id *entry = arena_alloc(pass->arena, sizeof *entry);
    entry->id = id;
    strmap_put(pass->keyword_ids, fold(pass->arena, name), entry);
}

int keywords_load(struct pass *pass, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    struct str name;
    uint32_t id = 1;
    while ((r = index_keyword_name(txn, pass->arena, id, &name, err)) == 0)
        remember(pass, name, id++);
    if (err->code != ERR_NOT_FOUND)
        return r;
    error_clear(err);
    return 0;
}

static int assign(struct pass *pass, struct str name, uint32_t *id_out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(pass->index, &txn, err);
    if (r < 0 || (r = index_keyword_id(txn, name, id_out, err)) < 0 ||
        (r = index_commit(&txn, err)) < 0)
        return r;
    remember(pass, name, *id_out);
    return 0;
}

static int lookup(struct pass *pass, struct str name, uint32_t *id_out, struct error *err)
{
    char folded[256];
    *id_out = 0;
    if (name.len >= sizeof folded)
        return 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    const struct keyword_id *known = strmap_get(pass->keyword_ids, str_make(folded, name.len));
    if (known != NULL) {
        *id_out = known->id;
        return 0;
    }
    return pass->options->dry_run ? 0 : assign(pass, name, id_out, err);
}

static void insert_sorted(uint32_t *ids, uint8_t *len, uint32_t id)
{
    size_t at = *len;
    while (at > 0 && ids[at - 1] > id)
        at--;
    if (at > 0 && ids[at - 1] == id)
        return;
    memmove(&ids[at + 1], &ids[at], (*len - at) * sizeof *ids);
    ids[at] = id;
    (*len)++;
}

int keywords_index_flags(struct pass *pass, const struct imap_flags *flags, struct index_flags *out,
                         struct error *err)
{
    *out = (struct index_flags){.system = flags_system_from_imap(flags)};
    if (flags->keywords_len == 0)
        return 0;
    size_t most = flags->keywords_len < UINT8_MAX ? flags->keywords_len : UINT8_MAX;
    uint32_t *ids = arena_array(pass->arena, most, sizeof *ids);
    for (size_t i = 0; i < most; i++) {
        uint32_t id;
        if (flags_is_forwarded(flags->keywords[i]))
            continue;
        int r = lookup(pass, flags->keywords[i], &id, err);
        if (r < 0)
            return r;
        if (id != 0)
            insert_sorted(ids, &out->keywords_len, id);
    }
    out->keywords = ids;
    return 0;
}
