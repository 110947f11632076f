/* CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE */
#include "server/session_private.h"

/* " (USE (\Sent))" of RFC 6154 section 3, or nothing. */
static bool read_special_use(const struct session *s, struct command *c, uint32_t *out)
{
    struct str word;
    uint32_t use;
    *out = 0;
    if (!reader_accept_sp(c->reader) || reader_at_crlf(c->reader)) {
        return !reader_failed(c->reader);
    }
    if (!session_offers(s, CAP_CREATE_SPECIAL_USE)) {
        return reader_fail(c->reader, "CREATE takes no parameters here");
    }
    if (!reader_expect(c->reader, '(') || !reader_accept_word(c->reader, "USE") ||
        !reader_expect_sp(c->reader) || !reader_expect(c->reader, '(')) {
        return reader_fail(c->reader, "expected (USE (…))");
    }
    while (!reader_accept(c->reader, ')')) {
        if (!reader_expect_until(c->reader, " ()", &word)) {
            return false;
        }
        if (!list_attribute_parse(word, &use) || (use & LIST_SPECIAL_USE) == 0) {
            return reader_fail(c->reader, "%.*s is no special use", STR_ARG(word));
        }
        *out |= use;
        (void)reader_accept_sp(c->reader);
    }
    return reader_expect(c->reader, ')');
}

static void add_mailboxid(struct session *s, struct command *c, struct str name)
{
    struct backend_mailbox *mailbox = NULL;
    struct backend_mailbox_info info;
    struct error err = ERROR_INIT;
    if (!session_offers(s, CAP_OBJECTID) ||
        s->backend.ops->open(s->user, name, &mailbox, &err) < 0) {
        return;
    }
    if (s->backend.ops->info(mailbox, &info, &err) == 0) {
        c->reply.code = CODE_MAILBOXID;
        c->reply.id = arena_str(c->arena, info.mailboxid);
    }
    s->backend.ops->close(mailbox);
}

void handle_create(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct str name;
    uint32_t use;
    char delimiter[2] = {s->backend.ops->delimiter, '\0'};
    if (!names_expect(s, c, &name) || !read_special_use(s, c, &use) ||
        !reader_expect_crlf(c->reader)) {
        return;
    }
    /* A name that ends with the delimiter only says that others will come below it. */
    if (str_ends(name, str_from(delimiter))) {
        name.len--;
    }
    if (!access_check_parent(s, c, name)) {
        return;
    }
    if (s->backend.ops->create(s->user, name, use, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    reply_ok(c, "CREATE done");
    add_mailboxid(s, c, name);
}

void handle_delete(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct str name;
    if (!names_expect(s, c, &name) || !reader_expect_crlf(c->reader) ||
        !access_check(s, c, name, "x")) {
        return;
    }
    if (s->backend.ops->remove(s->user, name, &err) < 0) {
        reply_error(c, &err);
    } else {
        reply_ok(c, "DELETE done");
    }
}

void handle_rename(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct str from;
    struct str to;
    if (!names_expect(s, c, &from) || !names_expect(s, c, &to) || !reader_expect_crlf(c->reader) ||
        !access_check(s, c, from, "x") || !access_check_parent(s, c, to)) {
        return;
    }
    if (s->backend.ops->rename(s->user, from, to, &err) < 0) {
        reply_error(c, &err);
    } else {
        reply_ok(c, "RENAME done");
    }
}

/* SUBSCRIBE and UNSUBSCRIBE */
void handle_subscribe(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct str name;
    if (!names_expect(s, c, &name) || !reader_expect_crlf(c->reader)) {
        return;
    }
    if (s->backend.ops->subscribe(s->user, name, c->row->id == CMD_SUBSCRIBE, &err) < 0) {
        reply_error(c, &err);
    } else {
        reply_ok(c, "Done");
    }
}
