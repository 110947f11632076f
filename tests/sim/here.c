#include "sim/here.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "sim/here_names.h"
#include "sim/machine.h"
#include <stdio.h>

static unsigned deliveries;

void here_reset(void)
{
    deliveries = 0;
    here_lay_out(MAILDIR_NESTED, false);
}

/* ---- names ---- */

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
                        bool halves, struct here_names *out)
{
    bool whole = disk_find(at, "cur") != NULL;
    if (halves ? !whole && disk_find(at, "new") != NULL : whole)
        vec_push(out, here_mailbox_of(arena, path));
    VEC_FOREACH (const struct disk_entry, entry, &at->entries) {
        if (!entry->node->is_directory || is_sub(entry->name))
            continue;
        add_folders(arena, entry->node,
                    arena_printf(arena, "%s%s%s", path, path[0] != '\0' ? "/" : "", entry->name),
                    halves, out);
    }
}

static void list_folders(struct arena *arena, bool halves, struct here_names *out)
{
    const struct disk_node *root = disk_at(HERE_ROOT);
    if (root == NULL)
        return;
    add_folders(arena, root, "", halves, out);
    if (out->len > 1)
        qsort(out->items, out->len, sizeof *out->items, compare_names);
}

void here_folders_list(struct arena *arena, struct here_names *out)
{
    list_folders(arena, false, out);
}

void here_halves_list(struct arena *arena, struct here_names *out)
{
    list_folders(arena, true, out);
}

static void add_files(const char *folder, bool in_new, struct here_files *out)
{
    const struct disk_node *at = here_folder(folder);
    struct disk_node *directory = at != NULL ? disk_find(at, in_new ? "new" : "cur") : NULL;
    if (directory == NULL)
        return;
    VEC_FOREACH (const struct disk_entry, entry, &directory->entries) {
        if (entry->node->is_directory || entry->name[0] == '.')
            continue;
        vec_push(out, ((struct user_file){.folder = folder,
                                          .name = entry->name,
                                          .directory = directory,
                                          .node = entry->node,
                                          .in_new = in_new,
                                          .flags = here_markings(at, entry->name)}));
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
    add_files(folder, true, out);
    add_files(folder, false, out);
    if (out->len > 1)
        qsort(out->items, out->len, sizeof *out->items, compare_files);
}

/* ---- changing ---- */

static struct disk_node *sub_of(const char *folder, const char *sub)
{
    struct disk_node *at = here_folder(folder);
    if (at == NULL || disk_find(at, "cur") == NULL)
        return NULL;
    struct disk_node *found = disk_find(at, sub);
    return found != NULL ? found : disk_create(at, sub, true, 0700);
}

static bool is_there(const struct user_file *file)
{
    return disk_find(file->directory, file->name) == file->node;
}

/* The folder's own entry, too: who made it may not have seen to that. */
static void sync_above(const char *folder)
{
    char path[HERE_NAME_MAX];
    struct str rest, part;
    struct disk_node *at = disk_at(HERE_ROOT);
    disk_sync(disk_root());
    here_path_of(folder, path);
    rest = str_from(path);
    while (str_split(&rest, '/', &part)) {
        char name[HERE_NAME_MAX];
        snprintf(name, sizeof name, "%.*s", STR_ARG(part));
        disk_sync(at);
        at = disk_find(at, name);
    }
    disk_sync(at);
}

bool here_deliver(const char *folder, struct str text, uint8_t flags, const char *name)
{
    char base[64];
    char full[HERE_NAME_MAX];
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
    else if (!here_name_with(here_folder(folder), name, flags, full))
        return false;
    if (disk_find(to, full) != NULL)
        return false;
    struct disk_node *node = disk_create(tmp, name, false, 0600);
    disk_write(node, 0, text.ptr, text.len);
    disk_sync(node);
    disk_rename(tmp, name, to, full);
    disk_sync(to);
    sync_above(folder);
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

bool here_set_flags(const struct user_file *file, uint8_t flags)
{
    char name[HERE_NAME_MAX];
    struct disk_node *cur = sub_of(file->folder, "cur");
    if (cur == NULL || !here_name_with(here_folder(file->folder), file->name, flags, name))
        return false;
    rename_file(file, cur, name);
    return true;
}

void here_remove(const struct user_file *file)
{
    if (!is_there(file))
        return;
    disk_unlink(file->directory, file->name);
    disk_sync(file->directory);
}

/* Letters go along as they are, whatever they say there. */
void here_move(const struct user_file *file, const char *to, bool fresh)
{
    char base[64];
    const char *info = strstr(file->name, ":2,");
    char name[HERE_NAME_MAX];
    struct disk_node *cur = sub_of(to, file->in_new && !fresh ? "new" : "cur");
    if (cur == NULL)
        return;
    snprintf(name, sizeof name, "%s", file->name);
    if (fresh) {
        fresh_name(base);
        snprintf(name, sizeof name, "%s%s", base, info != NULL ? info : ":2,");
    }
    rename_file(file, cur, name);
}

bool here_copy(const struct user_file *file, const char *to, bool link)
{
    char base[64];
    char name[HERE_NAME_MAX];
    struct disk_node *cur = sub_of(to, "cur");
    fresh_name(base);
    if (cur == NULL || !is_there(file) || !here_name_with(here_folder(to), base, file->flags, name))
        return false;
    if (link) {
        disk_link(cur, name, file->node);
    } else {
        struct disk_node *node = disk_create(cur, name, false, 0600);
        disk_write(node, 0, file->node->data, file->node->len);
        disk_sync(node);
    }
    disk_sync(cur);
    return true;
}

bool here_create(const char *folder)
{
    static const char *const subs[] = {"cur", "new", "tmp"};
    char path[HERE_NAME_MAX];
    struct disk_node *at = disk_at(HERE_ROOT);
    if (at == NULL)
        at = disk_create(disk_root(), "mail", true, 0700);
    here_path_of(folder, path);
    struct str rest = str_from(path);
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
    char path[HERE_NAME_MAX], new_path[HERE_NAME_MAX];
    here_path_of(from, path);
    here_path_of(to, new_path);
    if (strchr(from, '/') != NULL || strchr(to, '/') != NULL || root == NULL ||
        disk_find(root, path) == NULL || disk_find(root, new_path) != NULL)
        return false;
    disk_rename(root, path, root, new_path);
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
    const struct disk_node *at = here_folder(folder);
    return at != NULL && strchr(folder, '/') == NULL && !has_folders(at);
}

bool here_remove_folder(const char *folder)
{
    struct disk_node *root = disk_at(HERE_ROOT);
    struct disk_node *at = here_folder(folder);
    char path[HERE_NAME_MAX];
    if (!here_may_remove(folder))
        return false;
    here_path_of(folder, path);
    remove_below(at);
    disk_unlink(root, path);
    disk_sync_all();
    return true;
}
