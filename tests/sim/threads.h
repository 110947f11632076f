#pragma once
/*
 * The threads of a pass: real ones, of which only one runs at a time. At each point of the machine
 * the seed says which goes on, so that a run with several is as repeatable as with one. In the
 * place of the C library's calls stand those that pass the turn on instead of waiting; when all
 * would wait, the process aborts.
 */
#include <stdint.h>

/* Nobody runs but the caller, who may begin others from here on. */
void threads_reset(uint64_t seed);
/* Another one may go on here. */
void threads_point(void);
/* Others go on until `what`, any address, is waked: to be asked again for what was waited for. */
void threads_wait(const void *what);
void threads_wake(const void *what);
