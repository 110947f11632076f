#pragma once
/* The engine in its simulated world: a machine, its disk, a server, and one account between them.
 */
#include "base/buf.h"
#include "pass/report.h"

/* Once in a process: the folder of the index, which is real. */
void world_begin(const char *scratch_dir);
/* The account's further keys, in YAML, each line indented by four; NULL: none. Lasts as long as the
 * process, and is read once: before a reset, which takes the traces of that off the disk. */
void world_configure(const char *account);
void world_end(void);
/* An empty disk, a server with nothing but INBOX. What happens is told to `told`, unless it is
 * NULL. */
void world_reset(uint64_t seed, struct buf *told);
void world_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool world_is_told(void);

struct world_pass {
    bool full;
    bool approve;
    bool told;            /* the server told of every mailbox */
    bool large;           /* what very large mailboxes are treated to, is done for all */
    unsigned connections; /* at most; up to 1: the engine has one thread */
    unsigned portion;     /* of downloads; 0: as the engine has it */
    /* At each point; NULL: nothing happens meanwhile. */
    void (*at_point)(unsigned long point);
    unsigned long crash_at; /* before this step; 0: never */
};
/* A pass; its exit code. The machine is booted before it; machine.crashed tells how it ended, until
 * the next. */
int world_pass(const struct world_pass *pass);
/* Of the last pass. */
extern struct report world_report;

void world_wait(int64_t seconds);
