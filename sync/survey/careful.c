#include "survey/careful.h"

#include "client/cmd_search.h"
#include "survey/remote.h"

/* "MAILBOX UIDVALIDITY SET": of one mailbox at a time. */
static const char FACT[] = "unmarked";
#define TEXT_MAX (1024u * 1024)

static int put_fact(struct pass *pass, const struct mailbox_pair *pair, const struct seqset *uids,
                    struct error *err)
{
    AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
    if (!seqset_is_empty(uids))
        buf_addf(&text, "%u %u ", pair->record.id, pair->record.uidvalidity);
    for (size_t i = 0; i < uids->len; i++)
        buf_addf(&text, "%s%u:%u", i > 0 ? "," : "", uids->items[i].first, uids->items[i].last);
    int r = buf_check(&text, "the record of messages marked \\Deleted", SCOPE_MAILBOX, err);
    return r < 0 ? r : pass_fact_put(pass, FACT, buf_str(&text), err);
}

struct unmarked {
    uint32_t mailbox, uidvalidity;
    struct seqset uids;
};

static bool parse_range(struct str text, struct seqset *out)
{
    struct str first;
    uint32_t from, to;
    if (!str_split(&text, ':', &first) || !str_to_u32(first, &from) || !str_to_u32(text, &to) ||
        from == 0 || from > to)
        return false;
    seqset_add_range(out, from, to);
    return true;
}

static bool parse(struct str text, struct unmarked *out)
{
    struct str word;
    if (!str_split(&text, ' ', &word) || !str_to_u32(word, &out->mailbox) ||
        !str_split(&text, ' ', &word) || !str_to_u32(word, &out->uidvalidity))
        return false;
    while (str_split(&text, ',', &word)) {
        if (!parse_range(word, &out->uids))
            return false;
    }
    return !seqset_is_empty(&out->uids);
}

static int read_fact(struct pass *pass, struct unmarked *out, bool *found_out, struct error *err)
{
    struct str text;
    int r = pass_fact_get(pass, FACT, &text, err);
    *found_out = r == 0 && text.len > 0 && parse(text, out);
    return r;
}

static int find_others(struct pass *pass, const struct seqset *uids, struct seqset *out,
                       struct error *err)
{
    const struct search_request request = {.key = search_flag(pass->arena, FLAG_DELETED, true)};
    struct client_search h;
    int r = client_search(pass->client, &h, CLIENT_UIDS, &request, pass->arena, err);
    if (r == 0) {
        seqset_add_set(out, &h.result.all);
        for (size_t i = 0; i < uids->len; i++)
            seqset_remove_range(out, uids->items[i].first, uids->items[i].last);
    }
    client_search_free(&h);
    return r;
}

int careful_expunge(struct pass *pass, const struct mailbox_pair *pair, const struct seqset *uids,
                    struct error *err)
{
    AUTO_SEQSET struct seqset others = {0};
    const struct seqset none = {0};
    struct client_expunge expunge;
    int r = find_others(pass, uids, &others, err);
    if (r == 0)
        r = put_fact(pass, pair, &others, err);
    if (r == 0)
        r = client_uid_expunge_in_steps(pass->client, &expunge, uids, pass->arena, err);
    return r < 0 ? r : put_fact(pass, pair, &none, err);
}

static int mark_again(struct pass *pass, struct mailbox_pair *pair, struct seqset *uids,
                      struct error *err)
{
    int r = remote_select(pass, pair, pair->record.uidvalidity, err);
    return r < 0 ? r : remote_mark(pass, uids, STORE_ADD, err);
}

int careful_recover(struct pass *pass, struct error *err)
{
    struct unmarked unmarked = {0};
    const struct seqset none = {0};
    bool found;
    int r = read_fact(pass, &unmarked, &found, err);
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        bool same = found && pair->record.id == unmarked.mailbox && pair->remote_exists &&
                    pair->record.uidvalidity == unmarked.uidvalidity;
        if (r == 0 && same)
            r = mark_again(pass, pair, &unmarked.uids, err);
    }
    if (r == 0 && found)
        r = put_fact(pass, NULL, &none, err);
    seqset_free(&unmarked.uids);
    return r;
}
