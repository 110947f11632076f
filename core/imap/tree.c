#include "imap/tree.h"
#include "imap/limits.h"

struct tree_reader {
    struct reader *r;
    struct arena *arena;
    size_t nodes;
};

static struct tree *tree_node(struct tree_reader *t)
{
    if (t->nodes++ == LIMIT_TREE_NODES) {
        (void)reader_fail(t->r, "a structure of more than %d values", LIMIT_TREE_NODES);
        return NULL;
    }
    return arena_alloc(t->arena, sizeof(struct tree));
}

/* NIL or a string. */
static bool tree_read_leaf(struct reader *r, struct tree *node)
{
    if (reader_accept_word(r, "NIL")) {
        node->kind = TREE_NIL;
        return true;
    }
    int first = reader_peek(r);
    node->kind = TREE_STRING;
    node->is_string = first == '"' || first == '{';
    return reader_expect_list_mailbox(r, &node->text);
}

bool tree_read(struct reader *r, struct arena *arena, struct tree **out)
{
    struct tree_reader t = {r, arena, 0};
    struct tree **tails[LIMIT_DEPTH]; /* where lists that are open go on */
    struct tree **tail = out;
    size_t depth = 0;
    *out = NULL;
    do {
        (void)reader_accept_sp(r);
        if (depth > 0 && reader_accept(r, ')')) {
            tail = tails[--depth];
            continue;
        }
        struct tree *node = tree_node(&t);
        if (node == NULL) {
            return false;
        }
        *tail = node;
        tail = &node->next;
        if (!reader_accept(r, '(')) {
            if (!tree_read_leaf(r, node)) {
                return false;
            }
            continue;
        }
        if (depth == LIMIT_DEPTH || depth == reader_depth_max(r)) {
            return reader_fail(r, "parentheses nested deeper than %zu", depth);
        }
        node->kind = TREE_LIST;
        tails[depth++] = tail;
        tail = &node->children;
    } while (depth > 0);
    return !reader_failed(r);
}

uint64_t tree_number(const struct tree *node)
{
    uint64_t number = 0;
    return node != NULL && node->kind == TREE_STRING && str_to_u64(node->text, &number) ? number
                                                                                        : 0;
}

bool tree_is_number(const struct tree *node)
{
    uint64_t ignored;
    return node != NULL && node->kind == TREE_STRING && str_to_u64(node->text, &ignored);
}

struct str tree_string(const struct tree *node)
{
    return node != NULL && node->kind == TREE_STRING ? node->text : str_make(NULL, 0);
}
