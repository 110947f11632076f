/* STORE and UID STORE. */
#include "imap/limits.h"
#include "client/client_private.h"

static bool store_status(struct client_op *op, struct client *c,
                         struct imap_response_status *status, bool tagged)
{
    struct client_store *h = (struct client_store *)op;
    (void)c;
    if (!tagged || status->code != CODE_MODIFIED) {
        return false;
    }
    h->modified = status->set;
    status->set = (struct seqset){0};
    return true;
}

static const struct client_op_hooks store_hooks = {.status = store_status};

static bool wants(const struct client_store *h, const struct fetch_data *data)
{
    uint32_t number = h->op.row->id == CMD_STORE ? data->seq : data->uid;
    return h->set.saved ? number != 0 : seqset_contains(&h->set, number);
}

bool store_take_fetch(struct client *c, const struct fetch_data *data)
{
    for (struct client_op *op = c->first; op != pipeline_find_select(c->first); op = op->next) {
        struct client_store *h = (struct client_store *)op;
        bool is_store = op->row->id == CMD_STORE || op->row->id == CMD_UID_STORE;
        if (!is_store || op->orphan || !wants(h, data) || h->changed_len >= LIMIT_FETCH_QUEUE) {
            continue;
        }
        h->changed =
            arena_grow(op->arena, h->changed, h->changed_len, &h->changed_cap, sizeof *h->changed);
        h->changed[h->changed_len++] = fetch_data_copy(op->arena, data);
        return true;
    }
    return false;
}

static int check_store(struct client *c, struct client_op *op, const struct seqset *set,
                       const struct store_params *params, struct error *err)
{
    const struct imap_flags *flags = &params->flags;
    bool nothing =
        (flags->system & ~(unsigned)(FLAG_RECENT | FLAG_WILDCARD)) == 0 && flags->keywords_len == 0;
    if (nothing && params->mode != STORE_SET) {
        return pipeline_refuse(op, err, "%s of nothing", op->row->name);
    }
    for (size_t i = 0; i < flags->keywords_len; i++) {
        if (!flags_keyword_is_valid(flags->keywords[i])) {
            return pipeline_refuse(op, err, "\"%.*s\" cannot be a flag",
                                   STR_ARG(flags->keywords[i]));
        }
    }
    if (pipeline_require_set(c, op, set, err) < 0) {
        return -(int)err->code;
    }
    return params->has_unchanged_since ? pipeline_require(c, op, CAP_CONDSTORE, err) : 0;
}

static int open_store(struct client *c, struct client_store *h, enum client_numbers numbers,
                      const struct seqset *set, const struct store_params *params,
                      struct arena *arena, struct error *err)
{
    enum command_id id = numbers == CLIENT_UIDS ? CMD_UID_STORE : CMD_STORE;
    *h = (struct client_store){0};
    if (pipeline_open(c, &h->op, id, &store_hooks, arena, err) < 0 ||
        check_store(c, &h->op, set, params, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    seqset_write(&c->writer, set);
    writer_sp(&c->writer);
    store_params_write(&c->writer, params);
    return 0;
}

int client_store_begin(struct client *c, struct client_store *h, const struct seqset *uids,
                       enum store_mode mode, const struct imap_flags *flags,
                       uint64_t unchanged_since, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    const struct store_params params = {
        .mode = mode,
        .silent = true,
        .has_unchanged_since = unchanged_since != 0,
        .unchanged_since = unchanged_since,
        .flags = *flags,
    };
    int result = open_store(c, h, CLIENT_UIDS, uids, &params, arena, err);
    return result < 0 ? result : pipeline_send(c, &h->op, err);
}

int client_store_request_begin(struct client *c, struct client_store *h,
                               enum client_numbers numbers, const struct seqset *set,
                               const struct store_params *params, struct arena *arena,
                               struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = open_store(c, h, numbers, set, params, arena, err);
    if (result < 0) {
        return result;
    }
    h->set = seqset_in_arena(arena, set);
    h->set.saved = set->saved;
    return pipeline_send(c, &h->op, err);
}

int client_store_end(struct client *c, struct client_store *h, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return pipeline_end(c, &h->op, err);
}

void client_store_free(struct client_store *h)
{
    seqset_free(&h->modified);
}
