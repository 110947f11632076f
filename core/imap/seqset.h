#pragma once
/* Sets of message numbers or UIDs (RFC 9051 sequence-set), kept sorted and merged. */
#include "base/vec.h"
#include "wire/reader.h"
#include "wire/writer.h"

struct seq_range {
    uint32_t first; /* <= last; SEQ_STAR stands for `*` */
    uint32_t last;
};
#define SEQ_STAR UINT32_MAX

struct seqset {
    struct seq_range *items;
    size_t len, cap; /* a vec.h array; the owner calls seqset_free */
    bool saved;      /* `$`, the saved result of a SEARCH (RFC 5182), and nothing else */
};

void seqset_free(struct seqset *set);
void seqset_add(struct seqset *set, uint32_t n);
void seqset_add_range(struct seqset *set, uint32_t first, uint32_t last);
void seqset_add_set(struct seqset *set, const struct seqset *other);
void seqset_remove_range(struct seqset *set, uint32_t first, uint32_t last);
bool seqset_contains(const struct seqset *set, uint32_t n);
bool seqset_is_empty(const struct seqset *set);
bool seqset_has_star(const struct seqset *set);
bool seqset_eq(const struct seqset *a, const struct seqset *b);
/* How many numbers; ranges with `*` count their ends only. */
uint64_t seqset_count(const struct seqset *set);
/* Ascending: start with *cursor = 0 (the first number is never 0). False at the end. A range that
 * ends with `*` gives its ends only. */
bool seqset_next(const struct seqset *set, uint32_t *cursor);
/* Adds numbers in any order and number, none of them 0, in n log n steps. */
void seqset_add_numbers(struct seqset *set, const uint32_t *numbers, size_t len);
/* A copy whose items are in `arena`: neither to be freed nor changed. */
struct seqset seqset_in_arena(struct arena *arena, const struct seqset *set);
/* Reads "1:3,7,*" (no zeros) with either order in a range, or `$`; sorted and merged. Into a heap
 * array. */
bool seqset_read(struct reader *r, struct seqset *out);
/*
 * The number of a message, or a UID, as servers tell it: not 0, and not 4294967295. Each mailbox
 * has a UIDNEXT above its UIDs (RFC 9051 section 6.3.2), of 32 bits too, so that none can have this
 * one; Dovecot, too, reads it as the number before. As it is SEQ_STAR it would be sent back as `*`,
 * another message.
 */
bool seqset_read_number(struct reader *r, uint32_t *out);
/* As seqset_read, but `*` and `$` are refused: a uid-set, in what servers tell. A range to
 * 4294967295 ends before it. */
bool seqset_read_uids(struct reader *r, struct seqset *out);
/* As seqset_read_uids, but keeps the order and merges nothing: for COPYUID, whose sets correspond.
 */
bool seqset_read_ordered(struct reader *r, struct seqset *out);
void seqset_write(struct writer *w, const struct seqset *set);
/* Moves ranges from the front of `set` into `out`, which is emptied first, as long as its text has
 * at most `max_bytes` (at least one range); false when `set` was empty. For commands of bounded
 * length. */
bool seqset_take(struct seqset *set, size_t max_bytes, struct seqset *out);
#define AUTO_SEQSET __attribute__((cleanup(seqset_free)))
