/* SELECT EXAMINE CLOSE UNSELECT */
#include "imap/select.h"
#include "imap/vanished.h"
#include "server/session_private.h"

static bool params_allowed(const struct session *s, const struct select_params *params)
{
    if (params->qresync) {
        return s->qresync;
    }
    return !params->condstore || session_has_condstore(s);
}

/* What rev1 had and rev2 does without. */
static void tell_unseen(struct session *s)
{
    struct backend_message message;
    for (uint32_t i = 0; i < s->tracker.uids.len; i++) {
        if (tracker_message(&s->tracker, s->backend.ops, i, &message) &&
            (message.flags.system & FLAG_SEEN) == 0) {
            untagged_number(s, CODE_UNSEEN, i + 1, "First unseen message");
            return;
        }
    }
}

static void tell_flags(struct session *s, struct command *c,
                       const struct backend_mailbox_info *info)
{
    struct imap_flags flags = {.system = FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DELETED | FLAG_SEEN |
                                         FLAG_DRAFT,
                               .keywords_len = info->keywords_len};
    flags.keywords = arena_array(c->arena, info->keywords_len, sizeof *flags.keywords);
    for (size_t i = 0; i < info->keywords_len; i++) {
        flags.keywords[i] = info->keywords[i];
    }
    writer_cstr(&s->out, "* FLAGS ");
    flags_write(&s->out, &flags);
    writer_crlf(&s->out);
    flags.system |= FLAG_WILDCARD;
    unsigned allowed = access_flags(&s->tracker.rights);
    flags.system &= s->tracker.read_only ? 0 : allowed;
    if (s->tracker.read_only || (allowed & FLAG_WILDCARD) == 0) {
        flags.keywords_len = 0;
    }
    struct imap_response_status permanent = {.status = STATUS_OK,
                                             .code = CODE_PERMANENTFLAGS,
                                             .flags = flags,
                                             .text = STR("Flags kept")};
    writer_cstr(&s->out, "* ");
    imap_response_status_write(&s->out, &permanent);
}

/* RFC 9051 section 6.3.2. */
static void tell_name(struct session *s, struct command *c)
{
    struct list_entry entry = {.delimiter = names_delimiter(s),
                               .name = names_to_wire(s, c->arena, str_from(s->tracker.name))};
    list_tell_entry(s, "LIST", &entry);
}

static void tell_mailbox(struct session *s, struct command *c,
                         const struct backend_mailbox_info *info)
{
    tell_flags(s, c, info);
    fault_tell_exists(s, s->tracker.uids.len);
    if (s->rev2) {
        tell_name(s, c);
    } else {
        writer_format(&s->out, "* %u RECENT\r\n", tracker_count_recent(&s->tracker));
    }
    if (!s->rev2 && !s->uidonly) {
        tell_unseen(s);
    }
    untagged_number(s, CODE_UIDVALIDITY, fault_lie(s, FAULT_LIE_UIDVALIDITY, info->uidvalidity),
                    "UIDs valid");
    untagged_number(s, CODE_UIDNEXT, fault_lie(s, FAULT_LIE_UIDNEXT, info->uidnext), "Next UID");
    if (session_has_condstore(s)) {
        untagged_number(s, CODE_HIGHESTMODSEQ, info->highestmodseq, "Highest");
    }
    if (session_offers(s, CAP_OBJECTID)) {
        struct imap_response_status status = {.status = STATUS_OK,
                                              .code = CODE_MAILBOXID,
                                              .id = info->mailboxid,
                                              .text = STR("Its identity")};
        writer_cstr(&s->out, "* ");
        imap_response_status_write(&s->out, &status);
    }
}

/* ---- QRESYNC ---- */

static int compare_expunged(const void *a, const void *b)
{
    uint32_t left = ((const struct backend_expunged *)a)->uid;
    uint32_t right = ((const struct backend_expunged *)b)->uid;
    return (left > right) - (left < right);
}

/* Without a memory that reaches so far: all that the client may know less what is there. */
static void vanished_from_listing(struct session *s, const struct seqset *known, uint32_t uidnext,
                                  struct seqset *out)
{
    if (seqset_is_empty(known)) {
        if (uidnext > 1) {
            seqset_add_range(out, 1, uidnext - 1);
        }
    } else {
        seqset_add_set(out, known);
        seqset_remove_range(out, uidnext, SEQ_STAR - 1);
    }
    VEC_FOREACH (uint32_t, uid, &s->tracker.uids)
        seqset_remove_range(out, *uid, *uid);
}

int select_vanished(struct session *s, struct arena *arena, uint64_t since,
                    const struct seqset *known, struct seqset *out, struct error *err)
{
    struct backend_mailbox_info info;
    struct backend_expunged *expunged = NULL;
    size_t len = 0;
    bool complete = true;
    int r = s->backend.ops->info(s->tracker.mailbox, &info, err);
    if (r < 0 || (r = s->backend.ops->expunged(s->tracker.mailbox, since, arena, &expunged, &len,
                                               &complete, err)) < 0) {
        return r;
    }
    if (!complete) {
        vanished_from_listing(s, known, info.uidnext, out);
        return 0;
    }
    if (len > 1) {
        qsort(expunged, len, sizeof *expunged, compare_expunged);
    }
    for (size_t i = 0; i < len; i++) {
        if (seqset_is_empty(known) || seqset_contains(known, expunged[i].uid)) {
            seqset_add(out, expunged[i].uid);
        }
    }
    return 0;
}

static void tell_vanished(struct session *s, const struct seqset *vanished)
{
    if (seqset_is_empty(vanished)) {
        return;
    }
    writer_cstr(&s->out, "* ");
    vanished_write(&s->out, true, vanished);
    writer_crlf(&s->out);
}

static int tell_changed(struct session *s, struct command *c, const struct select_params *params,
                        struct error *err)
{
    uint32_t *changed = NULL;
    size_t len = 0;
    int r =
        s->backend.ops->changed(s->tracker.mailbox, params->modseq, c->arena, &changed, &len, err);
    for (size_t i = 0; r == 0 && i < len; i++) {
        struct backend_message message;
        uint32_t index;
        if (!seqset_is_empty(&params->known_uids) &&
            !seqset_contains(&params->known_uids, changed[i])) {
            continue;
        }
        if (tracker_index(&s->tracker, changed[i], &index) &&
            s->backend.ops->find(s->tracker.mailbox, changed[i], &message)) {
            fetch_tell_flags(s, index + 1, &message, true, true);
        }
    }
    return r;
}

static int tell_resync(struct session *s, struct command *c, const struct select_params *params,
                       uint32_t uidvalidity, struct error *err)
{
    struct seqset vanished AUTO_SEQSET = {0};
    if (!params->qresync || params->uidvalidity != uidvalidity) {
        return 0;
    }
    int r = select_vanished(s, c->arena, params->modseq, &params->known_uids, &vanished, err);
    if (r < 0) {
        return r;
    }
    tell_vanished(s, &vanished);
    return tell_changed(s, c, params, err);
}

/* ---- the commands ---- */

static void select_mailbox(struct session *s, struct command *c, struct str name,
                           const struct select_params *params)
{
    struct backend_mailbox *mailbox = NULL;
    struct backend_mailbox_info info;
    struct error err = ERROR_INIT;
    bool examine = c->row->id == CMD_EXAMINE;
    if (s->state == STATE_SELECTED && (s->qresync || s->rev2)) {
        writer_cstr(&s->out, "* OK [CLOSED] The mailbox before is closed\r\n");
    }
    session_deselect(s);
    if (!access_check(s, c, name, "r") || !names_open(s, c, name, CODE_NONEXISTENT, &mailbox)) {
        return;
    }
    if (s->backend.ops->info(mailbox, &info, &err) < 0) {
        s->backend.ops->close(mailbox);
        reply_error(c, &err);
        return;
    }
    tracker_open(&s->tracker, s->backend.ops, mailbox, &info, name, examine);
    s->tracker.rights = access_rights(s, name);
    s->tracker.read_only = examine || !access_has_any(&s->tracker.rights, "swtei");
    if (s->options.recent && !s->rev2) {
        tracker_take_recent(&s->tracker, s->backend.ops);
    }
    session_set_state(s, STATE_SELECTED);
    s->condstore = s->condstore || params->condstore || params->qresync;
    tell_mailbox(s, c, &info);
    if (tell_resync(s, c, params, info.uidvalidity, &err) < 0) {
        session_deselect(s);
        reply_error(c, &err);
        return;
    }
    reply_set(c, STATUS_OK, s->tracker.read_only ? CODE_READ_ONLY : CODE_READ_WRITE,
              examine ? "EXAMINE done" : "SELECT done");
}

/* SELECT and EXAMINE */
void handle_select(struct session *s, struct command *c)
{
    struct select_params params = {0};
    struct str name;
    if (!names_expect(s, c, &name)) {
        if (c->reply.status == STATUS_NO) {
            session_deselect(s);
        }
        return;
    }
    if (!select_params_read(c->reader, &params)) {
        return;
    }
    if (reader_expect_crlf(c->reader)) {
        if (params_allowed(s, &params)) {
            select_mailbox(s, c, name, &params);
        } else {
            reply_bad(c, params.qresync ? "QRESYNC is not enabled" : "No CONDSTORE here");
        }
    }
    seqset_free(&params.known_uids);
}

void handle_close(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct tracker_range whole = {0, (uint32_t)s->tracker.uids.len};
    struct tracker_ranges ranges = {&whole, 1};
    size_t count;
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    /* Nothing is told of it, nor the new HIGHESTMODSEQ: RFC 7162 section 3.2.8. */
    if (!s->tracker.read_only && acl_rights_have(&s->tracker.rights, 'e') &&
        expunge_marked(s, &ranges, &count, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    session_deselect(s);
    reply_ok(c, "CLOSE done");
}

void handle_unselect(struct session *s, struct command *c)
{
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    session_deselect(s);
    reply_ok(c, "UNSELECT done");
}
