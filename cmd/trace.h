#pragma once
/* `--trace FILE`: what passes between client and server, without the secrets. */
#include "net/stream.h"

struct trace;

/* Makes the file anew, readable to nobody else. */
int trace_open(const char *path, struct trace **out, struct error *err);
/* Where an account's lines go; borrowed, with the trace's life. `account` is borrowed too. */
const struct tap_sink *trace_sink(struct trace *trace, const char *account);
/* ERR_WRITE if something could not be written. NULL is ignored. */
int trace_close(struct trace **trace, struct error *err);
