#include "imap/bodystructure.h"
#include "imap/envelope_tree.h"
#include "imap/limits.h"

/*
 * What servers send (body in RFC 9051 section 9, and worse): the value is read as a tree, which
 * either is right or is understood as far as it goes. Nothing fails here but the bound on parts:
 * what is strange has cost other clients whole mailboxes.
 */
struct body_reader {
    struct arena *arena;
    size_t parts;
};

static const struct tree *next_of(const struct tree *node)
{
    return node != NULL ? node->next : NULL;
}

/* The node, and moves on to the next. */
static const struct tree *take(const struct tree **at)
{
    const struct tree *node = *at;
    *at = next_of(node);
    return node;
}

static bool is_list(const struct tree *node)
{
    return node != NULL && node->kind == TREE_LIST;
}

static size_t count_nodes(const struct tree *node)
{
    size_t count = 0;
    for (; node != NULL; node = node->next) {
        count++;
    }
    return count;
}

static struct body_params params_from_tree(struct arena *arena, const struct tree *list)
{
    struct body_params out = {0};
    size_t count = is_list(list) ? count_nodes(list->children) / 2 : 0;
    count = count < LIMIT_BODY_PARAMS ? count : LIMIT_BODY_PARAMS;
    out.items = count > 0 ? arena_array(arena, count, sizeof *out.items) : NULL;
    for (const struct tree *node = is_list(list) ? list->children : NULL; out.len < count;) {
        struct str name = tree_string(take(&node));
        out.items[out.len++] = (struct body_param){name, tree_string(take(&node))};
    }
    return out;
}

/* One, or several in a list. */
static void languages_from_tree(struct arena *arena, const struct tree *node, struct str_list *out)
{
    if (!is_list(node)) {
        if (tree_string(node).ptr != NULL) {
            str_list_add(arena, out, node->text);
        }
        return;
    }
    for (node = node->children; node != NULL; node = node->next) {
        if (node->kind == TREE_STRING) {
            str_list_add(arena, out, node->text);
        }
    }
}

/* Disposition, language and location, as far as they are there. */
static void extension_from_tree(struct arena *arena, const struct tree *at, struct body_part *out)
{
    const struct tree *disposition = take(&at);
    if (is_list(disposition)) {
        const struct tree *node = disposition->children;
        out->disposition = tree_string(take(&node));
        out->disposition_params = params_from_tree(arena, node);
    } else {
        out->disposition = tree_string(disposition);
    }
    languages_from_tree(arena, take(&at), &out->languages);
    out->location = tree_string(take(&at));
}

/* The numbers behind an envelope tell it from a disposition: neither a body nor an envelope begins
 * as one. */
static bool is_message(const struct body_part *part)
{
    return str_eq_nocase(part->type, STR("message")) &&
           (str_eq_nocase(part->subtype, STR("rfc822")) ||
            str_eq_nocase(part->subtype, STR("global")));
}

static bool part_from_tree(struct body_reader *b, const struct tree *list, struct body_part *out);

/* Envelope, body and lines of message/rfc822. Where they are missing, extension data follows. */
static bool message_from_tree(struct body_reader *b, const struct tree **at, struct body_part *out)
{
    const struct tree *envelope = *at;
    const struct tree *body = next_of(envelope);
    if (!is_list(envelope) && !(is_list(body) && count_nodes(body->children) >= 7)) {
        return true;
    }
    out->kind = BODY_MESSAGE;
    if (is_list(envelope)) {
        out->envelope = arena_alloc(b->arena, sizeof *out->envelope);
        envelope_from_tree(b->arena, envelope, out->envelope);
    }
    *at = next_of(body);
    if (is_list(body)) {
        out->children = arena_alloc(b->arena, sizeof *out->children);
        out->children_len = 1;
        if (!part_from_tree(b, body, out->children)) {
            return false;
        }
    }
    return true;
}

static bool single_from_tree(struct body_reader *b, const struct tree *at, struct body_part *out)
{
    out->type = tree_string(take(&at));
    out->subtype = tree_string(take(&at));
    out->params = params_from_tree(b->arena, take(&at));
    out->id = tree_string(take(&at));
    out->description = tree_string(take(&at));
    out->encoding = tree_string(take(&at));
    out->size = tree_number(take(&at));
    if (is_message(out) && !message_from_tree(b, &at, out)) {
        return false;
    }
    if (str_eq_nocase(out->type, STR("text"))) {
        out->kind = BODY_TEXT;
    }
    if (out->kind != BODY_BASIC && (tree_is_number(at) || (at != NULL && at->kind == TREE_NIL))) {
        out->lines = tree_number(take(&at));
    }
    while (out->kind == BODY_BASIC && tree_is_number(at) && !at->is_string) {
        (void)take(&at); /* lines of what has none; an MD5 is a string */
    }
    out->extended = at != NULL;
    out->md5 = tree_string(take(&at));
    extension_from_tree(b->arena, at, out);
    return true;
}

/* Behind the parts: subtype and extension data. */
static void multipart_end_from_tree(struct body_reader *b, const struct tree *at,
                                    struct body_part *out)
{
    out->kind = BODY_MULTIPART;
    out->type = STR("multipart");
    out->subtype = tree_string(take(&at));
    out->extended = at != NULL;
    out->params = params_from_tree(b->arena, take(&at));
    extension_from_tree(b->arena, at, out);
}

static bool multipart_from_tree(struct body_reader *b, const struct tree *at, struct body_part *out)
{
    struct body_part **tail = &out->children;
    for (; at != NULL && at->kind != TREE_STRING; at = at->next) {
        if (at->kind == TREE_NIL) {
            if (out->children_len > 0) {
                break; /* the subtype, or none of it */
            }
            continue;
        }
        struct body_part *part = arena_alloc(b->arena, sizeof *part);
        if (!part_from_tree(b, at, part)) {
            return false;
        }
        *tail = part;
        tail = &part->next;
        out->children_len++;
    }
    multipart_end_from_tree(b, at, out);
    return true;
}

static bool part_from_tree(struct body_reader *b, const struct tree *list, struct body_part *out)
{
    const struct tree *first = list->children;
    *out = (struct body_part){0};
    if (b->parts++ == LIMIT_BODY_PARTS) {
        return false;
    }
    if (first == NULL) {
        return true;
    }
    if (first->kind == TREE_LIST) {
        return multipart_from_tree(b, first, out);
    }
    if (first->kind == TREE_NIL && count_nodes(first) < 7) {
        return multipart_from_tree(b, first, out);
    }
    if (is_list(first->next)) { /* ("mixed" ("boundary" "x") NIL NIL): its parts forgotten */
        multipart_end_from_tree(b, first, out);
        return true;
    }
    if (str_eq_nocase(tree_string(first), STR("multipart"))) {
        multipart_end_from_tree(b, first->next, out);
        return true;
    }
    return single_from_tree(b, first, out);
}

bool bodystructure_read(struct reader *r, struct arena *arena, struct body_part *out)
{
    struct body_reader b = {arena, 0};
    struct tree *tree;
    *out = (struct body_part){0};
    if (!tree_read(r, arena, &tree)) {
        return false;
    }
    if (tree->kind == TREE_STRING) {
        return reader_fail(r, "a body structure that is no list");
    }
    return part_from_tree(&b, tree, out) ||
           reader_fail(r, "a message of more than %d parts", LIMIT_BODY_PARTS);
}

/* ---- writing ---- */

static void params_write(struct writer *w, const struct body_params *params)
{
    for (size_t i = 0; i < params->len; i++) {
        writer_cstr(w, i == 0 ? "(" : " ");
        writer_string(w, params->items[i].name);
        writer_sp(w);
        writer_string(w, params->items[i].value);
    }
    writer_cstr(w, params->len > 0 ? ")" : "NIL");
}

static void extension_write(struct writer *w, const struct body_part *part)
{
    writer_sp(w);
    if (part->disposition.ptr != NULL) {
        writer_byte(w, '(');
        writer_string(w, part->disposition);
        writer_sp(w);
        params_write(w, &part->disposition_params);
        writer_byte(w, ')');
    } else {
        writer_cstr(w, "NIL");
    }
    writer_sp(w);
    if (part->languages.len == 0) {
        writer_cstr(w, "NIL");
    } else if (part->languages.len == 1) {
        writer_string(w, part->languages.items[0]);
    } else {
        for (size_t i = 0; i < part->languages.len; i++) {
            writer_cstr(w, i == 0 ? "(" : " ");
            writer_string(w, part->languages.items[i]);
        }
        writer_byte(w, ')');
    }
    writer_sp(w);
    writer_nstring(w, part->location);
}

/* What may not be NIL. */
static void string_write(struct writer *w, struct str s, const char *otherwise)
{
    writer_string(w, s.ptr != NULL ? s : str_from(otherwise));
}

static void part_write(struct writer *w, const struct body_part *part, bool extended,
                       unsigned depth);

static void multipart_write(struct writer *w, const struct body_part *part, bool extended,
                            unsigned depth)
{
    for (const struct body_part *child = part->children; child != NULL; child = child->next) {
        part_write(w, child, extended, depth);
    }
    if (part->children == NULL) { /* the grammar knows no multipart without one */
        writer_cstr(w, "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0");
        writer_cstr(w, extended ? " NIL NIL NIL NIL)" : ")");
    }
    writer_sp(w);
    string_write(w, part->subtype, "mixed");
    if (extended) {
        writer_sp(w);
        params_write(w, &part->params);
        extension_write(w, part);
    }
}

static void message_write(struct writer *w, const struct body_part *part, bool extended,
                          unsigned depth)
{
    static const struct envelope no_envelope;
    static const struct body_part no_body = {
        .kind = BODY_TEXT, .type = {"text", 4}, .subtype = {"plain", 5}};
    writer_sp(w);
    envelope_write(w, part->envelope != NULL ? part->envelope : &no_envelope);
    writer_sp(w);
    part_write(w, part->children != NULL ? part->children : &no_body, extended, depth);
}

static void single_write(struct writer *w, const struct body_part *part, bool extended,
                         unsigned depth)
{
    string_write(w, part->type, "application");
    writer_sp(w);
    string_write(w, part->subtype, "octet-stream");
    writer_sp(w);
    params_write(w, &part->params);
    writer_sp(w);
    writer_nstring(w, part->id);
    writer_sp(w);
    writer_nstring(w, part->description);
    writer_sp(w);
    string_write(w, part->encoding, "7BIT");
    writer_sp(w);
    writer_number(w, part->size);
    if (part->kind == BODY_MESSAGE) {
        message_write(w, part, extended, depth);
    }
    if (part->kind != BODY_BASIC) {
        writer_sp(w);
        writer_number(w, part->lines);
    }
    if (extended) {
        writer_sp(w);
        writer_nstring(w, part->md5);
        extension_write(w, part);
    }
}

static void part_write(struct writer *w, const struct body_part *part, bool extended,
                       unsigned depth)
{
    if (depth == LIMIT_DEPTH) {
        writer_fail(w, "a body nested deeper than %d", LIMIT_DEPTH);
        return;
    }
    writer_byte(w, '(');
    if (part->kind == BODY_MULTIPART) {
        multipart_write(w, part, extended, depth + 1);
    } else {
        single_write(w, part, extended, depth + 1);
    }
    writer_byte(w, ')');
}

void bodystructure_write(struct writer *w, const struct body_part *part, bool extended)
{
    part_write(w, part, extended, 0);
}

/* ---- looking ---- */

const struct body_part *body_part_find(const struct body_part *root, const uint32_t *path,
                                       size_t path_len)
{
    const struct body_part *part = root;
    for (size_t i = 0; i < path_len && part != NULL; i++) {
        /* RFC 9051 section 6.4.5: the numbers of a message within are those of its body. */
        bool whole = i == 0 || part->kind == BODY_MESSAGE;
        if (i > 0 && whole) {
            part = part->children;
        }
        if (part == NULL || part->kind != BODY_MULTIPART) {
            part = whole && path[i] == 1 ? part : NULL;
            continue;
        }
        const struct body_part *child = part->children;
        for (uint32_t n = 1; n < path[i] && child != NULL; n++) {
            child = child->next;
        }
        part = child;
    }
    return part;
}

struct str body_param_find(const struct body_params *params, struct str name)
{
    for (size_t i = 0; i < params->len; i++) {
        if (str_eq_nocase(params->items[i].name, name)) {
            return params->items[i].value;
        }
    }
    return str_make(NULL, 0);
}
