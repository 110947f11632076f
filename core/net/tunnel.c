#include "base/alloc.h"
#include "base/apart.h"
#include "net/stream_private.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a command may take to end by itself, after SIGTERM, and after SIGKILL. A loop of naps
 * instead of a pidfd: it works on every kernel and nobody waits for more than a moment. */
#define GRACE_MS 100
#define TERM_MS 300
#define KILL_MS 300
#define NAP_MS 10

struct tunnel {
    struct fd_pair fds; /* first, for the functions of fd_pair */
    pid_t child;        /* 0: reaped */
    int status;         /* of waitpid, once reaped */
};

extern char **environ;

static bool reap(struct tunnel *tunnel, int wait_ms)
{
    for (int waited = 0; tunnel->child != 0; waited += NAP_MS) {
        pid_t got = waitpid(tunnel->child, &tunnel->status, WNOHANG);
        if (got == tunnel->child || (got < 0 && errno == ECHILD)) {
            tunnel->child = 0;
        } else if (waited >= wait_ms) {
            return false;
        } else {
            (void)poll(NULL, 0, NAP_MS);
        }
    }
    return true;
}

/* "The end" from a command that failed is an error: ssh ends with 255, sh with 127. */
static int command_failed(const struct tunnel *tunnel, struct error *err)
{
    if (WIFSIGNALED(tunnel->status)) {
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION,
                         "the tunnel command was ended by signal %d", WTERMSIG(tunnel->status));
    }
    if (WIFEXITED(tunnel->status) && WEXITSTATUS(tunnel->status) != 0) {
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION,
                         "the tunnel command ended with status %d", WEXITSTATUS(tunnel->status));
    }
    return 0;
}

static ssize_t tunnel_try_read(struct stream_layer *layer, void *out, size_t size,
                               enum stream_want *want, struct error *err)
{
    struct tunnel *tunnel = layer->self;
    ssize_t got = fd_pair_try_read(layer, out, size, want, err);
    if (got != 0 || !reap(tunnel, GRACE_MS)) {
        return got;
    }
    return command_failed(tunnel, err);
}

static void tunnel_close(struct stream_layer *layer)
{
    struct tunnel *tunnel = layer->self;
    fd_pair_close(&tunnel->fds);
    static const struct {
        int signal;
        int wait_ms;
    } steps[] = {{0, GRACE_MS}, {SIGTERM, TERM_MS}, {SIGKILL, KILL_MS}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps && tunnel->child != 0; i++) {
        (void)kill(tunnel->child, steps[i].signal);
        (void)reap(tunnel, steps[i].wait_ms);
    }
    xfree(&layer->self);
}

static const struct stream_layer_ops tunnel_ops = {
    .name = "tunnel",
    .try_read = tunnel_try_read,
    .try_write = fd_pair_try_write,
    .wait = fd_pair_wait,
    .close = tunnel_close,
};

struct start {
    pid_t *child_out;
    char *const *argv;
    const posix_spawn_file_actions_t *actions;
    const posix_spawnattr_t *attributes;
    int result;
};

static void start_apart(void *argument)
{
    struct start *s = argument;
    s->result = posix_spawn(s->child_out, "/bin/sh", s->actions, s->attributes, s->argv, environ);
}

/* The command shares the terminal, so that ssh can ask for a passphrase; signals are as at login.
 */
static int spawn_sh(const char *command, int fd, pid_t *child_out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t reset;
    sigemptyset(&none);
    sigemptyset(&reset);
    sigaddset(&reset, SIGPIPE);
    sigaddset(&reset, SIGCHLD);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &reset);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char sh[] = "sh";
    char option[] = "-c";
    AUTO_FREE char *text = xstrdup(command);
    char *argv[] = {sh, option, text, NULL};
    struct start start = {
        .child_out = child_out, .argv = argv, .actions = &actions, .attributes = &attributes};
    apart_run(start_apart, &start);
    int rc = start.result;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

int tunnel_open(const char *command, const struct wake *wake, const struct clock *clock,
                struct stream **out, struct error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return error_set_errno(err, ERR_NETWORK, SCOPE_CONNECTION, errno,
                               "cannot make a socket for the tunnel");
    }
    pid_t child = 0;
    int rc = spawn_sh(command, ends[1], &child);
    (void)close(ends[1]);
    if (rc != 0) {
        (void)close(ends[0]);
        return error_set_errno(err, ERR_NETWORK, SCOPE_CONNECTION, rc,
                               "cannot start the tunnel command");
    }
    struct tunnel *tunnel = xcalloc(1, sizeof *tunnel);
    fd_pair_init(&tunnel->fds, ends[0], ends[0]);
    tunnel->child = child;
    *out = stream_from_layer(&tunnel_ops, tunnel, wake, clock);
    (*out)->fd = ends[0];
    return 0;
}
