#pragma once
/* Messages as trees of replies, in the making. No function recurses: chains may be of any length.
 */
#include "imap/thread.h"
#include "server/sort_keys.h"

struct thread_item {
    const struct sort_keys *keys; /* NULL: a message that is not there */
    struct thread_item *parent, *first, *last, *prev, *next;
    bool dropped;
    size_t position; /* in the tree's items */
};

struct thread_tree {
    struct arena *arena;
    VEC(struct thread_item *) items; /* the owner frees the array */
};

/* `keys` NULL: a message that is not there. */
struct thread_item *thread_tree_add(struct thread_tree *tree, const struct sort_keys *keys);
/* Makes it the last child, taking it from its parent if it has one. */
void thread_item_link(struct thread_item *parent, struct thread_item *child);
void thread_item_unlink(struct thread_item *child);
/* Whether `item` is `other` or stands somewhere above it. */
bool thread_item_is_above(const struct thread_item *item, const struct thread_item *other);
/* Siblings by sent date; a missing message has its first child's. */
void thread_tree_sort(struct thread_tree *tree);
/* The items that are nobody's children, by sent date; in the tree's arena. */
struct thread_item **thread_tree_roots(struct thread_tree *tree, size_t *len_out);
/* As told: the first of the threads, NULL for none. */
struct thread_node *thread_tree_nodes(struct thread_tree *tree, const struct session *s, bool uid);

/* RFC 5256 section 3, REFERENCES (thread_references.c). */
void thread_by_references(struct sort_keys *keys, size_t len, struct thread_tree *tree);
