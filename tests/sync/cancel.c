#include "sync/cancel.h"
#include "net/wait.h"
#include <stdatomic.h>

int __real_wait_ready(struct pollfd *fds, size_t count, int64_t deadline_ms,
                      const struct wake *wake, const struct clock *clock, struct error *err);
int __wrap_wait_ready(struct pollfd *fds, size_t count, int64_t deadline_ms,
                      const struct wake *wake, const struct clock *clock, struct error *err);
bool __real_wake_is_signalled(const struct wake *wake);
bool __wrap_wake_is_signalled(const struct wake *wake);

static _Atomic(const struct wake *) counted;
static _Atomic uint64_t looks, looks_wanted;
static void (*acts)(void *self);
static void *acts_self;

void cancel_at(const struct wake *wake, uint64_t at)
{
    atomic_store(&counted, NULL);
    atomic_store(&looks, 0);
    atomic_store(&looks_wanted, at);
    atomic_store(&counted, wake);
}

uint64_t cancel_looks(void)
{
    return atomic_load(&looks);
}

void cancel_act(void (*act)(void *self), void *self)
{
    acts = act;
    acts_self = self;
}

static void note_look(const struct wake *wake)
{
    if (wake == NULL || wake != atomic_load(&counted)) {
        return;
    }
    if (atomic_fetch_add(&looks, 1) + 1 != atomic_load(&looks_wanted)) {
        return;
    }
    if (acts != NULL) {
        acts(acts_self);
    } else {
        wake_signal(wake);
    }
}

int __wrap_wait_ready(struct pollfd *fds, size_t count, int64_t deadline_ms,
                      const struct wake *wake, const struct clock *clock, struct error *err)
{
    note_look(wake);
    return __real_wait_ready(fds, count, deadline_ms, wake, clock, err);
}

bool __wrap_wake_is_signalled(const struct wake *wake)
{
    note_look(wake);
    return __real_wake_is_signalled(wake);
}
