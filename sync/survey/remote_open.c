#include "survey/remote.h"

#include "pass/broken.h"
#include "survey/listing.h"
#include "survey/told.h"

#include <assert.h>

/* Mailboxes in flight at once: enough to hide the round trip, few enough for any server's patience.
 */
#define OPEN_BATCH 64
/* QRESYNC, CONDSTORE, a listing; one for each of the former that turns out to be broken; and a
 * listing that the mailbox outgrew. */
#define TURNS_MAX 6

/* What is to be opened, and whether apart from others: first SELECT, then what it makes known. */
struct turn {
    struct mailbox_pair *pair;
    bool apart;
};

/* A listing that goes by slices, or to a UID that is not known yet. */
static bool is_apart(const struct pass *pass, const struct turn *turn)
{
    const struct mailbox_pair *pair = turn->pair;
    uint32_t told = pair->has_status ? pair->status_messages : 0;
    uint32_t messages = told > pair->record.records ? told : pair->record.records;
    return opening_means(pass, pair) == SURVEY_LISTING &&
           (turn->apart || opening_uidnext(pair) == 0 || messages > listing_slice(pass));
}

/* Everything told must add up to EXISTS; only a complete listing can then say what is gone (law 1).
 */
static bool adds_up(const struct mailbox_pair *pair)
{
    uint64_t there = pair->record.records + remote_fresh_count(&pair->remote);
    return there == (uint64_t)pair->remote.exists + seqset_count(&pair->remote.gone);
}

/* There may be messages beyond the UIDs that were asked for. */
static bool outgrew(const struct opening *o)
{
    uint32_t next = o->select.data.uidnext;
    return o->means == SURVEY_LISTING && !o->apart && !o->pair->remote.complete &&
           (next == 0 || next - 1 > o->asked_to);
}

/* A listing of fewer messages than EXISTS has holes: nothing is gone by it (law 1). */
static void doubt_incomplete(struct mailbox_pair *pair)
{
    if (pair->remote.complete)
        return;
    seqset_free(&pair->remote.gone);
    pair->remote_blocked = true;
}

/* An extension that the server announces and then does not know: the mailbox is opened by the next
 * means. */
static int drop_broken(struct pass *pass, const struct opening *o, const struct error *failed,
                       bool *again_out, struct error *err)
{
    enum capability cap = o->means == SURVEY_QRESYNC ? CAP_QRESYNC : CAP_CONDSTORE;
    bool extended = o->means != SURVEY_LISTING || client_has(pass->client, cap);
    if (failed->code != ERR_BAD || failed->scope > SCOPE_MAILBOX || !extended)
        return 0;
    *again_out = true;
    return broken_drop(pass, cap, "it does not know the command that is for it", err);
}

/* Whether what was told does not hold, so that all is to be listed. */
static bool must_list(const struct opening *o)
{
    bool stale = o->select.data.highestmodseq == 0 ||
                 o->select.data.highestmodseq < o->pair->record.highestmodseq;
    return o->means != SURVEY_LISTING && (stale || o->pair->renumbered || !adds_up(o->pair));
}

/* Ends one opening. *again_out: it is to be opened again, by the next means or apart. */
static int finish(struct pass *pass, struct opening *o, bool *again_out, struct error *err)
{
    *again_out = false;
    remote_delta_clear(&o->pair->remote);
    if (!o->heard)
        opening_hear(pass, o);
    int r = opening_judge(pass, o, err);
    if (r < 0) {
        struct error drop_error = ERROR_INIT;
        remote_delta_clear(&o->pair->remote);
        if (drop_broken(pass, o, err, again_out, &drop_error) < 0)
            *err = drop_error;
        else if (*again_out)
            error_clear(err);
        r = error_is_set(err) ? -(int)err->code : 0;
    } else if (must_list(o) || outgrew(o)) {
        remote_delta_clear(&o->pair->remote);
        o->pair->remote.means = SURVEY_LISTING;
        *again_out = true;
    } else {
        doubt_incomplete(o->pair);
    }
    opening_free(o);
    return r;
}

static int open_batch(struct pass *pass, const struct turn *turns, size_t len, struct turn *again,
                      size_t *again_len, struct error *err)
{
    struct opening *openings = xcalloc(len, sizeof *openings);
    size_t begun = 0;
    int r = 0;
    for (; begun < len && r == 0; begun++) {
        struct opening *o = &openings[begun];
        if (told_take(pass, turns[begun].pair, o))
            continue;
        o->pair = turns[begun].pair;
        o->means = opening_means(pass, o->pair);
        o->apart = is_apart(pass, &turns[begun]);
        r = opening_begin(pass, o, err);
    }
    for (size_t i = 0; i < begun; i++) {
        bool once_more = false;
        if (r < 0) {
            opening_abandon(pass, &openings[i]);
            continue;
        }
        pass_progress(pass, PROGRESS_SURVEY, openings[i].pair, 0, 0);
        r = finish(pass, &openings[i], &once_more, err);
        if (r < 0)
            r = pass_absorb(pass, openings[i].pair, err);
        if (once_more)
            again[(*again_len)++] =
                (struct turn){openings[i].pair, openings[i].means == SURVEY_LISTING};
    }
    xfree(&openings);
    return r;
}

/* How many of these go together: between a SELECT and the slices of its listing there is no other.
 */
static size_t batch_len(const struct pass *pass, const struct turn *turns, size_t len)
{
    size_t n = 0;
    while (n < len && n < OPEN_BATCH && !is_apart(pass, &turns[n]))
        n++;
    return n > 0 ? n : 1;
}

/* What does not add up, or was asked in a way that the server does not know, is asked again by a
 * lesser means: each turn goes at least one down. */
int remote_open(struct pass *pass, struct mailbox_pair *const *pairs, size_t len, struct error *err)
{
    struct turn *now = xcalloc(len + 1, sizeof *now);
    struct turn *again = xcalloc(len + 1, sizeof *again);
    for (size_t i = 0; i < len; i++)
        now[i].pair = pairs[i];
    size_t again_len = len;
    int r = 0;
    for (int turn = 0; turn < TURNS_MAX && again_len > 0 && r == 0; turn++) {
        len = again_len;
        again_len = 0;
        size_t batch;
        for (size_t i = 0; i < len && r == 0; i += batch) {
            batch = batch_len(pass, now + i, len - i);
            r = open_batch(pass, now + i, batch, again, &again_len, err);
        }
        struct turn *kept = now;
        now = again;
        again = kept;
    }
    assert(r < 0 || again_len == 0);
    xfree(&now);
    xfree(&again);
    return r;
}
