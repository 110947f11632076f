#include "base/strmap.h"
#include "base/vec.h"
#include "config/config_private.h"
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

/* Streams of events, so that anchors, aliases and tags are seen before they are acted on. */
struct reader {
    struct config_context *ctx;
    const struct config_file *file;
    yaml_parser_t parser;
    size_t nodes;
    bool broken; /* nothing more can be read */
};

typedef VEC(struct config_entry) entries;

void config_problem(struct config_context *ctx, const struct config_file *file, unsigned line,
                    const char *format, ...)
{
    if (ctx->muted) {
        return;
    }
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t kept = len < 0 ? 0 : (size_t)len;
    kept = kept < sizeof text ? kept : sizeof text - 1;
    text[str_make_printable(text, kept)] = '\0';
    ctx->problems_count++;
    ctx->problems->report(ctx->problems->self, file->name, line, text);
}

static unsigned line_of(const yaml_mark_t *mark)
{
    return (unsigned)mark->line + 1;
}

static void stop(struct reader *r, unsigned line, const char *text)
{
    if (!r->broken) {
        config_problem(r->ctx, r->file, line, "%s", text);
    }
    r->broken = true;
}

static bool next_event(struct reader *r, yaml_event_t *event)
{
    if (r->broken) {
        return false;
    }
    if (yaml_parser_parse(&r->parser, event) == 1) {
        return true;
    }
    const yaml_parser_t *p = &r->parser;
    bool tab = p->error == YAML_SCANNER_ERROR && p->problem != NULL &&
               strstr(p->problem, "cannot start any token") != NULL;
    char text[256];
    (void)snprintf(text, sizeof text, "not YAML: %s%s%s%s",
                   p->problem == NULL ? "unknown error" : p->problem,
                   p->context == NULL ? "" : ", ", p->context == NULL ? "" : p->context,
                   tab ? " (is there a tab? YAML is indented with spaces)" : "");
    stop(r, line_of(&p->problem_mark), text);
    return false;
}

static struct config_node *new_node(struct reader *r, enum node_kind kind, unsigned line)
{
    if (++r->nodes > CONFIG_NODES_MAX) {
        stop(r, line, "too many values");
        return NULL;
    }
    struct config_node *node = arena_alloc(r->ctx->arena, sizeof *node);
    node->kind = kind;
    node->file = r->file;
    node->line = line;
    return node;
}

/* Anchors and tags have no use here; one that is there is a misunderstanding, or a password that
 * should have been quoted. */
static void refuse_properties(struct reader *r, unsigned line, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor != NULL) {
        config_problem(r->ctx, r->file, line,
                       "anchors (&…) are not used here; put what accounts share under 'defaults', "
                       "and quote a text that begins with &");
    }
    if (tag != NULL) {
        config_problem(r->ctx, r->file, line,
                       "tags (!…) are not used here; quote a text that begins with !");
    }
}

static struct config_node *read_scalar(struct reader *r, const yaml_event_t *event)
{
    unsigned line = line_of(&event->start_mark);
    struct config_node *node = new_node(r, NODE_SCALAR, line);
    if (node == NULL) {
        return NULL;
    }
    const char *text = (const char *)event->data.scalar.value;
    refuse_properties(r, line, event->data.scalar.anchor, event->data.scalar.tag);
    if (strlen(text) != event->data.scalar.length) {
        config_problem(r->ctx, r->file, line, "a NUL character in a text");
    }
    node->text = arena_strdup(r->ctx->arena, text);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return node;
}

static struct config_node *read_node(struct reader *r, const yaml_event_t *event, unsigned depth);

static void keep_entries(struct reader *r, struct config_node *node, entries *found)
{
    node->len = found->len;
    node->entries = arena_array(r->ctx->arena, found->len, sizeof *found->items);
    if (found->len > 0) {
        memcpy(node->entries, found->items, found->len * sizeof *found->items);
    }
    vec_free(found);
}

static struct config_node *read_list(struct reader *r, const yaml_event_t *start, unsigned depth)
{
    struct config_node *node = new_node(r, NODE_LIST, line_of(&start->start_mark));
    entries found = {0};
    yaml_event_t event;
    while (node != NULL && next_event(r, &event)) {
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        struct config_node *value = end ? NULL : read_node(r, &event, depth + 1);
        yaml_event_delete(&event);
        if (end) {
            break;
        }
        if (value != NULL) {
            vec_push(&found, ((struct config_entry){NULL, value->line, value}));
        }
    }
    if (node != NULL) {
        keep_entries(r, node, &found);
    }
    return node;
}

/* The key of a map's next entry; NULL at the end of the map or of what can be read. */
static struct config_node *read_key(struct reader *r, unsigned depth)
{
    yaml_event_t event;
    if (!next_event(r, &event)) {
        return NULL;
    }
    bool end = event.type == YAML_MAPPING_END_EVENT;
    struct config_node *key = end ? NULL : read_node(r, &event, depth + 1);
    yaml_event_delete(&event);
    if (key != NULL && key->kind != NODE_SCALAR) {
        stop(r, key->line, "a list or a map cannot be a key (is a text with { or [ not quoted?)");
    }
    return r->broken ? NULL : key;
}

static void add_entry(struct reader *r, entries *found, struct strmap *lines,
                      struct config_node *key, struct config_node *value)
{
    const struct config_node *first = strmap_get(lines, str_from(key->text));
    if (first != NULL) {
        config_problem(r->ctx, r->file, key->line, "'%s' is here twice, first in line %u",
                       key->text, first->line);
        return;
    }
    (void)strmap_put(lines, str_from(key->text), key);
    vec_push(found, ((struct config_entry){key->text, key->line, value}));
}

static struct config_node *read_map(struct reader *r, const yaml_event_t *start, unsigned depth)
{
    struct config_node *node = new_node(r, NODE_MAP, line_of(&start->start_mark));
    if (node == NULL) {
        return NULL;
    }
    entries found = {0};
    struct strmap *lines = strmap_new();
    for (;;) {
        struct config_node *key = read_key(r, depth);
        yaml_event_t event;
        if (key == NULL || !next_event(r, &event)) {
            break;
        }
        struct config_node *value = read_node(r, &event, depth + 1);
        yaml_event_delete(&event);
        if (value == NULL) {
            break;
        }
        add_entry(r, &found, lines, key, value);
    }
    strmap_free(&lines);
    keep_entries(r, node, &found);
    return node;
}

/* NULL when nothing more can be read. */
static struct config_node *read_node(struct reader *r, const yaml_event_t *event, unsigned depth)
{
    unsigned line = line_of(&event->start_mark);
    if (depth > CONFIG_DEPTH_MAX) {
        stop(r, line, "nested too deeply");
        return NULL;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        refuse_properties(r, line, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        return read_list(r, event, depth);
    case YAML_MAPPING_START_EVENT:
        refuse_properties(r, line, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return read_map(r, event, depth);
    case YAML_ALIAS_EVENT: {
        config_problem(r->ctx, r->file, line,
                       "aliases (*…) are not used here; quote a text that begins with *");
        struct config_node *node = new_node(r, NODE_SCALAR, line);
        if (node != NULL) {
            node->text = arena_strdup(r->ctx->arena, "*"); /* a secret is wiped in place */
            node->quoted = true;
        }
        return node;
    }
    default:
        stop(r, line, "not YAML: a value is missing");
        return NULL;
    }
}

/* Up to the end of the stream; a second document is reported. */
static struct config_node *read_documents(struct reader *r)
{
    struct config_node *root = NULL;
    bool end = false;
    yaml_event_t event;
    while (!end && next_event(r, &event)) {
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_STREAM_END_EVENT:
            end = true;
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (root != NULL) {
                stop(r, line_of(&event.start_mark), "a second document (---) in the file");
            }
            break;
        default:
            root = read_node(r, &event, 0);
        }
        yaml_event_delete(&event);
    }
    return root;
}

struct config_node *config_yaml_parse(struct config_context *ctx, const struct config_file *file,
                                      struct str text)
{
    struct reader r = {.ctx = ctx, .file = file};
    if (yaml_parser_initialize(&r.parser) == 0) {
        config_problem(ctx, file, 0, "cannot start the YAML reader");
        return NULL;
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.ptr, text.len);
    struct config_node *root = read_documents(&r);
    if (root == NULL && !r.broken) {
        root = new_node(&r, NODE_MAP, 1);
    }
    yaml_parser_delete(&r.parser);
    return r.broken ? NULL : root;
}

bool config_node_is_null(const struct config_node *node)
{
    static const char *const spellings[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != NODE_SCALAR || node->quoted) {
        return false;
    }
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        if (strcmp(node->text, spellings[i]) == 0) {
            return true;
        }
    }
    return false;
}
