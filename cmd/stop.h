#pragma once
/* SIGINT and SIGTERM: the first asks for a clean stop, the second ends the program at once. */
#include "base/wake.h"

/* Signals the wake on SIGINT and SIGTERM from now on. The wake lives as long as the program. */
int stop_on_signals(const struct wake **out, struct error *err);
/* Whether one has come. */
bool stop_is_asked(void);
/* Whether it was SIGTERM, which ends a program that an interrupt does not. */
bool stop_is_for_good(void);
/* As if none had come: what was asked to stop has stopped, and something else goes on. */
void stop_forget(void);
