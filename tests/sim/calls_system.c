/* In the place of clocks, randomness and the log. */
#include "base/log.h"
#include "sim/calls.h"
#include "sim/machine.h"
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define DECLARE(type, name, ...)                                                                   \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __real_##name(__VA_ARGS__);

DECLARE(int, clock_gettime, clockid_t, struct timespec *)
DECLARE(time_t, time, time_t *)
DECLARE(ssize_t, getrandom, void *, size_t, unsigned)
DECLARE(pid_t, getpid, void)
DECLARE(int, gethostname, char *, size_t)
void __wrap_log_error(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void __wrap_log_info(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void __wrap_log_warning(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct buf calls_log = BUF_INIT((size_t)1 << 24);
bool calls_keep_log;

/* ---- clocks and randomness ---- */

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    int64_t now = id == CLOCK_REALTIME ? machine_wall_ns() : machine.monotonic_ns;
    *out = (struct timespec){now / 1000000000, now % 1000000000};
    return 0;
}

time_t __wrap_time(time_t *out)
{
    time_t now = machine_wall_ns() / 1000000000;
    if (out != NULL)
        *out = now;
    return now;
}

ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags)
{
    char *to = out;
    /* What guards a table against chosen names decides nothing, and a run that is told has more of
     * these. */
    if ((flags & GRND_NONBLOCK) != 0) {
        memset(out, 1, size);
        return (ssize_t)size;
    }
    for (size_t i = 0; i < size; i++)
        to[i] = (char)random_next(&machine.random);
    return (ssize_t)size;
}

pid_t __wrap_getpid(void)
{
    return 4242;
}

int __wrap_gethostname(char *out, size_t size)
{
    snprintf(out, size, "sim");
    return 0;
}

/* ---- the log ---- */

static void keep(const char *format, va_list arguments)
{
    char line[2048];
    if (!calls_keep_log)
        return;
    vsnprintf(line, sizeof line, format, arguments);
    buf_addf(&calls_log, "    log: %s\n", line);
}

void __wrap_log_error(const struct log_scope *scope, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep(format, arguments);
    va_end(arguments);
}

void __wrap_log_warning(const struct log_scope *scope, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep(format, arguments);
    va_end(arguments);
}

void __wrap_log_info(const struct log_scope *scope, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    keep(format, arguments);
    va_end(arguments);
}
