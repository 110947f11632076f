#include "cmd/init_ask.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "config/secret.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

static int cancelled(struct error *err)
{
    return error_set(err, ERR_CANCELLED, SCOPE_CANCELLED, "interrupted; nothing was written");
}

/* A byte at a time: what follows the line belongs to the next question. */
static int read_line(const struct wake *wake, char *out, size_t size, struct error *err)
{
    size_t len = 0;
    for (;;) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = wake->fd, .events = POLLIN}};
        char byte;
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, errno, "cannot read the answer");
        }
        if (fds[1].revents != 0) {
            return cancelled(err);
        }
        if (fds[0].revents == 0) {
            continue;
        }
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return cancelled(err);
        }
        if (got == 1 && byte == '\n') {
            out[len] = '\0';
            return 0;
        }
        if (got == 1 && len + 1 < size) {
            out[len++] = byte;
        }
    }
}

int ask_text(const char *question, const char *fallback, const struct wake *wake, char **out,
             struct error *err)
{
    char answer[ANSWER_BYTES_MAX];
    for (;;) {
        printf(fallback == NULL ? "%s: " : "%s [%s]: ", question, fallback);
        (void)fflush(stdout);
        int r = read_line(wake, answer, sizeof answer, err);
        if (r < 0) {
            return r;
        }
        struct str text = str_trim(str_from(answer));
        if (text.len > 0 || fallback != NULL) {
            *out = text.len > 0 ? xstrndup(text.ptr, text.len) : xstrdup(fallback);
            return 0;
        }
    }
}

int ask_secret(const char *question, const struct wake *wake, char **out, struct error *err)
{
    char answer[ANSWER_BYTES_MAX];
    struct termios shown, hidden;
    bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) { /* before the question: who answers fast is not to be shown either */
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    printf("%s: ", question);
    (void)fflush(stdout);
    int r = read_line(wake, answer, sizeof answer, err);
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &shown);
    }
    printf("\n");
    if (r == 0) {
        *out = xstrdup(answer);
    }
    explicit_bzero(answer, sizeof answer);
    return r;
}

int ask_yes(const char *question, bool fallback, const struct wake *wake, bool *out,
            struct error *err)
{
    AUTO_FREE char *answer = NULL;
    int r = ask_text(question, fallback ? "Y/n" : "y/N", wake, &answer, err);
    if (r == 0) {
        bool empty = strchr(answer, '/') != NULL;
        *out = empty ? fallback : answer[0] == 'y' || answer[0] == 'Y';
    }
    return r;
}
