#include "client/client.h"
#include "base/alloc.h"
#include "base/log.h"
#include "imap/limits.h"
#include "client/client_private.h"
#include <assert.h>

static ssize_t read_from_stream(void *self, void *out, size_t size, struct error *err)
{
    struct client *c = self;
    ssize_t got = stream_read(c->stream, out, size, err);
    if (got == 0) {
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "%s closed the connection", c->host);
    }
    if (got > 0 && c->capture.raw != NULL) {
        buf_add(&c->capture.bytes, out, (size_t)got);
    }
    return got;
}

static pthread_mutex_t *lock_new(void)
{
    pthread_mutex_t *lock = xcalloc(1, sizeof *lock);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return lock;
}

pthread_mutex_t *client_enter(const struct client *c)
{
    pthread_mutex_lock(c->lock);
    return c->lock;
}

void client_leave(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

void client_lock(struct client *c)
{
    pthread_mutex_lock(c->lock);
}

void client_unlock(struct client *c)
{
    pthread_mutex_unlock(c->lock);
}

void client_renew_reader(struct client *c)
{
    const struct reader_source source = {.read = read_from_stream, .self = c};
    const struct reader_limits limits = {
        .token_bytes = LIMIT_TOKEN_BYTES,
        .literal_bytes = LIMIT_LITERAL_BYTES,
        .depth = LIMIT_DEPTH,
        .unit_bytes = LIMIT_RESPONSE_BYTES,
    };
    reader_free(&c->reader);
    c->reader = reader_new(&source, &limits);
}

static const char *state_name(enum conn_state state)
{
    switch (state) {
    case STATE_GREETING:
        return "greeting";
    case STATE_NOT_AUTHENTICATED:
        return "not authenticated";
    case STATE_AUTHENTICATED:
        return "authenticated";
    case STATE_SELECTED:
        return "selected";
    case STATE_LOGOUT:
        return "logout";
    }
    return "?";
}

void client_set_state(struct client *c, enum conn_state state)
{
    if (c->state == state) {
        return;
    }
    log_debug(NULL, "%s: %s -> %s", c->host, state_name(c->state), state_name(state));
    c->state = state;
}

int client_fail(struct client *c, struct error *err)
{
    error_widen(err, SCOPE_CONNECTION);
    if (!error_is_set(&c->failure)) {
        c->failure = *err;
        c->first = c->last = NULL;
        client_set_state(c, STATE_LOGOUT);
    }
    return -(int)err->code;
}

bool client_is_rev2(const struct client *c)
{
    bool dual = capabilities_have(&c->caps, CAP_IMAP4REV1);
    return capabilities_have(&c->caps, CAP_IMAP4REV2) &&
           (!dual || capabilities_have(&c->enabled, CAP_IMAP4REV2));
}

/* What IMAP4rev2 contains without its announcing it again (RFC 9051 appendix E). Servers that speak
 * rev1 too announce each. */
static const enum capability rev2_contents[] = {
    CAP_NAMESPACE, CAP_UNSELECT,      CAP_UIDPLUS,     CAP_ESEARCH,     CAP_SEARCHRES,
    CAP_ENABLE,    CAP_IDLE,          CAP_SASL_IR,     CAP_LIST_STATUS, CAP_LIST_EXTENDED,
    CAP_MOVE,      CAP_LITERAL_MINUS, CAP_SPECIAL_USE, CAP_STATUS_SIZE, CAP_CHILDREN,
};

void client_set_capabilities(struct client *c, const struct capabilities *told)
{
    c->caps = *told;
    c->caps_told = true;
    if (client_is_rev2(c)) {
        for (size_t i = 0; i < sizeof rev2_contents / sizeof rev2_contents[0]; i++) {
            capabilities_set(&c->caps, rev2_contents[i], true);
        }
    }
    for (int cap = 0; cap < CAP_COUNT; cap++) {
        if (capabilities_have(&c->disabled, (enum capability)cap)) {
            capabilities_set(&c->caps, (enum capability)cap, false);
        }
    }
}

void client_set_selected(struct client *c, const struct str *name)
{
    events_drop_view(c);
    xfree(&c->selected);
    c->selected_uidvalidity = 0;
    if (name != NULL) {
        c->selected = xstrndup(name->ptr, name->len);
        c->selected_len = name->len;
        client_set_state(c, STATE_SELECTED);
    } else {
        c->selected_len = 0;
        client_set_state(c, STATE_AUTHENTICATED);
    }
}

bool client_speaks_utf8(const struct client *c)
{
    return client_is_rev2(c) || capabilities_have(&c->enabled, CAP_UTF8_ACCEPT);
}

int client_await_input(struct client *c, int64_t deadline_ms, struct error *err)
{
    if (error_is_set(&c->failure)) {
        *err = c->failure;
        return -(int)err->code;
    }
    if (reader_has_buffered(c->reader)) {
        return 1;
    }
    c->unflushed = false;
    int result = stream_wait_input(c->stream, deadline_ms, err);
    bool fails = result < 0 && (err->code != ERR_CANCELLED || !stream_is_whole(c->stream));
    return fails ? client_fail(c, err) : result;
}

void client_restart_deadline(struct client *c)
{
    stream_set_deadline(c->stream, clock_deadline(c->options.clock, c->options.timeout_ms));
}

static void read_disabled(struct client *c)
{
    for (const char *const *name = c->options.disable; name != NULL && *name != NULL; name++) {
        enum capability cap;
        if (capability_parse(str_from(*name), &cap)) {
            capabilities_set(&c->disabled, cap, true);
        }
    }
}

static struct client *client_new(struct stream *stream, const struct client_options *options)
{
    struct client *c = xcalloc(1, sizeof *c);
    c->lock = lock_new();
    c->options = *options;
    if (c->options.clock == NULL) {
        c->options.clock = &clock_system;
    }
    c->host = xstrdup(options->host);
    c->stream = stream;
    c->state = STATE_GREETING;
    c->scratch = arena_new();
    c->session_arena = arena_new();
    c->events_arena = arena_new();
    buf_init(&c->continuation.text, LIMIT_TOKEN_BYTES);
    buf_init(&c->capture.bytes, LIMIT_RESPONSE_BYTES);
    writer_init(&c->writer, WRITER_LITERAL_SYNC, false, LIMIT_COMMAND_LINE_BYTES);
    /* Never moved by growth: secrets would stay behind in freed memory. */
    (void)buf_reserve(&c->writer.buf, LIMIT_COMMAND_LINE_BYTES);
    read_disabled(c);
    client_renew_reader(c);
    stream_set_progress_timeout(stream, options->timeout_ms);
    client_restart_deadline(c);
    return c;
}

static int read_greeting(struct client *c, struct error *err)
{
    int result = dispatch_response(c, err);
    if (result == 0 && c->state == STATE_GREETING) {
        error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION, "%s does not greet as an IMAP server",
                  c->host);
        result = client_fail(c, err);
    }
    return result;
}

static int push_tls(struct client *c, struct error *err)
{
    assert(c->options.tls != NULL);
    client_restart_deadline(c);
    if (stream_push_tls_client(c->stream, c->options.tls, c->host, err) < 0) {
        return client_fail(c, err);
    }
    return 0;
}

/* Nothing said before the handshake counts: not the capabilities, not what came behind the OK. */
static int starttls(struct client *c, struct error *err)
{
    if (c->state != STATE_NOT_AUTHENTICATED) {
        error_set(err, ERR_CAPABILITY, SCOPE_CONNECTION,
                  "%s greets as logged in already (PREAUTH), so that TLS cannot be begun", c->host);
        return client_fail(c, err);
    }
    if (!c->caps_told && client_capability(c, err) < 0) {
        return client_fail(c, err);
    }
    struct client_op op;
    if (pipeline_open(c, &op, CMD_STARTTLS, &no_hooks, NULL, err) < 0 ||
        pipeline_run(c, &op, err) < 0) {
        if (err->code == ERR_NO || err->code == ERR_BAD) {
            err->code = ERR_CAPABILITY;
        }
        return client_fail(c, err);
    }
    if (reader_has_buffered(c->reader)) {
        error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION,
                  "%s sent more behind its OK to STARTTLS, which may be somebody else's words",
                  c->host);
        return client_fail(c, err);
    }
    if (push_tls(c, err) < 0) {
        return -(int)err->code;
    }
    client_renew_reader(c);
    events_free(c);
    c->caps = (struct capabilities){0};
    c->caps_told = false;
    return 0;
}

static int open_steps(struct client *c, struct error *err)
{
    if (c->options.security == SECURITY_IMPLICIT_TLS && push_tls(c, err) < 0) {
        return -(int)err->code;
    }
    if (c->options.trace != NULL) {
        c->tap = stream_push_tap(c->stream, c->options.trace);
    }
    if (read_greeting(c, err) < 0) {
        return -(int)err->code;
    }
    return c->options.security == SECURITY_STARTTLS ? starttls(c, err) : 0;
}

int client_open(struct stream *stream, const struct client_options *options, struct client **out,
                struct error *err)
{
    struct client *c = client_new(stream, options);
    int result = open_steps(c, err);
    if (result < 0) {
        client_close(&c);
        return result;
    }
    *out = c;
    return 0;
}

void client_logout(struct client **client, struct client_counters *counters_out)
{
    struct client *c = *client;
    if (c == NULL) {
        return;
    }
    struct client_op op;
    struct error ignored = ERROR_INIT;
    /* With commands in flight their handles may be gone, and the answers nobody's. */
    if (c->first == NULL && pipeline_open(c, &op, CMD_LOGOUT, &no_hooks, NULL, &ignored) == 0) {
        c->bye_expected = true;
        (void)pipeline_run(c, &op, &ignored);
    }
    if (counters_out != NULL) {
        *counters_out = client_counters(c);
    }
    client_close(client);
}

void client_close(struct client **client)
{
    struct client *c = *client;
    if (c == NULL) {
        return;
    }
    *client = NULL;
    client_set_state(c, STATE_LOGOUT);
    stream_close(&c->stream);
    reader_free(&c->reader);
    writer_free(&c->writer);
    arena_free(&c->scratch);
    arena_free(&c->session_arena);
    buf_free(&c->continuation.text);
    buf_free(&c->capture.bytes);
    events_free(c);
    vec_free(&c->handlers);
    arena_free(&c->events_arena);
    xfree(&c->selected);
    xfree(&c->host);
    pthread_mutex_destroy(c->lock);
    free(c->lock);
    free(c);
}

struct client_counters client_counters(const struct client *c)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct stream_counters bytes = stream_counters(c->stream);
    return (struct client_counters){
        .bytes_in = bytes.bytes_in,
        .bytes_out = bytes.bytes_out,
        .commands = c->tags,
        .round_trips = c->round_trips,
    };
}

const struct capabilities *client_capabilities(const struct client *c)
{
    return &c->caps;
}

bool client_has(const struct client *c, enum capability cap)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return capabilities_have(&c->caps, cap);
}

void client_drop(struct client *c, enum capability cap)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    capabilities_set(&c->disabled, cap, true);
    capabilities_set(&c->caps, cap, false);
    if (cap == CAP_CONDSTORE) { /* which QRESYNC builds on (RFC 7162 section 3.2) */
        capabilities_set(&c->disabled, CAP_QRESYNC, true);
        capabilities_set(&c->caps, CAP_QRESYNC, false);
    }
}

bool client_enabled(const struct client *c, enum capability cap)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return capabilities_have(&c->enabled, cap) && !capabilities_have(&c->disabled, cap);
}

const struct namespaces *client_namespaces(const struct client *c)
{
    return &c->namespaces;
}

bool client_is_compressed(const struct client *c)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return c->compressed;
}

enum conn_state client_state(const struct client *c)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return c->state;
}

struct client_answer client_last_answer(const struct client *c)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return c->answer;
}

const struct error *client_failure(const struct client *c)
{
    return error_is_set(&c->failure) ? &c->failure : NULL;
}

struct str client_selected(const struct client *c)
{
    return c->selected == NULL ? STR_EMPTY : str_make(c->selected, c->selected_len);
}

uint32_t client_selected_uidvalidity(const struct client *c)
{
    return c->selected_uidvalidity;
}
