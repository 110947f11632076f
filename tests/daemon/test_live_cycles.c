#include "support/heap.h"
#include "daemon/live.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* Passes of the daemon by the thousand, as its own schedule makes them, over days that take a
 * moment each: neither memory nor descriptors grow. MAILDIRD_CYCLES of them. */

#define CYCLES_DEFAULT 1500
/* What the server keeps of a message that came and went is in it. */
#define BYTES_A_CHANGE 64
#define HEAP_MOST_BYTES (64 * 1024)
/* Of all memory, where no sanitizer keeps what was freed: what malloc does not give back comes and
 * goes. */
#define GROWTH_MOST_KIB 4096

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static unsigned count_of_cycles(void)
{
    const char *text = getenv("MAILDIRD_CYCLES");
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : CYCLES_DEFAULT;
}

struct held {
    size_t bytes;      /* of the heap, the server's with it */
    unsigned long kib; /* RssAnon */
    unsigned descriptors;
};

static unsigned long anonymous_kib(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *status = fopen("/proc/self/status", "re");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtoul(line + 8, NULL, 10);
    (void)fclose(status);
    assert_true(kib > 0);
    return kib;
}

static struct held look(void)
{
    struct held held = {.bytes = heap_held(), .kib = anonymous_kib()};
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        held.descriptors++;
    (void)closedir(dir);
    return held;
}

/* A message comes and the one before goes; its flags change here. */
static void change(struct engine *e, unsigned cycle, unsigned every)
{
    arena_reset(e->arena);
    (void)server_append(e, "INBOX", arena_printf(e->arena, "m%u", cycle), "");
    if (cycle > 0)
        server_expunge(e, "INBOX", arena_printf(e->arena, "m%u", cycle - every));
}

static void run_cycles(struct live *live, unsigned from, unsigned to, unsigned change_every)
{
    for (unsigned cycle = from; cycle < to; cycle++) {
        uint64_t passes = live_account(live).passes;
        if (cycle % change_every == 0)
            change(live->e, cycle, change_every);
        while (live_account(live).passes == passes)
            live_turn(live);
        assert_int_equal(live_account(live).last_error.code, ERR_NONE);
    }
}

static void nothing_grows(const char *name, const char *keys, unsigned change_every, bool listens)
{
    unsigned cycles = count_of_cycles();
    struct engine e;
    struct live live;
    engine_init(&e, keys);
    live_init(&live, &e, keys);
    live.listens = listens;
    live_start(&live);
    run_cycles(&live, 0, cycles / 10, change_every);
    struct held before = look();
    run_cycles(&live, cycles / 10, cycles, change_every);
    struct held after = look();
    print_message("%s: %u passes in %lld h: heap %zu -> %zu bytes, RssAnon %lu -> %lu KiB, "
                  "descriptors %u -> %u\n",
                  name, cycles, (long long)atomic_load(&live.skipped_ms) / 3600000, before.bytes,
                  after.bytes, before.kib, after.kib, before.descriptors, after.descriptors);
    assert_in_range(after.bytes, 1,
                    before.bytes + HEAP_MOST_BYTES + BYTES_A_CHANGE * (cycles / change_every));
    if (!sanitized)
        assert_in_range(after.kib, 1, before.kib + GROWTH_MOST_KIB);
    assert_in_range(after.descriptors, 1, before.descriptors + 1);
    live_free(&live);
    engine_free(&e);
}

static void nothing_grows_by_timers(void **state)
{
    nothing_grows("poll", "    watch: {mode: poll, poll: 10s, local: false}\n", 20, false);
}

/* Each is told by the server. */
static void nothing_grows_by_push(void **state)
{
    nothing_grows("notify", "    watch: {mode: notify, local: false}\n", 1, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_grows_by_timers),
        cmocka_unit_test(nothing_grows_by_push),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
