#include "reconcile/flags.h"
#include "imap/flags.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const uint8_t ALL = MAILDIR_DRAFT | MAILDIR_FLAGGED | MAILDIR_PASSED | MAILDIR_REPLIED |
                           MAILDIR_SEEN | MAILDIR_TRASHED;
#define FLAG_BITS 6
#define DIRECTIONS 4

/* ---- the merge: each flag by itself ---- */

/* One bit: what each side has, and what comes of it. */
struct bit_case {
    bool base, remote, local;
    bool to_remote, to_local, agreed;
};

static const struct bit_case BOTH[] = {
    {0, 0, 0, 0, 0, 0}, {0, 0, 1, 1, 1, 1}, {0, 1, 0, 1, 1, 1}, {0, 1, 1, 1, 1, 1},
    {1, 0, 0, 0, 0, 0}, {1, 0, 1, 0, 0, 0}, {1, 1, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1},
};
static const struct bit_case TO_LOCAL[] = {
    {0, 0, 0, 0, 0, 0}, {0, 0, 1, 0, 1, 0}, {0, 1, 0, 1, 1, 1}, {0, 1, 1, 1, 1, 1},
    {1, 0, 0, 0, 0, 0}, {1, 0, 1, 0, 0, 0}, {1, 1, 0, 1, 0, 1}, {1, 1, 1, 1, 1, 1},
};
static const struct bit_case TO_REMOTE[] = {
    {0, 0, 0, 0, 0, 0}, {0, 0, 1, 1, 1, 1}, {0, 1, 0, 1, 0, 0}, {0, 1, 1, 1, 1, 1},
    {1, 0, 0, 0, 0, 0}, {1, 0, 1, 0, 1, 1}, {1, 1, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1},
};
static const struct bit_case NEITHER[] = {
    {0, 0, 0, 0, 0, 0}, {0, 0, 1, 0, 1, 0}, {0, 1, 0, 1, 0, 0}, {0, 1, 1, 1, 1, 0},
    {1, 0, 0, 0, 0, 1}, {1, 0, 1, 0, 1, 1}, {1, 1, 0, 1, 0, 1}, {1, 1, 1, 1, 1, 1},
};

static const struct bit_case *const TRUTH[DIRECTIONS] = {
    [DIRECTION_BOTH] = BOTH,
    [DIRECTION_TO_LOCAL] = TO_LOCAL,
    [DIRECTION_TO_REMOTE] = TO_REMOTE,
    [DIRECTION_NONE] = NEITHER,
};

static uint8_t only(bool on, uint8_t bit)
{
    return on ? bit : 0;
}

static void check_bit(const struct bit_case *c, uint8_t bit, uint8_t others,
                      enum direction direction)
{
    const struct index_flags base = {.system = only(c->base, bit) | others};
    const struct index_flags remote = {.system = only(c->remote, bit) | others};
    uint8_t local = only(c->local, bit) | others;
    struct flags_merge m = flags_merge(&base, &remote, local, ALL, direction);
    bool same = m.remote == (only(c->to_remote, bit) | others) &&
                m.local == (only(c->to_local, bit) | others) &&
                m.agreed.system == (only(c->agreed, bit) | others);
    if (!same) {
        fail_msg("direction %d, flag %u, base %d remote %d local %d: remote %u local %u agreed %u",
                 (int)direction, bit, c->base, c->remote, c->local, m.remote, m.local,
                 m.agreed.system);
    }
}

static void merges_each_flag_by_its_truth_table(void **state)
{
    for (unsigned direction = 0; direction < DIRECTIONS; direction++) {
        for (unsigned shift = 0; shift < FLAG_BITS; shift++) {
            uint8_t bit = (uint8_t)(1u << shift);
            for (unsigned i = 0; i < 8; i++) {
                check_bit(&TRUTH[direction][i], bit, 0, direction);
                check_bit(&TRUTH[direction][i], bit, ALL & (uint8_t)~bit, direction);
            }
        }
    }
}

/* Two flags move in opposite ways on the two sides: both moves stand. */
static void merges_changes_of_different_flags(void **state)
{
    const struct index_flags base = {.system = MAILDIR_SEEN};
    const struct index_flags remote = {.system = MAILDIR_SEEN | MAILDIR_REPLIED};
    struct flags_merge m = flags_merge(&base, &remote, MAILDIR_FLAGGED, ALL, DIRECTION_BOTH);
    assert_int_equal(m.local, MAILDIR_REPLIED | MAILDIR_FLAGGED);
    assert_int_equal(m.remote, m.local);
    assert_int_equal(m.agreed.system, m.local);
}

static void both_ways_end_equal_and_stay(void **state)
{
    for (unsigned b = 0; b < 8; b++) {
        for (unsigned r = 0; r < 8; r++) {
            for (unsigned l = 0; l < 8; l++) {
                const struct index_flags base = {.system = (uint8_t)b};
                const struct index_flags remote = {.system = (uint8_t)r};
                struct flags_merge m = flags_merge(&base, &remote, (uint8_t)l, ALL, DIRECTION_BOTH);
                assert_int_equal(m.local, m.remote);
                assert_int_equal(m.local, m.agreed.system);
                struct index_flags now = {.system = m.remote};
                struct flags_merge again =
                    flags_merge(&m.agreed, &now, m.local, ALL, DIRECTION_BOTH);
                assert_int_equal(again.local, m.local);
                assert_int_equal(again.remote, m.remote);
                assert_int_equal(again.agreed.system, m.agreed.system);
            }
        }
    }
}

/* What is merged is not merged anew, whatever way it is carried; the side that is listened to keeps
 * what it has. */
static void one_way_leaves_the_source_and_settles(void **state)
{
    for (unsigned i = 0; i < 8 * 8 * 8 * DIRECTIONS; i++) {
        enum direction direction = (enum direction)(i / 512);
        const struct index_flags base = {.system = i & 7};
        const struct index_flags remote = {.system = i >> 3 & 7};
        uint8_t local = i >> 6 & 7;
        struct flags_merge m = flags_merge(&base, &remote, local, ALL, direction);
        if (direction == DIRECTION_TO_LOCAL || direction == DIRECTION_NONE) {
            assert_int_equal(m.remote, remote.system);
        }
        if (direction == DIRECTION_TO_REMOTE || direction == DIRECTION_NONE) {
            assert_int_equal(m.local, local);
        }
        struct index_flags now = {.system = m.remote};
        struct flags_merge again = flags_merge(&m.agreed, &now, m.local, ALL, direction);
        assert_int_equal(again.local, m.local);
        assert_int_equal(again.remote, m.remote);
        assert_int_equal(again.agreed.system, m.agreed.system);
    }
}

static void a_flag_that_the_server_cannot_store_is_no_news(void **state)
{
    const uint8_t storable = MAILDIR_SEEN | MAILDIR_FLAGGED;
    const struct index_flags base = {.system = MAILDIR_PASSED | MAILDIR_SEEN};
    const struct index_flags remote = {.system = MAILDIR_SEEN | MAILDIR_DRAFT};
    struct flags_merge m =
        flags_merge(&base, &remote, MAILDIR_PASSED | MAILDIR_FLAGGED, storable, DIRECTION_BOTH);
    assert_int_equal(m.local, MAILDIR_PASSED | MAILDIR_FLAGGED);
    assert_int_equal(m.remote & storable, MAILDIR_FLAGGED);
    /* Set here, it stays here. */
    const struct index_flags bare = {.system = 0};
    m = flags_merge(&bare, &bare, MAILDIR_PASSED, storable, DIRECTION_BOTH);
    assert_int_equal(m.local, MAILDIR_PASSED);
    assert_int_equal(m.agreed.system, MAILDIR_PASSED);
    assert_int_equal(m.remote & storable, 0);
}

static void keywords_follow_the_server(void **state)
{
    static const uint32_t old[] = {1, 2};
    static const uint32_t fresh[] = {2, 5, 9};
    const struct index_flags base = {.keywords_len = 2, .keywords = old};
    const struct index_flags remote = {
        .system = MAILDIR_SEEN, .keywords_len = 3, .keywords = fresh};
    for (unsigned direction = 0; direction < DIRECTIONS; direction++) {
        struct flags_merge m = flags_merge(&base, &remote, 0, ALL, (enum direction)direction);
        assert_int_equal(m.agreed.keywords_len, 3);
        assert_memory_equal(m.agreed.keywords, fresh, sizeof fresh);
    }
}

/* ---- words and letters ---- */

static void words_and_letters_are_each_other_s(void **state)
{
    static const struct {
        unsigned imap;
        uint8_t letter;
    } pairs[] = {
        {FLAG_ANSWERED, MAILDIR_REPLIED}, {FLAG_FLAGGED, MAILDIR_FLAGGED},
        {FLAG_DELETED, MAILDIR_TRASHED},  {FLAG_SEEN, MAILDIR_SEEN},
        {FLAG_DRAFT, MAILDIR_DRAFT},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct imap_flags flags = {.system = pairs[i].imap};
        assert_int_equal(flags_system_from_imap(&flags), pairs[i].letter);
    }
    AUTO_ARENA struct arena *arena = arena_new();
    for (unsigned set = 0; set <= ALL; set++) {
        struct imap_flags flags;
        flags_to_imap((uint8_t)set, arena, &flags);
        assert_int_equal(flags_system_from_imap(&flags), set);
    }
}

static void forwarded_is_a_keyword_in_any_case(void **state)
{
    struct str words[] = {STR("other"), STR("$FORWARDED")};
    const struct imap_flags flags = {.keywords = words, .keywords_len = 2};
    assert_int_equal(flags_system_from_imap(&flags), MAILDIR_PASSED);
    assert_true(flags_is_forwarded(STR("$forwarded")));
    assert_false(flags_is_forwarded(STR("Forwarded")));
}

static void storable_follows_permanentflags(void **state)
{
    struct str forwarded[] = {STR("$Forwarded")};
    const struct {
        struct select_data data;
        uint8_t storable;
    } cases[] = {
        {{.has_permanent_flags = false}, ALL},
        {{.has_permanent_flags = true}, 0},
        {{.has_permanent_flags = true, .permanent_flags = {.system = FLAG_SEEN | FLAG_DELETED}},
         MAILDIR_SEEN | MAILDIR_TRASHED},
        {{.has_permanent_flags = true, .permanent_flags = {.system = FLAG_SEEN | FLAG_WILDCARD}},
         MAILDIR_SEEN | MAILDIR_PASSED},
        {{.has_permanent_flags = true,
          .permanent_flags = {.system = FLAG_FLAGGED, .keywords = forwarded, .keywords_len = 1}},
         MAILDIR_FLAGGED | MAILDIR_PASSED},
        {{.read_only = true}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(flags_storable(&cases[i].data), cases[i].storable);
    }
}

static void equal_flags_have_equal_keywords(void **state)
{
    static const uint32_t one[] = {1, 3};
    static const uint32_t same[] = {1, 3};
    static const uint32_t other[] = {1, 4};
    const struct index_flags a = {MAILDIR_SEEN, 2, one};
    const struct {
        struct index_flags flags;
        bool equal;
    } cases[] = {
        {{MAILDIR_SEEN, 2, same}, true},  {{MAILDIR_SEEN, 2, other}, false},
        {{MAILDIR_SEEN, 1, one}, false},  {{MAILDIR_DRAFT, 2, one}, false},
        {{MAILDIR_SEEN, 0, NULL}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(flags_equal(&a, &cases[i].flags), cases[i].equal);
    }
    const struct index_flags none = {0};
    assert_true(flags_equal(&none, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_each_flag_by_its_truth_table),
        cmocka_unit_test(merges_changes_of_different_flags),
        cmocka_unit_test(both_ways_end_equal_and_stay),
        cmocka_unit_test(one_way_leaves_the_source_and_settles),
        cmocka_unit_test(a_flag_that_the_server_cannot_store_is_no_news),
        cmocka_unit_test(keywords_follow_the_server),
        cmocka_unit_test(words_and_letters_are_each_other_s),
        cmocka_unit_test(forwarded_is_a_keyword_in_any_case),
        cmocka_unit_test(storable_follows_permanentflags),
        cmocka_unit_test(equal_flags_have_equal_keywords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
