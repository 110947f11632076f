#include "config/secret.h"
#include "base/alloc.h"
#include "base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Access tokens reach a few KiB. */
#define SECRET_BYTES_MAX (64 * 1024)
#define WORDS_BYTES_MAX 512

/* A command under way. What it prints is gathered up to a limit; what follows is read and dropped,
 * so that it never stands before a full pipe. */
struct command {
    pid_t pid; /* also its process group */
    int pid_fd;
    int out_fd, err_fd;
    char out[SECRET_BYTES_MAX];
    size_t out_len;
    char words[WORDS_BYTES_MAX]; /* standard error */
    size_t words_len;
};

static int fail_errno(const struct config_secret *secret, const char *what, struct error *err)
{
    return error_set_errno(err, ERR_AUTH, SCOPE_ACCOUNT, errno, "%s: %s", secret->origin, what);
}

/* ---- starting ---- */

static int spawn(const struct config_secret *secret, int out_fd, int err_fd, pid_t *pid_out)
{
    const char *shell_argv[] = {"sh", "-c", secret->shell, NULL};
    const char *const *argv = secret->shell != NULL ? shell_argv : secret->argv.items;
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
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    int result = posix_spawnp(pid_out, argv[0], &actions, &attributes,
                              (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

static void stop(struct command *c)
{
    (void)kill(-c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static int start(const struct config_secret *secret, struct command *c, struct error *err)
{
    int out[2] = {-1, -1}, words[2] = {-1, -1};
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(words, O_CLOEXEC) < 0) {
        int result = fail_errno(secret, "cannot make a pipe", err);
        file_close(&out[0]);
        file_close(&out[1]);
        return result;
    }
    c->out_fd = out[0];
    c->err_fd = words[0];
    (void)fcntl(c->out_fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(c->err_fd, F_SETFL, O_NONBLOCK);
    int failed = spawn(secret, out[1], words[1], &c->pid);
    file_close(&out[1]);
    file_close(&words[1]);
    if (failed != 0) {
        const char *name = secret->shell != NULL ? "sh" : secret->argv.items[0];
        return error_set_errno(err, ERR_AUTH, SCOPE_ACCOUNT, failed, "%s: cannot run %s",
                               secret->origin, name);
    }
    c->pid_fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    if (c->pid_fd < 0) {
        int result = fail_errno(secret, "cannot watch the command", err);
        stop(c);
        return result;
    }
    return 0;
}

/* ---- reading ---- */

/* All that is there now. False at the end of the pipe. */
static bool drain(int fd, char *to, size_t max, size_t *len)
{
    char spare[4096];
    ssize_t got;
    do {
        bool room = *len < max;
        got = read(fd, room ? to + *len : spare, room ? max - *len : sizeof spare);
        if (got > 0 && room) {
            *len += (size_t)got;
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    explicit_bzero(spare, sizeof spare);
    return got < 0;
}

static int time_left_ms(const struct clock *clock, int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_monotonic_ms(clock);
    if (left <= 0) {
        return 0;
    }
    return left > 60000 ? 60000 : (int)left;
}

/* Until the command has ended; what it left running in the background may hold the pipes open. */
static int gather(const struct config_secret *secret, struct command *c, int64_t deadline_ms,
                  const struct wake *wake, const struct clock *clock, struct error *err)
{
    for (;;) {
        struct pollfd fds[] = {
            {.fd = c->pid_fd, .events = POLLIN},
            {.fd = wake == NULL ? -1 : wake->fd, .events = POLLIN},
            {.fd = c->out_fd, .events = POLLIN},
            {.fd = c->err_fd, .events = POLLIN},
        };
        int left = time_left_ms(clock, deadline_ms);
        int ready = poll(fds, sizeof fds / sizeof *fds, left);
        if (ready < 0 && errno != EINTR) {
            return fail_errno(secret, "cannot wait for the command", err);
        }
        if (ready > 0 && fds[1].revents != 0) {
            return error_set(err, ERR_CANCELLED, SCOPE_CANCELLED, "%s: interrupted",
                             secret->origin);
        }
        bool ended = ready > 0 && fds[0].revents != 0;
        if (c->out_fd >= 0 && !drain(c->out_fd, c->out, sizeof c->out, &c->out_len)) {
            file_close(&c->out_fd);
        }
        if (c->err_fd >= 0 && !drain(c->err_fd, c->words, sizeof c->words, &c->words_len)) {
            file_close(&c->err_fd);
        }
        if (ended) {
            return 0;
        }
        if (left == 0) {
            return error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                             "%s: the command took too long (command_timeout)", secret->origin);
        }
    }
}

/* ---- what it gave ---- */

static int take_line(const struct config_secret *secret, struct str text, size_t max, char **out,
                     struct error *err)
{
    struct str line = text;
    ptrdiff_t end = str_find(text, '\n');
    if (end >= 0) {
        line = str_sub(text, 0, (size_t)end);
    }
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    if (line.len == 0) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                         "%s: nothing was given: the first line is empty", secret->origin);
    }
    if (end < 0 && text.len >= max) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "%s: the first line is longer than %d bytes",
                         secret->origin, SECRET_BYTES_MAX);
    }
    if (str_find(line, '\0') >= 0) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "%s: there is a NUL in the first line",
                         secret->origin);
    }
    *out = xstrndup(line.ptr, line.len);
    return 0;
}

/* "exit status 1", with what the command said last word on standard error. */
static int fail_status(const struct config_secret *secret, const struct command *c, int status,
                       struct error *err)
{
    struct str words = str_make(c->words, c->words_len);
    struct str line = STR_EMPTY;
    (void)str_split(&words, '\n', &line);
    line = str_trim(line);
    const char *colon = line.len > 0 ? ": " : "";
    if (WIFSIGNALED(status)) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                         "%s: the command was ended by signal %d%s%.*s", secret->origin,
                         WTERMSIG(status), colon, STR_ARG(line));
    }
    return error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                     "%s: the command failed with exit status %d%s%.*s", secret->origin,
                     WEXITSTATUS(status), colon, STR_ARG(line));
}

static int finish(const struct config_secret *secret, struct command *c, char **out,
                  struct error *err)
{
    int status = 0;
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return fail_status(secret, c, status, err);
    }
    return take_line(secret, str_make(c->out, c->out_len), sizeof c->out, out, err);
}

static int read_command(const struct config_secret *secret, int64_t timeout_ms,
                        const struct wake *wake, const struct clock *clock, char **out,
                        struct error *err)
{
    int64_t deadline_ms = clock_deadline(clock, timeout_ms);
    struct command *c = xcalloc(1, sizeof *c);
    c->pid_fd = c->out_fd = c->err_fd = -1;
    int result = start(secret, c, err);
    if (result == 0) {
        result = gather(secret, c, deadline_ms, wake, clock, err);
        if (result < 0) {
            stop(c);
        } else {
            result = finish(secret, c, out, err);
        }
    }
    file_close(&c->pid_fd);
    file_close(&c->out_fd);
    file_close(&c->err_fd);
    explicit_bzero(c, sizeof *c);
    free(c);
    return result;
}

static int read_file(const struct config_secret *secret, const char *path, char **out,
                     struct error *err)
{
    struct buf text = BUF_INIT(SECRET_BYTES_MAX);
    int result = 0;
    if (file_read(AT_FDCWD, path, &text, err) < 0) {
        err->code = ERR_CONFIG;
        err->scope = SCOPE_ACCOUNT;
        result = error_wrap(err, "%s", secret->origin);
    } else {
        result = take_line(secret, buf_str(&text), SECRET_BYTES_MAX, out, err);
    }
    if (text.data != NULL) {
        explicit_bzero(text.data, text.cap);
    }
    buf_free(&text);
    return result;
}

static int read_credential(const struct config_secret *secret, char **out, struct error *err)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (dir == NULL || dir[0] == '\0') {
        return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT,
                         "%s: there is no credential '%s': not run by systemd with "
                         "LoadCredential=%s:…",
                         secret->origin, secret->credential, secret->credential);
    }
    AUTO_FREE char *path = path_join(dir, secret->credential);
    return read_file(secret, path, out, err);
}

int secret_read(const struct config_secret *secret, int64_t timeout_ms, const struct wake *wake,
                const struct clock *clock, char **out, struct error *err)
{
    if (secret->text != NULL) {
        *out = xstrdup(secret->text);
        return 0;
    }
    if (secret->file != NULL) {
        return read_file(secret, secret->file, out, err);
    }
    if (secret->credential != NULL) {
        return read_credential(secret, out, err);
    }
    return read_command(secret, timeout_ms, wake, clock, out, err);
}

bool secret_is_set(const struct config_secret *secret)
{
    return secret->shell != NULL || secret->argv.len > 0 || secret->file != NULL ||
           secret->text != NULL || secret->credential != NULL;
}

void secret_free(char **secret)
{
    if (*secret != NULL) {
        explicit_bzero(*secret, strlen(*secret));
        free(*secret);
    }
    *secret = NULL;
}
