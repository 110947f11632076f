#include "server/session.h"
#include "base/alloc.h"
#include "base/log.h"
#include "server/notify.h"
#include "server/session_private.h"
#include <assert.h>

/* Everything that sessions can do. */
static const enum capability CAPABILITIES[] = {
    CAP_IMAP4REV1,
    CAP_STARTTLS,
    CAP_SASL_IR,
    CAP_LITERAL_PLUS,
    CAP_ID,
    CAP_ENABLE,
    CAP_NAMESPACE,
    CAP_CHILDREN,
    CAP_LIST_EXTENDED,
    CAP_LIST_STATUS,
    CAP_SPECIAL_USE,
    CAP_CREATE_SPECIAL_USE,
    CAP_IDLE,
    CAP_CONDSTORE,
    CAP_QRESYNC,
    CAP_UIDPLUS,
    CAP_MOVE,
    CAP_UNSELECT,
    CAP_COMPRESS_DEFLATE,
    CAP_OBJECTID,
    CAP_STATUS_SIZE,
    CAP_AUTH_PLAIN,
    CAP_AUTH_LOGIN,
    CAP_AUTH_CRAM_MD5,
    CAP_AUTH_SCRAM_SHA_1,
    CAP_AUTH_SCRAM_SHA_256,
    CAP_AUTH_SCRAM_SHA_256_PLUS,
    CAP_AUTH_XOAUTH2,
    CAP_AUTH_OAUTHBEARER,
    CAP_MULTIAPPEND,
    CAP_APPENDLIMIT,
    CAP_UIDONLY,
    CAP_UTF8_ACCEPT,
    CAP_ACL,
    CAP_RIGHTS,
    CAP_LIST_MYRIGHTS,
    CAP_QUOTA,
    CAP_QUOTASET,
    CAP_QUOTA_RES_STORAGE,
    CAP_QUOTA_RES_MESSAGE,
    CAP_QUOTA_RES_MAILBOX,
    CAP_QUOTA_RES_ANNOTATION_STORAGE,
    CAP_METADATA,
    CAP_METADATA_SERVER,
    CAP_LIST_METADATA,
    CAP_UNAUTHENTICATE,
    CAP_REPLACE,
    CAP_INPROGRESS,
    CAP_XLIST,
    CAP_NOTIFY,
    CAP_IMAP4REV2,
    CAP_ESEARCH,
    CAP_SEARCHRES,
    CAP_WITHIN,
    CAP_SORT,
    CAP_SORT_DISPLAY,
    CAP_ESORT,
    CAP_THREAD_ORDEREDSUBJECT,
    CAP_THREAD_REFERENCES,
    CAP_SEARCH_FUZZY,
    CAP_BINARY,
    CAP_PREVIEW,
    CAP_SAVEDATE,
    CAP_PARTIAL,
};

void session_default_capabilities(struct capabilities *out)
{
    *out = (struct capabilities){0};
    for (size_t i = 0; i < sizeof CAPABILITIES / sizeof *CAPABILITIES; i++) {
        capabilities_set(out, CAPABILITIES[i], true);
    }
    out->append_limit = LIMIT_SERVER_LITERAL_BYTES;
}

/* What the backend has no table for is not on offer. */
static void leave_out_what_is_missing(const struct backend *backend, struct capabilities *caps)
{
    static const enum capability acl[] = {CAP_ACL, CAP_RIGHTS, CAP_LIST_MYRIGHTS};
    static const enum capability quota[] = {CAP_QUOTA,
                                            CAP_QUOTASET,
                                            CAP_QUOTA_RES_STORAGE,
                                            CAP_QUOTA_RES_MESSAGE,
                                            CAP_QUOTA_RES_MAILBOX,
                                            CAP_QUOTA_RES_ANNOTATION_STORAGE};
    static const enum capability metadata[] = {CAP_METADATA, CAP_METADATA_SERVER,
                                               CAP_LIST_METADATA};
    static const enum capability auth[] = {
        CAP_AUTH_LOGIN,         CAP_AUTH_CRAM_MD5,           CAP_AUTH_SCRAM_SHA_1,
        CAP_AUTH_SCRAM_SHA_256, CAP_AUTH_SCRAM_SHA_256_PLUS, CAP_AUTH_XOAUTH2,
        CAP_AUTH_OAUTHBEARER,
    };
    const struct {
        bool there;
        const enum capability *items;
        size_t len;
    } groups[] = {
        {backend->acl != NULL, acl, sizeof acl / sizeof *acl},
        {backend->quota != NULL, quota, sizeof quota / sizeof *quota},
        {backend->metadata != NULL, metadata, sizeof metadata / sizeof *metadata},
        {backend->auth != NULL, auth, sizeof auth / sizeof *auth},
    };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        for (size_t j = 0; !groups[i].there && j < groups[i].len; j++) {
            capabilities_set(caps, groups[i].items[j], false);
        }
    }
}

/* What RFC 9051 has in it: appendix E. */
static const enum capability rev2_holds[] = {
    CAP_NAMESPACE, CAP_UNSELECT, CAP_UIDPLUS,     CAP_ESEARCH,       CAP_SEARCHRES,
    CAP_ENABLE,    CAP_IDLE,     CAP_SASL_IR,     CAP_LIST_EXTENDED, CAP_LIST_STATUS,
    CAP_MOVE,      CAP_BINARY,   CAP_SPECIAL_USE, CAP_STATUS_SIZE,   CAP_CHILDREN,
};

/* A server that lacks some of it is none of IMAP4rev2; one that is no other has all of it. */
static void settle_revision(struct session *s)
{
    struct capabilities *caps = &s->options.capabilities;
    bool pure = !capabilities_have(caps, CAP_IMAP4REV1);
    for (size_t i = 0; i < sizeof rev2_holds / sizeof *rev2_holds; i++) {
        if (pure) {
            capabilities_set(caps, rev2_holds[i], true);
        } else if (!capabilities_have(caps, rev2_holds[i])) {
            capabilities_set(caps, CAP_IMAP4REV2, false);
        }
    }
    capabilities_set(caps, CAP_IMAP4REV2, pure || capabilities_have(caps, CAP_IMAP4REV2));
}

static void forget_enabled(struct session *s)
{
    bool pure = !capabilities_have(&s->options.capabilities, CAP_IMAP4REV1);
    s->condstore = s->qresync = s->utf8 = s->uidonly = false;
    s->rev2 = s->out.utf8 = pure;
}

struct session *session_new(const struct backend *backend, const struct session_options *options)
{
    struct session *s = xcalloc(1, sizeof *s);
    s->backend = *backend;
    s->options = *options;
    leave_out_what_is_missing(backend, &s->options.capabilities);
    settle_revision(s);
    s->state = STATE_GREETING;
    s->mode = MODE_GREETING;
    s->tls = options->tls_active;
    s->arena = arena_new();
    buf_init(&s->in, LIMIT_SERVER_INPUT_BYTES);
    writer_init(&s->out, WRITER_LITERAL_SERVER, false, LIMIT_SERVER_OUTPUT_BYTES);
    forget_enabled(s);
    return s;
}

void session_free(struct session **session)
{
    struct session *s = *session;
    if (s == NULL) {
        return;
    }
    s->backend.ops->lock(s->backend.self);
    fetch_job_free(&s->fetch);
    auth_exchange_free(&s->auth);
    notify_free(&s->notify);
    tracker_close(&s->tracker, s->backend.ops);
    if (s->user != NULL) {
        s->backend.ops->logout(s->backend.self, s->user);
    }
    s->backend.ops->unlock(s->backend.self);
    seqset_free(&s->saved);
    buf_free(&s->in);
    writer_free(&s->out);
    arena_free(&s->arena);
    xfree(session);
}

void session_set_state(struct session *s, enum conn_state state)
{
    log_debug(NULL, "server session: state %d becomes %d", (int)s->state, (int)state);
    s->state = state;
}

void session_set_mode(struct session *s, enum session_mode mode)
{
    assert(s->mode != MODE_ENDED || mode == MODE_ENDED);
    s->mode = mode;
}

void session_bye(struct session *s, const char *text)
{
    writer_format(&s->out, "* BYE %s\r\n", text);
    s->next = SESSION_CLOSE;
    session_set_mode(s, MODE_ENDED);
    session_set_state(s, STATE_LOGOUT);
}

bool session_may_login(const struct session *s)
{
    return s->tls || s->options.allow_plaintext;
}

void session_capabilities(const struct session *s, struct capabilities *out)
{
    bool logged_in = (s->state & STATES_AUTH) != 0;
    *out = s->options.capabilities;
    if (logged_in || s->tls || !s->options.tls_available) {
        capabilities_set(out, CAP_STARTTLS, false);
    }
    auth_capabilities(s, out);
    if (logged_in) {
        capabilities_set(out, CAP_SASL_IR, false);
    }
    capabilities_set(out, CAP_LOGINDISABLED, !logged_in && !session_may_login(s));
    if (s->compressed) {
        capabilities_set(out, CAP_COMPRESS_DEFLATE, false);
    }
}

bool session_offers(const struct session *s, enum capability cap)
{
    return capabilities_have(&s->options.capabilities, cap);
}

bool session_has_condstore(const struct session *s)
{
    return session_offers(s, CAP_CONDSTORE) || session_offers(s, CAP_QRESYNC);
}

void session_logged_in(struct session *s, struct backend_user *user)
{
    assert(s->user == NULL);
    s->user = user;
    session_set_state(s, STATE_AUTHENTICATED);
}

void session_log_out(struct session *s)
{
    session_deselect(s);
    s->backend.ops->logout(s->backend.self, s->user);
    s->user = NULL;
    forget_enabled(s);
    notify_free(&s->notify);
    session_set_state(s, STATE_NOT_AUTHENTICATED);
}

void session_deselect(struct session *s)
{
    seqset_free(&s->saved);
    tracker_close(&s->tracker, s->backend.ops);
    if (s->state == STATE_SELECTED) {
        session_set_state(s, STATE_AUTHENTICATED);
    }
}

static void greet(struct session *s)
{
    struct imap_response_status greeting = {
        .status = STATUS_OK, .code = CODE_CAPABILITY, .text = STR("maildird is ready")};
    struct error err = ERROR_INIT;
    struct backend_user *user = NULL;
    session_set_mode(s, MODE_COMMAND);
    session_set_state(s, STATE_NOT_AUTHENTICATED);
    if (s->options.preauth) {
        struct str name = str_from(s->options.preauth_user);
        if (s->backend.ops->login(s->backend.self, name, (struct str){NULL, 0}, &user, &err) < 0) {
            session_bye(s, err.text);
            return;
        }
        session_logged_in(s, user);
        greeting.status = STATUS_PREAUTH;
    }
    session_capabilities(s, &greeting.capabilities);
    writer_cstr(&s->out, "* ");
    imap_response_status_write(&s->out, &greeting);
}

/* Comes back from what the owner did after the last step. */
static void resume(struct session *s)
{
    if (s->mode == MODE_ENDED) {
        return;
    }
    if (s->next == SESSION_COMPRESS) {
        buf_clear(&s->in);
        frame_reset(s, 0);
        s->compressed = true;
        session_set_mode(s, MODE_COMMAND);
    }
    if (s->mode != MODE_STOPPED) {
        s->next = SESSION_READ;
    }
}

static void take_input(struct session *s, struct str input, bool *cut)
{
    input.len = fault_on_bytes(s->options.faults, FAULT_CUT_IN, input.len, cut);
    s->counters.bytes_in += input.len;
    s->client_spoke = s->client_spoke || input.len > 0;
    if (s->mode == MODE_ENDED) {
        return;
    }
    buf_add_str(&s->in, input);
    if (s->in.overflowed) {
        session_bye(s, "Too much input at once");
    }
}

static void give_output(struct session *s, struct buf *out, bool *cut)
{
    struct error err = ERROR_INIT;
    if (writer_finish(&s->out, &err) < 0) {
        log_warning(NULL, "server session: %s", err.text);
        writer_clear(&s->out);
        if (s->mode != MODE_ENDED) {
            session_bye(s, "[SERVERBUG] The answer cannot be expressed");
        }
    }
    struct str text = buf_str(&s->out.buf);
    if (text.len > 0) {
        fault_garble(s->options.faults, s->out.buf.data, text.len);
    }
    text.len = fault_on_bytes(s->options.faults, FAULT_CUT_OUT, text.len, cut);
    s->counters.bytes_out += text.len;
    buf_add_str(out, text);
    writer_clear(&s->out);
}

static void drop_consumed(struct session *s)
{
    size_t used = s->frame.start;
    if (used == 0) {
        return;
    }
    buf_consume(&s->in, used);
    s->frame.start = 0;
    s->frame.line_start -= used;
    s->frame.scan -= used;
}

enum session_next session_feed(struct session *s, struct str input, struct buf *out)
{
    bool cut = false;
    s->backend.ops->lock(s->backend.self);
    resume(s);
    take_input(s, input, &cut);
    if (s->mode == MODE_GREETING) {
        greet(s);
    }
    conn_process(s);
    conn_idle_news(s);
    drop_consumed(s);
    give_output(s, out, &cut);
    if (cut) {
        s->next = SESSION_CUT;
        session_set_mode(s, MODE_ENDED);
    }
    s->backend.ops->unlock(s->backend.self);
    return s->next;
}

void session_tls_done(struct session *s)
{
    assert(s->next == SESSION_STARTTLS);
    s->tls = true;
    s->next = SESSION_READ;
    /* What came in clear text behind STARTTLS may be injected (RFC 9051 section 6.2.1). */
    buf_clear(&s->in);
    frame_reset(s, 0);
    session_set_mode(s, MODE_COMMAND);
}

void session_set_channel_binding(struct session *s, struct str binding)
{
    assert(binding.len <= sizeof s->channel_binding);
    memcpy(s->channel_binding, binding.ptr, binding.len);
    s->channel_binding_len = binding.len;
}

struct str session_unread(const struct session *s)
{
    return s->next == SESSION_COMPRESS ? buf_str(&s->in) : STR_EMPTY;
}

int64_t session_take_delay_ms(struct session *s)
{
    int64_t delay_ms = s->delay_ms;
    s->delay_ms = 0;
    return delay_ms;
}

bool session_is_idling(const struct session *s)
{
    return s->mode == MODE_IDLE || (s->mode == MODE_COMMAND && notify_is_watching(s));
}

void session_peer_waits(struct session *s)
{
    if (s->client_spoke) {
        s->counters.round_trips++;
    }
    s->client_spoke = false;
}

struct session_counters session_counters(const struct session *s)
{
    return s->counters;
}
