/* STORE and UID STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3) */
#include "imap/store.h"
#include "server/session_private.h"

bool store_expect_keywords(struct reader *r, const struct imap_flags *flags)
{
    for (size_t i = 0; i < flags->keywords_len; i++) {
        if (!flags_keyword_is_valid(flags->keywords[i])) {
            return reader_fail(r, "%.*s cannot be a flag", STR_ARG(flags->keywords[i]));
        }
    }
    return true;
}

static bool read_store(struct command *c, struct seqset *asked, struct store_params *params)
{
    return reader_expect_sp(c->reader) && seqset_read(c->reader, asked) &&
           reader_expect_sp(c->reader) && store_params_read(c->reader, c->arena, params) &&
           store_expect_keywords(c->reader, &params->flags) && reader_expect_crlf(c->reader);
}

/* The keywords of `a` and, where `keep` says, those of `b` that it lacks; or less them. */
static struct imap_flags with_keywords(struct arena *arena, const struct imap_flags *a,
                                       const struct imap_flags *b, enum store_mode mode)
{
    struct imap_flags out = {.system = a->system};
    out.keywords = arena_array(arena, a->keywords_len + b->keywords_len, sizeof *out.keywords);
    for (size_t i = 0; i < a->keywords_len; i++) {
        if (mode != STORE_REMOVE || !flags_have_keyword(b, a->keywords[i])) {
            out.keywords[out.keywords_len++] = a->keywords[i];
        }
    }
    for (size_t i = 0; mode == STORE_ADD && i < b->keywords_len; i++) {
        if (!flags_have_keyword(&out, b->keywords[i])) {
            out.keywords[out.keywords_len++] = b->keywords[i];
        }
    }
    return out;
}

static struct imap_flags combine(struct arena *arena, const struct imap_flags *old,
                                 const struct store_params *params)
{
    const struct imap_flags nothing = {0};
    struct imap_flags out;
    switch (params->mode) {
    case STORE_ADD:
        out = with_keywords(arena, old, &params->flags, STORE_ADD);
        out.system |= params->flags.system;
        return out;
    case STORE_REMOVE:
        out = with_keywords(arena, old, &params->flags, STORE_REMOVE);
        out.system &= ~params->flags.system;
        return out;
    case STORE_SET:
        break;
    }
    out = with_keywords(arena, &nothing, &params->flags, STORE_ADD);
    out.system = params->flags.system;
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

/* What the user may not change stays as it was. */
static struct imap_flags keep_what_is_forbidden(const struct acl_rights *rights,
                                                const struct imap_flags *old,
                                                const struct imap_flags *wanted)
{
    unsigned allowed = access_flags(rights);
    struct imap_flags out = acl_rights_have(rights, 'w') ? *wanted : *old;
    out.system = (old->system & ~allowed) | (wanted->system & allowed);
    return out;
}

/* ---- acting ---- */

static bool expunges_at_once(const struct session *s, const struct imap_flags *flags)
{
    return (flags->system & FLAG_DELETED) != 0 &&
           fault_of_kind(s->options.faults, FAULT_EXPUNGE_MARKED) != NULL;
}

static int store_one(struct session *s, struct command *c, const struct store_params *params,
                     uint32_t index, struct arena *scratch, struct error *err)
{
    struct tracker *t = &s->tracker;
    struct backend_message message;
    if (!tracker_message(t, s->backend.ops, index, &message)) {
        return 0;
    }
    if (params->has_unchanged_since && message.modseq > params->unchanged_since) {
        seqset_add(&c->reply.set, c->uid ? message.uid : index + 1);
        return 0;
    }
    bool seen_latest = message.modseq <= t->modseq;
    struct imap_flags wanted = combine(scratch, &message.flags, params);
    struct imap_flags flags = keep_what_is_forbidden(&t->rights, &message.flags, &wanted);
    if (!same_flags(&flags, &message.flags)) {
        int r = s->backend.ops->set_flags(t->mailbox, message.uid, &flags, err);
        if (r == 0 && expunges_at_once(s, &flags)) {
            r = s->backend.ops->expunge(t->mailbox, &message.uid, 1, err);
        }
        if (r < 0) {
            return r;
        }
        if (!s->backend.ops->find(t->mailbox, message.uid, &message)) {
            return 0;
        }
    }
    bool quiet = params->silent && seen_latest;
    if (!params->silent || (s->condstore && quiet)) {
        fetch_tell_flags(s, index + 1, &message, c->uid || s->qresync, !params->silent);
    }
    /* Another session's change that the client has not seen is still to be told. */
    if (!params->silent || quiet) {
        tracker_told(t, message.uid);
    }
    return 0;
}

static int store_all(struct session *s, struct command *c, const struct store_params *params,
                     const struct tracker_ranges *ranges, struct error *err)
{
    struct arena *scratch AUTO_ARENA = arena_new();
    for (size_t i = 0; i < ranges->len; i++) {
        for (uint32_t index = ranges->items[i].begin; index < ranges->items[i].end; index++) {
            arena_reset(scratch);
            int r = store_one(s, c, params, index, scratch, err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

static void store(struct session *s, struct command *c, const struct seqset *asked,
                  struct store_params *params)
{
    struct tracker_ranges ranges;
    struct error err = ERROR_INIT;
    params->flags.system &= ~(unsigned)(FLAG_RECENT | FLAG_WILDCARD);
    if (params->has_unchanged_since && !session_has_condstore(s)) {
        reply_bad(c, "CONDSTORE is not on offer");
        return;
    }
    if (!select_resolve(s, c, asked, c->uid, &ranges) || !select_check_writable(s, c, "")) {
        return;
    }
    if (!access_has_any(&s->tracker.rights, "stw")) {
        reply_no(c, CODE_NOPERM, "Your rights do not allow it");
        return;
    }
    s->condstore = s->condstore || params->has_unchanged_since;
    select_limit(s, c, &ranges);
    if (store_all(s, c, params, &ranges, &err) < 0) {
        reply_error(c, &err);
    } else if (!seqset_is_empty(&c->reply.set)) {
        reply_set(c, STATUS_OK, CODE_MODIFIED, "Some have changed since");
    } else {
        reply_ok(c, "STORE done");
        reply_add_limit(s, c);
    }
}

void handle_store(struct session *s, struct command *c)
{
    struct seqset asked AUTO_SEQSET = {0};
    struct store_params params;
    if (read_store(c, &asked, &params)) {
        store(s, c, &asked, &params);
    }
}
