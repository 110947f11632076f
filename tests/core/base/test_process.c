#include "base/process.h"
#include "base/wake.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

/* Commands run to their end, told to stop, or stopped; with a kernel that tells when one has ended,
 * and with one that does not. */

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

static bool old_kernel;

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (old_kernel && number == SYS_pidfd_open) {
        errno = ENOSYS;
        return -1;
    }
    return __real_syscall(number, a, b, c, d, e, f);
}

struct run {
    const char *shell, *input;
    int64_t timeout_ms, grace_ms;
    bool cancelled;
    /* results */
    enum error_code code;
    int status;
    const char *output;
};

static const struct run RUNS[] = {
    {.shell = "true", .timeout_ms = 60000},
    {.shell = "exit 3", .timeout_ms = 60000, .status = 3 << 8},
    {.shell = "kill -9 $$", .timeout_ms = 60000, .status = 9},
    {.shell = "tr a b", .input = "banana", .timeout_ms = 60000, .output = "bbnbnb"},
    {.shell = "sleep 1 & echo left", .timeout_ms = 60000, .output = "left\n"},
    {.shell = "sleep 100", .timeout_ms = 50, .code = ERR_TIMEOUT},
    {.shell = "sleep 100", .timeout_ms = 50, .grace_ms = 60000, .code = ERR_TIMEOUT},
    {.shell = "trap '' TERM; sleep 100 & wait; wait",
     .timeout_ms = 50,
     .grace_ms = 50,
     .code = ERR_TIMEOUT},
    {.shell = "sleep 100", .timeout_ms = 60000, .cancelled = true, .code = ERR_CANCELLED},
};

static void check(const struct run *run)
{
    struct wake wake;
    struct error err = ERROR_INIT;
    int status = 0;
    AUTO_BUF struct buf output = BUF_INIT(4096);
    assert_int_equal(wake_init(&wake, &err), 0);
    if (run->cancelled)
        wake_signal(&wake);
    const struct process_options options = {
        .shell = run->shell,
        .input = run->input == NULL ? STR_EMPTY : str_from(run->input),
        .output = &output,
        .timeout_ms = run->timeout_ms,
        .grace_ms = run->grace_ms,
        .clock = &clock_system,
        .wake = &wake,
    };
    int result = process_run(&options, &status, &err);
    assert_int_equal(result, -(int)run->code);
    if (result == 0)
        assert_int_equal(status, run->status);
    if (run->output != NULL)
        assert_true(str_eq(buf_str(&output), str_from(run->output)));
    wake_close(&wake);
}

static void commands_end_as_they_should(void **state)
{
    for (int old = 0; old < 2; old++) {
        old_kernel = old != 0;
        for (size_t i = 0; i < sizeof RUNS / sizeof *RUNS; i++) {
            check(&RUNS[i]);
            assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
            assert_int_equal(errno, ECHILD);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_end_as_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
