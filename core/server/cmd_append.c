/* APPEND */
#include "imap/append.h"
#include "server/session_private.h"

/* The whole message: the frame holds it already, so that its size is known to be bearable. */
static bool read_message(struct command *c, struct buf *out)
{
    struct reader_literal literal;
    struct str piece;
    if (!reader_accept_literal(c->reader, &literal)) {
        return reader_fail(c->reader, "expected the message as a literal");
    }
    if (literal.binary) {
        return reader_fail(c->reader, "BINARY is not on offer");
    }
    do {
        if (!reader_literal_piece(c->reader, &piece)) {
            return false;
        }
        buf_add_str(out, piece);
    } while (piece.len > 0);
    return reader_expect_crlf(c->reader);
}

static void append(struct session *s, struct command *c, struct backend_mailbox *mailbox,
                   const struct append_params *params, struct str message)
{
    struct error err = ERROR_INIT;
    struct backend_mailbox_info info;
    struct imap_flags flags = params->flags;
    uint32_t uid = 0;
    flags.system &= ~(unsigned)(FLAG_RECENT | FLAG_WILDCARD);
    if (s->backend.ops->append(mailbox, message, &flags,
                               params->has_date ? params->date.unix_s : BACKEND_DATE_NOW, &uid,
                               &err) < 0 ||
        s->backend.ops->info(mailbox, &info, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    reply_ok(c, "APPEND done");
    if (session_offers(s, CAP_UIDPLUS) &&
        fault_of_kind(s->options.faults, FAULT_NO_UIDPLUS_CODES) == NULL) {
        c->reply.code = CODE_APPENDUID;
        c->reply.copyuid.uidvalidity = info.uidvalidity;
        seqset_add(&c->reply.copyuid.dest, uid);
    }
}

void handle_append(struct session *s, struct command *c)
{
    struct buf message AUTO_BUF = BUF_INIT(LIMIT_SERVER_LITERAL_BYTES);
    struct backend_mailbox *mailbox = NULL;
    struct append_params params;
    struct str name;
    if (!names_expect(s, c, &name) || !append_params_read(c->reader, c->arena, &params) ||
        !store_expect_keywords(c->reader, &params.flags) || !read_message(c, &message)) {
        return;
    }
    if (!names_open(s, c, name, CODE_TRYCREATE, &mailbox)) {
        return;
    }
    append(s, c, mailbox, &params, buf_str(&message));
    s->backend.ops->close(mailbox);
}
