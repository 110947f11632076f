/* The file and its includes: what stands at the top, then each account in its layers. */
#include "base/files.h"
#include "base/vec.h"
#include "config/config_private.h"
#include "config/provider.h"
#include "config/suggest.h"
#include <fcntl.h>
#include <sys/stat.h>

#define FILES_MAX 100
#define ACCOUNT_NAME_MAX 200

/* A value at the top of some file. */
struct top {
    const struct config_key *key;
    unsigned line;
    const struct config_node *node;
};

struct reading {
    struct config_context *ctx;
    struct config *config;
    VEC(const struct config_file *) files; /* in the order they are named */
    VEC(struct top) tops;
    const struct config_node *defaults; /* NULL: none */
};

/* ---- files ---- */

/* A device or a pipe is as good as a file; a folder is not. */
static bool read_text(struct config_context *ctx, struct config_file *file, struct buf *out)
{
    struct error err = ERROR_INIT;
    struct stat found;
    if (stat(file->name, &found) == 0) {
        /* The mode is looked at only where it matters: where there is a secret in the file. */
        file->open_to_others = (found.st_mode & (S_IRGRP | S_IROTH)) != 0;
    }
    if (file_read(AT_FDCWD, file->name, out, &err) < 0) {
        bool missing = err.code == ERR_NOT_FOUND;
        config_problem(ctx, file, 0, "%s", missing ? "there is no such file" : err.text);
        return false;
    }
    return true;
}

static const struct config_node *read_nodes(struct config_context *ctx, struct config_file *file)
{
    struct buf text = BUF_INIT(CONFIG_FILE_BYTES_MAX);
    const struct config_node *root = NULL;
    if (read_text(ctx, file, &text)) {
        root = config_yaml_parse(ctx, file, buf_str(&text));
    }
    if (text.data != NULL) {
        explicit_bzero(text.data, text.cap);
    }
    buf_free(&text);
    return root;
}

static void read_file(struct reading *r, const char *name);

static void read_includes(struct reading *r, const struct config_value *value)
{
    struct config_strings names = {0};
    if (config_node_is_null(value->node) || !config_parse_strings(value, &names)) {
        return;
    }
    for (size_t i = 0; i < names.len; i++) {
        const char *path =
            config_path_resolve(r->ctx->arena, value->node->file->name, names.items[i]);
        if (path == NULL) {
            (void)config_value_wrong(value, "'%s': write the path in full", names.items[i]);
            continue;
        }
        read_file(r, path);
    }
}

/* What is given twice is wrong, in whichever files; but for includes and accounts. */
static bool is_again(struct reading *r, const struct config_file *file,
                     const struct config_entry *entry, const struct config_key *key)
{
    if (key->type == TYPE_INCLUDE || key->type == TYPE_ACCOUNTS) {
        return false;
    }
    VEC_FOREACH (struct top, top, &r->tops) {
        if (top->key == key) {
            config_problem(r->ctx, file, entry->line, "'%s' is given in %s:%u already", key->name,
                           top->node->file->name, top->line);
            return true;
        }
    }
    return false;
}

static void read_file(struct reading *r, const char *name)
{
    struct config_file *file = arena_alloc(r->ctx->arena, sizeof *file);
    file->name = name;
    VEC_FOREACH (const struct config_file *, other, &r->files) {
        if (strcmp((*other)->name, name) == 0) {
            config_problem(r->ctx, file, 0, "this file is included twice");
            return;
        }
    }
    if (r->files.len == FILES_MAX) {
        config_problem(r->ctx, file, 0, "more than %d files", FILES_MAX);
        return;
    }
    vec_push(&r->files, file);
    const struct config_node *root = read_nodes(r->ctx, file);
    if (root == NULL) {
        return;
    }
    if (root->kind != NODE_MAP) {
        config_problem(r->ctx, file, root->line, "keys are needed here, such as 'accounts:'");
        return;
    }
    /* The top keys of all files are one layer. */
    for (size_t i = 0; i < root->len; i++) {
        const struct config_entry *entry = &root->entries[i];
        const struct config_key *key = config_key_find(&config_top_keys, entry->key);
        if (key != NULL && !is_again(r, file, entry, key)) {
            vec_push(&r->tops, ((struct top){key, entry->line, entry->value}));
        }
    }
    config_layer(r->ctx, &config_top_keys, "", root, r->config, NULL);
    for (size_t i = 0; i < root->len; i++) {
        const struct config_key *key = config_key_find(&config_top_keys, root->entries[i].key);
        if (key != NULL && key->type == TYPE_INCLUDE) {
            read_includes(r, &(struct config_value){r->ctx, key, "", root->entries[i].value});
        }
    }
}

/* ---- accounts ---- */

static bool check_name(struct reading *r, const struct config_node *map,
                       const struct config_entry *entry)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *name = entry->key;
    size_t len = strlen(name);
    bool good = len > 0 && len <= ACCOUNT_NAME_MAX && strspn(name, allowed) == len &&
                strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    if (!good) {
        config_problem(r->ctx, map->file, entry->line,
                       "accounts: '%s' is no name for an account: letters, digits, . _ - only",
                       name);
    }
    return good;
}

static bool is_map(struct reading *r, const struct config_entry *entry, const char *where)
{
    if (entry->value->kind == NODE_MAP) {
        return true;
    }
    config_problem(r->ctx, entry->value->file, entry->line, "%s: keys are needed below it", where);
    return false;
}

static const struct config_node *find_entry(const struct config_node *map, const char *name)
{
    for (size_t i = 0; map != NULL && i < map->len; i++) {
        if (strcmp(map->entries[i].key, name) == 0) {
            return map->entries[i].value;
        }
    }
    return NULL;
}

/* Overrides lie on top of the account's settings, so they come when these are complete. */
static void read_overrides(struct config_context *ctx, struct config_account *account,
                           const char *where, const struct config_node *node)
{
    const struct config_key *key = config_key_find(&config_account_keys, "overrides");
    struct config_value value = {ctx, key, where, node};
    if (node == NULL) {
        return;
    }
    if (node->kind != NODE_LIST) {
        (void)config_value_wrong(&value, "a list is needed here: [{match: …, sync: {…}}]");
        return;
    }
    account->overrides.items = arena_array(ctx->arena, node->len, sizeof *account->overrides.items);
    for (size_t i = 0; i < node->len; i++) {
        struct config_override *item = &account->overrides.items[account->overrides.len++];
        value.node = node->entries[i].value;
        item->sync = account->sync;
        if (value.node->kind != NODE_MAP) {
            (void)config_value_wrong(&value, "keys are needed: match and sync");
            continue;
        }
        config_layer(ctx, key->block, arena_printf(ctx->arena, "%s.overrides", where), value.node,
                     item, NULL);
        if (find_entry(value.node, "match") == NULL) {
            (void)config_value_wrong(&value, "'match' is missing: a pattern of mailbox names");
        }
    }
}

/* What the account's provider, or that of the defaults, gives; it lies under both. */
static void read_provider(struct config_context *ctx, const struct config_node *own,
                          const struct config_node *defaults, struct config_account *account,
                          uint64_t *given)
{
    static const struct config_file file = {.name = "built-in providers"};
    const struct config_node *node = find_entry(own, "provider");
    if (node == NULL) {
        node = find_entry(defaults, "provider");
    }
    const struct provider *provider =
        node == NULL || node->kind != NODE_SCALAR ? NULL : provider_find(node->text);
    if (provider != NULL) {
        config_layer(ctx, &config_account_keys, provider->name,
                     config_yaml_parse(ctx, &file, str_from(provider->keys)), account, given);
    }
}

static void read_account(struct reading *r, const struct config_entry *entry,
                         struct config_account *account)
{
    struct config_context *ctx = r->ctx;
    const struct config_node *own = entry->value;
    const char *where = arena_printf(ctx->arena, "accounts.%s", entry->key);
    struct config_place place = {own->file, entry->line};
    uint64_t given = 0;
    account->name = entry->key;
    account->origin = arena_printf(ctx->arena, "%s:%u", own->file->name, entry->line);
    config_defaults(ctx, &config_account_keys, account);
    read_provider(ctx, own, r->defaults, account, &given);
    if (r->defaults != NULL) {
        ctx->muted = true;
        config_layer(ctx, &config_account_keys, "defaults", r->defaults, account, &given);
        ctx->muted = false;
    }
    config_layer(ctx, &config_account_keys, where, own, account, &given);
    const struct config_node *overrides = find_entry(own, "overrides");
    if (overrides == NULL) {
        overrides = find_entry(r->defaults, "overrides");
    }
    read_overrides(ctx, account, where, overrides);
    config_check_account(ctx, account, &place, given);
}

/* Read once on their own, so that what is wrong in them is told once. */
static void read_defaults(struct reading *r)
{
    VEC_FOREACH (struct top, top, &r->tops) {
        if (top->key->type != TYPE_DEFAULTS || config_node_is_null(top->node)) {
            continue;
        }
        struct config_entry entry = {"defaults", top->line, top->node};
        if (is_map(r, &entry, "defaults")) {
            struct config_account scratch = {0};
            r->defaults = top->node;
            config_layer(r->ctx, &config_account_keys, "defaults", top->node, &scratch, NULL);
        }
    }
}

static bool name_is_taken(struct reading *r, const struct config_node *map,
                          const struct config_entry *entry)
{
    for (size_t i = 0; i < r->config->accounts_len; i++) {
        const struct config_account *other = &r->config->accounts[i];
        if (strcmp(other->name, entry->key) == 0) {
            config_problem(r->ctx, map->file, entry->line, "accounts: '%s' is given in %s already",
                           entry->key, other->origin);
            return true;
        }
    }
    return false;
}

static void read_accounts_of(struct reading *r, const struct top *top, struct config_place *places)
{
    struct config_entry all = {"accounts", top->line, top->node};
    if (config_node_is_null(top->node) || !is_map(r, &all, "accounts")) {
        return;
    }
    for (size_t i = 0; i < top->node->len; i++) {
        const struct config_entry *entry = &top->node->entries[i];
        const char *where = arena_printf(r->ctx->arena, "accounts.%s", entry->key);
        if (!check_name(r, top->node, entry) || !is_map(r, entry, where) ||
            name_is_taken(r, top->node, entry)) {
            continue;
        }
        size_t at = r->config->accounts_len++;
        places[at] = (struct config_place){top->node->file, entry->line};
        read_account(r, entry, &r->config->accounts[at]);
    }
}

static void read_accounts(struct reading *r)
{
    struct config_context *ctx = r->ctx;
    size_t before = ctx->problems_count;
    size_t most = 0;
    VEC_FOREACH (struct top, top, &r->tops) {
        most += top->key->type == TYPE_ACCOUNTS ? top->node->len : 0;
    }
    r->config->accounts = arena_array(ctx->arena, most, sizeof *r->config->accounts);
    struct config_place *places = arena_array(ctx->arena, most, sizeof *places);
    VEC_FOREACH (struct top, top, &r->tops) {
        if (top->key->type == TYPE_ACCOUNTS) {
            read_accounts_of(r, top, places);
        }
    }
    if (r->config->accounts_len == 0 && ctx->problems_count == before) {
        config_problem(ctx, r->files.items[0], 0, "there is no account in it");
    }
    config_check_maildirs(ctx, r->config, places);
}

void config_read(struct config_context *ctx, struct config *config)
{
    struct reading r = {.ctx = ctx, .config = config};
    config_defaults(ctx, &config_top_keys, config);
    config->state_dir = config_path_xdg(ctx->arena, "XDG_STATE_HOME", ".local/state", "maildird");
    read_file(&r, config->path);
    bool readable = r.tops.len > 0 || ctx->problems_count == 0;
    if (readable) {
        read_defaults(&r);
        read_accounts(&r);
    }
    vec_free(&r.tops);
    vec_free(&r.files);
}
