#pragma once
/*
 * Work that must not be done by a thread that has given up rights (Landlock): the starting of
 * users' commands, which inherit what their starter may do. A thread that is made before any other
 * gave up anything does it; where none was made, whoever asks does it itself.
 */
#include "base/error.h"

/* Begins the thread; it lives as long as the program. Once. */
int apart_begin(struct error *err);
/* Returns when `work` has returned. From any thread. */
void apart_run(void (*work)(void *argument), void *argument);
