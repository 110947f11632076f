/* CAPABILITY NOOP CHECK LOGOUT ID STARTTLS ENABLE NAMESPACE UNAUTHENTICATE COMPRESS IDLE */
#include "imap/id.h"
#include "imap/namespace.h"
#include "server/session_private.h"

void handle_capability(struct session *s, struct command *c)
{
    struct capabilities caps;
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    session_capabilities(s, &caps);
    writer_cstr(&s->out, "* CAPABILITY ");
    capabilities_write(&s->out, &caps);
    writer_crlf(&s->out);
    reply_ok(c, "CAPABILITY done");
}

void handle_noop(struct session *s, struct command *c)
{
    if (reader_expect_crlf(c->reader)) {
        reply_ok(c, "Done");
    }
}

void handle_logout(struct session *s, struct command *c)
{
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    session_deselect(s);
    session_bye(s, "Good bye");
    reply_ok(c, "LOGOUT done");
}

void handle_id(struct session *s, struct command *c)
{
    static struct id_field own[] = {{{"name", 4}, {"maildird", 8}}};
    struct id_fields fields = {own, 1};
    struct id_fields theirs;
    if (!reader_expect_sp(c->reader) || !id_read(c->reader, c->arena, &theirs) ||
        !reader_expect_crlf(c->reader)) {
        return;
    }
    s->identified = true;
    writer_cstr(&s->out, "* ID ");
    id_write(&s->out, &fields);
    writer_crlf(&s->out);
    reply_ok(c, "ID done");
}

void handle_starttls(struct session *s, struct command *c)
{
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    if (s->tls || !s->options.tls_available) {
        reply_bad(c, s->tls ? "TLS is active" : "TLS is not available");
        return;
    }
    s->next = SESSION_STARTTLS;
    session_set_mode(s, MODE_STOPPED);
    reply_ok(c, "Begin TLS now");
}

/* True when it was enabled by this. */
static bool enable(struct session *s, enum capability cap, bool *flag)
{
    if (!session_offers(s, cap) || *flag) {
        return false;
    }
    *flag = true;
    s->condstore = s->condstore || s->qresync;
    s->out.utf8 = s->rev2 || s->utf8;
    return true;
}

void handle_enable(struct session *s, struct command *c)
{
    struct capabilities enabled = {0};
    struct str word;
    enum capability cap;
    if (!reader_expect_sp(c->reader)) {
        return;
    }
    do {
        if (!reader_expect_atom(c->reader, &word)) {
            return;
        }
        if (capability_parse(word, &cap)) {
            capabilities_set(&enabled, cap, true);
        }
    } while (reader_accept_sp(c->reader));
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    bool silent = fault_of_kind(s->options.faults, FAULT_SILENT_ENABLE) != NULL;
    writer_cstr(&s->out, silent ? "" : "* ENABLED");
    const struct {
        enum capability capability;
        bool *flag;
    } known[] = {
        {CAP_CONDSTORE, &s->condstore}, {CAP_QRESYNC, &s->qresync}, {CAP_IMAP4REV2, &s->rev2},
        {CAP_UTF8_ACCEPT, &s->utf8},    {CAP_UIDONLY, &s->uidonly},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (capabilities_have(&enabled, known[i].capability) &&
            enable(s, known[i].capability, known[i].flag) && !silent) {
            writer_format(&s->out, " %s", capability_name(known[i].capability));
        }
    }
    if (!silent) {
        writer_crlf(&s->out);
    }
    reply_ok(c, "ENABLE done");
}

void handle_namespace(struct session *s, struct command *c)
{
    const char *prefix = s->options.namespace_prefix;
    struct namespace_entry own = {.prefix = prefix != NULL ? str_from(prefix) : STR_EMPTY,
                                  .delimiter = names_delimiter(s)};
    struct namespaces all = {.personal = {&own, 1}};
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    writer_cstr(&s->out, "* NAMESPACE ");
    namespaces_write(&s->out, &all);
    writer_crlf(&s->out);
    reply_ok(c, "NAMESPACE done");
}

void handle_unauthenticate(struct session *s, struct command *c)
{
    if (reader_expect_crlf(c->reader)) {
        session_log_out(s);
        reply_ok(c, "UNAUTHENTICATE done");
    }
}

void handle_compress(struct session *s, struct command *c)
{
    struct str mechanism;
    if (!reader_expect_sp(c->reader) || !reader_expect_atom(c->reader, &mechanism) ||
        !reader_expect_crlf(c->reader)) {
        return;
    }
    if (!str_eq_nocase(mechanism, STR("DEFLATE"))) {
        reply_bad(c, "Unknown compression");
        return;
    }
    if (s->compressed) {
        reply_no(c, CODE_COMPRESSIONACTIVE, "DEFLATE is active");
        return;
    }
    s->next = SESSION_COMPRESS;
    session_set_mode(s, MODE_STOPPED);
    reply_ok(c, "DEFLATE begins");
}

void handle_idle(struct session *s, struct command *c)
{
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    writer_cstr(&s->out, "+ idling\r\n");
    session_set_mode(s, MODE_IDLE);
    /* Whatever it is: the first look may bring news. */
    s->revision = s->backend.ops->revision(s->backend.self) - 1;
    c->deferred = true;
}
