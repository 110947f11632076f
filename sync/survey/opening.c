#include "survey/opening.h"

#include "survey/listing.h"

void opening_free(struct opening *o)
{
    vec_free(&o->seen);
    client_select_free(&o->select);
}

enum survey_means opening_means(const struct pass *pass, const struct mailbox_pair *pair)
{
    bool has_mark =
        !pass_is_unpaired(pair) && pair->record.highestmodseq != 0 && pair->record.uidvalidity != 0;
    if (!has_mark || pass->options->full || pair->remote.means == SURVEY_LISTING)
        return SURVEY_LISTING;
    if (client_enabled(pass->client, CAP_QRESYNC))
        return SURVEY_QRESYNC;
    return client_has(pass->client, CAP_CONDSTORE) ? SURVEY_CONDSTORE : SURVEY_LISTING;
}

uint32_t opening_uidnext(const struct mailbox_pair *pair)
{
    uint32_t told = pair->has_status ? pair->status_uidnext : 0;
    return told > pair->record.uidnext ? told : pair->record.uidnext;
}

/* With an end to the range: some servers answer `*` wrongly. */
static int begin_fetch(struct pass *pass, struct opening *o, struct error *err)
{
    struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS};
    AUTO_SEQSET struct seqset all = {0};
    uint32_t next = opening_uidnext(o->pair);
    if (o->means == SURVEY_CONDSTORE)
        request.changed_since = o->pair->record.highestmodseq;
    o->asked_to = next < SEQ_STAR - LISTING_ROOM ? next + LISTING_ROOM - 1 : SEQ_STAR - 1;
    seqset_add_range(&all, 1, o->asked_to);
    o->arena = arena_new();
    int r = client_fetch_begin(pass->client, &o->fetch, &all, &request, NULL, o->arena, err);
    if (r < 0)
        arena_free(&o->arena);
    return r;
}

int opening_begin(struct pass *pass, struct opening *o, struct error *err)
{
    const struct index_mailbox *record = &o->pair->record;
    struct select_params params = {.condstore = client_has(pass->client, CAP_CONDSTORE)};
    if (o->means == SURVEY_QRESYNC) {
        params.qresync = true;
        params.uidvalidity = record->uidvalidity;
        params.modseq = record->highestmodseq;
    }
    int r = client_select_begin(pass->client, &o->select, record->name, false, &params, pass->arena,
                                err);
    return r < 0 || o->means == SURVEY_QRESYNC || o->apart ? r : begin_fetch(pass, o, err);
}

static void hear_select(struct pass *pass, struct opening *o)
{
    int r = client_select_end(pass->client, &o->select, &o->failed);
    o->selected = r == 0;
    if (r < 0)
        (void)error_wrap(&o->failed, "cannot select the mailbox");
    for (size_t i = 0; i < o->select.changes.changed_len && r == 0; i++)
        r = listing_take(pass, &o->select.changes.changed[i], &o->seen, &o->failed);
}

void opening_hear(struct pass *pass, struct opening *o)
{
    o->heard = true;
    hear_select(pass, o);
    if (o->arena == NULL)
        return;
    struct error fetch_error = ERROR_INIT;
    int f = listing_read(pass, &o->fetch, &o->seen, &fetch_error);
    arena_free(&o->arena);
    bool empty = o->select.data.exists == 0 && fetch_error.scope <= SCOPE_MAILBOX;
    if (!error_is_set(&o->failed) && f < 0 && !empty)
        o->failed = fetch_error;
}

void opening_abandon(struct pass *pass, struct opening *o)
{
    struct error ignored = ERROR_INIT;
    if (!o->heard)
        client_select_end(pass->client, &o->select, &ignored);
    if (o->arena != NULL) {
        client_fetch_end(pass->client, &o->fetch, &ignored);
        client_fetch_free(&o->fetch);
        arena_free(&o->arena);
    }
    opening_free(o);
}
