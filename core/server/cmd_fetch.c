/*
 * FETCH and UID FETCH. An answer may be larger than the memory should hold: it is made piece by
 * piece, and between the pieces other sessions have their turn. The messages to tell are those of
 * the view, which does not change meanwhile; what is expunged by then is passed over.
 */
#include "base/alloc.h"
#include "imap/vanished.h"
#include "server/message.h"
#include "server/session_private.h"

struct fetch_job {
    struct fetch_request request; /* in the session's arena, as all that follows */
    struct tracker_ranges ranges;
    size_t range;   /* where it goes on: in ranges.items[range] */
    uint32_t index; /* at this index of the view, or the range's begin if that is higher */
    struct buf scratch;
};

void fetch_job_free(struct fetch_job **job)
{
    if (*job != NULL) {
        buf_free(&(*job)->scratch);
    }
    xfree(job);
}

/* ---- one message ---- */

static void fill(const struct session *s, unsigned items, const struct backend_message *message,
                 struct fetch_data *out)
{
    const struct fault *lie = fault_of_kind(s->options.faults, FAULT_LIE_SIZE);
    *out = (struct fetch_data){.have = items,
                               .uid = message->uid,
                               .flags = message->flags,
                               .internal_date = {.unix_s = message->internal_date_s},
                               .size = message->size,
                               .modseq = message->modseq,
                               .email_id = message->email_id};
    if (lie != NULL) {
        out->size += lie->value;
    }
}

void fetch_tell_flags(struct session *s, uint32_t seq, const struct backend_message *message,
                      bool with_uid, bool with_flags)
{
    struct fetch_data data;
    unsigned items = (with_uid ? FETCH_UID : 0u) | (with_flags ? FETCH_FLAGS : 0u) |
                     (s->condstore ? FETCH_MODSEQ : 0u);
    fill(s, items, message, &data);
    writer_format(&s->out, "* %u FETCH (", seq);
    fetch_data_write_items(&s->out, &data);
    writer_cstr(&s->out, ")\r\n");
}

static void tell_section(struct session *s, struct fetch_job *job, const struct section *section,
                         struct str body)
{
    struct section told = *section;
    struct str part;
    told.count = 0;
    section_item_write(&s->out, &told, false);
    writer_sp(&s->out);
    if (!message_section(body, section, &job->scratch, &part)) {
        writer_cstr(&s->out, "NIL");
        return;
    }
    part = message_partial(part, section);
    writer_literal_header(&s->out, part.len, false);
    writer_raw(&s->out, part);
}

/* `before` stands before the first, if there is one. */
static void tell_sections(struct session *s, struct fetch_job *job, uint32_t uid,
                          const char *before)
{
    const struct fault *hide = fault_of_kind(s->options.faults, FAULT_HIDE_UID);
    struct error err = ERROR_INIT;
    struct str body;
    if (job->request.sections_len == 0 || (hide != NULL && hide->value == uid) ||
        s->backend.ops->body(s->tracker.mailbox, uid, &body, &err) < 0) {
        return;
    }
    for (size_t i = 0; i < job->request.sections_len; i++) {
        writer_cstr(&s->out, i == 0 ? before : " ");
        tell_section(s, job, &job->request.section[i], body);
    }
}

/* BODY[] sets \Seen and tells so. True when it was not set before. */
static bool mark_seen(struct session *s, const struct fetch_job *job,
                      struct backend_message *message)
{
    struct error err = ERROR_INIT;
    struct imap_flags flags = message->flags;
    if (!job->request.mark_seen || s->tracker.read_only || (flags.system & FLAG_SEEN) != 0) {
        return false;
    }
    flags.system |= FLAG_SEEN;
    uint32_t uid = message->uid;
    return s->backend.ops->set_flags(s->tracker.mailbox, uid, &flags, &err) == 0 &&
           s->backend.ops->find(s->tracker.mailbox, uid, message);
}

static void tell_message(struct session *s, struct fetch_job *job, uint32_t index)
{
    struct backend_message message;
    struct fetch_data data;
    unsigned items = job->request.items & ~(unsigned)FETCH_BODY_SECTION;
    if (!tracker_message(&s->tracker, s->backend.ops, index, &message) ||
        message.modseq <= job->request.changed_since) {
        return;
    }
    if (mark_seen(s, job, &message)) {
        items |= FETCH_FLAGS | (s->condstore ? FETCH_MODSEQ : 0u);
        tracker_told(&s->tracker, message.uid);
    }
    fill(s, items, &message, &data);
    writer_format(&s->out, "* %u FETCH (", index + 1);
    fetch_data_write_items(&s->out, &data);
    tell_sections(s, job, message.uid, items != 0 ? " " : "");
    writer_cstr(&s->out, ")\r\n");
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
        tell_message(s, job, job->index);
        job->index++;
    }
    fetch_job_free(&s->fetch);
    session_set_mode(s, MODE_COMMAND);
    s->command.deferred = false;
    reply_ok(&s->command, "FETCH done");
    conn_finish(s, &s->command);
}

static const char *refusal(const struct session *s, const struct command *c,
                           const struct fetch_request *request)
{
    const unsigned not_there = FETCH_THREADID | FETCH_GM_MSGID | FETCH_GM_THRID | FETCH_SAVEDATE |
                               FETCH_ENVELOPE | FETCH_BODYSTRUCTURE | FETCH_BODY_STRUCTURE_SHORT |
                               FETCH_PREVIEW | FETCH_GM_LABELS;
    for (size_t i = 0; i < request->sections_len; i++) {
        if (request->section[i].item == SECTION_BINARY ||
            request->section[i].item == SECTION_BINARY_SIZE) {
            return "BINARY is not on offer";
        }
    }
    if ((request->items & not_there) != 0) {
        return "These items are not on offer";
    }
    if ((request->items & FETCH_EMAILID) != 0 && !session_offers(s, CAP_OBJECTID)) {
        return "OBJECTID is not on offer";
    }
    if (((request->items & FETCH_MODSEQ) != 0 || request->changed_since != 0) &&
        !session_has_condstore(s)) {
        return "CONDSTORE is not on offer";
    }
    if (request->vanished && (!s->qresync || !c->uid || request->changed_since == 0)) {
        return "VANISHED needs UID FETCH, CHANGEDSINCE and QRESYNC enabled";
    }
    return NULL;
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
    if (!tracker_resolve(&s->tracker, asked, c->uid, c->arena, &job->ranges)) {
        reply_bad(c, "There is no such message number");
        return false;
    }
    if (job->request.vanished && tell_vanished(s, c, asked, job->request.changed_since, &err) < 0) {
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
    buf_init(&job->scratch, LIMIT_SERVER_LITERAL_BYTES);
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
