#include "support/heap.h"
#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

/* The linker's names: --wrap makes calls of malloc end in __wrap_malloc. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
int __real_vasprintf(char **out, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
int __wrap_vasprintf(char **out, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void __wrap_free(void *memory);

static atomic_size_t held, peak;

static void *taken(void *memory)
{
    size_t now = atomic_fetch_add(&held, malloc_usable_size(memory)) + malloc_usable_size(memory);
    size_t before = atomic_load(&peak);
    while (now > before && !atomic_compare_exchange_weak(&peak, &before, now)) {
    }
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return taken(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return taken(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    atomic_fetch_sub(&held, malloc_usable_size(old));
    return taken(__real_realloc(old, size));
}

char *__wrap_strdup(const char *text)
{
    return taken(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t len)
{
    return taken(__real_strndup(text, len));
}

int __wrap_vasprintf(char **out, const char *format, va_list args)
{
    int len = __real_vasprintf(out, format, args);
    if (len >= 0) {
        (void)taken(*out);
    }
    return len;
}

void __wrap_free(void *memory)
{
    atomic_fetch_sub(&held, malloc_usable_size(memory));
    __real_free(memory);
}

size_t heap_held(void)
{
    return atomic_load(&held);
}

size_t heap_peak(void)
{
    return atomic_load(&peak);
}

void heap_watch(void)
{
    atomic_store(&peak, atomic_load(&held));
}
