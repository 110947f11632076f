#include "sim/here.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "sim/machine.h"
#include <stdio.h>

static const char LETTERS[] = "DFPRST";
static unsigned deliveries;

void here_reset(void)
{
    deliveries = 0;
}

/* ---- names ---- */

static uint8_t flags_of(const char *name)
{
    const char *info = strstr(name, ":2,");
    uint8_t flags = 0;
    for (info = info != NULL ? info + 3 : ""; *info != '\0'; info++) {
        const char *letter = strchr(LETTERS, *info);
        flags |= letter != NULL ? (uint8_t)(1u << (letter - LETTERS)) : 0;
    }
    return flags;
}

/* The base name, with other flags; letters that are no flags stay. */
static void name_with(const char *name, uint8_t flags, char *out, size_t size)
{
    const char *info = strstr(name, ":2,");
    size_t len = info != NULL ? (size_t)(info - name) : strlen(name);
    int at = snprintf(out, size, "%.*s:2,", (int)len, name);
    for (size_t i = 0; i < sizeof LETTERS - 1; i++) {
        if ((flags & (1u << i)) != 0)
            at += snprintf(out + at, size - (size_t)at, "%c", LETTERS[i]);
    }
    for (info = info != NULL ? info + 3 : ""; *info != '\0'; info++) {
        if (strchr(LETTERS, *info) == NULL)
            at += snprintf(out + at, size - (size_t)at, "%c", *info);
    }
}

static void fresh_name(char out[64])
{
    snprintf(out, 64, "%lld.M%uP77.user", (long long)(machine_wall_ns() / 1000000000),
             ++deliveries);
}

/* ---- looking ---- */

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static bool is_sub(const char *name)
{
    return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 || strcmp(name, "tmp") == 0;
}

static void add_folders(struct arena *arena, const struct disk_node *at, const char *path,
                        struct here_names *out)
{
    if (path[0] != '\0' && disk_find(at, "cur") != NULL)
        vec_push(out, path);
    VEC_FOREACH (const struct disk_entry, entry, &at->entries) {
        if (!entry->node->is_directory || is_sub(entry->name) || entry->name[0] == '.')
            continue;
        add_folders(arena, entry->node,
                    arena_printf(arena, "%s%s%s", path, path[0] != '\0' ? "/" : "", entry->name),
                    out);
    }
}

void here_folders_list(struct arena *arena, struct here_names *out)
{
    const struct disk_node *root = disk_at(HERE_ROOT);
    if (root == NULL)
        return;
    add_folders(arena, root, "", out);
    if (out->len > 1)
        qsort(out->items, out->len, sizeof *out->items, compare_names);
}

static struct disk_node *folder_at(const char *folder)
{
    char path[600];
    snprintf(path, sizeof path, HERE_ROOT "/%s", folder);
    return disk_at(path);
}

static void add_files(struct disk_node *directory, const char *folder, bool in_new,
                      struct here_files *out)
{
    VEC_FOREACH (const struct disk_entry, entry, &directory->entries) {
        if (entry->node->is_directory || entry->name[0] == '.')
            continue;
        vec_push(out, ((struct user_file){.folder = folder,
                                          .name = entry->name,
                                          .directory = directory,
                                          .node = entry->node,
                                          .in_new = in_new,
                                          .flags = flags_of(entry->name)}));
    }
}

static int compare_files(const void *a, const void *b)
{
    const struct user_file *x = a;
    const struct user_file *y = b;
    return strcmp(x->name, y->name);
}

void here_files_list(struct arena *arena, const char *folder, struct here_files *out)
{
    const struct disk_node *at = folder_at(folder);
    struct disk_node *fresh = at != NULL ? disk_find(at, "new") : NULL;
    struct disk_node *cur = at != NULL ? disk_find(at, "cur") : NULL;
    if (fresh != NULL)
        add_files(fresh, folder, true, out);
    if (cur != NULL)
        add_files(cur, folder, false, out);
    if (out->len > 1)
        qsort(out->items, out->len, sizeof *out->items, compare_files);
}

/* ---- changing ---- */

static struct disk_node *sub_of(const char *folder, const char *sub)
{
    struct disk_node *at = folder_at(folder);
    if (at == NULL || disk_find(at, "cur") == NULL)
        return NULL;
    struct disk_node *found = disk_find(at, sub);
    return found != NULL ? found : disk_create(at, sub, true, 0700);
}

static bool is_there(const struct user_file *file)
{
    return disk_find(file->directory, file->name) == file->node;
}

bool here_deliver(const char *folder, struct str text, uint8_t flags, const char *name)
{
    char base[64];
    char full[400];
    struct disk_node *tmp = sub_of(folder, "tmp");
    struct disk_node *to = sub_of(folder, flags == 0 ? "new" : "cur");
    if (tmp == NULL || to == NULL)
        return false;
    if (name == NULL) {
        fresh_name(base);
        name = base;
    }
    if (flags == 0)
        snprintf(full, sizeof full, "%s", name);
    else
        name_with(name, flags, full, sizeof full);
    if (disk_find(to, full) != NULL)
        return false;
    struct disk_node *node = disk_create(tmp, name, false, 0600);
    disk_write(node, 0, text.ptr, text.len);
    disk_sync(node);
    disk_rename(tmp, name, to, full);
    disk_sync(to);
    return true;
}

/* A change of another program is not what the power failure is about: it is safe at once. */
static void rename_file(const struct user_file *file, struct disk_node *to, const char *name)
{
    if (!is_there(file) || disk_find(to, name) != NULL)
        return;
    disk_rename(file->directory, file->name, to, name);
    disk_sync(to);
    disk_sync(file->directory);
}

void here_set_flags(const struct user_file *file, uint8_t flags)
{
    char name[400];
    struct disk_node *cur = sub_of(file->folder, "cur");
    name_with(file->name, flags, name, sizeof name);
    if (cur != NULL)
        rename_file(file, cur, name);
}

void here_remove(const struct user_file *file)
{
    if (!is_there(file))
        return;
    disk_unlink(file->directory, file->name);
    disk_sync(file->directory);
}

void here_move(const struct user_file *file, const char *to, bool fresh)
{
    char base[64];
    char name[400];
    struct disk_node *cur = sub_of(to, file->in_new && !fresh ? "new" : "cur");
    if (cur == NULL)
        return;
    snprintf(name, sizeof name, "%s", file->name);
    if (fresh) {
        fresh_name(base);
        name_with(base, file->flags, name, sizeof name);
    }
    rename_file(file, cur, name);
}

void here_copy(const struct user_file *file, const char *to, bool link)
{
    char base[64];
    char name[400];
    struct disk_node *cur = sub_of(to, "cur");
    fresh_name(base);
    name_with(base, file->flags, name, sizeof name);
    if (cur == NULL || !is_there(file))
        return;
    if (link) {
        disk_link(cur, name, file->node);
    } else {
        struct disk_node *node = disk_create(cur, name, false, 0600);
        disk_write(node, 0, file->node->data, file->node->len);
        disk_sync(node);
    }
    disk_sync(cur);
}

bool here_create(const char *folder)
{
    static const char *const subs[] = {"cur", "new", "tmp"};
    char path[600];
    snprintf(path, sizeof path, HERE_ROOT "/%s", folder);
    struct disk_node *at = disk_root();
    struct str rest = str_from(path + sizeof DISK_ROOT);
    struct str part;
    while (str_split(&rest, '/', &part)) {
        char name[300];
        snprintf(name, sizeof name, "%.*s", STR_ARG(part));
        struct disk_node *next = disk_find(at, name);
        at = next != NULL ? next : disk_create(at, name, true, 0700);
    }
    for (size_t i = 0; i < 3; i++) {
        if (disk_find(at, subs[i]) == NULL)
            (void)disk_create(at, subs[i], true, 0700);
    }
    disk_sync_all();
    return true;
}

bool here_rename(const char *from, const char *to)
{
    struct disk_node *root = disk_at(HERE_ROOT);
    if (strchr(from, '/') != NULL || strchr(to, '/') != NULL || root == NULL ||
        disk_find(root, from) == NULL || disk_find(root, to) != NULL)
        return false;
    disk_rename(root, from, root, to);
    disk_sync(root);
    return true;
}

static void remove_below(struct disk_node *directory)
{
    while (directory->entries.len > 0) {
        const struct disk_entry entry = directory->entries.items[0];
        if (entry.node->is_directory)
            remove_below(entry.node);
        disk_unlink(directory, entry.name);
    }
}

static bool has_folders(const struct disk_node *at)
{
    VEC_FOREACH (const struct disk_entry, entry, &at->entries) {
        if (entry->node->is_directory && !is_sub(entry->name))
            return true;
    }
    return false;
}

bool here_may_remove(const char *folder)
{
    const struct disk_node *at = folder_at(folder);
    return at != NULL && strchr(folder, '/') == NULL && !has_folders(at);
}

bool here_remove_folder(const char *folder)
{
    struct disk_node *root = disk_at(HERE_ROOT);
    struct disk_node *at = folder_at(folder);
    if (!here_may_remove(folder))
        return false;
    remove_below(at);
    disk_unlink(root, folder);
    disk_sync_all();
    return true;
}
