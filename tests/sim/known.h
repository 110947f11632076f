#pragma once
/* What once went wrong, each as the smallest script that shows it. */
#include "sim/script.h"

struct known {
    const char *name;
    const char *policy; /* NULL: the defaults */
    unsigned rounds;
    struct {
        enum thing_kind kind;
        unsigned round;
        const char *action;
        unsigned long at;
        int64_t value;
    } things[16]; /* ends at the first of THING_KINDS, or with the table */
    /* How many times, with other choices of what is done to what. */
    unsigned variations;
    /* By how much each of these puts off what is done while a pass goes on. */
    unsigned long later;
    /* Tried with every step of this round in turn as the last. */
    bool crashes;
    unsigned crash_in_round;
};
extern const struct known known[];
extern const size_t known_len;

/* With a crash before step `crash_at`, where the script wants one. */
void known_make(const struct known *known, unsigned variation, unsigned long crash_at,
                struct script *out);
