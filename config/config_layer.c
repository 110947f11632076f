/* Keys on top of keys: the built-in defaults, the file's `defaults:`, the account. */
#include "config/config_private.h"
#include "config/suggest.h"
#include <assert.h>

static const struct config_file built_in = {.name = "built-in defaults"};

static void read_fallback(struct config_context *ctx, const struct config_key *key, void *field)
{
    struct config_node *node = config_yaml_parse(ctx, &built_in, str_from(key->fallback));
    struct config_key at_zero = *key;
    at_zero.offset = 0;
    struct config_value value = {.ctx = ctx, .key = &at_zero, .where = "", .node = node};
    bool good = config_value_read(&value, field);
    assert(good);
    (void)good;
}

/* Those that are read later, from the whole file. */
static bool is_read_elsewhere(const struct config_key *key)
{
    return key->type == TYPE_OVERRIDES || key->type == TYPE_INCLUDE || key->type == TYPE_DEFAULTS ||
           key->type == TYPE_ACCOUNTS;
}

void config_defaults(struct config_context *ctx, const struct config_table *table, void *target)
{
    for (size_t i = 0; i < table->len; i++) {
        const struct config_key *key = &table->keys[i];
        void *field = (char *)target + key->offset;
        if (is_read_elsewhere(key) || key->type == TYPE_DIRECTION) {
            continue;
        }
        if (key->fallback != NULL) {
            read_fallback(ctx, key, field);
        } else if (key->type == TYPE_BLOCK) {
            config_defaults(ctx, key->block, field);
        }
    }
}

static void unknown_key(struct config_context *ctx, const struct config_table *table,
                        const char *where, const struct config_node *map,
                        const struct config_entry *entry)
{
    const char *home = config_key_home(entry->key);
    const char *colon = where[0] == '\0' ? "" : ": ";
    struct suggest near;
    suggest_begin(&near, entry->key);
    for (size_t i = 0; i < table->len; i++) {
        suggest_offer(&near, table->keys[i].name);
    }
    if (home != NULL) {
        config_problem(ctx, map->file, entry->line, "%s%sunknown key '%s'; it belongs in %s", where,
                       colon, entry->key, home);
    } else if (near.best != NULL) {
        config_problem(ctx, map->file, entry->line, "%s%sunknown key '%s'; did you mean '%s'?",
                       where, colon, entry->key, near.best);
    } else {
        config_problem(ctx, map->file, entry->line, "%s%sunknown key '%s'", where, colon,
                       entry->key);
    }
}

/* Of keys that exclude each other one may be given, and it takes the place of what an earlier layer
 * gave. False if another one was given in this layer. */
static bool enter_group(const struct config_value *value, const struct config_table *table,
                        const struct config_node *map, void *target)
{
    char group = value->key->group;
    for (size_t i = 0; i < map->len; i++) {
        const struct config_key *other = config_key_find(table, map->entries[i].key);
        if (map->entries[i].value == value->node) {
            break;
        }
        if (other != NULL && other->group == group) {
            return config_value_wrong(value, "%s is given in line %u already; only one of them",
                                      other->name, map->entries[i].line);
        }
    }
    for (size_t i = 0; i < table->len; i++) {
        const struct config_key *key = &table->keys[i];
        if (key->group == group) {
            memset((char *)target + key->offset, 0, config_type_size(key->type));
        }
    }
    return true;
}

static void read_entry(const struct config_value *value, const struct config_table *table,
                       const struct config_node *map, void *target)
{
    const struct config_key *key = value->key;
    bool may_be_empty = key->type == TYPE_BLOCK || key->type == TYPE_GUARD;
    if (config_node_is_null(value->node) &&
        !(key->type == TYPE_PATH && value->node->text[0] == '~')) {
        if (!may_be_empty) {
            (void)config_value_wrong(value,
                                     "a value is missing; leave the line out for the default");
        }
        return;
    }
    if (key->group != 0 && !enter_group(value, table, map, target)) {
        return;
    }
    (void)config_value_read(value, target);
}

void config_layer(struct config_context *ctx, const struct config_table *table, const char *where,
                  const struct config_node *map, void *target, uint64_t *given)
{
    assert(map->kind == NODE_MAP && table->len <= 64);
    /* `direction` lies under the keys beside it, in whatever order they stand. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < map->len; i++) {
            const struct config_entry *entry = &map->entries[i];
            const struct config_key *key = config_key_find(table, entry->key);
            bool in_pass = (key != NULL && key->type == TYPE_DIRECTION) == (pass == 0);
            if (key == NULL && in_pass) {
                unknown_key(ctx, table, where, map, entry);
            } else if (in_pass && !is_read_elsewhere(key)) {
                struct config_value value = {ctx, key, where, entry->value};
                read_entry(&value, table, map, target);
                if (given != NULL) {
                    *given |= UINT64_C(1) << (key - table->keys);
                }
            }
        }
    }
}
