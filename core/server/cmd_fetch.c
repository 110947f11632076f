/*
 * FETCH and UID FETCH. An answer may be larger than the memory should hold: it is made piece by
 * piece, and between the pieces other sessions have their turn. The messages to tell are those of
 * the view, which does not change meanwhile; what is expunged by then is passed over.
 */
#include "base/alloc.h"
#include "imap/vanished.h"
#include "server/session_private.h"

struct fetch_job {
    struct fetch_request request; /* in the session's arena, as all that follows */
    struct tracker_ranges ranges;
    size_t range;          /* where it goes on: in ranges.items[range] */
    uint32_t index;        /* at this index of the view, or the range's begin if that is higher */
    struct arena *scratch; /* for one message */
    bool unknown_cte;      /* some part could not be decoded */
};

void fetch_job_free(struct fetch_job **job)
{
    if (*job != NULL) {
        arena_free(&(*job)->scratch);
    }
    xfree(job);
}

/* ---- the command ---- */

void fetch_continue(struct session *s)
{
    struct fetch_job *job = s->fetch;
    while (job->range < job->ranges.len) {
        const struct tracker_range *range = &job->ranges.items[job->range];
        if (job->index < range->begin) {
            job->index = range->begin;
        }
        if (job->index >= range->end) {
            job->range++;
            continue;
        }
        if (s->out.buf.len >= SESSION_OUTPUT_HIGH_WATER) {
            return;
        }
        arena_reset(job->scratch);
        job->unknown_cte |= !fetch_tell_message(s, job->scratch, &job->request, job->index);
        job->index++;
    }
    bool whole = !job->unknown_cte;
    fetch_job_free(&s->fetch);
    session_set_mode(s, MODE_COMMAND);
    s->command.deferred = false;
    if (whole) {
        reply_ok(&s->command, "FETCH done");
        reply_add_limit(s, &s->command);
    } else {
        reply_no(&s->command, CODE_UNKNOWN_CTE, "A part cannot be decoded");
    }
    conn_finish(s, &s->command);
}

static const char *refusal(const struct session *s, const struct command *c,
                           const struct fetch_request *request)
{
    if (request->vanished && (!s->qresync || !c->uid || request->changed_since == 0)) {
        return "VANISHED needs UID FETCH, CHANGEDSINCE and QRESYNC enabled";
    }
    if (request->partial.first != 0 && (!c->uid || !session_offers(s, CAP_PARTIAL))) {
        return c->uid ? "PARTIAL is not on offer" : "PARTIAL needs UID FETCH";
    }
    return fetch_refusal(s, request);
}

static int tell_vanished(struct session *s, struct command *c, const struct seqset *asked,
                         uint64_t since, struct error *err)
{
    struct seqset vanished AUTO_SEQSET = {0};
    struct seqset known AUTO_SEQSET = {0};
    struct backend_mailbox_info info;
    int r = s->backend.ops->info(s->tracker.mailbox, &info, err);
    if (r < 0) {
        return r;
    }
    /* `*` is the last message, and beyond it nothing has vanished that the client may know. */
    for (size_t i = 0; i < asked->len; i++) {
        uint32_t last = asked->items[i].last == SEQ_STAR ? info.uidnext : asked->items[i].last;
        if (asked->items[i].first <= last) {
            seqset_add_range(&known, asked->items[i].first, last);
        }
    }
    r = seqset_is_empty(&known) ? 0 : select_vanished(s, c->arena, since, &known, &vanished, err);
    if (r < 0 || seqset_is_empty(&vanished)) {
        return r;
    }
    writer_cstr(&s->out, "* ");
    vanished_write(&s->out, true, &vanished);
    writer_crlf(&s->out);
    return 0;
}

/* Takes the parsed command on; false with a reply. */
static bool begin(struct session *s, struct command *c, struct fetch_job *job,
                  const struct seqset *asked)
{
    struct error err = ERROR_INIT;
    const char *words = refusal(s, c, &job->request);
    if (words != NULL) {
        reply_bad(c, words);
        return false;
    }
    if (!select_resolve(s, c, asked, c->uid, &job->ranges)) {
        return false;
    }
    if (job->request.partial.first != 0) {
        select_partial(&job->request.partial, c->arena, &job->ranges);
    }
    select_limit(s, c, &job->ranges);
    if (job->request.vanished && tell_vanished(s, c, asked->saved ? &s->saved : asked,
                                               job->request.changed_since, &err) < 0) {
        reply_error(c, &err);
        return false;
    }
    if (c->uid) {
        job->request.items |= FETCH_UID;
    }
    if (job->request.changed_since != 0 || (job->request.items & FETCH_MODSEQ) != 0) {
        s->condstore = true;
    }
    if (job->request.changed_since != 0) {
        job->request.items |= FETCH_MODSEQ;
    }
    return true;
}

void handle_fetch(struct session *s, struct command *c)
{
    struct seqset asked AUTO_SEQSET = {0};
    struct fetch_job *job = xcalloc(1, sizeof *job);
    job->scratch = arena_new();
    if (reader_expect_sp(c->reader) && seqset_read(c->reader, &asked) &&
        reader_expect_sp(c->reader) && fetch_request_read(c->reader, c->arena, &job->request) &&
        reader_expect_crlf(c->reader) && begin(s, c, job, &asked)) {
        s->fetch = job;
        session_set_mode(s, MODE_FETCH);
        c->deferred = true;
        return;
    }
    fetch_job_free(&job);
}
