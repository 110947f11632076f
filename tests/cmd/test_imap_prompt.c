#include "cmd/imap_prompt.h"
#include "base/alloc.h"
#include "base/files.h"
#include "cmd/stop.h"
#include "core/base/scratch.h"
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

/* The prompt on a terminal of its own. */

bool __real_wake_is_signalled(const struct wake *wake);
bool __wrap_wake_is_signalled(const struct wake *wake);
int __real_poll(struct pollfd *fds, nfds_t len, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t len, int timeout_ms);
ssize_t __real_read(int fd, void *out, size_t len);
ssize_t __wrap_read(int fd, void *out, size_t len);

static int keyboard = -1, output = -1;
static unsigned looks;

/* What the test has to say is not for the terminal. */
static void leave_terminal(void)
{
    assert_int_equal(fflush(stdout), 0);
    assert_int_equal(dup2(output, STDOUT_FILENO), STDOUT_FILENO);
}

/* What the terminal does at ^C. */
static void interrupt(void)
{
    assert_int_equal(tcflush(STDIN_FILENO, TCIFLUSH), 0);
    assert_int_equal(raise(SIGINT), 0);
}

/* Typed when the prompt is about to wait for it, so that the terminal is in the line editor's mode:
 * in the other one ^D would be taken, and not kept. The first key is interrupted, then comes the
 * end. */
int __wrap_poll(struct pollfd *fds, nfds_t len, int timeout_ms)
{
    if (__real_poll(fds, len, 0) == 0)
        assert_int_equal(write(keyboard, looks == 0 ? "x" : "\4", 1), 1);
    return __real_poll(fds, len, timeout_ms);
}

/* The last look before what was typed is read. */
bool __wrap_wake_is_signalled(const struct wake *wake)
{
    bool is_signalled = __real_wake_is_signalled(wake);
    looks++;
    if (looks == 1) {
        assert_false(is_signalled);
        interrupt();
    } else if (looks == 2) {
        assert_true(is_signalled);
    }
    return is_signalled;
}

ssize_t __wrap_read(int fd, void *out, size_t len)
{
    struct pollfd now = {.fd = fd, .events = POLLIN};
    if (isatty(fd) && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0 && __real_poll(&now, 1, 0) == 0) {
        leave_terminal();
        fail_msg("the prompt would wait for a key, and not see the interrupt");
    }
    return __real_read(fd, out, len);
}

static void use_terminal(void)
{
    int fd;
    keyboard = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(keyboard >= 0);
    assert_int_equal(grantpt(keyboard), 0);
    assert_int_equal(unlockpt(keyboard), 0);
    fd = open(ptsname(keyboard), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fflush(stdout), 0);
    output = dup(STDOUT_FILENO);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    file_close(&fd);
    assert_int_equal(setenv("TERM", "dumb", 1), 0);
}

static void an_interrupt_is_seen_that_comes_right_before_the_read(void **state)
{
    struct imap_session session = {0};
    const struct wake *wake = NULL;
    struct error err = ERROR_INIT;
    char *dir = scratch_new();
    AUTO_FREE char *history = path_join(dir, "history");
    use_terminal();
    assert_int_equal(stop_on_signals(&wake, &err), 0);
    int exit_code = imap_prompt_run(&session, wake, "work", history);
    leave_terminal();
    assert_int_equal(exit_code, 0);
    assert_int_equal(looks, 3);
    assert_false(stop_is_asked());
    file_close(&output);
    file_close(&keyboard);
    scratch_free(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupt_is_seen_that_comes_right_before_the_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
