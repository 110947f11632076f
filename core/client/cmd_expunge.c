/*
 * EXPUNGE and UID EXPUNGE. What goes is noted by the command and told as events.
 *
 * An EXPUNGE response does not say which command it answers: it is noted by the oldest in flight
 * that expunges.
 */
#include "client/client_private.h"
#include "client/cmd_search.h"

static struct client_gone *find_gone(struct client *c)
{
    for (struct client_op *op = c->first; op != NULL; op = op->next) {
        switch (op->row->id) {
        case CMD_EXPUNGE:
        case CMD_UID_EXPUNGE:
            return &((struct client_expunge *)op)->gone;
        case CMD_MOVE:
        case CMD_UID_MOVE:
            return &((struct client_copy *)op)->gone;
        default:
            break;
        }
    }
    return NULL;
}

void expunge_take_seq(struct client *c, uint32_t seq)
{
    struct client_gone *gone = find_gone(c);
    if (gone != NULL && gone->arena != NULL) {
        gone->seqs = arena_grow(gone->arena, gone->seqs, gone->seqs_len, &gone->seqs_cap,
                                sizeof *gone->seqs);
        gone->seqs[gone->seqs_len++] = seq;
    }
}

void expunge_take_uids(struct client *c, const struct seqset *uids)
{
    struct client_gone *gone = find_gone(c);
    for (size_t i = 0; gone != NULL && gone->arena != NULL && i < uids->len; i++) {
        struct seqset *to = &gone->uids;
        to->items = arena_grow(gone->arena, to->items, to->len, &to->cap, sizeof *to->items);
        to->items[to->len++] = uids->items[i];
    }
}

void gone_settle(struct client_gone *gone)
{
    AUTO_SEQSET struct seqset sorted = {0};
    for (size_t i = 0; i < gone->uids.len; i++) {
        seqset_add_range(&sorted, gone->uids.items[i].first, gone->uids.items[i].last);
    }
    if (gone->uids.len > 0) {
        gone->uids = seqset_in_arena(gone->arena, &sorted);
    }
}

int client_uid_expunge_begin(struct client *c, struct client_expunge *h, const struct seqset *uids,
                             struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    h->gone = (struct client_gone){.arena = arena};
    if (pipeline_open(c, &h->op, CMD_UID_EXPUNGE, &no_hooks, arena, err) < 0 ||
        pipeline_require_set(c, &h->op, uids, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    seqset_write(&c->writer, uids);
    return pipeline_send(c, &h->op, err);
}

int client_expunge_begin(struct client *c, struct client_expunge *h, struct arena *arena,
                         struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    h->gone = (struct client_gone){.arena = arena};
    if (pipeline_open(c, &h->op, CMD_EXPUNGE, &no_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    return pipeline_send(c, &h->op, err);
}

int client_expunge_end(struct client *c, struct client_expunge *h, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = pipeline_end(c, &h->op, err);
    gone_settle(&h->gone);
    return result;
}

/* The UIDs marked \Deleted that are not in `uids`. */
static int find_others(struct client *c, const struct seqset *uids, struct arena *arena,
                       struct seqset *out, struct error *err)
{
    const struct search_request request = {.key = search_flag(arena, FLAG_DELETED, true)};
    struct client_search h;
    int result = client_search(c, &h, CLIENT_UIDS, &request, arena, err);
    if (result == 0) {
        seqset_add_set(out, &h.result.all);
        for (size_t i = 0; i < uids->len; i++) {
            seqset_remove_range(out, uids->items[i].first, uids->items[i].last);
        }
    }
    client_search_free(&h);
    return result;
}

/* Sets of any size go in lines of bounded length. */
static int mark(struct client *c, const struct seqset *uids, enum store_mode mode,
                struct arena *arena, struct error *err)
{
    static const struct imap_flags deleted = {.system = FLAG_DELETED};
    AUTO_SEQSET struct seqset left = {0};
    AUTO_SEQSET struct seqset part = {0};
    int result = 0;
    seqset_add_set(&left, uids);
    while (result == 0 && seqset_take(&left, SET_TEXT_BYTES, &part)) {
        struct client_store h;
        result = client_store_begin(c, &h, &part, mode, &deleted, 0, arena, err);
        if (result == 0) {
            result = client_store_end(c, &h, err);
            client_store_free(&h);
        }
    }
    return result;
}

int client_uid_expunge_in_steps(struct client *c, struct client_expunge *h,
                                const struct seqset *uids, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    AUTO_SEQSET struct seqset others = {0};
    *h = (struct client_expunge){0};
    if (uids->saved || seqset_has_star(uids) || seqset_is_empty(uids)) {
        return error_set(err, ERR_STATE, SCOPE_MAILBOX,
                         "EXPUNGE in steps needs the numbers of its messages");
    }
    if (find_others(c, uids, arena, &others, err) < 0) {
        return -(int)err->code;
    }
    if (mark(c, &others, STORE_REMOVE, arena, err) < 0) {
        return error_wrap(err, "not expunged, and some messages may have lost their \\Deleted");
    }
    int result = client_expunge_begin(c, h, arena, err);
    if (result == 0) {
        result = client_expunge_end(c, h, err);
    }
    struct error mark_error = ERROR_INIT;
    if (mark(c, &others, STORE_ADD, arena, &mark_error) < 0 && result == 0) {
        *err = mark_error;
        return error_wrap(err, "expunged, but other messages may have lost their \\Deleted");
    }
    return result;
}
