/* Sets: read, written, and what is done with them, against a plain list of small numbers. */
#include "base/alloc.h"
#include "imap/seqset.h"
#include "fuzz/fuzz.h"

#define SMALL 64

static bool set_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct seqset value = {0};
    (void)arena;
    bool good = seqset_read(r, &value);
    if (good) {
        seqset_write(w, &value);
    }
    seqset_free(&value);
    return good;
}

static bool uids_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct seqset value = {0};
    (void)arena;
    bool good = seqset_read_uids(r, &value);
    if (good) {
        FUZZ_REQUIRE(!seqset_has_star(&value) && !value.saved, STR_EMPTY);
        seqset_write(w, &value);
    }
    seqset_free(&value);
    return good;
}

static bool ordered_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct seqset value = {0};
    (void)arena;
    bool good = seqset_read_ordered(r, &value);
    if (good) {
        seqset_write(w, &value);
    }
    seqset_free(&value);
    return good;
}

/* Three bytes a step: what is done, and a range. */
static void against_a_list(struct str steps)
{
    struct seqset set = {0};
    bool list[SMALL + 1] = {false};
    uint64_t count = 0;
    for (size_t i = 0; i + 2 < steps.len; i += 3) {
        uint32_t first = 1 + (uint8_t)steps.ptr[i + 1] % SMALL;
        uint32_t last = first + (uint8_t)steps.ptr[i + 2] % (SMALL - first + 1);
        bool add = steps.ptr[i] % 2 == 0;
        if (add) {
            seqset_add_range(&set, first, last);
        } else {
            seqset_remove_range(&set, first, last);
        }
        for (uint32_t n = first; n <= last; n++) {
            list[n] = add;
        }
    }
    for (uint32_t n = 1; n <= SMALL; n++) {
        count += list[n];
        FUZZ_REQUIRE(seqset_contains(&set, n) == list[n], steps);
    }
    uint32_t cursor = 0;
    for (uint32_t n = 1; n <= SMALL; n++) {
        if (list[n]) {
            FUZZ_REQUIRE(seqset_next(&set, &cursor) && cursor == n, steps);
        }
    }
    FUZZ_REQUIRE(!seqset_next(&set, &cursor) && seqset_count(&set) == count, steps);
    for (size_t i = 0; i + 1 < set.len; i++) {
        FUZZ_REQUIRE(set.items[i].last + 1 < set.items[i + 1].first, steps);
    }
    seqset_free(&set);
}

/* A set taken apart into texts of bounded length and joined again is the same. */
static void in_parts(struct str text)
{
    AUTO_SEQSET struct seqset whole = {0};
    AUTO_SEQSET struct seqset rest = {0};
    AUTO_SEQSET struct seqset joined = {0};
    AUTO_SEQSET struct seqset part = {0};
    AUTO_ARENA struct arena *arena = arena_new();
    struct reader *r = fuzz_reader_memory(text);
    reader_begin(r, arena);
    if (seqset_read(r, &whole) && !whole.saved) {
        seqset_add_set(&rest, &whole);
        while (seqset_take(&rest, 40, &part)) {
            FUZZ_REQUIRE(!seqset_is_empty(&part), text);
            seqset_add_set(&joined, &part);
        }
        FUZZ_REQUIRE(seqset_eq(&joined, &whole) && seqset_is_empty(&rest), text);
    }
    reader_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_codec_row rows[] = {
        {'s', set_codec}, {'u', uids_codec}, {'o', ordered_codec}};
    struct str input = fuzz_copy(data, size);
    fuzz_codecs_run(rows, sizeof rows / sizeof rows[0], input);
    if (str_starts(input, STR("l"))) {
        against_a_list(str_from_offset(input, 1));
    } else if (str_starts(input, STR("p"))) {
        in_parts(str_from_offset(input, 1));
    }
    xfree(&input.ptr);
    return 0;
}
