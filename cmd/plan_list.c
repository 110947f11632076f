#include "cmd/plan_list.h"
#include "base/alloc.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "cmd/json_print.h"
#include <stdio.h>

struct operation {
    const char *mailbox, *what, *subject, *why;
};

struct plan_list {
    struct arena *arena;
    struct plan_sink sink;
    VEC(struct operation) operations;
};

static void add(void *self, const char *account, const char *mailbox, const char *what,
                const char *subject, const char *why)
{
    struct plan_list *list = self;
    struct operation *o = vec_add(&list->operations);
    o->mailbox = arena_strdup(list->arena, mailbox == NULL ? "" : mailbox);
    o->what = arena_strdup(list->arena, what);
    o->subject = arena_strdup(list->arena, subject == NULL ? "" : subject);
    o->why = arena_strdup(list->arena, why == NULL ? "" : why);
}

struct plan_list *plan_list_new(void)
{
    struct plan_list *list = xcalloc(1, sizeof *list);
    list->arena = arena_new();
    list->sink = (struct plan_sink){add, list};
    return list;
}

void plan_list_free(struct plan_list **list)
{
    arena_free(&(*list)->arena);
    vec_free(&(*list)->operations);
    free(*list);
    *list = NULL;
}

const struct plan_sink *plan_list_sink(struct plan_list *list)
{
    return &list->sink;
}

size_t plan_list_len(const struct plan_list *list)
{
    return list->operations.len;
}

static void print_mailbox(const struct plan_list *list, const char *mailbox)
{
    printf("  %s\n", mailbox[0] == '\0' ? "(the account)" : mailbox);
    VEC_FOREACH (struct operation, o, &list->operations) {
        if (strcmp(o->mailbox, mailbox) == 0) {
            printf("    %s%s%s%s%s\n", o->what, o->subject[0] == '\0' ? "" : " ", o->subject,
                   o->why[0] == '\0' ? "" : ": ", o->why);
        }
    }
}

/* The first operation of each mailbox stands for it. */
static bool is_first(struct strmap *seen, const char *key)
{
    static char mark;
    return strmap_put(seen, str_from(key), &mark) == NULL;
}

void plan_list_print(const struct plan_list *list, const char *account, const char *heading)
{
    if (list->operations.len == 0) {
        printf("%s: nothing to do\n", account);
        return;
    }
    struct strmap *mailboxes = strmap_new();
    printf("%s: %s\n", account, heading);
    VEC_FOREACH (struct operation, o, &list->operations) {
        if (is_first(mailboxes, o->mailbox)) {
            print_mailbox(list, o->mailbox);
        }
    }
    strmap_free(&mailboxes);
}

json_t *plan_list_json(const struct plan_list *list)
{
    json_t *out = json_array();
    VEC_FOREACH (struct operation, o, &list->operations) {
        json_array_append_new(out,
                              json_pack("{s:o, s:o, s:o, s:o}", "mailbox", json_text(o->mailbox),
                                        "operation", json_text(o->what), "subject",
                                        json_text(o->subject), "why", json_text(o->why)));
    }
    return out;
}
