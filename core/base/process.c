#include "base/process.h"
#include "base/alloc.h"
#include "base/apart.h"
#include "base/files.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Longest sleep between looks at the clock, which a test may own. */
#define SLEEP_MS 60000
/* Between SIGKILL and the end of a process that the kernel has hold of. */
#define KILL_MS 2000
/* Between looks whether it has ended, where a kernel before 5.3 cannot tell. */
#define LOOK_MS 20

struct process {
    const struct process_options *options;
    pid_t pid;                 /* also its process group */
    int pid_fd;                /* -1: the kernel has none */
    int in_fd, out_fd, err_fd; /* our ends; -1: none, or done */
    size_t written;            /* of the input */
};

static int fail_errno(int os_errno, const char *what, struct error *err)
{
    return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, os_errno, "%s", what);
}

/* ---- starting ---- */

/* This program's environment with `more` on top; the array is the caller's. */
static char **environment_with(const char *const *more)
{
    size_t own = 0, len = 0, added = 0;
    while (environ[own] != NULL) {
        own++;
    }
    while (more != NULL && more[added] != NULL) {
        added++;
    }
    char **out = xcalloc(own + added + 1, sizeof *out);
    for (size_t i = 0; i < own; i++) {
        bool replaced = false;
        for (size_t j = 0; j < added && !replaced; j++) {
            size_t name = (size_t)(strchr(more[j], '=') + 1 - more[j]);
            replaced = strncmp(environ[i], more[j], name) == 0;
        }
        if (!replaced) {
            out[len++] = environ[i];
        }
    }
    for (size_t j = 0; j < added; j++) {
        out[len++] = (char *)(uintptr_t)more[j];
    }
    return out;
}

struct pipes {
    int in[2], out[2], words[2];
};

static void set_files(posix_spawn_file_actions_t *actions, const struct pipes *pipes)
{
    if (pipes->in[0] < 0) {
        (void)posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    } else {
        (void)posix_spawn_file_actions_adddup2(actions, pipes->in[0], STDIN_FILENO);
    }
    (void)posix_spawn_file_actions_adddup2(
        actions, pipes->out[1] < 0 ? STDERR_FILENO : pipes->out[1], STDOUT_FILENO);
    if (pipes->words[1] >= 0) {
        (void)posix_spawn_file_actions_adddup2(actions, pipes->words[1], STDERR_FILENO);
    }
}

/* What is started may do what its starter may. */
struct start {
    pid_t *pid;
    char *const *argv, *const *environment;
    const posix_spawn_file_actions_t *actions;
    const posix_spawnattr_t *attributes;
    int result;
};

static void start_apart(void *argument)
{
    struct start *s = argument;
    s->result =
        posix_spawnp(s->pid, s->argv[0], s->actions, s->attributes, s->argv, s->environment);
}

/* 0 or an errno. */
static int spawn(struct process *p, const struct pipes *pipes)
{
    const char *shell_argv[] = {"sh", "-c", p->options->shell, NULL};
    const char *const *argv = p->options->shell != NULL ? shell_argv : p->options->argv;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    set_files(&actions, pipes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    AUTO_FREE char **environment = environment_with(p->options->environment);
    struct start start = {.pid = &p->pid,
                          .argv = (char *const *)(uintptr_t)argv,
                          .environment = environment,
                          .actions = &actions,
                          .attributes = &attributes};
    apart_run(start_apart, &start);
    int result = start.result;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

static void signal_group(const struct process *p, int signal)
{
    (void)kill(-p->pid, signal);
}

static int reap(struct process *p)
{
    int status = 0;
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static bool open_pipes(const struct process_options *o, struct pipes *pipes)
{
    return (o->input.len == 0 || pipe2(pipes->in, O_CLOEXEC) == 0) &&
           (o->output == NULL || pipe2(pipes->out, O_CLOEXEC) == 0) &&
           (o->words == NULL || pipe2(pipes->words, O_CLOEXEC) == 0);
}

/* The end that is ours, not to be waited on. */
static int keep(int *fd)
{
    int kept = *fd;
    *fd = -1;
    if (kept >= 0) {
        (void)fcntl(kept, F_SETFL, O_NONBLOCK);
    }
    return kept;
}

static int start(struct process *p, struct error *err)
{
    const struct process_options *o = p->options;
    struct pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}};
    int failed = open_pipes(o, &pipes) ? 0 : errno;
    if (failed == 0) {
        failed = spawn(p, &pipes);
        p->in_fd = keep(&pipes.in[1]);
        p->out_fd = keep(&pipes.out[0]);
        p->err_fd = keep(&pipes.words[0]);
    }
    for (int i = 0; i < 2; i++) {
        file_close(&pipes.in[i]);
        file_close(&pipes.out[i]);
        file_close(&pipes.words[i]);
    }
    if (failed != 0) {
        return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, failed, "cannot run %s",
                               o->shell != NULL ? "sh" : o->argv[0]);
    }
    p->pid_fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (p->pid_fd < 0 && errno != ENOSYS) {
        failed = errno;
        signal_group(p, SIGKILL);
        (void)reap(p);
        return fail_errno(failed, "cannot watch the command", err);
    }
    return 0;
}

/* ---- while it runs ---- */

/* All that is there now; closed at the end of the pipe. */
static void drain(int *fd, struct buf *to)
{
    char data[4096];
    ssize_t got;
    if (*fd < 0) {
        return;
    }
    do {
        got = read(*fd, data, sizeof data);
        size_t room = got > 0 ? to->max - to->len : 0;
        if (room > 0) {
            buf_add(to, data, (size_t)got < room ? (size_t)got : room);
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    explicit_bzero(data, sizeof data);
    if (got == 0) {
        file_close(fd);
    }
}

/* A command need not read it all: SIGPIPE is ignored by this program. */
static void feed(struct process *p)
{
    struct str input = p->options->input;
    while (p->in_fd >= 0 && p->written < input.len) {
        ssize_t put = write(p->in_fd, input.ptr + p->written, input.len - p->written);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0 && errno == EAGAIN) {
            return;
        }
        p->written = put < 0 ? input.len : p->written + (size_t)put;
    }
    file_close(&p->in_fd);
}

static int64_t left_ms(const struct clock *clock, int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_monotonic_ms(clock);
    return left <= 0 ? 0 : left;
}

static int sleep_ms(const struct process *p, int64_t left)
{
    int64_t most = p->pid_fd < 0 ? LOOK_MS : SLEEP_MS;
    return (int)(left > most ? most : left);
}

/* `ready`: poll says so of pid_fd. */
static bool has_ended(const struct process *p, bool ready)
{
    siginfo_t info = {0};
    if (p->pid_fd >= 0) {
        return ready;
    }
    return waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

/* Until it has ended; what it left running in the background may hold the pipes open. */
static int attend(struct process *p, struct error *err)
{
    const struct process_options *o = p->options;
    int64_t deadline_ms = clock_deadline(o->clock, o->timeout_ms);
    for (;;) {
        struct pollfd fds[] = {
            {.fd = p->pid_fd, .events = POLLIN},
            {.fd = o->wake == NULL ? -1 : o->wake->fd, .events = POLLIN},
            {.fd = p->out_fd, .events = POLLIN},
            {.fd = p->err_fd, .events = POLLIN},
            {.fd = p->in_fd, .events = POLLOUT},
        };
        int64_t left = left_ms(o->clock, deadline_ms);
        int ready = poll(fds, sizeof fds / sizeof *fds, sleep_ms(p, left));
        if (ready < 0 && errno != EINTR) {
            return fail_errno(errno, "cannot wait for the command", err);
        }
        if (ready > 0 && fds[1].revents != 0) {
            return error_set(err, ERR_CANCELLED, SCOPE_CANCELLED, "interrupted");
        }
        bool ended = has_ended(p, ready > 0 && fds[0].revents != 0);
        drain(&p->out_fd, o->output);
        drain(&p->err_fd, o->words);
        feed(p);
        if (ended) {
            return 0;
        }
        if (left == 0) {
            return error_set(err, ERR_TIMEOUT, SCOPE_ACCOUNT, "the command took too long");
        }
    }
}

static bool ends_within(const struct process *p, int64_t ms)
{
    int64_t deadline_ms = clock_deadline(&clock_system, ms);
    for (;;) {
        struct pollfd end = {.fd = p->pid_fd, .events = POLLIN};
        int64_t left = left_ms(&clock_system, deadline_ms);
        if (has_ended(p, poll(&end, 1, sleep_ms(p, left)) > 0)) {
            return true;
        }
        if (left == 0) {
            return false;
        }
    }
}

static void stop(struct process *p)
{
    if (p->options->grace_ms > 0) {
        signal_group(p, SIGTERM);
        (void)ends_within(p, p->options->grace_ms);
    }
    signal_group(p, SIGKILL);
    if (ends_within(p, KILL_MS)) {
        (void)reap(p);
    }
}

int process_run(const struct process_options *options, int *status_out, struct error *err)
{
    struct process p = {.options = options, .pid_fd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1};
    assert((options->shell != NULL) != (options->argv != NULL));
    int result = start(&p, err);
    if (result == 0) {
        result = attend(&p, err);
        if (result < 0) {
            stop(&p);
        } else {
            *status_out = reap(&p);
        }
    }
    file_close(&p.pid_fd);
    file_close(&p.in_fd);
    file_close(&p.out_fd);
    file_close(&p.err_fd);
    return result;
}

void process_describe(int status, struct buf *out)
{
    if (WIFSIGNALED(status)) {
        buf_addf(out, "ended by signal %d", WTERMSIG(status));
    } else {
        buf_addf(out, "exit status %d", WEXITSTATUS(status));
    }
}
