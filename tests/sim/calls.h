#pragma once
/*
 * In the place of the C library's calls on files, of the clocks and of randomness: those on paths
 * at and below DISK_ROOT reach the disk in memory. The index alone is a real file, since LMDB maps
 * it: `index*.mdb*` in any folder there is the file of that name in calls_index_dir.
 */
#include "base/buf.h"

extern char calls_index_dir[256];

/* A copy of the index's file, or back from it; false if there is none. */
bool calls_copy_index(bool back);
bool calls_has_index(void);
/* The index alone, also what the engine set aside; with its copy. */
void calls_lose_index(void);
void calls_remove_index(void);
/* Closes what the engine left open; how many that was. */
unsigned calls_close_all(void);

/* Everything the engine logged since the reset, when it is kept. */
extern struct buf calls_log;
extern bool calls_keep_log;
