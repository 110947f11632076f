/* STATUS */
#include "imap/status.h"
#include "server/session_private.h"

bool status_items_offered(const struct session *s, unsigned items)
{
    return ((items & STATUS_HIGHESTMODSEQ) == 0 || session_has_condstore(s)) &&
           ((items & STATUS_MAILBOXID) == 0 || session_offers(s, CAP_OBJECTID)) &&
           ((items & STATUS_SIZE) == 0 || session_offers(s, CAP_STATUS_SIZE)) &&
           ((items & STATUS_DELETED_STORAGE) == 0 || session_offers(s, CAP_QUOTA_RES_STORAGE)) &&
           ((items & STATUS_APPENDLIMIT) == 0 || session_offers(s, CAP_APPENDLIMIT));
}

/* What has to be counted message by message. */
static void count_messages(struct session *s, struct backend_mailbox *mailbox,
                           struct status_data *data)
{
    struct backend_message message;
    uint64_t deleted = 0;
    const struct backend_ops *ops = s->backend.ops;
    bool keeps_recent = s->options.recent && !s->rev2 && ops->recent != NULL;
    uint32_t recent = keeps_recent ? ops->recent(mailbox, false) : UINT32_MAX;
    if ((data->have & (STATUS_UNSEEN | STATUS_RECENT | STATUS_DELETED | STATUS_SIZE |
                       STATUS_DELETED_STORAGE)) == 0) {
        return;
    }
    for (uint32_t i = 0; ops->message(mailbox, i, &message); i++) {
        data->recent += message.uid >= recent;
        data->unseen += (message.flags.system & FLAG_SEEN) == 0;
        data->deleted += (message.flags.system & FLAG_DELETED) != 0;
        deleted += (message.flags.system & FLAG_DELETED) != 0 ? message.size : 0;
        data->size += message.size;
    }
    data->deleted_storage = (deleted + 1023) / 1024;
}

int status_tell(struct session *s, struct arena *arena, struct str name, unsigned items,
                struct error *err)
{
    struct backend_mailbox *mailbox = NULL;
    struct backend_mailbox_info info;
    int r = s->backend.ops->open(s->user, name, &mailbox, err);
    if (r < 0) {
        return r;
    }
    r = s->backend.ops->info(mailbox, &info, err);
    if (r == 0) {
        struct status_data data = {
            .have = items,
            .mailbox = names_to_wire(s, arena, name),
            .messages = info.messages,
            .uidnext = (uint32_t)fault_lie(s, FAULT_LIE_UIDNEXT, info.uidnext),
            .uidvalidity = (uint32_t)fault_lie(s, FAULT_LIE_UIDVALIDITY, info.uidvalidity),
            .highestmodseq = info.highestmodseq,
            .append_limit = s->options.capabilities.append_limit,
            .mailboxid = info.mailboxid};
        count_messages(s, mailbox, &data);
        writer_cstr(&s->out, "* ");
        status_data_write(&s->out, &data);
        writer_crlf(&s->out);
    }
    s->backend.ops->close(mailbox);
    return r;
}

void handle_status(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct str name;
    unsigned items;
    if (!names_expect(s, c, &name) || !reader_expect_sp(c->reader) ||
        !status_items_read(c->reader, &items) || !reader_expect_crlf(c->reader)) {
        return;
    }
    if (items == 0 || !status_items_offered(s, items)) {
        reply_bad(c, "These items are not on offer");
        return;
    }
    /* RFC 7162 section 3.1: asking for it is enabling CONDSTORE. */
    if ((items & STATUS_HIGHESTMODSEQ) != 0) {
        s->condstore = true;
    }
    if (!access_check(s, c, name, "r")) {
        return;
    }
    if (status_tell(s, c->arena, name, items, &err) < 0) {
        reply_error(c, &err);
    } else {
        reply_ok(c, "STATUS done");
    }
}
