#pragma once
/* Allocation that ends the process when memory runs out, so that no caller has to check. */
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
/* An array of `count` items of `size` bytes; overflow ends the process. */
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);
void *xmemdup(const void *data, size_t size);
/* The caller owns the result. */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Gives back to the system what was freed. Before a long rest: a C library keeps for each thread
 * what that once needed. */
void alloc_trim(void);

/* count * size; overflow ends the process. */
size_t alloc_size(size_t count, size_t size);

/* free() and set the pointer to NULL; also usable as __attribute__((cleanup(xfree))) on a pointer.
 */
void xfree(void *pointer_to_pointer);

#define AUTO_FREE __attribute__((cleanup(xfree)))
