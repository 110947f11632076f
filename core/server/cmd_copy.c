/* COPY MOVE and their UID forms (RFC 9051 section 6.4.7, RFC 6851) */
#include "server/session_private.h"

struct copied {
    VEC(uint32_t) source;
    VEC(uint32_t) dest;
};

/* Takes off the copy what the user may not set there. */
static int strip_flags(struct session *s, const struct acl_rights *rights,
                       struct backend_mailbox *to, uint32_t uid, struct error *err)
{
    struct backend_message message;
    if (!s->backend.ops->find(to, uid, &message)) {
        return 0;
    }
    struct imap_flags flags = message.flags;
    access_strip_flags(rights, &flags);
    if (flags.system == message.flags.system && flags.keywords_len == message.flags.keywords_len) {
        return 0;
    }
    return s->backend.ops->set_flags(to, uid, &flags, err);
}

static int copy_all(struct session *s, const struct tracker_ranges *ranges,
                    struct backend_mailbox *to, const struct acl_rights *rights, bool moving,
                    struct copied *out, struct error *err)
{
    struct backend_message message;
    uint64_t goal = select_count(ranges);
    for (size_t i = 0; i < ranges->len; i++) {
        for (uint32_t index = ranges->items[i].begin; index < ranges->items[i].end; index++) {
            uint32_t uid = 0;
            if (!tracker_message(&s->tracker, s->backend.ops, index, &message)) {
                continue;
            }
            uint32_t source = message.uid;
            int r = s->backend.ops->copy(s->tracker.mailbox, source, to, moving, &uid, err);
            if (r < 0) {
                return r;
            }
            vec_push(&out->source, source);
            vec_push(&out->dest, uid);
            if ((r = strip_flags(s, rights, to, uid, err)) < 0) {
                return r;
            }
            select_progress(s, &s->command, out->dest.len, goal);
        }
    }
    return 0;
}

/* RFC 9051 section 6.4.7: all or none. */
static void take_back(struct session *s, struct backend_mailbox *to, const struct copied *copied)
{
    struct error err = ERROR_INIT;
    if (copied->dest.len > 0) {
        (void)s->backend.ops->expunge(to, copied->dest.items, copied->dest.len, &err);
    }
}

static bool tells_uids(const struct session *s, const struct copied *copied)
{
    return copied->dest.len > 0 && session_offers(s, CAP_UIDPLUS) &&
           fault_of_kind(s->options.faults, FAULT_NO_UIDPLUS_CODES) == NULL;
}

static void fill_copyuid(const struct copied *copied, uint32_t uidvalidity, struct copyuid *out)
{
    out->uidvalidity = uidvalidity;
    for (size_t i = 0; i < copied->dest.len; i++) {
        seqset_add(&out->source, copied->source.items[i]);
        seqset_add(&out->dest, copied->dest.items[i]);
    }
}

/* Before the EXPUNGEs that follow: RFC 6851 section 4.3. */
static void tell_copyuid(struct session *s, const struct copied *copied, uint32_t uidvalidity)
{
    struct imap_response_status status = {
        .status = STATUS_OK, .code = CODE_COPYUID, .text = STR("Moved")};
    fill_copyuid(copied, uidvalidity, &status.copyuid);
    writer_cstr(&s->out, "* ");
    imap_response_status_write(&s->out, &status);
    imap_response_status_free(&status);
}

static void finish_move(struct session *s, struct command *c, const struct copied *copied,
                        uint32_t uidvalidity)
{
    struct error err = ERROR_INIT;
    if (tells_uids(s, copied)) {
        tell_copyuid(s, copied, uidvalidity);
    }
    if (copied->source.len > 0 && s->backend.ops->expunge(s->tracker.mailbox, copied->source.items,
                                                          copied->source.len, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    reply_ok(c, "MOVE done");
    if (copied->source.len > 0) {
        reply_add_highestmodseq(s, c);
    }
}

static void finish_copy(struct session *s, struct command *c, const struct copied *copied,
                        uint32_t uidvalidity)
{
    reply_ok(c, "COPY done");
    if (tells_uids(s, copied)) {
        c->reply.code = CODE_COPYUID;
        fill_copyuid(copied, uidvalidity, &c->reply.copyuid);
    }
}

static void copy_to(struct session *s, struct command *c, const struct tracker_ranges *ranges,
                    struct str name, struct backend_mailbox *to)
{
    struct copied copied = {0};
    struct acl_rights rights = access_rights(s, name);
    struct backend_mailbox_info info;
    struct error err = ERROR_INIT;
    bool move = c->row->id == CMD_MOVE || c->row->id == CMD_UID_MOVE;
    if (s->backend.ops->info(to, &info, &err) < 0) {
        reply_error(c, &err);
    } else if (copy_all(s, ranges, to, &rights, move, &copied, &err) < 0) {
        take_back(s, to, &copied);
        reply_error(c, &err);
    } else if (move) {
        finish_move(s, c, &copied, info.uidvalidity);
    } else {
        finish_copy(s, c, &copied, info.uidvalidity);
    }
    vec_free(&copied.source);
    vec_free(&copied.dest);
}

/* COPY, UID COPY, MOVE, UID MOVE */
void handle_copy(struct session *s, struct command *c)
{
    struct seqset asked AUTO_SEQSET = {0};
    struct tracker_ranges ranges;
    struct backend_mailbox *to = NULL;
    struct str name;
    bool move = c->row->id == CMD_MOVE || c->row->id == CMD_UID_MOVE;
    if (!reader_expect_sp(c->reader) || !seqset_read(c->reader, &asked) ||
        !names_expect(s, c, &name) || !reader_expect_crlf(c->reader)) {
        return;
    }
    if (!select_resolve(s, c, &asked, c->uid, &ranges) || !select_check_limit(s, c, &ranges) ||
        (move && !select_check_writable(s, c, "te"))) {
        return;
    }
    if (!names_open(s, c, name, CODE_TRYCREATE, &to)) {
        return;
    }
    if (access_check(s, c, name, "i")) {
        copy_to(s, c, &ranges, name, to);
    }
    s->backend.ops->close(to);
}
