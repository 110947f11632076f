/* The key table as a JSON schema (https://json-schema.org/draft/2020-12/schema), for editors and
 * for whoever wants a list of the keys. */
#include "base/alloc.h"
#include "config/config_private.h"
#include "config/provider.h"
#include <jansson.h>

static json_t *properties_of(const struct config_table *table);

static json_t *string_type(void)
{
    return json_pack("{s:s}", "type", "string");
}

static json_t *words_of(const struct config_word *words)
{
    json_t *list = json_array();
    for (; words->word != NULL; words++) {
        json_array_append_new(list, json_string(words->word));
    }
    return json_pack("{s:o}", "enum", list);
}

static json_t *providers_type(void)
{
    json_t *list = json_array();
    for (const struct provider *p = providers; p->name != NULL; p++) {
        json_array_append_new(list, json_string(p->name));
    }
    return json_pack("{s:o}", "enum", list);
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *object_of(const struct config_table *table)
{
    return json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties_of(table),
                     "additionalProperties", 0);
}

static json_t *either(json_t *a, json_t *b)
{
    return json_pack("{s:[o, o]}", "anyOf", a, b);
}

static json_t *pattern(const char *text)
{
    return json_pack("{s:[s, s], s:s}", "type", "string", "integer", "pattern", text);
}

static json_t *number(const struct config_key *key)
{
    bool is_port = key->type == TYPE_PORT;
    return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
                     (json_int_t)(is_port ? 1 : key->min), "maximum",
                     (json_int_t)(is_port ? UINT16_MAX : key->max));
}

static json_t *map_of_texts(void)
{
    return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", string_type());
}

static json_t *accounts_type(const struct config_key *key)
{
    return json_pack("{s:s, s:{s:s}, s:o}", "type", "object", "propertyNames", "pattern",
                     "^[A-Za-z0-9._-]+$", "additionalProperties", object_of(key->block));
}

static json_t *type_of(const struct config_key *key)
{
    switch (key->type) {
    case TYPE_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case TYPE_NUMBER:
    case TYPE_PORT:
        return number(key);
    case TYPE_WORD:
    case TYPE_CHOICE:
    case TYPE_DIRECTION:
        return words_of(key->words);
    case TYPE_SECONDS:
    case TYPE_MILLISECONDS:
        return pattern("^(0|[0-9]+[smhdy])$");
    case TYPE_BYTES:
        return pattern("^[0-9]+[KMG]?$");
    case TYPE_SINCE:
        return pattern("^(0|[0-9]+[smhdy]|[0-9]{4}-[0-9]{2}-[0-9]{2})$");
    case TYPE_STRINGS:
    case TYPE_EXTENSIONS:
    case TYPE_INCLUDE:
        return list_of(string_type());
    case TYPE_PROVIDER:
        return providers_type();
    case TYPE_WORDS:
        return either(json_pack("{s:s}", "const", "auto"), list_of(words_of(key->words)));
    case TYPE_PAIRS:
        return map_of_texts();
    case TYPE_COMMAND:
        return either(string_type(), list_of(string_type()));
    case TYPE_GUARD:
        return either(object_of(key->block), json_pack("{s:s}", "const", "off"));
    case TYPE_OVERRIDES:
        return list_of(object_of(key->block));
    case TYPE_ACCOUNTS:
        return accounts_type(key);
    case TYPE_BLOCK:
    case TYPE_DEFAULTS:
        return object_of(key->block);
    default:
        return key->words == NULL ? string_type() : words_of(key->words);
    }
}

/* A node as the JSON value that the YAML stands for. */
static json_t *json_of(const struct config_node *node)
{
    uint32_t value;
    if (node->kind == NODE_SCALAR) {
        bool plain = !node->quoted;
        if (plain && (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)) {
            return json_boolean(strcmp(node->text, "true") == 0);
        }
        if (plain && str_to_u32(str_from(node->text), &value)) {
            return json_integer(value);
        }
        return json_string(node->text);
    }
    json_t *out = node->kind == NODE_LIST ? json_array() : json_object();
    for (size_t i = 0; i < node->len; i++) {
        json_t *item = json_of(node->entries[i].value);
        if (node->kind == NODE_LIST) {
            json_array_append_new(out, item);
        } else {
            json_object_set_new(out, node->entries[i].key, item);
        }
    }
    return out;
}

static void never(void *self, const char *file, unsigned line, const char *text)
{
}

static json_t *default_of(const struct config_key *key)
{
    static const struct config_file built_in = {.name = "built-in defaults"};
    static const struct config_problems silent = {.report = never};
    AUTO_ARENA struct arena *arena = arena_new();
    struct config_context ctx = {.arena = arena, .problems = &silent};
    return json_of(config_yaml_parse(&ctx, &built_in, str_from(key->fallback)));
}

static json_t *property_of(const struct config_key *key)
{
    json_t *out = type_of(key);
    json_object_set_new(out, "description", json_string(key->help));
    if (key->fallback != NULL) {
        json_object_set_new(out, "default", default_of(key));
    } else if (key->example != NULL) {
        json_object_set_new(out, "examples", json_pack("[s]", key->example));
    }
    if (key->fallback_words != NULL) {
        json_object_set_new(out, "$comment", json_sprintf("default: %s", key->fallback_words));
    }
    return out;
}

static json_t *properties_of(const struct config_table *table)
{
    json_t *out = json_object();
    for (size_t i = 0; i < table->len; i++) {
        json_object_set_new(out, table->keys[i].name, property_of(&table->keys[i]));
    }
    return out;
}

void config_schema(struct buf *out)
{
    json_t *schema = object_of(&config_top_keys);
    json_object_set_new(schema, "$schema",
                        json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(schema, "title", json_string("maildird configuration"));
    char *text = json_dumps(schema, JSON_INDENT(2));
    buf_add_cstr(out, text);
    buf_add_byte(out, '\n');
    free(text);
    json_decref(schema);
}
