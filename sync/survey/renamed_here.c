#include "survey/renamed_here.h"

struct folder_finder {
    struct pass *pass;
    struct maildir_folders *folders;
    const struct index_mailbox *known;
    size_t known_len;
    uint32_t *is; /* of each folder: the id of its record */
};

/* How many of the folder's files the index has in the record's mailbox. */
static int count_owned(struct pass *pass, const struct maildir_snapshot *snapshot, uint32_t mailbox,
                       size_t *out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    int r = index_begin_read(pass->index, &txn, err);
    *out = 0;
    for (size_t i = 0; i < snapshot->files.len && r == 0; i++) {
        struct index_message record;
        struct error lookup = ERROR_INIT;
        r = index_message_by_file(txn, arena, mailbox, snapshot->files.items[i].parsed.base,
                                  &record, &lookup);
        *out += r == 0;
        if (r < 0 && lookup.code != ERR_NOT_FOUND)
            *err = lookup;
        else
            r = 0;
        arena_reset(arena);
    }
    return r;
}

/* Whether the folder holds a good part of the record's files, or `any` of them. */
static int holds_files(struct pass *pass, const char *path, const struct index_mailbox *record,
                       bool any, bool *out, struct error *err)
{
    struct maildir_snapshot snapshot = {0};
    size_t owned = 0;
    *out = false;
    int r = maildir_scan(pass->maildir, path, &snapshot, err);
    if (r == 0)
        r = count_owned(pass, &snapshot, record->id, &owned, err);
    *out = r == 0 && owned > 0 && (any || owned * 2 >= record->files);
    maildir_snapshot_free(&snapshot);
    if (r < 0 && err->scope <= SCOPE_MAILBOX) {
        error_clear(err);
        return 0;
    }
    return r;
}

static bool same_directories(const struct index_mailbox *record, const struct maildir_times *times)
{
    return record->cur_inode != 0 && record->cur_inode == times->cur_inode &&
           record->new_inode == times->new_inode;
}

static bool times_of(const struct pass *pass, const char *path, struct maildir_times *out)
{
    struct error ignored = ERROR_INIT;
    return maildir_stat(pass->maildir, path, out, &ignored) == 0;
}

/* A record's folder that the layout does not list still is that folder: the layout has changed, or
 * a rename was interrupted. */
static void list_unlisted(struct folder_finder *f)
{
    struct maildir_folders *list = f->folders;
    size_t cap = list->len + f->known_len + 1;
    struct maildir_folder *items = arena_array(f->pass->arena, cap, sizeof *items);
    struct strmap *listed = strmap_new();
    for (size_t i = 0; i < list->len; i++) {
        items[i] = list->items[i];
        strmap_put(listed, str_from(items[i].path), &items[i]);
    }
    size_t len = list->len;
    for (size_t i = 0; i < f->known_len; i++) {
        const struct index_mailbox *record = &f->known[i];
        struct maildir_times times;
        if (strmap_get(listed, record->path) != NULL ||
            !times_of(f->pass, record->path.ptr, &times))
            continue;
        items[len++] = (struct maildir_folder){.path = record->path.ptr, .mailbox = STR_EMPTY};
    }
    strmap_free(&listed);
    list->items = items;
    list->len = len;
    list->cap = cap;
    maildir_folders_sort(list);
}

static const struct index_mailbox *record_of_directories(const struct folder_finder *f,
                                                         const struct maildir_times *times)
{
    for (size_t i = 0; i < f->known_len; i++) {
        if (same_directories(&f->known[i], times))
            return &f->known[i];
    }
    return NULL;
}

/* The folder is the record's by its directories, and by its files if there should be any. */
static int know_by_directories(struct folder_finder *f, size_t i, const struct maildir_times *times,
                               struct error *err)
{
    const struct index_mailbox *record = record_of_directories(f, times);
    const char *path = f->folders->items[i].path;
    if (record == NULL || str_eq(record->path, str_from(path))) {
        f->is[i] = record != NULL ? record->id : 0;
        return 0;
    }
    /* Its name may have been on the way when the program was stopped. */
    bool same = record->files == 0 || record->state == MAILBOX_RENAMING_LOCAL;
    int r = same ? 0 : holds_files(f->pass, path, record, true, &same, err);
    f->is[i] = same ? record->id : 0;
    return r;
}

static bool has_folder(const struct folder_finder *f, const struct index_mailbox *record)
{
    for (size_t i = 0; i < f->folders->len; i++) {
        bool by_path = f->is[i] == 0 && str_eq(record->path, str_from(f->folders->items[i].path));
        if (f->is[i] == record->id || by_path)
            return true;
    }
    return false;
}

static bool has_record(const struct folder_finder *f, size_t folder)
{
    for (size_t i = 0; i < f->known_len && f->is[folder] == 0; i++) {
        if (str_eq(f->known[i].path, str_from(f->folders->items[folder].path)))
            return true;
    }
    return f->is[folder] != 0;
}

/* Moved to another file system and back, or copied: other directories, the same files. */
static int know_by_files(struct folder_finder *f, struct error *err)
{
    int r = 0;
    for (size_t k = 0; k < f->known_len && r == 0; k++) {
        const struct index_mailbox *record = &f->known[k];
        if (record->files == 0 || has_folder(f, record))
            continue;
        for (size_t i = 0; i < f->folders->len && r == 0; i++) {
            bool same = false;
            if (has_record(f, i))
                continue;
            r = holds_files(f->pass, f->folders->items[i].path, record, false, &same, err);
            if (same) {
                f->is[i] = record->id;
                break;
            }
        }
    }
    return r;
}

int renamed_here(struct pass *pass, struct maildir_folders *folders,
                 const struct index_mailbox *known, size_t known_len, uint32_t **is_out,
                 struct error *err)
{
    struct folder_finder f = {pass, folders, known, known_len, NULL};
    int r = 0;
    list_unlisted(&f);
    f.is = *is_out = arena_array(pass->arena, folders->len + 1, sizeof *f.is);
    memset(f.is, 0, (folders->len + 1) * sizeof *f.is);
    for (size_t i = 0; i < folders->len && r == 0; i++) {
        struct maildir_times times;
        if (times_of(pass, folders->items[i].path, &times))
            r = know_by_directories(&f, i, &times, err);
    }
    return r < 0 ? r : know_by_files(&f, err);
}
