/*
 * REFERENCES (RFC 5256 section 3), by its six steps: (1) link messages by their references, (2)
 * take those without a parent, (3) remove messages that are not there, (4) sort the threads, (5)
 * join threads of one subject, (6) sort what is below them.
 */
#include "base/strmap.h"
#include "imap/mime.h"
#include "server/thread_tree.h"

/* ---- step 1 ---- */

/* The next "<…>" of `rest`; false at the end. */
static bool next_id(struct str *rest, struct str *out)
{
    ptrdiff_t open = str_find(*rest, '<');
    struct str id = open >= 0 ? str_from_offset(*rest, (size_t)open + 1) : STR_EMPTY;
    ptrdiff_t close = str_find(id, '>');
    if (close <= 0) {
        return false;
    }
    *out = str_sub(id, 0, (size_t)close);
    *rest = str_from_offset(id, (size_t)close + 1);
    return true;
}

static struct str first_id(struct arena *arena, struct str header, struct str field)
{
    struct str value = mime_field(arena, header, field);
    struct str id;
    return value.ptr != NULL && next_id(&value, &id) ? id : STR_EMPTY;
}

static struct thread_item *find_or_add(struct thread_tree *tree, struct strmap *by_id,
                                       struct str id)
{
    struct thread_item *item = strmap_get(by_id, id);
    if (item == NULL) {
        item = thread_tree_add(tree, NULL);
        (void)strmap_put(by_id, id, item);
    }
    return item;
}

/* The message's own place: that of its Message-ID, unless another has taken it. */
static struct thread_item *place(struct thread_tree *tree, struct strmap *by_id,
                                 const struct sort_keys *keys)
{
    struct str id = first_id(tree->arena, keys->header, STR("Message-ID"));
    struct thread_item *item = id.len > 0 ? find_or_add(tree, by_id, id) : NULL;
    if (item == NULL || item->keys != NULL) {
        return thread_tree_add(tree, keys);
    }
    item->keys = keys;
    return item;
}

static void link_message(struct thread_tree *tree, struct strmap *by_id,
                         const struct sort_keys *keys)
{
    struct thread_item *item = place(tree, by_id, keys);
    struct thread_item *parent = NULL;
    struct str references = mime_field(tree->arena, keys->header, STR("References"));
    struct str id;
    while (references.ptr != NULL && next_id(&references, &id)) {
        struct thread_item *next = find_or_add(tree, by_id, id);
        if (parent != NULL && next->parent == NULL && !thread_item_is_above(next, parent)) {
            thread_item_link(parent, next);
        }
        parent = next;
    }
    if (parent == NULL) {
        id = first_id(tree->arena, keys->header, STR("In-Reply-To"));
        parent = id.len > 0 ? find_or_add(tree, by_id, id) : NULL;
    }
    thread_item_unlink(item);
    if (parent != NULL && !thread_item_is_above(item, parent)) {
        thread_item_link(parent, item);
    }
}

/* ---- step 3 ---- */

/* Puts the children of a missing message in its place. */
static void lift_children(struct thread_item *item)
{
    struct thread_item *parent = item->parent;
    while (item->first != NULL) {
        struct thread_item *child = item->first;
        thread_item_unlink(child);
        if (parent != NULL) {
            thread_item_link(parent, child);
        }
    }
    thread_item_unlink(item);
    item->dropped = true;
}

static void prune(struct thread_tree *tree)
{
    for (size_t i = 0; i < tree->items.len; i++) {
        struct thread_item *item = tree->items.items[i];
        if (item->keys == NULL && item->parent != NULL) {
            lift_children(item);
        }
    }
    /* At the top one stays that holds several together. */
    for (size_t i = 0; i < tree->items.len; i++) {
        struct thread_item *item = tree->items.items[i];
        if (item->keys == NULL && !item->dropped && item->first == item->last) {
            lift_children(item);
        }
    }
}

/* ---- step 5 ---- */

static const struct sort_keys *subject_keys(const struct thread_item *item)
{
    return item->keys != NULL ? item->keys : item->first->keys;
}

/* Whether `item` stands for its subject rather than `other`. */
static bool is_better(const struct thread_item *item, const struct thread_item *other)
{
    if ((item->keys == NULL) != (other->keys == NULL)) {
        return item->keys == NULL;
    }
    return subject_keys(other)->is_reply && !subject_keys(item)->is_reply;
}

static void join(struct thread_tree *tree, struct thread_item *to, struct thread_item *item)
{
    if (to->keys == NULL && item->keys == NULL) {
        while (item->first != NULL) {
            thread_item_link(to, item->first);
        }
        item->dropped = true;
    } else if (to->keys == NULL || (subject_keys(item)->is_reply && !subject_keys(to)->is_reply)) {
        thread_item_link(to, item);
    } else {
        /* Two of the same subject: both below one that is not there, and takes the old one's place
         * in the table by being its parent. */
        struct thread_item *both = thread_tree_add(tree, NULL);
        thread_item_link(both, to);
        thread_item_link(both, item);
    }
}

static void join_subjects(struct thread_tree *tree)
{
    struct strmap *by_subject = strmap_new();
    size_t len = 0;
    struct thread_item **roots = thread_tree_roots(tree, &len);
    for (size_t i = 0; i < len; i++) {
        struct str subject = subject_keys(roots[i])->texts[SORT_SUBJECT];
        const struct thread_item *known = strmap_get(by_subject, subject);
        if (subject.len > 0 && (known == NULL || is_better(roots[i], known))) {
            (void)strmap_put(by_subject, subject, roots[i]);
        }
    }
    for (size_t i = 0; i < len; i++) {
        struct str subject = subject_keys(roots[i])->texts[SORT_SUBJECT];
        struct thread_item *known = subject.len > 0 ? strmap_get(by_subject, subject) : NULL;
        if (known == NULL || known == roots[i]) {
            continue;
        }
        while (known->parent != NULL) {
            known = known->parent;
        }
        join(tree, known, roots[i]);
    }
    strmap_free(&by_subject);
}

void thread_by_references(struct sort_keys *keys, size_t len, struct thread_tree *tree)
{
    struct strmap *by_id = strmap_new();
    for (size_t i = 0; i < len; i++) {
        link_message(tree, by_id, &keys[i]);
    }
    strmap_free(&by_id);
    prune(tree);
    thread_tree_sort(tree);
    join_subjects(tree);
    thread_tree_sort(tree);
}
