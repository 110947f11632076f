/*
 * A library for LD_PRELOAD that lets a program believe that the machine was asleep. In the
 * environment:
 *
 *   CLOCKSHIM_ASLEEP  a file of 8 bytes: for how many milliseconds; may change at any time
 *   CLOCKSHIM_JUMPS   a fifo: what is written to it is taken for the clock having been set
 *
 * The clocks that go on in sleep are ahead by that much; CLOCK_MONOTONIC, which does not, is left
 * alone. A timer of CLOCK_REALTIME is the fifo instead, readable when the clock was "set".
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

static const volatile int64_t *asleep_ms;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CLOCKSHIM_ASLEEP");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *asleep_ms, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        (void)close(fd);
    if (map != MAP_FAILED)
        asleep_ms = map;
}

static int goes_on(clockid_t id)
{
    return id == CLOCK_BOOTTIME || id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
}

PUBLIC int clock_gettime(clockid_t id, struct timespec *out)
{
    if (syscall(SYS_clock_gettime, id, out) < 0)
        return -1;
    if (asleep_ms == NULL || !goes_on(id))
        return 0;
    int64_t ms = *asleep_ms;
    out->tv_sec += ms / 1000;
    out->tv_nsec += ms % 1000 * 1000000;
    if (out->tv_nsec >= 1000000000) {
        out->tv_nsec -= 1000000000;
        out->tv_sec++;
    }
    return 0;
}

PUBLIC time_t time(time_t *out)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

PUBLIC int timerfd_create(clockid_t id, int flags)
{
    const char *path = getenv("CLOCKSHIM_JUMPS");
    if (id == CLOCK_REALTIME && path != NULL)
        return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return (int)syscall(SYS_timerfd_create, id, flags);
}
