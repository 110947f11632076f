#include "daemon/live.h"
#include <poll.h>

/* Threads say when they are done; this is for what they do not tell. */
#define TURN_MS 20

static int64_t monotonic_ms(void *self)
{
    struct live *live = self;
    return clock_monotonic_ms(&clock_system) + atomic_load(&live->skipped_ms);
}

static int64_t wall_ms(void *self)
{
    struct live *live = self;
    return clock_wall_ms(&clock_system) + atomic_load(&live->skipped_ms);
}

void live_init(struct live *live, struct engine *e, const char *account)
{
    struct error err = ERROR_INIT;
    struct backend backend = mem_backend_vtable(e->env.backend);
    const struct listener_options options = {.host = "127.0.0.1", .session = e->env.options};
    *live = (struct live){.e = e};
    live->clock = (struct clock){monotonic_ms, wall_ms, live};
    assert_int_equal(listener_start(&backend, &options, &live->listener, &err), 0);
    e->port = listener_port(live->listener);
    engine_configure(e, account);
}

void live_free(struct live *live)
{
    live_stop(live);
    listener_stop(&live->listener);
    live->e->port = 0;
}

static void print_problem(void *self, const char *file, unsigned line, const char *text)
{
    print_error("%s:%u: %s\n", file, line, text);
}

void live_start(struct live *live)
{
    struct error err = ERROR_INIT;
    struct config *config = NULL;
    const struct config_problems problems = {print_problem, NULL};
    const struct supervisor_options options = {
        .config_path = live->e->config_path, .clock = &live->clock, .seed = 1};
    engine_answers(live->e);
    assert_int_equal(config_load(live->e->config_path, &problems, &config, &err), 0);
    assert_int_equal(supervisor_new(&options, config, &live->supervisor, &err), 0);
}

void live_stop(struct live *live)
{
    supervisor_free(&live->supervisor);
}

struct account_status live_account(struct live *live)
{
    struct supervisor_status status;
    supervisor_status(live->supervisor, live->e->arena, &status);
    assert_true(status.accounts_len > 0);
    return status.accounts[0];
}

/* Whether there is something to take in. */
static bool wait_for_threads(struct live *live)
{
    struct pollfd fds[2] = {{.fd = supervisor_fd(live->supervisor), .events = POLLIN},
                            {.fd = supervisor_local_fd(live->supervisor), .events = POLLIN}};
    return poll(fds, 2, TURN_MS) > 0;
}

/* Whether threads have something to end: a pass, or what a paused account held open. */
static bool at_work(struct live *live)
{
    enum account_state state = live_account(live).state;
    return state == ACCOUNT_SYNCING || state == ACCOUNT_PAUSED;
}

void live_skip(struct live *live, int64_t ms)
{
    (void)atomic_fetch_add(&live->skipped_ms, ms);
}

void live_turn(struct live *live)
{
    arena_reset(live->e->arena);
    supervisor_work(live->supervisor);
    int64_t wake_ms = supervisor_wake_ms(live->supervisor);
    bool waits = live->listens || wake_ms == DEADLINE_NEVER || at_work(live);
    bool told = waits && wait_for_threads(live);
    if (told || at_work(live) || wake_ms == DEADLINE_NEVER)
        return;
    int64_t now_ms = clock_monotonic_ms(&live->clock);
    if (wake_ms > now_ms)
        live_skip(live, wake_ms - now_ms);
}

static void note_done(void *self, int exit_code)
{
    *(int *)self = exit_code;
}

int live_pass(struct live *live)
{
    int code = -1;
    struct error err = ERROR_INIT;
    const struct trigger_options options = {0};
    const struct trigger_waiter waiter = {.done = note_done, .self = &code};
    assert_int_equal(supervisor_trigger(live->supervisor, NULL, 0, &options, &waiter, &err), 0);
    while (code < 0)
        live_turn(live);
    return code;
}
