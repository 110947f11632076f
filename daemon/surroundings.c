#include "daemon/surroundings.h"

#include "base/files.h"
#include "base/log.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES 16384

struct surroundings {
    int clock_fd, network_fd;
    struct sleep_watch sleep;
    struct sd_bus *bus; /* NULL: none */
    bool woken;         /* logind said so */
};

bool sleep_watch_look(struct sleep_watch *watch, int64_t boottime_ms, int64_t monotonic_ms)
{
    int64_t ahead_ms = boottime_ms - monotonic_ms;
    bool slept = watch->known && ahead_ms - watch->ahead_ms >= SLEEP_LEAST_MS;
    watch->known = true;
    watch->ahead_ms = ahead_ms;
    return slept;
}

/* ---- the network ---- */

static bool address_matters(const struct nlmsghdr *header)
{
    const struct ifaddrmsg *address = NLMSG_DATA(header);
    return address->ifa_scope < RT_SCOPE_HOST && address->ifa_scope != RT_SCOPE_LINK;
}

static bool route_matters(const struct nlmsghdr *header)
{
    const struct rtmsg *route = NLMSG_DATA(header);
    return route->rtm_dst_len == 0 && route->rtm_table == RT_TABLE_MAIN;
}

static bool one_matters(const struct nlmsghdr *header)
{
    switch (header->nlmsg_type) {
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)) &&
               address_matters(header);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtmsg)) && route_matters(header);
    default:
        return false;
    }
}

bool network_message_matters(const void *message, size_t size)
{
    const char *at = message;
    while (size >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr header;
        memcpy(&header, at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > size)
            return false;
        if (one_matters((const struct nlmsghdr *)(const void *)at))
            return true;
        size_t step = NLMSG_ALIGN(header.nlmsg_len);
        if (step >= size)
            return false;
        at += step;
        size -= step;
    }
    return false;
}

static int open_network(void)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                        .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                                     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        file_close(&fd);
    if (fd < 0)
        log_warning(NULL, "changes of the network are not seen: %s", strerror(errno));
    return fd;
}

static bool network_changed(int fd)
{
    _Alignas(struct nlmsghdr) char message[MESSAGE_BYTES];
    bool changed = false;
    ssize_t got;
    while ((got = recv(fd, message, sizeof message, 0)) > 0 || (got < 0 && errno != EAGAIN)) {
        /* ENOBUFS: more than could be told. */
        if (got < 0 && errno != ENOBUFS && errno != EINTR)
            break;
        changed = changed || got < 0 || network_message_matters(message, (size_t)got);
    }
    return changed;
}

/* ---- the clocks ---- */

static int64_t clock_ms(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool look_at_clocks(struct surroundings *s)
{
    return sleep_watch_look(&s->sleep, clock_ms(CLOCK_BOOTTIME), clock_ms(CLOCK_MONOTONIC));
}

/* Never rings; is cancelled when the clock jumps, as it does at a resume. */
static void arm(int fd)
{
    const struct itimerspec never = {.it_value.tv_sec = (time_t)INT32_MAX};
    (void)timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static bool clock_jumped(struct surroundings *s)
{
    uint64_t rings;
    if (read(s->clock_fd, &rings, sizeof rings) >= 0 || errno == ECANCELED)
        arm(s->clock_fd);
    return look_at_clocks(s);
}

/* ---- logind, where there is a bus ---- */

/* PrepareForSleep(false): awake. The clocks tell as well, but not of a sleep too short for them,
 * and not before. */
static int on_sleep(sd_bus_message *message, void *self, sd_bus_error *error)
{
    struct surroundings *s = self;
    int going = 1;
    if (sd_bus_message_read(message, "b", &going) >= 0 && going == 0)
        s->woken = true;
    return 0;
}

/* Nothing is sent but what subscribes; without a bus, or without logind, the clocks are enough. */
static void open_bus(struct surroundings *s)
{
    int r = sd_bus_open_system(&s->bus);
    if (r >= 0)
        r = sd_bus_match_signal_async(s->bus, NULL, "org.freedesktop.login1",
                                      "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                                      "PrepareForSleep", on_sleep, NULL, s);
    if (r >= 0)
        return;
    log_debug(NULL, "logind does not tell of sleep: %s", strerror(-r));
    s->bus = sd_bus_flush_close_unref(s->bus);
}

static void work_bus(struct surroundings *s)
{
    int r = 1;
    while (s->bus != NULL && r > 0) {
        r = sd_bus_process(s->bus, NULL);
        if (r < 0)
            s->bus = sd_bus_flush_close_unref(s->bus);
    }
}

/* ---- all of it ---- */

struct surroundings *surroundings_new(void)
{
    struct surroundings *s = xcalloc(1, sizeof *s);
    s->network_fd = open_network();
    s->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (s->clock_fd >= 0)
        arm(s->clock_fd);
    (void)look_at_clocks(s);
    open_bus(s);
    work_bus(s);
    return s;
}

void surroundings_free(struct surroundings **s)
{
    if (*s == NULL)
        return;
    file_close(&(*s)->network_fd);
    file_close(&(*s)->clock_fd);
    (*s)->bus = sd_bus_close_unref((*s)->bus);
    xfree(s);
}

size_t surroundings_fds(const struct surroundings *s, int out[SURROUNDINGS_FDS])
{
    size_t len = 0;
    if (s->clock_fd >= 0)
        out[len++] = s->clock_fd;
    if (s->network_fd >= 0)
        out[len++] = s->network_fd;
    if (s->bus != NULL)
        out[len++] = sd_bus_get_fd(s->bus);
    return len;
}

void surroundings_work(struct surroundings *s, struct supervisor *supervisor)
{
    work_bus(s);
    bool jumped = clock_jumped(s);
    if (jumped || s->woken) {
        s->woken = false;
        log_info(NULL, "awake again");
        supervisor_resumed(supervisor);
    }
    if (s->network_fd >= 0 && network_changed(s->network_fd)) {
        log_debug(NULL, "the network has changed");
        supervisor_network_changed(supervisor);
    }
}
