#pragma once
/* An eventfd by which one thread tells another to give up its wait. Async-signal-safe to signal. */
#include "base/error.h"

struct wake {
    int fd;
};

int wake_init(struct wake *wake, struct error *err);
void wake_close(struct wake *wake);
void wake_signal(const struct wake *wake);
bool wake_is_signalled(const struct wake *wake);
void wake_clear(const struct wake *wake);
