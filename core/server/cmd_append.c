/* APPEND with MULTIAPPEND and BINARY (RFC 3502, RFC 3516, RFC 6855), REPLACE (RFC 8508) */
#include "imap/append.h"
#include "server/session_private.h"

struct appended {
    struct append_params params;
    struct buf bytes;
};

struct append_job {
    struct str mailbox;
    VEC(struct appended) messages;
    VEC(uint32_t) uids; /* of those that are in the mailbox */
};

static void job_free(struct append_job *job)
{
    VEC_FOREACH (struct appended, message, &job->messages)
        buf_free(&message->bytes);
    vec_free(&job->messages);
    vec_free(&job->uids);
}

/* ---- reading ---- */

/* The whole message: the frame holds it already, so that its size is known to be bearable. */
static bool read_literal(const struct session *s, struct command *c, bool utf8, struct buf *out)
{
    struct reader_literal literal;
    struct str piece;
    if (!reader_accept_literal(c->reader, &literal)) {
        return reader_fail(c->reader, "expected the message as a literal");
    }
    if (literal.binary && !utf8 && !session_offers(s, CAP_BINARY)) {
        return reader_fail(c->reader, "BINARY is not on offer");
    }
    do {
        if (!reader_literal_piece(c->reader, &piece)) {
            return false;
        }
        buf_add_str(out, piece);
    } while (piece.len > 0);
    return true;
}

static bool read_data(const struct session *s, struct command *c, struct buf *out)
{
    enum append_data data;
    if (!append_data_read(c->reader, &data)) {
        return false;
    }
    switch (data) {
    case APPEND_LITERAL:
        return read_literal(s, c, false, out);
    case APPEND_UTF8_LITERAL:
        if (!s->utf8) {
            return reader_fail(c->reader, "UTF8=ACCEPT is not enabled");
        }
        return read_literal(s, c, true, out) && reader_expect(c->reader, ')');
    case APPEND_CATENATE:
        break;
    }
    return reader_fail(c->reader, "CATENATE is not on offer");
}

/* Behind the mailbox: at least one message, up to the line end. */
static bool read_messages(const struct session *s, struct command *c, struct append_job *job)
{
    bool several = c->row->id == CMD_APPEND && session_offers(s, CAP_MULTIAPPEND);
    do {
        struct appended *message = vec_add(&job->messages);
        buf_init(&message->bytes, LIMIT_SERVER_LITERAL_BYTES);
        if (!append_params_read(c->reader, c->arena, &message->params) ||
            !store_expect_keywords(c->reader, &message->params.flags) ||
            !read_data(s, c, &message->bytes)) {
            return false;
        }
    } while (several && reader_peek(c->reader) == ' ');
    return reader_expect_crlf(c->reader);
}

/* ---- acting ---- */

static int append_one(struct session *s, struct backend_mailbox *to,
                      const struct acl_rights *rights, const struct appended *message,
                      uint32_t *uid_out, struct error *err)
{
    const struct append_params *params = &message->params;
    struct imap_flags flags = params->flags;
    flags.system &= ~(unsigned)(FLAG_RECENT | FLAG_WILDCARD);
    access_strip_flags(rights, &flags);
    const struct fault *lost = fault_of_kind(s->options.faults, FAULT_LOSE_FLAGS);
    if (lost != NULL) {
        flags.system &= ~(unsigned)lost->value;
        flags.keywords_len = 0;
    }
    return s->backend.ops->append(to, buf_str(&message->bytes), &flags,
                                  params->has_date ? params->date.unix_s : BACKEND_DATE_NOW,
                                  uid_out, err);
}

/* RFC 3502: all or none. */
static int append_all(struct session *s, struct append_job *job, struct backend_mailbox *to,
                      struct error *err)
{
    struct acl_rights rights = access_rights(s, job->mailbox);
    VEC_FOREACH (struct appended, message, &job->messages) {
        struct error ignored = ERROR_INIT;
        uint32_t uid = 0;
        int r = append_one(s, to, &rights, message, &uid, err);
        if (r < 0) {
            (void)s->backend.ops->expunge(to, job->uids.items, job->uids.len, &ignored);
            return r;
        }
        vec_push(&job->uids, uid);
    }
    return 0;
}

static bool tells_uids(const struct session *s)
{
    return session_offers(s, CAP_UIDPLUS) &&
           fault_of_kind(s->options.faults, FAULT_NO_UIDPLUS_CODES) == NULL;
}

static void fill_appenduid(const struct session *s, const struct append_job *job,
                           struct backend_mailbox *to, struct imap_response_status *out)
{
    struct backend_mailbox_info info;
    struct error err = ERROR_INIT;
    if (!tells_uids(s) || s->backend.ops->info(to, &info, &err) < 0) {
        return;
    }
    out->code = CODE_APPENDUID;
    out->copyuid.uidvalidity = info.uidvalidity;
    seqset_add_numbers(&out->copyuid.dest, job->uids.items, job->uids.len);
}

void handle_append(struct session *s, struct command *c)
{
    struct backend_mailbox *mailbox = NULL;
    struct append_job job = {0};
    struct error err = ERROR_INIT;
    if (names_expect(s, c, &job.mailbox) && read_messages(s, c, &job) &&
        names_open(s, c, job.mailbox, CODE_TRYCREATE, &mailbox)) {
        if (!access_check(s, c, job.mailbox, "i")) {
            /* the reply is set */
        } else if (append_all(s, &job, mailbox, &err) < 0) {
            reply_error(c, &err);
        } else {
            reply_ok(c, "APPEND done");
            fill_appenduid(s, &job, mailbox, &c->reply);
        }
        s->backend.ops->close(mailbox);
    }
    job_free(&job);
}

/* ---- REPLACE ---- */

static void replace(struct session *s, struct command *c, struct append_job *job, uint32_t old_uid,
                    struct backend_mailbox *to)
{
    struct error err = ERROR_INIT;
    struct imap_response_status told = {.status = STATUS_OK,
                                        .text = STR("The message that replaces it")};
    if (append_all(s, job, to, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    fill_appenduid(s, job, to, &told);
    if (told.code == CODE_APPENDUID) {
        writer_cstr(&s->out, "* ");
        imap_response_status_write(&s->out, &told);
        imap_response_status_free(&told);
    }
    if (s->backend.ops->expunge(s->tracker.mailbox, &old_uid, 1, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    reply_ok(c, "REPLACE done");
    reply_add_highestmodseq(s, c);
}

static bool read_replace(struct session *s, struct command *c, uint32_t *number,
                         struct append_job *job)
{
    return reader_expect_sp(c->reader) && reader_expect_nz_number(c->reader, number) &&
           names_expect(s, c, &job->mailbox) && read_messages(s, c, job);
}

/* The UID of the message with this number. */
static bool find_replaced(struct session *s, struct command *c, uint32_t number, uint32_t *uid_out)
{
    const struct tracker *t = &s->tracker;
    struct backend_message message;
    uint32_t index = number - 1;
    if ((c->uid && !tracker_index(t, number, &index)) || index >= t->uids.len ||
        !tracker_message(t, s->backend.ops, index, &message)) {
        reply_no(c, CODE_NONEXISTENT, "There is no such message");
        return false;
    }
    *uid_out = message.uid;
    return true;
}

/* REPLACE and UID REPLACE */
void handle_replace(struct session *s, struct command *c)
{
    struct backend_mailbox *mailbox = NULL;
    struct append_job job = {0};
    uint32_t number = 0;
    uint32_t uid = 0;
    if (read_replace(s, c, &number, &job)) {
        if (!select_check_writable(s, c, "te") || !find_replaced(s, c, number, &uid)) {
            /* the reply is set */
        } else if (names_open(s, c, job.mailbox, CODE_TRYCREATE, &mailbox)) {
            if (access_check(s, c, job.mailbox, "i")) {
                replace(s, c, &job, uid, mailbox);
            }
            s->backend.ops->close(mailbox);
        }
    }
    job_free(&job);
}
