#include "daemon/watcher.h"

#include "base/log.h"
#include "client/cmd_notify.h"
#include "reconcile/names.h"
#include "daemon/confine.h"

#include <pthread.h>
#include <stdatomic.h>

struct watcher {
    struct watcher_options options;
    pthread_t thread;
    bool started;
    struct wake wake;
    struct log_scope log;

    _Atomic int64_t idle_ms;
    atomic_bool stop, probe, dead; /* asked by the main thread */
    int64_t probe_deadline_ms;     /* of the main thread alone; DEADLINE_NEVER: none */

    /* of the thread alone */
    struct client *client;
    char *examined; /* the mailbox, as the server has its name; NULL: all of them */
    bool listens;
    int64_t begun_ms, spoke_ms;
};

static int64_t now_ms(const struct watcher *w)
{
    return clock_monotonic_ms(w->options.clock);
}

static void tell(struct watcher *w, enum note_kind kind)
{
    const struct note note = {.kind = kind, .account = w->options.owner, .watcher = w};
    post_put(w->options.post, &note);
}

/* ---- what the server tells ---- */

#define KIND(event) (1U << (event))
static const unsigned CHANGES = KIND(EVENT_EXISTS) | KIND(EVENT_EXPUNGE) | KIND(EVENT_VANISHED) |
                                KIND(EVENT_FETCH) | KIND(EVENT_STATUS) | KIND(EVENT_LIST) |
                                KIND(EVENT_OVERFLOW);

static char *name_of(const struct watcher *w, const struct client_event *event)
{
    if (event->text.len > 0)
        return xstrndup(event->text.ptr, event->text.len);
    return w->examined != NULL ? xstrdup(w->examined) : NULL;
}

static void tell_pushed(struct watcher *w, const struct client_event *event)
{
    const struct note note = {.kind = NOTE_PUSHED,
                              .account = w->options.owner,
                              .watcher = w,
                              .mailbox = name_of(w, event)};
    post_put(w->options.post, &note);
}

/* Called while the thread is still inside of IDLE: what has to be done begins before DONE. */
static bool take_event(void *self, const struct client_event *event)
{
    struct watcher *w = self;
    if (w->listens)
        tell_pushed(w, event);
    w->spoke_ms = now_ms(w);
    return true;
}

static const struct client_handler *handler(struct watcher *w, struct client_handler *out)
{
    *out = (struct client_handler){.kinds = CHANGES, .take = take_event, .self = w};
    return out;
}

/* ---- beginning to listen ---- */

static int ask_notify(struct watcher *w, struct error *err)
{
    struct notify_group group = {.filter = NOTIFY_PERSONAL,
                                 .events = NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE |
                                           NOTIFY_FLAG_CHANGE | NOTIFY_MAILBOX_NAME};
    const struct notify_request request = {.groups = &group, .groups_len = 1};
    return client_notify(w->client, &request, err);
}

/* As the server spells it: behind the personal namespace, with its delimiter. */
static int wire_name(struct watcher *w, struct arena *arena, struct str *out, struct error *err)
{
    const struct namespaces *spaces = client_namespaces(w->client);
    struct names_space space = {.prefix = STR_EMPTY, .delimiter = '/'};
    if (spaces->personal.len > 0) {
        space.prefix = spaces->personal.items[0].prefix;
        space.delimiter = spaces->personal.items[0].delimiter;
    }
    if (w->options.account->namespace_prefix != NULL)
        space.prefix = str_from(w->options.account->namespace_prefix);
    space.utf8 =
        client_enabled(w->client, CAP_UTF8_ACCEPT) || client_enabled(w->client, CAP_IMAP4REV2);
    if (!names_to_remote(&space, arena, str_from(w->options.mailbox), out))
        return error_set(err, ERR_CONFIG, SCOPE_MAILBOX, "%s cannot be a name on this server",
                         w->options.mailbox);
    return 0;
}

static int examine(struct watcher *w, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct client_select select;
    struct str name;
    int r = wire_name(w, arena, &name, err);
    if (r == 0)
        r = client_select_begin(w->client, &select, name, true, NULL, arena, err);
    if (r < 0)
        return r;
    w->examined = xstrndup(name.ptr, name.len);
    r = client_select_end(w->client, &select, err);
    client_select_free(&select);
    return r;
}

/* From here on the server tells of every change. */
static int listen_to(struct watcher *w, struct error *err)
{
    bool notify = w->options.means == MEANS_NOTIFY;
    if (!client_has(w->client, notify ? CAP_NOTIFY : CAP_IDLE))
        return error_set(err, ERR_CAPABILITY, SCOPE_CONNECTION, "the server has no %s",
                         notify ? "NOTIFY" : "IDLE");
    return notify ? ask_notify(w, err) : examine(w, err);
}

static bool lacks(const struct watcher *w, const struct error *err)
{
    bool refused = err->code == ERR_NO || err->code == ERR_BAD;
    return err->code == ERR_CAPABILITY || (w->options.means == MEANS_NOTIFY && refused);
}

/* ---- listening ---- */

/* Whether the server had lost track. */
static bool look_at(struct watcher *w, struct client_event *event)
{
    if (event->kind == EVENT_ALERT)
        log_warning(&w->log, "the server says: %.*s", STR_ARG(event->text));
    seqset_free(&event->uids);
    return event->kind == EVENT_NOTIFY_OVERFLOW;
}

/* NOTIFY is off then (RFC 5465 section 5.8): listening begins anew, and after that the pass that
 * finds what was not told. */
static int drain(struct watcher *w, bool lost, struct error *err)
{
    struct client_event event;
    while (client_next_event(w->client, &event))
        lost = look_at(w, &event) || lost;
    if (!lost)
        return 0;
    int r = ask_notify(w, err);
    if (r == 0)
        tell(w, NOTE_PUSHED);
    return r;
}

static int ask_for_life(struct watcher *w, enum note_kind answer, struct error *err)
{
    int r = client_noop(w->client, err);
    w->spoke_ms = now_ms(w);
    if (r == 0)
        tell(w, answer);
    return r;
}

static int wait_notified(struct watcher *w, int64_t deadline_ms, enum client_wait *out,
                         bool *lost_out, struct error *err)
{
    struct client_event event;
    int r = client_wait_event(w->client, deadline_ms, &event, err);
    if (r == -ERR_CANCELLED) {
        error_clear(err);
        *out = CLIENT_WAIT_WAKE;
        return 0;
    }
    *out = r > 0 ? CLIENT_WAIT_EVENT : CLIENT_WAIT_DEADLINE;
    *lost_out = r > 0 && look_at(w, &event);
    return r < 0 ? r : 0;
}

static int wait_once(struct watcher *w, enum client_wait *out, struct error *err)
{
    int64_t deadline_ms = w->spoke_ms + atomic_load(&w->idle_ms);
    bool lost = false;
    int r = w->options.means == MEANS_NOTIFY ? wait_notified(w, deadline_ms, out, &lost, err)
                                             : client_idle(w->client, deadline_ms, out, err);
    return r < 0 ? r : drain(w, lost, err);
}

/* An IDLE that ended is proof of life itself; NOTIFY needs a word from us. */
static int renew(struct watcher *w, struct error *err)
{
    if (w->options.means == MEANS_NOTIFY)
        return ask_for_life(w, NOTE_IDLE_BORNE, err);
    w->spoke_ms = now_ms(w);
    tell(w, NOTE_IDLE_BORNE);
    return 0;
}

static int on_wake(struct watcher *w, struct error *err)
{
    wake_clear(&w->wake);
    if (atomic_load(&w->stop))
        return error_set(err, ERR_CANCELLED, SCOPE_CANCELLED, "stopped on request");
    if (atomic_exchange(&w->probe, false))
        return ask_for_life(w, NOTE_ALIVE, err);
    return 0;
}

static int listen_on(struct watcher *w, struct error *err)
{
    int r = 0;
    while (r == 0) {
        enum client_wait what = CLIENT_WAIT_EVENT;
        r = wait_once(w, &what, err);
        if (r == 0 && what == CLIENT_WAIT_DEADLINE)
            r = renew(w, err);
        if (r == 0 && what == CLIENT_WAIT_WAKE)
            r = on_wake(w, err);
    }
    return r;
}

/* ---- the thread ---- */

static int watch(struct watcher *w, struct connection **connection, struct error *err)
{
    struct client_handler changes;
    int r = connection_open(w->options.dialer, &w->wake, connection, err);
    if (r < 0)
        return r;
    w->client = connection_client(*connection);
    client_add_handler(w->client, handler(w, &changes));
    r = listen_to(w, err);
    if (r < 0)
        return r;
    w->listens = true;
    w->begun_ms = w->spoke_ms = now_ms(w);
    tell(w, NOTE_WATCH_LISTENS);
    return listen_on(w, err);
}

static void tell_end(struct watcher *w, const struct error *err)
{
    struct error *told = xcalloc(1, sizeof *told);
    *told = *err;
    if (atomic_load(&w->dead))
        (void)error_set(told, ERR_TIMEOUT, SCOPE_CONNECTION, "no sign of life from the server");
    else if (err->code == ERR_CANCELLED && !atomic_load(&w->stop))
        (void)error_set(told, ERR_NETWORK, SCOPE_CONNECTION, "given up in the middle of a command");
    else if (!w->listens && w->client != NULL && lacks(w, err))
        told->code = ERR_CAPABILITY;
    const struct note note = {
        .kind = NOTE_WATCH_ENDED,
        .account = w->options.owner,
        .watcher = w,
        .error = told,
        .reached = w->listens,
        .took_ms = w->listens ? now_ms(w) - w->begun_ms : 0,
        .silent_ms = w->listens ? now_ms(w) - w->spoke_ms : 0,
    };
    post_put(w->options.post, &note);
}

static void *run(void *argument)
{
    struct watcher *w = argument;
    struct connection *connection = NULL;
    struct error err = ERROR_INIT;
    confine_thread(w->options.config, w->options.account);
    (void)watch(w, &connection, &err);
    log_debug(&w->log, "the watcher ends: %s", err.text);
    if (connection != NULL) {
        client_remove_handler(w->client, w);
        connection_close(&connection);
    }
    tell_end(w, &err);
    return NULL;
}

struct watcher *watcher_start(const struct watcher_options *options)
{
    struct watcher *w = xcalloc(1, sizeof *w);
    struct error err = ERROR_INIT;
    w->options = *options;
    w->wake.fd = -1;
    w->log = (struct log_scope){.account = options->account->name, .mailbox = options->mailbox};
    w->probe_deadline_ms = DEADLINE_NEVER;
    atomic_init(&w->idle_ms, options->idle_ms);
    if (wake_init(&w->wake, &err) == 0) {
        w->started = pthread_create(&w->thread, NULL, run, w) == 0;
        if (!w->started)
            (void)error_set(&err, ERR_READ, SCOPE_ACCOUNT, "no more threads to be had");
    }
    if (!w->started)
        tell_end(w, &err);
    return w;
}

void watcher_join(struct watcher **watcher)
{
    struct watcher *w = *watcher;
    if (w->started)
        (void)pthread_join(w->thread, NULL);
    wake_close(&w->wake);
    xfree(&w->examined);
    xfree(watcher);
}

/* ---- from the main thread ---- */

void watcher_stop(struct watcher *w)
{
    atomic_store(&w->stop, true);
    if (w->wake.fd >= 0)
        wake_signal(&w->wake);
}

void watcher_probe(struct watcher *w, int64_t deadline_ms)
{
    if (w->probe_deadline_ms != DEADLINE_NEVER)
        return;
    w->probe_deadline_ms = deadline_ms;
    atomic_store(&w->probe, true);
    wake_signal(&w->wake);
}

void watcher_check(struct watcher *w, int64_t at_ms)
{
    if (at_ms < w->probe_deadline_ms)
        return;
    w->probe_deadline_ms = DEADLINE_NEVER;
    atomic_store(&w->dead, true);
    watcher_stop(w);
}

int64_t watcher_deadline_ms(const struct watcher *w)
{
    return w->probe_deadline_ms;
}

void watcher_is_alive(struct watcher *w)
{
    w->probe_deadline_ms = DEADLINE_NEVER;
}

void watcher_set_idle(struct watcher *w, int64_t idle_ms)
{
    atomic_store(&w->idle_ms, idle_ms);
}

const char *watcher_mailbox(const struct watcher *w)
{
    return w->options.mailbox;
}
