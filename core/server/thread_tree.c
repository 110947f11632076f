#include "server/thread_tree.h"
#include <stdlib.h>

struct thread_item *thread_tree_add(struct thread_tree *tree, const struct sort_keys *keys)
{
    struct thread_item *item = arena_alloc(tree->arena, sizeof *item);
    item->keys = keys;
    item->position = tree->items.len;
    vec_push(&tree->items, item);
    return item;
}

void thread_item_unlink(struct thread_item *child)
{
    struct thread_item *parent = child->parent;
    if (parent == NULL) {
        return;
    }
    *(child->prev != NULL ? &child->prev->next : &parent->first) = child->next;
    *(child->next != NULL ? &child->next->prev : &parent->last) = child->prev;
    child->parent = child->prev = child->next = NULL;
}

void thread_item_link(struct thread_item *parent, struct thread_item *child)
{
    thread_item_unlink(child);
    child->parent = parent;
    child->prev = parent->last;
    *(parent->last != NULL ? &parent->last->next : &parent->first) = child;
    parent->last = child;
}

bool thread_item_is_above(const struct thread_item *item, const struct thread_item *other)
{
    /* What has no children is above nothing: so chains in order cost nothing. */
    if (item == other || item->first == NULL) {
        return item == other;
    }
    while (other != NULL && other != item) {
        other = other->parent;
    }
    return other != NULL;
}

static const struct sort_keys *keys_of(const struct thread_item *item)
{
    return item->keys == NULL && item->first != NULL ? item->first->keys : item->keys;
}

static int by_date(const void *left, const void *right)
{
    const struct sort_keys *a = keys_of(*(struct thread_item *const *)left);
    const struct sort_keys *b = keys_of(*(struct thread_item *const *)right);
    if (a == NULL || b == NULL) {
        return (a != NULL) - (b != NULL);
    }
    int order = sort_keys_compare(a, b, SORT_DATE);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static void sort_children(struct thread_item *item)
{
    VEC(struct thread_item *) children = {0};
    for (struct thread_item *child = item->first; child != NULL; child = child->next) {
        vec_push(&children, child);
    }
    if (children.len > 1) {
        qsort(children.items, children.len, sizeof *children.items, by_date);
        for (size_t i = 0; i < children.len; i++) {
            thread_item_link(item, children.items[i]);
        }
    }
    vec_free(&children);
}

void thread_tree_sort(struct thread_tree *tree)
{
    for (size_t i = 0; i < tree->items.len; i++) {
        if (!tree->items.items[i]->dropped) {
            sort_children(tree->items.items[i]);
        }
    }
}

struct thread_item **thread_tree_roots(struct thread_tree *tree, size_t *len_out)
{
    struct thread_item **roots = arena_array(tree->arena, tree->items.len, sizeof *roots);
    size_t len = 0;
    for (size_t i = 0; i < tree->items.len; i++) {
        struct thread_item *item = tree->items.items[i];
        if (!item->dropped && item->parent == NULL) {
            roots[len++] = item;
        }
    }
    if (len > 1) {
        qsort(roots, len, sizeof *roots, by_date);
    }
    *len_out = len;
    return roots;
}

struct thread_node *thread_tree_nodes(struct thread_tree *tree, const struct session *s, bool uid)
{
    struct thread_node *nodes = arena_array(tree->arena, tree->items.len, sizeof *nodes);
    size_t len = 0;
    struct thread_item **roots = thread_tree_roots(tree, &len);
    for (size_t i = 0; i < tree->items.len; i++) {
        const struct thread_item *item = tree->items.items[i];
        nodes[i].number = item->keys != NULL ? search_hit_number(s, uid, item->keys->index) : 0;
        nodes[i].children = item->first != NULL ? &nodes[item->first->position] : NULL;
        nodes[i].next = item->next != NULL ? &nodes[item->next->position] : NULL;
    }
    for (size_t i = 0; i + 1 < len; i++) {
        nodes[roots[i]->position].next = &nodes[roots[i + 1]->position];
    }
    return len > 0 ? &nodes[roots[0]->position] : NULL;
}
