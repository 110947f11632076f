#include "imap/envelope.h"
#include "imap/envelope_tree.h"
#include "imap/limits.h"

enum address_role imap_address_role(const struct imap_address *address)
{
    if (address->host.ptr != NULL) {
        return ADDRESS_ONE;
    }
    return address->mailbox.ptr != NULL ? ADDRESS_GROUP_BEGIN : ADDRESS_GROUP_END;
}

/* ---- reading ---- */

static size_t count_lists(const struct tree *node)
{
    size_t count = 0;
    for (; node != NULL; node = node->next) {
        count += node->kind == TREE_LIST ? 1 : 0;
    }
    return count;
}

static const struct tree *next_of(const struct tree *node)
{
    return node != NULL ? node->next : NULL;
}

static struct imap_address address_from_tree(const struct tree *list)
{
    const struct tree *name = list->children;
    const struct tree *route = next_of(name);
    const struct tree *mailbox = next_of(route);
    return (struct imap_address){tree_string(name), tree_string(route), tree_string(mailbox),
                                 tree_string(next_of(mailbox))};
}

static struct imap_addresses addresses_from_tree(struct arena *arena, const struct tree *list)
{
    struct imap_addresses out = {0};
    if (list == NULL || list->kind != TREE_LIST) {
        return out;
    }
    size_t count = count_lists(list->children);
    count = count < LIMIT_ADDRESSES ? count : LIMIT_ADDRESSES;
    out.items = count > 0 ? arena_array(arena, count, sizeof *out.items) : NULL;
    for (const struct tree *node = list->children; out.len < count; node = node->next) {
        if (node->kind == TREE_LIST) {
            out.items[out.len++] = address_from_tree(node);
        }
    }
    return out;
}

void envelope_from_tree(struct arena *arena, const struct tree *list, struct envelope *out)
{
    struct imap_addresses *const addresses[] = {&out->from, &out->sender, &out->reply_to,
                                                &out->to,   &out->cc,     &out->bcc};
    *out = (struct envelope){0};
    const struct tree *node = list->children;
    if (node != NULL && node->kind == TREE_LIST && node->next == NULL) {
        node = node->children; /* parentheses around the parentheses */
    }
    out->date = tree_string(node);
    node = next_of(node);
    out->subject = tree_string(node);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        node = next_of(node);
        *addresses[i] = addresses_from_tree(arena, node);
    }
    node = next_of(node);
    out->in_reply_to = tree_string(node);
    out->message_id = tree_string(next_of(node));
}

bool imap_addresses_read(struct reader *r, struct arena *arena, struct imap_addresses *out)
{
    struct tree *tree;
    *out = (struct imap_addresses){0};
    if (!tree_read(r, arena, &tree)) {
        return false;
    }
    *out = addresses_from_tree(arena, tree);
    return true;
}

bool envelope_read(struct reader *r, struct arena *arena, struct envelope *out)
{
    struct tree *tree;
    *out = (struct envelope){0};
    if (!tree_read(r, arena, &tree)) {
        return false;
    }
    if (tree->kind == TREE_STRING) {
        return reader_fail(r, "an envelope that is no list");
    }
    envelope_from_tree(arena, tree, out);
    return true;
}

/* ---- writing ---- */

void imap_addresses_write(struct writer *w, const struct imap_addresses *addresses)
{
    if (addresses->len == 0) {
        writer_cstr(w, "NIL");
        return;
    }
    writer_byte(w, '(');
    for (size_t i = 0; i < addresses->len; i++) {
        const struct imap_address *address = &addresses->items[i];
        writer_byte(w, '(');
        writer_nstring(w, address->name);
        writer_sp(w);
        writer_nstring(w, address->route);
        writer_sp(w);
        writer_nstring(w, address->mailbox);
        writer_sp(w);
        writer_nstring(w, address->host);
        writer_byte(w, ')');
    }
    writer_byte(w, ')');
}

void envelope_write(struct writer *w, const struct envelope *envelope)
{
    const struct imap_addresses *const addresses[] = {&envelope->from,     &envelope->sender,
                                                      &envelope->reply_to, &envelope->to,
                                                      &envelope->cc,       &envelope->bcc};
    writer_byte(w, '(');
    writer_nstring(w, envelope->date);
    writer_sp(w);
    writer_nstring(w, envelope->subject);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        writer_sp(w);
        imap_addresses_write(w, addresses[i]);
    }
    writer_sp(w);
    writer_nstring(w, envelope->in_reply_to);
    writer_sp(w);
    writer_nstring(w, envelope->message_id);
    writer_byte(w, ')');
}
