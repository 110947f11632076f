#include "imap/thread.h"
#include "base/vec.h"
#include "imap/limits.h"

/* ---- asking ---- */

bool thread_request_read(struct reader *r, struct arena *arena, struct thread_request *out)
{
    *out = (struct thread_request){0};
    return reader_expect_atom(r, &out->algorithm) && reader_expect_sp(r) &&
           reader_expect_astring(r, &out->charset) && reader_expect_sp(r) &&
           search_keys_read(r, arena, &out->key);
}

void thread_request_write(struct writer *w, const struct thread_request *request)
{
    writer_atom(w, request->algorithm);
    writer_sp(w);
    writer_astring(w, request->charset.len > 0 ? request->charset : STR("UTF-8"));
    writer_sp(w);
    search_keys_write(w, request->key);
}

/* ---- telling ---- */

/* A list that is open: where its threads' first messages go, or its parent's next replies. */
struct thread_frame {
    struct thread_node **tail;
    bool fresh; /* nothing was read in it */
};

struct thread_reader {
    struct reader *r;
    struct arena *arena;
    struct thread_frame frames[LIMIT_THREAD_DEPTH];
    size_t depth;
    struct thread_node **tail; /* where the next message goes */
    size_t messages;
};

static bool thread_add(struct thread_reader *t, uint32_t number)
{
    if (t->messages++ == LIMIT_SEARCH_NUMBERS) {
        return reader_fail(t->r, "threads of more than %d messages", LIMIT_SEARCH_NUMBERS);
    }
    struct thread_node *node = arena_alloc(t->arena, sizeof *node);
    node->number = number;
    *t->tail = node;
    struct thread_frame *frame = &t->frames[t->depth - 1];
    if (frame->fresh) {
        frame->fresh = false;
        frame->tail = &node->next;
    }
    t->tail = &node->children;
    return true;
}

/* An opening parenthesis in a list in which no message stands: one that is not there. */
static bool thread_open(struct thread_reader *t)
{
    if (t->depth > 0 && t->frames[t->depth - 1].fresh && !thread_add(t, 0)) {
        return false;
    }
    if (t->depth == LIMIT_THREAD_DEPTH) {
        return reader_fail(t->r, "threads nested deeper than %d", LIMIT_THREAD_DEPTH);
    }
    t->frames[t->depth++] = (struct thread_frame){t->tail, true};
    return true;
}

static bool thread_read_step(struct thread_reader *t)
{
    uint32_t number;
    if (reader_accept(t->r, '(')) {
        return thread_open(t);
    }
    if (t->depth == 0) {
        return reader_expected(t->r, "a thread");
    }
    bool empty = t->frames[t->depth - 1].fresh && t->depth > 1;
    if (!empty && reader_accept(t->r, ')')) {
        t->tail = t->frames[--t->depth].tail;
        return true;
    }
    return seqset_read_number(t->r, &number) && thread_add(t, number);
}

bool thread_result_read(struct reader *r, struct arena *arena, struct thread_node **out)
{
    struct thread_reader *t = arena_alloc(arena, sizeof *t);
    t->r = r;
    t->arena = arena;
    t->tail = out;
    *out = NULL;
    (void)reader_accept_sp(r);
    while (t->depth > 0 || !reader_at_crlf(r)) {
        if (reader_failed(r) || !thread_read_step(t)) {
            *out = NULL;
            return false;
        }
        (void)reader_accept_sp(r);
    }
    return !reader_failed(r);
}

/* A message, and those that follow it in one line of replies. Returns where the line branches, or
 * NULL where it ends. */
static const struct thread_node *thread_write_line(struct writer *w, const struct thread_node *node)
{
    const char *before = "";
    for (;;) {
        if (node->number != 0) {
            writer_cstr(w, before);
            writer_number(w, node->number);
            before = " ";
        }
        const struct thread_node *reply = node->children;
        if (reply == NULL) {
            if (node->number == 0) {
                writer_fail(w, "a thread without a message");
            }
            return NULL;
        }
        if (reply->next != NULL || node->number == 0 || reply->number == 0) {
            writer_cstr(w, before);
            return reply;
        }
        node = reply;
    }
}

void thread_result_write(struct writer *w, const struct thread_node *threads)
{
    VEC(const struct thread_node *) open = {0}; /* what follows the lists that are open */
    const struct thread_node *node = threads;
    writer_cstr(w, threads != NULL ? "THREAD " : "THREAD");
    while (node != NULL || open.len > 0) {
        if (node != NULL) {
            writer_byte(w, '(');
            vec_push(&open, node->next);
            node = thread_write_line(w, node);
        } else {
            writer_byte(w, ')');
            node = open.items[--open.len];
        }
    }
    vec_free(&open);
}
