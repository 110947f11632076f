/* SORT, THREAD and their UID forms. */
#include "client/cmd_sort.h"
#include "imap/limits.h"
#include "client/client_private.h"
#include "client/search_private.h"

static bool take_sorted(struct client_sort *h, struct client *c)
{
    struct sort_result told = {0};
    reader_begin(c->reader, h->op.arena);
    if (!sort_result_read(c->reader, h->op.arena, &told) || !dispatch_line_end(c)) {
        return false;
    }
    h->result = told;
    return true;
}

/* The numbers of a set in the order that it has. */
static bool spread(struct client_sort *h, struct client *c, const struct seqset *set)
{
    uint64_t count = seqset_count(set);
    if (count > LIMIT_SEARCH_NUMBERS) {
        return reader_fail(c->reader, "more than %d messages told", LIMIT_SEARCH_NUMBERS);
    }
    h->result.numbers = arena_array(h->op.arena, (size_t)count, sizeof *h->result.numbers);
    h->result.len = 0;
    for (size_t i = 0; i < set->len; i++) {
        for (uint64_t n = set->items[i].first; n <= set->items[i].last; n++) {
            h->result.numbers[h->result.len++] = (uint32_t)n;
        }
    }
    return true;
}

bool sort_take_extended(struct client_op *op, struct client *c, struct search_result *told)
{
    struct client_sort *h = (struct client_sort *)op;
    h->extended = *told;
    h->extended.tag = str_from(op->tag);
    h->extended.all = h->extended.partial_set = (struct seqset){0};
    h->result.modseq = told->modseq;
    bool all = (told->have & SEARCH_RETURN_ALL) != 0;
    return spread(h, c, all ? &told->all : &told->partial_set);
}

static bool sort_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    if (str_eq(head->name, STR("ESEARCH"))) {
        (void)search_take_extended(c);
        return true;
    }
    if (!str_eq(head->name, STR("SORT"))) {
        return false;
    }
    (void)take_sorted((struct client_sort *)op, c);
    return true;
}

const struct client_op_hooks sort_hooks = {.data = sort_data};

static int require_criteria(struct client *c, struct client_op *op,
                            const struct sort_request *request, struct error *err)
{
    if (request->criteria_len == 0) {
        return pipeline_refuse(op, err, "%s by nothing", op->row->name);
    }
    for (size_t i = 0; i < request->criteria_len; i++) {
        enum sort_key key = request->criteria[i].key;
        if ((key == SORT_DISPLAYFROM || key == SORT_DISPLAYTO) &&
            pipeline_require(c, op, CAP_SORT_DISPLAY, err) < 0) {
            return error_wrap(err, "SORT by %s", sort_key_name(key));
        }
    }
    return 0;
}

int client_sort_begin(struct client *c, struct client_sort *h, enum client_numbers numbers,
                      const struct sort_request *request, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    enum command_id id = numbers == CLIENT_UIDS ? CMD_UID_SORT : CMD_SORT;
    *h = (struct client_sort){0};
    if (pipeline_open(c, &h->op, id, &sort_hooks, arena, err) < 0 ||
        require_criteria(c, &h->op, request, err) < 0 ||
        search_require(c, &h->op, &request->search, CAP_ESORT, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    sort_request_write(&c->writer, request);
    return pipeline_send(c, &h->op, err);
}

int client_sort_end(struct client *c, struct client_sort *h, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return pipeline_end(c, &h->op, err);
}

int client_sort(struct client *c, struct client_sort *h, enum client_numbers numbers,
                const struct sort_request *request, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = client_sort_begin(c, h, numbers, request, arena, err);
    return result < 0 ? result : client_sort_end(c, h, err);
}

static bool thread_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    struct client_thread *h = (struct client_thread *)op;
    if (!str_eq(head->name, STR("THREAD"))) {
        return false;
    }
    struct thread_node *threads = NULL;
    reader_begin(c->reader, op->arena);
    if (thread_result_read(c->reader, op->arena, &threads) && dispatch_line_end(c)) {
        h->threads = threads;
    }
    return true;
}

static const struct client_op_hooks thread_hooks = {.data = thread_data};

static int require_algorithm(struct client *c, struct client_op *op, struct str algorithm,
                             struct error *err)
{
    AUTO_BUF struct buf name = BUF_INIT(100);
    enum capability cap;
    buf_addf(&name, "THREAD=%.*s", STR_ARG(algorithm));
    if (capability_parse(buf_str(&name), &cap)) {
        return pipeline_require(c, op, cap, err);
    }
    op->row = NULL;
    return error_set(err, ERR_CAPABILITY, SCOPE_MAILBOX, "%s is known to nobody here",
                     name.len > 0 ? name.data : "THREAD");
}

int client_thread_begin(struct client *c, struct client_thread *h, enum client_numbers numbers,
                        const struct thread_request *request, struct arena *arena,
                        struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    enum command_id id = numbers == CLIENT_UIDS ? CMD_UID_THREAD : CMD_THREAD;
    const struct search_request search = {.key = request->key};
    *h = (struct client_thread){0};
    if (pipeline_open(c, &h->op, id, &thread_hooks, arena, err) < 0 ||
        require_algorithm(c, &h->op, request->algorithm, err) < 0 ||
        search_require(c, &h->op, &search, CAP_ESEARCH, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    thread_request_write(&c->writer, request);
    return pipeline_send(c, &h->op, err);
}

int client_thread_end(struct client *c, struct client_thread *h, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return pipeline_end(c, &h->op, err);
}

int client_thread(struct client *c, struct client_thread *h, enum client_numbers numbers,
                  const struct thread_request *request, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = client_thread_begin(c, h, numbers, request, arena, err);
    return result < 0 ? result : client_thread_end(c, h, err);
}
