/* EXPUNGE and UID EXPUNGE */
#include "server/session_private.h"

int expunge_marked(struct session *s, const struct tracker_ranges *ranges, size_t *count_out,
                   struct error *err)
{
    VEC(uint32_t) uids = {0};
    struct backend_message message;
    for (size_t i = 0; i < ranges->len; i++) {
        for (uint32_t index = ranges->items[i].begin; index < ranges->items[i].end; index++) {
            if (tracker_message(&s->tracker, s->backend.ops, index, &message) &&
                (message.flags.system & FLAG_DELETED) != 0) {
                vec_push(&uids, message.uid);
            }
        }
    }
    int r = 0;
    if (uids.len > 0) {
        r = s->backend.ops->expunge(s->tracker.mailbox, uids.items, uids.len, err);
    }
    *count_out = uids.len;
    vec_free(&uids);
    return r;
}

void reply_add_highestmodseq(struct session *s, struct command *c)
{
    struct backend_mailbox_info info;
    struct error err = ERROR_INIT;
    if (!s->qresync || s->backend.ops->info(s->tracker.mailbox, &info, &err) < 0) {
        return;
    }
    c->reply.code = CODE_HIGHESTMODSEQ;
    c->reply.number = info.highestmodseq;
}

/* EXPUNGE and UID EXPUNGE */
void handle_expunge(struct session *s, struct command *c)
{
    struct seqset asked AUTO_SEQSET = {0};
    struct error err = ERROR_INIT;
    struct tracker_range whole = {0, (uint32_t)s->tracker.uids.len};
    struct tracker_ranges ranges = {&whole, 1};
    size_t count = 0;
    if (c->uid && (!reader_expect_sp(c->reader) || !seqset_read(c->reader, &asked))) {
        return;
    }
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    if (c->uid && !select_resolve(s, c, &asked, true, &ranges)) {
        return;
    }
    if (!select_check_writable(s, c, "e")) {
        return;
    }
    if (expunge_marked(s, &ranges, &count, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    reply_ok(c, "EXPUNGE done");
    if (count > 0) {
        reply_add_highestmodseq(s, c);
    }
    reply_add_limit(s, c);
}
