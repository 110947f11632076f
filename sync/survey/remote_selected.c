#include "survey/remote.h"

#include "imap/limits.h"

int remote_select_anew(struct pass *pass, const struct mailbox_pair *pair, uint32_t uidvalidity,
                       struct select_data *out, struct error *err)
{
    struct client_select select;
    struct select_params params = {.condstore = client_has(pass->client, CAP_CONDSTORE)};
    int r = client_select_begin(pass->client, &select, pair->record.name, false, &params,
                                pass->arena, err);
    if (r < 0)
        return r;
    r = client_select_end(pass->client, &select, err);
    *out = select.data;
    client_select_free(&select);
    if (r < 0)
        return error_wrap(err, "cannot select the mailbox");
    if (out->uidvalidity != uidvalidity)
        return error_set(err, ERR_CHANGED, SCOPE_MAILBOX,
                         "the mailbox was replaced on the server during this run");
    return 0;
}

int remote_examine(struct pass *pass, struct str name, struct select_data *out, struct error *err)
{
    struct client_select select;
    struct select_params params = {0};
    int r = client_select_begin(pass->client, &select, name, true, &params, pass->arena, err);
    if (r < 0)
        return r;
    r = client_select_end(pass->client, &select, err);
    *out = select.data;
    client_select_free(&select);
    return r;
}

bool remote_is_selected(const struct client *client, const struct mailbox_pair *pair,
                        uint32_t uidvalidity)
{
    return client_state(client) == STATE_SELECTED &&
           client_selected_uidvalidity(client) == uidvalidity &&
           str_eq(client_selected(client), pair->record.name);
}

int remote_select(struct pass *pass, const struct mailbox_pair *pair, uint32_t uidvalidity,
                  struct error *err)
{
    struct select_data ignored;
    if (remote_is_selected(pass->client, pair, uidvalidity))
        return 0;
    return remote_select_anew(pass, pair, uidvalidity, &ignored, err);
}

int remote_unselect(struct pass *pass, struct error *err)
{
    return client_state(pass->client) == STATE_SELECTED ? client_unselect(pass->client, err) : 0;
}

int remote_mark(struct pass *pass, struct seqset *uids, enum store_mode mode, struct error *err)
{
    const struct imap_flags mark = {.system = FLAG_DELETED};
    int r = 0;
    while (r == 0 && !seqset_is_empty(uids)) {
        AUTO_SEQSET struct seqset part = {0};
        struct client_store store;
        seqset_take(uids, LIMIT_COMMAND_LINE_BYTES - 200, &part);
        r = client_store_begin(pass->client, &store, &part, mode, &mark, 0, pass->arena, err);
        if (r == 0) {
            r = client_store_end(pass->client, &store, err);
            client_store_free(&store);
        }
    }
    return r;
}

int remote_which_exist(struct pass *pass, const struct seqset *uids, struct seqset *out,
                       struct error *err)
{
    struct fetch_request request = {.items = FETCH_UID};
    struct client_fetch fetch;
    struct fetch_data data;
    int r = client_fetch_begin(pass->client, &fetch, uids, &request, NULL, pass->arena, err);
    if (r < 0)
        return r;
    while ((r = client_fetch_next(pass->client, &fetch, &data, err)) > 0)
        seqset_add(out, data.uid);
    return client_fetch_close(pass->client, &fetch, r, err);
}
