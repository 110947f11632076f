#pragma once
/*
 * What the code under test holds in memory, to the byte as the allocator counts it. A program that
 * links `heap` has its calls of malloc, calloc, realloc, strdup, strndup, vasprintf and free, and
 * those of the project's libraries, counted; what other libraries take is not. Threads together.
 */
#include <stddef.h>

/* Now, and the most since heap_watch. */
size_t heap_held(void);
size_t heap_peak(void);
void heap_watch(void);
