/* GETQUOTA GETQUOTAROOT SETQUOTA (RFC 9208) */
#include "imap/quota.h"
#include "server/session_private.h"

/* "QUOTA=RES-…" of a resource, which may be switched off by itself; all others are told. */
static bool resource_offered(const struct session *s, struct str name)
{
    static const struct {
        struct str name;
        enum capability capability;
    } resources[] = {
        {STR_INIT("STORAGE"), CAP_QUOTA_RES_STORAGE},
        {STR_INIT("MESSAGE"), CAP_QUOTA_RES_MESSAGE},
        {STR_INIT("MAILBOX"), CAP_QUOTA_RES_MAILBOX},
        {STR_INIT("ANNOTATION-STORAGE"), CAP_QUOTA_RES_ANNOTATION_STORAGE},
    };
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        if (str_eq_nocase(name, resources[i].name)) {
            return session_offers(s, resources[i].capability);
        }
    }
    return true;
}

static int tell_quota(struct session *s, struct command *c, struct str root, struct error *err)
{
    struct quota quota = {0};
    int r = s->backend.quota->get(s->user, root, c->arena, &quota, err);
    if (r < 0) {
        return r;
    }
    size_t kept = 0;
    for (size_t i = 0; i < quota.len; i++) {
        if (resource_offered(s, quota.items[i].name)) {
            quota.items[kept++] = quota.items[i];
        }
    }
    quota.len = kept;
    writer_cstr(&s->out, "* ");
    quota_write(&s->out, &quota);
    writer_crlf(&s->out);
    return 0;
}

void handle_getquota(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct str root;
    if (!reader_expect_sp(c->reader) || !reader_expect_astring(c->reader, &root) ||
        !reader_expect_crlf(c->reader)) {
        return;
    }
    if (tell_quota(s, c, root, &err) < 0) {
        reply_error(c, &err);
    } else {
        reply_ok(c, "GETQUOTA done");
    }
}

void handle_getquotaroot(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct quota_root root = {0};
    struct str name;
    if (!names_expect(s, c, &name) || !reader_expect_crlf(c->reader) ||
        !access_check(s, c, name, "r")) {
        return;
    }
    int r = s->backend.quota->roots(s->user, name, c->arena, &root.roots, &err);
    if (r == 0) {
        root.mailbox = names_to_wire(s, c->arena, name);
        writer_cstr(&s->out, "* ");
        quota_root_write(&s->out, &root);
        writer_crlf(&s->out);
    }
    for (size_t i = 0; r == 0 && i < root.roots.len; i++) {
        r = tell_quota(s, c, root.roots.items[i], &err);
    }
    if (r < 0) {
        reply_error(c, &err);
    } else {
        reply_ok(c, "GETQUOTAROOT done");
    }
}

void handle_setquota(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct quota limits = {0};
    if (!reader_expect_sp(c->reader) || !quota_limits_read(c->reader, c->arena, &limits) ||
        !reader_expect_crlf(c->reader)) {
        return;
    }
    if (!session_offers(s, CAP_QUOTASET)) {
        reply_no(c, CODE_NOPERM, "Quotas are not for users to set");
    } else if (s->backend.quota->set(s->user, &limits, &err) < 0 ||
               tell_quota(s, c, limits.root, &err) < 0) {
        reply_error(c, &err);
    } else {
        reply_ok(c, "SETQUOTA done");
    }
}
