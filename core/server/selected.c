/* What commands on the selected mailbox share: which messages are meant, and what may be done. */
#include "server/session_private.h"

bool select_resolve(struct session *s, struct command *c, const struct seqset *asked, bool uid,
                    struct tracker_ranges *out)
{
    if (asked->saved && !session_offers(s, CAP_SEARCHRES) && !s->rev2) {
        reply_bad(c, "SEARCHRES is not on offer");
        return false;
    }
    if (asked->saved) {
        return tracker_resolve(&s->tracker, &s->saved, true, c->arena, out);
    }
    if (!uid && s->uidonly) {
        reply_set(c, STATUS_BAD, CODE_UIDREQUIRED, "Messages have no numbers here");
        return false;
    }
    if (!tracker_resolve(&s->tracker, asked, uid, c->arena, out)) {
        reply_bad(c, "There is no such message number");
        return false;
    }
    return true;
}

bool select_check_writable(struct session *s, struct command *c, const char *needed)
{
    if (s->tracker.read_only) {
        reply_no(c, CODE_NOPERM, "The mailbox is open read-only");
        return false;
    }
    for (const char *right = needed; *right != '\0'; right++) {
        if (!acl_rights_have(&s->tracker.rights, *right)) {
            reply_no(c, CODE_NOPERM, "Your rights do not allow it");
            return false;
        }
    }
    return true;
}

uint64_t select_count(const struct tracker_ranges *ranges)
{
    uint64_t count = 0;
    for (size_t i = 0; i < ranges->len; i++) {
        count += ranges->items[i].end - ranges->items[i].begin;
    }
    return count;
}

void select_partial(const struct partial_range *window, struct arena *arena,
                    struct tracker_ranges *ranges)
{
    struct tracker_range *kept = arena_array(arena, ranges->len, sizeof *kept);
    size_t begin = 0;
    size_t end = 0;
    size_t at = 0;
    size_t len = 0;
    partial_range_apply(window, (size_t)select_count(ranges), &begin, &end);
    for (size_t i = 0; i < ranges->len; i++) {
        struct tracker_range range = ranges->items[i];
        size_t next = at + (range.end - range.begin);
        if (at < end && next > begin) {
            kept[len++] =
                (struct tracker_range){range.begin + (uint32_t)(begin > at ? begin - at : 0),
                                       range.end - (uint32_t)(next > end ? next - end : 0)};
        }
        at = next;
    }
    ranges->items = kept;
    ranges->len = len;
}

static uint64_t limit_of(const struct session *s)
{
    return session_offers(s, CAP_MESSAGELIMIT) && s->options.capabilities.message_limit != 0
               ? s->options.capabilities.message_limit
               : UINT64_MAX;
}

void select_limit(struct session *s, struct command *c, struct tracker_ranges *ranges)
{
    uint64_t left = limit_of(s);
    if (select_count(ranges) <= left) {
        return;
    }
    size_t i = ranges->len;
    while (left > 0) {
        struct tracker_range *range = &ranges->items[--i];
        uint32_t len = range->end - range->begin;
        if (len > left) {
            range->begin = range->end - (uint32_t)left;
            len = (uint32_t)left;
        }
        left -= len;
        c->limit_uid = s->tracker.uids.items[range->begin];
    }
    ranges->items += i;
    ranges->len -= i;
}

bool select_check_limit(struct session *s, struct command *c, const struct tracker_ranges *ranges)
{
    if (select_count(ranges) <= limit_of(s)) {
        return true;
    }
    reply_no(c, CODE_MESSAGELIMIT, "These are too many messages at once");
    c->reply.number = limit_of(s);
    return false;
}

void reply_add_limit(struct session *s, struct command *c)
{
    if (c->limit_uid != 0) {
        c->reply.code = CODE_MESSAGELIMIT;
        c->reply.number = limit_of(s);
        c->reply.uid = c->limit_uid;
    }
}

void select_progress(struct session *s, const struct command *c, uint64_t done, uint64_t goal)
{
    struct imap_response_status told = {.status = STATUS_OK,
                                        .code = CODE_INPROGRESS,
                                        .text = STR("Still at it"),
                                        .progress = {c->tag, true, true, done, goal}};
    if (done == 0 || done >= goal || done % SESSION_PROGRESS_MESSAGES != 0 ||
        !session_offers(s, CAP_INPROGRESS)) {
        return;
    }
    writer_cstr(&s->out, "* ");
    imap_response_status_write(&s->out, &told);
}
