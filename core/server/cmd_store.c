/* STORE and UID STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3) */
#include "imap/modseq.h"
#include "server/session_private.h"

enum store_how { STORE_REPLACE, STORE_ADD, STORE_REMOVE };

struct store_request {
    struct seqset messages;
    bool conditional;
    uint64_t unchanged_since;
    enum store_how how;
    bool silent;
    struct imap_flags flags;
};

static bool read_item(struct command *c, struct store_request *request)
{
    static const struct {
        const char *word;
        enum store_how how;
        bool silent;
    } items[] = {
        {"FLAGS", STORE_REPLACE, false}, {"FLAGS.SILENT", STORE_REPLACE, true},
        {"+FLAGS", STORE_ADD, false},    {"+FLAGS.SILENT", STORE_ADD, true},
        {"-FLAGS", STORE_REMOVE, false}, {"-FLAGS.SILENT", STORE_REMOVE, true},
    };
    struct str word;
    if (!reader_expect_until(c->reader, " ", &word)) {
        return false;
    }
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        if (str_eq_nocase(word, str_from(items[i].word))) {
            request->how = items[i].how;
            request->silent = items[i].silent;
            return true;
        }
    }
    return reader_fail(c->reader, "%.*s cannot be stored", STR_ARG(word));
}

static bool read_condition(struct command *c, struct store_request *request)
{
    if (!reader_accept(c->reader, '(')) {
        return true;
    }
    request->conditional = true;
    return reader_accept_word(c->reader, "UNCHANGEDSINCE")
               ? reader_expect_sp(c->reader) && modseq_read(c->reader, &request->unchanged_since) &&
                     reader_expect(c->reader, ')') && reader_expect_sp(c->reader)
               : reader_fail(c->reader, "expected UNCHANGEDSINCE");
}

bool store_expect_keywords(struct reader *r, const struct imap_flags *flags)
{
    for (size_t i = 0; i < flags->keywords_len; i++) {
        if (!flags_keyword_is_valid(flags->keywords[i])) {
            return reader_fail(r, "%.*s cannot be a flag", STR_ARG(flags->keywords[i]));
        }
    }
    return true;
}

static bool read_store(struct command *c, struct store_request *request)
{
    return reader_expect_sp(c->reader) && seqset_read(c->reader, &request->messages) &&
           reader_expect_sp(c->reader) && read_condition(c, request) && read_item(c, request) &&
           reader_expect_sp(c->reader) && flags_read_bare(c->reader, c->arena, &request->flags) &&
           store_expect_keywords(c->reader, &request->flags) && reader_expect_crlf(c->reader);
}

/* The keywords of `a` and, where `keep` says, those of `b` that it lacks; or less them. */
static struct imap_flags with_keywords(struct arena *arena, const struct imap_flags *a,
                                       const struct imap_flags *b, enum store_how how)
{
    struct imap_flags out = {.system = a->system};
    out.keywords = arena_array(arena, a->keywords_len + b->keywords_len, sizeof *out.keywords);
    for (size_t i = 0; i < a->keywords_len; i++) {
        if (how != STORE_REMOVE || !flags_have_keyword(b, a->keywords[i])) {
            out.keywords[out.keywords_len++] = a->keywords[i];
        }
    }
    for (size_t i = 0; how == STORE_ADD && i < b->keywords_len; i++) {
        if (!flags_have_keyword(&out, b->keywords[i])) {
            out.keywords[out.keywords_len++] = b->keywords[i];
        }
    }
    return out;
}

static struct imap_flags combine(struct arena *arena, const struct imap_flags *old,
                                 const struct store_request *request)
{
    const struct imap_flags nothing = {0};
    struct imap_flags out;
    switch (request->how) {
    case STORE_ADD:
        out = with_keywords(arena, old, &request->flags, STORE_ADD);
        out.system |= request->flags.system;
        return out;
    case STORE_REMOVE:
        out = with_keywords(arena, old, &request->flags, STORE_REMOVE);
        out.system &= ~request->flags.system;
        return out;
    case STORE_REPLACE:
        break;
    }
    out = with_keywords(arena, &nothing, &request->flags, STORE_ADD);
    out.system = request->flags.system;
    return out;
}

static bool same_flags(const struct imap_flags *a, const struct imap_flags *b)
{
    if (a->system != b->system || a->keywords_len != b->keywords_len) {
        return false;
    }
    for (size_t i = 0; i < a->keywords_len; i++) {
        if (!flags_have_keyword(b, a->keywords[i])) {
            return false;
        }
    }
    return true;
}

/* ---- acting ---- */

static int store_one(struct session *s, struct command *c, const struct store_request *request,
                     uint32_t index, struct arena *scratch, struct error *err)
{
    struct tracker *t = &s->tracker;
    struct backend_message message;
    if (!tracker_message(t, s->backend.ops, index, &message)) {
        return 0;
    }
    if (request->conditional && message.modseq > request->unchanged_since) {
        seqset_add(&c->reply.set, c->uid ? message.uid : index + 1);
        return 0;
    }
    bool seen_latest = message.modseq <= t->modseq;
    struct imap_flags flags = combine(scratch, &message.flags, request);
    if (!same_flags(&flags, &message.flags)) {
        int r = s->backend.ops->set_flags(t->mailbox, message.uid, &flags, err);
        if (r < 0) {
            return r;
        }
        if (!s->backend.ops->find(t->mailbox, message.uid, &message)) {
            return 0;
        }
    }
    bool quiet = request->silent && seen_latest;
    if (!request->silent || (s->condstore && quiet)) {
        fetch_tell_flags(s, index + 1, &message, c->uid || s->qresync, !request->silent);
    }
    /* Another session's change that the client has not seen is still to be told. */
    if (!request->silent || quiet) {
        tracker_told(t, message.uid);
    }
    return 0;
}

static int store_all(struct session *s, struct command *c, const struct store_request *request,
                     const struct tracker_ranges *ranges, struct error *err)
{
    struct arena *scratch AUTO_ARENA = arena_new();
    for (size_t i = 0; i < ranges->len; i++) {
        for (uint32_t index = ranges->items[i].begin; index < ranges->items[i].end; index++) {
            arena_reset(scratch);
            int r = store_one(s, c, request, index, scratch, err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

static void store(struct session *s, struct command *c, struct store_request *request)
{
    struct tracker_ranges ranges;
    struct error err = ERROR_INIT;
    request->flags.system &= ~(unsigned)(FLAG_RECENT | FLAG_WILDCARD);
    if (request->conditional && !session_has_condstore(s)) {
        reply_bad(c, "CONDSTORE is not on offer");
        return;
    }
    if (!tracker_resolve(&s->tracker, &request->messages, c->uid, c->arena, &ranges)) {
        reply_bad(c, "There is no such message number");
        return;
    }
    if (s->tracker.read_only) {
        reply_no(c, CODE_NOPERM, "The mailbox is open read-only");
        return;
    }
    s->condstore = s->condstore || request->conditional;
    if (store_all(s, c, request, &ranges, &err) < 0) {
        reply_error(c, &err);
    } else if (!seqset_is_empty(&c->reply.set)) {
        reply_set(c, STATUS_OK, CODE_MODIFIED, "Some have changed since");
    } else {
        reply_ok(c, "STORE done");
    }
}

void handle_store(struct session *s, struct command *c)
{
    struct store_request request = {0};
    if (read_store(c, &request)) {
        store(s, c, &request);
    }
    seqset_free(&request.messages);
}
