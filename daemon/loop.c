/* Where a line comes from in the source is nothing to the journal. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "daemon/loop.h"

#include "base/apart.h"
#include "base/log.h"
#include "base/vec.h"
#include "daemon/control.h"
#include "daemon/control_path.h"
#include "daemon/surroundings.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <pthread.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>
#include <time.h>

const bool loop_is_built = true;

/* STATUS= is told no more often. */
#define STATUS_MS 1000

static const int SIGNALS[] = {SIGTERM, SIGINT, SIGHUP};

struct loop {
    const struct loop_options *options;
    struct sd_event *event;
    struct supervisor *supervisor;
    struct surroundings *surroundings;
    struct control *control;
    char status[256]; /* as told last */
    int64_t status_ms;
    bool status_waits;
    uint64_t watchdog_us; /* 0: none */
    int64_t fed_ms;
};

/* Fields by which `journalctl --user MAILDIRD_ACCOUNT=work` finds what concerns an account. */
static bool tell_journal(int priority, const struct log_scope *scope, const char *text)
{
    const char *account = scope == NULL ? NULL : scope->account;
    const char *mailbox = scope == NULL ? NULL : scope->mailbox;
    if (account == NULL)
        return sd_journal_send("PRIORITY=%d", priority, "MESSAGE=%s", text, NULL) == 0;
    if (mailbox == NULL)
        return sd_journal_send("PRIORITY=%d", priority, "MESSAGE=%s: %s", account, text,
                               "MAILDIRD_ACCOUNT=%s", account, NULL) == 0;
    return sd_journal_send("PRIORITY=%d", priority, "MESSAGE=%s:%s: %s", account, mailbox, text,
                           "MAILDIRD_ACCOUNT=%s", account, "MAILDIRD_MAILBOX=%s", mailbox,
                           NULL) == 0;
}

static int fail(struct error *err, int negative_errno, const char *what)
{
    return error_set_errno(err, ERR_DEFECT, SCOPE_ACCOUNT, -negative_errno, "%s", what);
}

/* ---- the service manager ---- */

static void tell_status(struct loop *loop)
{
    char status[sizeof loop->status];
    int64_t now_ms = clock_monotonic_ms(&clock_system);
    supervisor_summary(loop->supervisor, status, sizeof status);
    loop->status_waits = strcmp(status, loop->status) != 0;
    if (!loop->status_waits || now_ms - loop->status_ms < STATUS_MS)
        return;
    loop->status_waits = false;
    memcpy(loop->status, status, sizeof status);
    loop->status_ms = now_ms;
    (void)sd_notifyf(0, "STATUS=%s", status);
}

/* By our own hand, and only while passes get on: a thread that hangs is to be noticed. */
static void feed_watchdog(struct loop *loop)
{
    int64_t now_ms = clock_monotonic_ms(&clock_system);
    int64_t every_ms = (int64_t)(loop->watchdog_us / 1000 / 2);
    if (loop->watchdog_us == 0 || now_ms - loop->fed_ms < every_ms)
        return;
    if (!supervisor_makes_progress(loop->supervisor)) {
        log_error(NULL, "a pass does not get on: the watchdog is not fed");
        return;
    }
    loop->fed_ms = now_ms;
    (void)sd_notify(0, "WATCHDOG=1");
}

static void reload(struct loop *loop)
{
    struct timespec now;
    struct reload_result result;
    struct error err = ERROR_INIT;
    AUTO_BUF struct buf problems = BUF_INIT(64 * 1024);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                     (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    (void)supervisor_reload(loop->supervisor, &result, &problems, &err);
    (void)sd_notify(0, "READY=1");
}

/* ---- sources ---- */

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *self)
{
    return 0; /* what is there is taken in at the end of the turn */
}

static int on_surroundings(sd_event_source *source, int fd, uint32_t events, void *self)
{
    struct loop *loop = self;
    surroundings_work(loop->surroundings, loop->supervisor);
    return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *self)
{
    struct loop *loop = self;
    if (info->ssi_signo == SIGHUP) {
        reload(loop);
        return 0;
    }
    return sd_event_exit(loop->event, 0);
}

static int add_signals(struct loop *loop)
{
    int r = 0;
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS && r >= 0; i++)
        r = sd_event_add_signal(loop->event, NULL, SIGNALS[i], on_signal, loop);
    return r;
}

static int add_fd(struct loop *loop, int fd, sd_event_io_handler_t take_in)
{
    return fd < 0 ? 0 : sd_event_add_io(loop->event, NULL, fd, EPOLLIN, take_in, loop);
}

static int add_sources(struct loop *loop, struct error *err)
{
    int r = sd_event_default(&loop->event);
    if (r >= 0)
        r = add_signals(loop);
    if (r >= 0)
        r = add_fd(loop, supervisor_fd(loop->supervisor), on_readable);
    if (r >= 0)
        r = add_fd(loop, supervisor_local_fd(loop->supervisor), on_readable);
    int fds[SURROUNDINGS_FDS];
    size_t len = surroundings_fds(loop->surroundings, fds);
    for (size_t i = 0; i < len && r >= 0; i++)
        r = add_fd(loop, fds[i], on_surroundings);
    return r < 0 ? fail(err, r, "cannot set up the event loop") : 0;
}

/* ---- the loop ---- */

static uint64_t timeout_us(const struct loop *loop)
{
    int64_t now_ms = clock_monotonic_ms(&clock_system);
    int64_t wake = supervisor_wake_ms(loop->supervisor);
    int64_t fed = loop->fed_ms + (int64_t)(loop->watchdog_us / 1000 / 2);
    if (loop->watchdog_us > 0 && fed < wake)
        wake = fed;
    if (loop->status_waits && loop->status_ms + STATUS_MS < wake)
        wake = loop->status_ms + STATUS_MS;
    if (wake == DEADLINE_NEVER)
        return UINT64_MAX;
    return wake <= now_ms ? 0 : (uint64_t)(wake - now_ms) * 1000;
}

static int turn(struct loop *loop)
{
    supervisor_work(loop->supervisor);
    tell_status(loop);
    feed_watchdog(loop);
    return sd_event_run(loop->event, timeout_us(loop));
}

static int run_until_asked(struct loop *loop, struct error *err)
{
    loop->watchdog_us = 0;
    (void)sd_watchdog_enabled(0, &loop->watchdog_us);
    loop->fed_ms = clock_monotonic_ms(&clock_system);
    supervisor_work(loop->supervisor);
    (void)sd_notify(0, "READY=1");
    while (sd_event_get_state(loop->event) != SD_EVENT_FINISHED) {
        int r = turn(loop);
        if (r < 0)
            return fail(err, r, "the event loop");
    }
    return 0;
}

static int start_control(struct loop *loop, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *path = control_path(arena);
    if (path == NULL)
        path = arena_printf(arena, "%s/control", supervisor_config(loop->supervisor)->state_dir);
    int r = control_start(path, loop->event, loop->supervisor, &loop->control, err);
    if (r == 0)
        log_info(NULL, "started; `maildird status` asks at %s", path);
    return r;
}

static void stop(struct loop *loop)
{
    (void)sd_notify(0, "STOPPING=1\nSTATUS=stopping");
    log_info(NULL, "stopping");
    supervisor_stop(loop->supervisor);
    control_stop(&loop->control);
}

int loop_hold_signals(struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
        sigaddset(&set, SIGNALS[i]);
    int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    return failed != 0 ? fail(err, -failed, "cannot block signals") : 0;
}

static uint64_t seed(void)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = (uint64_t)clock_wall_ms(&clock_system);
    return random;
}

int loop_run(const struct loop_options *options, struct config *config, struct error *err)
{
    struct loop loop = {.options = options};
    const struct supervisor_options supervisor = {
        .config_path = options->config_path,
        .clock = &clock_system,
        .trace = options->trace,
        .trace_self = options->trace_self,
        .seed = seed(),
    };
    log_set_journal(tell_journal);
    int r = apart_begin(err);
    if (r < 0)
        config_free(&config);
    else
        r = supervisor_new(&supervisor, config, &loop.supervisor, err);
    if (r < 0)
        return r;
    loop.surroundings = surroundings_new();
    r = add_sources(&loop, err);
    if (r == 0)
        r = start_control(&loop, err);
    if (r == 0)
        r = run_until_asked(&loop, err);
    stop(&loop);
    supervisor_free(&loop.supervisor);
    surroundings_free(&loop.surroundings);
    sd_event_unref(loop.event);
    return r;
}
