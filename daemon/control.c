#include "daemon/control.h"

#include "base/alloc.h"
#include "base/files.h"
#include "base/log.h"
#include "base/vec.h"
#include "daemon/control_errors.h"
#include "daemon/control_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* More clients at once are turned away. */
#define PEERS_MAX 64

struct peer {
    struct control *control;
    int fd;
    sd_event_source *source;
    struct buf in, out;
    bool calling;    /* a call is under way; those behind it wait */
    bool oneway;     /* and wants no reply */
    bool processing; /* calls are being taken from `in` */
    json_t *gathered;
    struct gathered_events *events;
};

struct control {
    struct supervisor *supervisor;
    sd_event *event;
    char *path;
    int fd;
    sd_event_source *source;
    VEC(struct peer *) peers;
};

/* ---- one client ---- */

/* Its source fires once more, and drops it there: callers may be in the middle of using it. */
static void peer_hang_up(struct peer *peer)
{
    (void)shutdown(peer->fd, SHUT_RDWR);
}

static void peer_free(struct peer *peer)
{
    if (peer->calling)
        control_abandon(peer);
    sd_event_source_disable_unref(peer->source);
    file_close(&peer->fd);
    buf_free(&peer->in);
    buf_free(&peer->out);
    json_decref(peer->gathered);
    gathered_events_free(&peer->events);
    xfree(&peer);
}

static void peer_drop(struct peer *peer)
{
    struct control *control = peer->control;
    for (size_t i = 0; i < control->peers.len; i++) {
        if (control->peers.items[i] == peer) {
            control->peers.items[i] = control->peers.items[--control->peers.len];
            break;
        }
    }
    peer_free(peer);
}

static void peer_flush(struct peer *peer)
{
    while (peer->out.len > 0) {
        ssize_t sent = send(peer->fd, peer->out.data, peer->out.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            break;
        buf_consume(&peer->out, (size_t)sent);
    }
    uint32_t wanted = EPOLLIN | (peer->out.len > 0 ? (uint32_t)EPOLLOUT : 0);
    (void)sd_event_source_set_io_events(peer->source, wanted);
}

static void peer_send(struct peer *peer)
{
    if (peer->out.overflowed)
        peer_hang_up(peer);
    else
        peer_flush(peer);
}

static void peer_process(struct peer *peer)
{
    struct str text;
    if (peer->processing)
        return;
    peer->processing = true;
    while (!peer->calling && varlink_next(&peer->in, &text)) {
        struct varlink_call call;
        struct error err = ERROR_INIT;
        int r = varlink_call_read(text, &call, &err);
        buf_consume(&peer->in, text.len + 1);
        if (r < 0) {
            peer_hang_up(peer);
            break;
        }
        peer->calling = true;
        peer->oneway = call.oneway;
        control_dispatch(peer, &call);
        varlink_call_free(&call);
    }
    peer->processing = false;
}

static void peer_end_call(struct peer *peer)
{
    peer->calling = false;
    peer->oneway = false;
    peer_send(peer);
    peer_process(peer);
}

struct supervisor *peer_supervisor(struct peer *peer)
{
    return peer->control->supervisor;
}

size_t peer_backlog(const struct peer *peer)
{
    return peer->out.len;
}

json_t **peer_gathered(struct peer *peer)
{
    return &peer->gathered;
}

struct gathered_events **peer_events(struct peer *peer)
{
    return &peer->events;
}

void peer_continue(struct peer *peer, json_t *parameters)
{
    if (peer->oneway) {
        json_decref(parameters);
        return;
    }
    varlink_write_reply(&peer->out, parameters, true);
    peer_send(peer);
}

void peer_reply(struct peer *peer, json_t *parameters)
{
    if (peer->oneway)
        json_decref(parameters);
    else
        varlink_write_reply(&peer->out, parameters, false);
    peer_end_call(peer);
}

void peer_error(struct peer *peer, const char *name, json_t *parameters)
{
    if (peer->oneway)
        json_decref(parameters);
    else
        varlink_write_error(&peer->out, name, parameters);
    peer_end_call(peer);
}

void peer_fail(struct peer *peer, const struct error *err)
{
    peer_error(peer, control_error_name(err), json_pack("{s:s}", "text", err->text));
}

/* False at its end. */
static bool peer_read(struct peer *peer)
{
    char *room = buf_reserve(&peer->in, 16 * 1024);
    if (room == NULL)
        return false;
    ssize_t got = recv(peer->fd, room, 16 * 1024, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got > 0)
        buf_commit(&peer->in, (size_t)got);
    return got > 0;
}

static int on_peer(sd_event_source *source, int fd, uint32_t revents, void *self)
{
    struct peer *peer = self;
    if ((revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !peer_read(peer)) {
        peer_drop(peer);
        return 0;
    }
    if (revents & EPOLLOUT) {
        peer_flush(peer);
        control_drained(peer);
    }
    peer_process(peer);
    return 0;
}

/* ---- the socket ---- */

static bool is_ours(int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           (who.uid == getuid() || who.uid == 0);
}

static int on_connect(sd_event_source *source, int listening, uint32_t revents, void *self)
{
    struct control *control = self;
    AUTO_FD int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 || !is_ours(fd) || control->peers.len == PEERS_MAX)
        return 0;
    struct peer *peer = xcalloc(1, sizeof *peer);
    peer->control = control;
    peer->fd = fd;
    buf_init(&peer->in, VARLINK_MESSAGE_MAX);
    buf_init(&peer->out, VARLINK_MESSAGE_MAX);
    fd = -1;
    if (sd_event_add_io(control->event, &peer->source, peer->fd, EPOLLIN, on_peer, peer) < 0)
        peer_free(peer);
    else
        vec_push(&control->peers, peer);
    return 0;
}

static int make_directory(const char *path, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(path);
    return file_mkdir_all(dirname(copy), 0700, err);
}

/* A socket that a killed daemon left is nobody's. */
static int clear_path(const char *path, const struct sockaddr_un *address, struct error *err)
{
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
        return error_set(err, ERR_LOCKED, SCOPE_ACCOUNT, "another daemon listens at %s", path);
    struct error missing = ERROR_INIT;
    if (file_unlink(AT_FDCWD, path, &missing) < 0 && missing.code != ERR_NOT_FOUND) {
        *err = missing;
        return -(int)err->code;
    }
    return 0;
}

static int bind_to(const char *path, int *fd_out, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof address.sun_path)
        return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT,
                         "the path of the control socket is too long: %s", path);
    memcpy(address.sun_path, path, len);
    int r = make_directory(path, err);
    if (r == 0)
        r = clear_path(path, &address, err);
    if (r < 0)
        return r;
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        chmod(path, 0600) < 0 || listen(fd, PEERS_MAX) < 0)
        return error_set_errno(err, ERR_WRITE, SCOPE_ACCOUNT, errno, "cannot listen at %s", path);
    *fd_out = fd;
    fd = -1;
    return 0;
}

int control_start(const char *path, sd_event *event, struct supervisor *supervisor,
                  struct control **out, struct error *err)
{
    int fd = -1;
    int r = bind_to(path, &fd, err);
    if (r < 0)
        return r;
    struct control *control = xcalloc(1, sizeof *control);
    control->supervisor = supervisor;
    control->event = event;
    control->path = xstrdup(path);
    control->fd = fd;
    r = sd_event_add_io(event, &control->source, fd, EPOLLIN, on_connect, control);
    if (r < 0) {
        control_stop(&control);
        return error_set_errno(err, ERR_DEFECT, SCOPE_ACCOUNT, -r,
                               "cannot watch the control socket");
    }
    *out = control;
    return 0;
}

void control_stop(struct control **control_pointer)
{
    struct control *control = *control_pointer;
    struct error ignored = ERROR_INIT;
    if (control == NULL)
        return;
    while (control->peers.len > 0)
        peer_drop(control->peers.items[0]);
    vec_free(&control->peers);
    sd_event_source_disable_unref(control->source);
    file_close(&control->fd);
    file_unlink(AT_FDCWD, control->path, &ignored);
    xfree(&control->path);
    xfree(control_pointer);
}
