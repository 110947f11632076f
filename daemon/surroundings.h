#pragma once
/* What happens to the machine: it wakes from sleep, its network changes. Without a word to anybody
 * outside: the kernel tells (a timer that a jump of the clock cancels, rtnetlink), and logind where
 * there is a bus. */
#include "daemon/supervisor.h"

/* Whether the machine slept, by the two clocks: one counts on meanwhile, the other does not. Pure.
 */
struct sleep_watch {
    int64_t ahead_ms; /* of the clock that counts on, at the last look */
    bool known;
};
#define SLEEP_LEAST_MS 2000
bool sleep_watch_look(struct sleep_watch *watch, int64_t boottime_ms, int64_t monotonic_ms);

/* Whether a message of rtnetlink is about something that may lead elsewhere now: an address, a
 * default route or a link that came or went; not those of the loopback. Pure. */
bool network_message_matters(const void *message, size_t size);

struct surroundings;
/* What cannot be watched is left out, and said. */
struct surroundings *surroundings_new(void);
void surroundings_free(struct surroundings **s);
#define SURROUNDINGS_FDS 3
/* Readable when there is something to take in. */
size_t surroundings_fds(const struct surroundings *s, int out[SURROUNDINGS_FDS]);
void surroundings_work(struct surroundings *s, struct supervisor *supervisor);
