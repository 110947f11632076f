/* THREAD and UID THREAD (RFC 5256) */
#include "imap/thread.h"
#include "server/thread_tree.h"
#include <stdlib.h>

static int by_subject_and_date(const void *left, const void *right)
{
    const struct sort_keys *a = left;
    const struct sort_keys *b = right;
    int order = sort_keys_compare(a, b, SORT_SUBJECT);
    if (order == 0) {
        order = sort_keys_compare(a, b, SORT_DATE);
    }
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* Section 3: one thread for each base subject, all below its first message. */
static void thread_by_subject(struct sort_keys *keys, size_t len, struct thread_tree *tree)
{
    struct thread_item *first = NULL;
    if (len > 1) {
        qsort(keys, len, sizeof *keys, by_subject_and_date);
    }
    for (size_t i = 0; i < len; i++) {
        struct thread_item *item = thread_tree_add(tree, &keys[i]);
        if (first != NULL && sort_keys_compare(first->keys, &keys[i], SORT_SUBJECT) == 0) {
            thread_item_link(first, item);
        } else {
            first = item;
        }
    }
    thread_tree_sort(tree);
}

static const struct {
    const char *name;
    enum capability capability;
    bool with_header;
    void (*build)(struct sort_keys *keys, size_t len, struct thread_tree *tree);
} algorithms[] = {
    {"ORDEREDSUBJECT", CAP_THREAD_ORDEREDSUBJECT, false, thread_by_subject},
    {"REFERENCES", CAP_THREAD_REFERENCES, true, thread_by_references},
};
#define ALGORITHMS (sizeof algorithms / sizeof *algorithms)

static void thread_hits(struct session *s, struct command *c, size_t algorithm,
                        const struct search_hits *hits)
{
    struct arena *scratch AUTO_ARENA = arena_new();
    struct arena *arena AUTO_ARENA = arena_new();
    struct thread_tree tree = {.arena = arena};
    struct sort_keys *keys = arena_array(arena, hits->len, sizeof *keys);
    size_t len = 0;
    for (size_t i = 0; i < hits->len; i++) {
        len += sort_keys_load(s, hits->items[i], 1u << SORT_SUBJECT,
                              algorithms[algorithm].with_header, arena, scratch, &keys[len]);
        select_progress(s, c, i + 1, hits->len);
    }
    algorithms[algorithm].build(keys, len, &tree);
    writer_cstr(&s->out, "* ");
    thread_result_write(&s->out, thread_tree_nodes(&tree, s, c->uid));
    writer_crlf(&s->out);
    vec_free(&tree.items);
}

void handle_thread(struct session *s, struct command *c)
{
    struct thread_request request;
    struct search_hits hits = {0};
    size_t algorithm = 0;
    if (!reader_expect_sp(c->reader) || !thread_request_read(c->reader, c->arena, &request) ||
        !reader_expect_crlf(c->reader)) {
        return;
    }
    while (algorithm < ALGORITHMS &&
           (!str_eq_nocase(request.algorithm, str_from(algorithms[algorithm].name)) ||
            !session_offers(s, algorithms[algorithm].capability))) {
        algorithm++;
    }
    if (algorithm == ALGORITHMS) {
        reply_bad(c, "This algorithm is not on offer");
        return;
    }
    const struct search_request search = {.charset = request.charset, .key = request.key};
    if (!search_prepare(s, c, &search, CAP_ESEARCH)) {
        return;
    }
    search_run(s, c, request.key, &hits);
    thread_hits(s, c, algorithm, &hits);
    vec_free(&hits);
    reply_ok(c, "THREAD done");
    reply_add_limit(s, c);
}
