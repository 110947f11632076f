#include "server/listener.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/vec.h"
#include "net/listen.h"
#include "net/wait.h"
#include "imap/limits.h"
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 9051 section 5.4: at least 30 minutes without a word. */
#define QUIET_MS ((int64_t)30 * 60 * 1000)
/* Without a byte moving, where the peer has to take or give some. */
#define STALL_MS ((int64_t)60 * 1000)
/* How often an idling session looks for news. */
#define IDLE_LOOK_MS 20
#define READ_BYTES ((size_t)64 * 1024)
/* What one step can put out. */
#define OUTPUT_MAX (2 * LIMIT_SERVER_OUTPUT_BYTES)

struct listener {
    struct backend backend;
    struct listener_options options;
    int fd;
    uint16_t port;
    struct wake wake;
    pthread_t acceptor;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t ended;  /* active went down */
    unsigned active;
    VEC(pthread_t) ending; /* threads with nothing left to do, to be joined */
    struct session_counters total;
};

struct connection {
    struct listener *listener;
    struct stream *stream;
    struct session *session;
    struct session_counters counted; /* in the listener's total already */
    struct buf out;
};

/* ---- a connection ---- */

static void count(struct connection *c)
{
    struct session_counters now = session_counters(c->session);
    struct session_counters *total = &c->listener->total;
    pthread_mutex_lock(&c->listener->mutex);
    total->commands += now.commands - c->counted.commands;
    total->changing_commands += now.changing_commands - c->counted.changing_commands;
    total->round_trips += now.round_trips - c->counted.round_trips;
    total->bytes_in += now.bytes_in - c->counted.bytes_in;
    total->bytes_out += now.bytes_out - c->counted.bytes_out;
    pthread_mutex_unlock(&c->listener->mutex);
    c->counted = now;
}

static void set_timeout(struct connection *c, int64_t timeout_ms)
{
    stream_set_deadline(c->stream, clock_deadline(&clock_system, timeout_ms));
}

static int flush(struct connection *c, struct error *err)
{
    session_peer_waits(c->session);
    count(c);
    set_timeout(c, STALL_MS);
    return stream_flush(c->stream, err);
}

/* What the client says next, or nothing while it idles: its length, 0 at the end or when there is
 * only news to look for (*news_out), or negative. */
static ssize_t listen_to(struct connection *c, char *input, bool *news_out, struct error *err)
{
    *news_out = false;
    if (!stream_has_input(c->stream)) {
        int r = flush(c, err);
        if (r < 0) {
            return r;
        }
        if (session_is_idling(c->session)) {
            r = stream_wait_input(c->stream, clock_deadline(&clock_system, IDLE_LOOK_MS), err);
            *news_out = r == 0;
            if (r <= 0) {
                return r;
            }
        }
    }
    set_timeout(c, QUIET_MS);
    return stream_read(c->stream, input, READ_BYTES, err);
}

static int start_tls(struct connection *c, struct error *err)
{
    unsigned char binding[TLS_EXPORTER_BYTES];
    set_timeout(c, STALL_MS);
    int r = stream_push_tls_server(c->stream, c->listener->options.tls, err);
    if (r == 0 && stream_tls_exporter(c->stream, binding)) {
        session_set_channel_binding(c->session, str_make((const char *)binding, sizeof binding));
    }
    return r;
}

/* Does what the session asked for; 1 to go on with what *input_len_out says, 0 to end. */
static int follow(struct connection *c, enum session_next next, char *input, size_t *input_len_out,
                  struct error *err)
{
    ssize_t got = 0;
    bool news = false;
    int r = 0;
    *input_len_out = 0;
    switch (next) {
    case SESSION_MORE:
        return 1;
    case SESSION_READ:
        got = listen_to(c, input, &news, err);
        if (got <= 0 && !news) {
            return (int)got;
        }
        *input_len_out = (size_t)got;
        return 1;
    case SESSION_STARTTLS:
        if ((r = flush(c, err)) < 0 || (r = start_tls(c, err)) < 0) {
            return r;
        }
        session_tls_done(c->session);
        return 1;
    case SESSION_COMPRESS:
        stream_unread(c->stream, session_unread(c->session));
        if ((r = flush(c, err)) < 0 || (r = stream_push_deflate(c->stream, err)) < 0) {
            return r;
        }
        return 1;
    case SESSION_CLOSE:
    case SESSION_CUT:
        return flush(c, err);
    }
    return 0;
}

static int hold_back(struct connection *c, struct error *err)
{
    struct error ignored = ERROR_INIT;
    int64_t delay_ms = session_take_delay_ms(c->session);
    if (delay_ms == 0) {
        return 0;
    }
    struct pollfd none = {.fd = -1};
    int r = wait_ready(&none, 1, clock_deadline(&clock_system, delay_ms), &c->listener->wake,
                       &clock_system, &ignored);
    if (r < 0 && ignored.code == ERR_CANCELLED) {
        *err = ignored;
        return r;
    }
    return 0;
}

static int converse(struct connection *c, struct error *err)
{
    char *input AUTO_FREE = xmalloc(READ_BYTES);
    size_t len = 0;
    int r = 0;
    if (c->listener->options.implicit_tls && (r = start_tls(c, err)) < 0) {
        return r;
    }
    do {
        buf_clear(&c->out);
        enum session_next next = session_feed(c->session, str_make(input, len), &c->out);
        if ((r = hold_back(c, err)) < 0) {
            return r;
        }
        set_timeout(c, STALL_MS);
        if ((r = buf_check(&c->out, "an answer", SCOPE_CONNECTION, err)) < 0 ||
            (r = stream_write(c->stream, c->out.data, c->out.len, err)) < 0) {
            return r;
        }
        r = follow(c, next, input, &len, err);
    } while (r > 0);
    return r;
}

static void connection_free(struct connection **connection)
{
    struct connection *c = *connection;
    struct listener *l = c->listener;
    count(c);
    session_free(&c->session);
    stream_close(&c->stream);
    buf_free(&c->out);
    xfree(connection);
    pthread_mutex_lock(&l->mutex);
    l->active--;
    pthread_cond_broadcast(&l->ended);
    pthread_mutex_unlock(&l->mutex);
}

static void *connection_main(void *self)
{
    struct connection *c = self;
    struct listener *l = c->listener;
    struct error err = ERROR_INIT;
    if (converse(c, &err) < 0 && err.code != ERR_CANCELLED) {
        log_debug(NULL, "server connection: %s", err.text);
    }
    pthread_mutex_lock(&l->mutex);
    vec_push(&l->ending, pthread_self());
    pthread_mutex_unlock(&l->mutex);
    connection_free(&c);
    return NULL;
}

/* ---- accepting ---- */

static bool admit(struct listener *l)
{
    pthread_mutex_lock(&l->mutex);
    bool room = l->active < l->options.max_connections;
    l->active += room;
    pthread_mutex_unlock(&l->mutex);
    return room;
}

/* Without waiting: a peer that does not take it gets nothing. */
static void turn_away(const struct listener *l, int fd)
{
    static const char text[] = "* BYE [UNAVAILABLE] Too many connections\r\n";
    if (!l->options.implicit_tls) {
        (void)!send(fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    close(fd);
}

static void start_connection(struct listener *l, int fd)
{
    pthread_t thread;
    struct connection *c = xcalloc(1, sizeof *c);
    c->listener = l;
    c->stream = stream_from_fd(fd, &l->wake, &clock_system);
    c->session = session_new(&l->backend, &l->options.session);
    buf_init(&c->out, OUTPUT_MAX);
    if (pthread_create(&thread, NULL, connection_main, c) != 0) {
        connection_free(&c);
    }
}

/* Waits for the threads that are about to end, so that what they hold until then is given back. */
static void join_ending(struct listener *l)
{
    pthread_mutex_lock(&l->mutex);
    while (l->ending.len > 0) {
        pthread_t thread = l->ending.items[--l->ending.len];
        pthread_mutex_unlock(&l->mutex);
        pthread_join(thread, NULL);
        pthread_mutex_lock(&l->mutex);
    }
    pthread_mutex_unlock(&l->mutex);
}

static void *acceptor_main(void *self)
{
    struct listener *l = self;
    struct error err = ERROR_INIT;
    struct pollfd fd = {.fd = l->fd, .events = POLLIN};
    while (wait_ready(&fd, 1, DEADLINE_NEVER, &l->wake, &clock_system, &err) == 0) {
        join_ending(l);
        int accepted = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
        if (accepted < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                log_warning(NULL, "server: too many open files");
            }
            continue;
        }
        if (admit(l)) {
            start_connection(l, accepted);
        } else {
            turn_away(l, accepted);
        }
    }
    return NULL;
}

static void listener_free(struct listener *l)
{
    wake_close(&l->wake);
    close(l->fd);
    vec_free(&l->ending);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->ended);
    xfree(&l);
}

int listener_start(const struct backend *backend, const struct listener_options *options,
                   struct listener **out, struct error *err)
{
    struct listener *l = xcalloc(1, sizeof *l);
    l->backend = *backend;
    l->options = *options;
    l->options.session.tls_available = options->tls != NULL && !options->implicit_tls;
    l->options.session.tls_active = options->implicit_tls || options->session.tls_active;
    if (l->options.max_connections == 0) {
        l->options.max_connections = LIMIT_SERVER_CONNECTIONS;
    }
    int r = listen_tcp(options->host, options->port, &l->fd, &l->port, err);
    if (r < 0) {
        xfree(&l);
        return r;
    }
    r = wake_init(&l->wake, err);
    if (r < 0) {
        close(l->fd);
        xfree(&l);
        return r;
    }
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->ended, NULL);
    int failed = pthread_create(&l->acceptor, NULL, acceptor_main, l);
    if (failed != 0) {
        listener_free(l);
        return error_set_errno(err, ERR_DEFECT, SCOPE_ACCOUNT, failed, "cannot start a thread");
    }
    *out = l;
    return 0;
}

uint16_t listener_port(const struct listener *l)
{
    return l->port;
}

void listener_stop(struct listener **listener)
{
    struct listener *l = *listener;
    if (l == NULL) {
        return;
    }
    wake_signal(&l->wake);
    pthread_join(l->acceptor, NULL);
    pthread_mutex_lock(&l->mutex);
    while (l->active > 0) {
        pthread_cond_wait(&l->ended, &l->mutex);
    }
    pthread_mutex_unlock(&l->mutex);
    join_ending(l);
    listener_free(l);
    *listener = NULL;
}

struct session_counters listener_counters(struct listener *l)
{
    pthread_mutex_lock(&l->mutex);
    struct session_counters total = l->total;
    pthread_mutex_unlock(&l->mutex);
    return total;
}
