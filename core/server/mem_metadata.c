/* Annotations of mailboxes and of the server in memory, in order of name. */
#include "base/alloc.h"
#include "imap/limits.h"
#include "server/mem_private.h"

void mem_annotations_free(struct mem_annotations *annotations)
{
    VEC_FOREACH (struct mem_annotation, annotation, annotations) {
        xfree(&annotation->name);
        xfree(&annotation->value);
    }
    vec_free(annotations);
}

uint64_t mem_annotations_size(const struct mem_annotations *annotations)
{
    uint64_t size = 0;
    VEC_FOREACH (struct mem_annotation, annotation, annotations)
        size += strlen(annotation->name) + annotation->value_len;
    return size;
}

static bool is_shared(struct str name)
{
    return str_starts_nocase(name, STR("/shared/"));
}

/* Where the mailbox keeps entries of this name; of the server the shared ones belong to all. */
static int find_annotations(struct backend_user *user, struct str mailbox, bool shared,
                            struct mem_annotations **out, struct error *err)
{
    if (mailbox.len == 0) {
        *out = shared ? &user->backend->annotations : &user->user->annotations;
        return 0;
    }
    struct mem_mailbox *m = mem_user_find(user->user, mailbox);
    if (m == NULL) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "There is no mailbox %.*s",
                         STR_ARG(mailbox));
    }
    *out = &m->annotations;
    return 0;
}

static void list(const struct mem_annotations *annotations, struct arena *arena,
                 struct metadata *out)
{
    VEC_FOREACH (struct mem_annotation, annotation, annotations)
        out->items[out->len++] = (struct metadata_entry){
            arena_str(arena, str_from(annotation->name)),
            arena_str(arena, str_make(annotation->value, annotation->value_len))};
}

static int metadata_get(struct backend_user *user, struct str mailbox, struct arena *arena,
                        struct metadata *out, struct error *err)
{
    struct mem_annotations *private = NULL;
    struct mem_annotations *shared = NULL;
    int r = find_annotations(user, mailbox, false, &private, err);
    if (r < 0 || (r = find_annotations(user, mailbox, true, &shared, err)) < 0) {
        return r;
    }
    *out = (struct metadata){.mailbox = mailbox};
    out->items = arena_array(arena, private->len + shared->len, sizeof *out->items);
    list(private, arena, out);
    if (shared != private) {
        list(shared, arena, out);
    }
    return 0;
}

/* Where it stands, or would. */
static size_t position(const struct mem_annotations *annotations, struct str name)
{
    size_t at = 0;
    while (at < annotations->len && str_cmp(str_from(annotations->items[at].name), name) < 0) {
        at++;
    }
    return at;
}

static void drop(struct mem_annotations *annotations, size_t at)
{
    xfree(&annotations->items[at].name);
    xfree(&annotations->items[at].value);
    annotations->len--;
    memmove(annotations->items + at, annotations->items + at + 1,
            (annotations->len - at) * sizeof *annotations->items);
}

static void insert(struct mem_annotations *annotations, size_t at, struct str name,
                   struct str value)
{
    (void)vec_add(annotations);
    memmove(annotations->items + at + 1, annotations->items + at,
            (annotations->len - 1 - at) * sizeof *annotations->items);
    annotations->items[at] = (struct mem_annotation){xstrndup(name.ptr, name.len),
                                                     xmemdup(value.ptr, value.len), value.len};
}

static int metadata_set(struct backend_user *user, struct str mailbox,
                        const struct metadata_entry *entry, struct error *err)
{
    struct mem_annotations *annotations = NULL;
    char *name AUTO_FREE = xstrndup(entry->name.ptr, entry->name.len);
    for (char *c = name; *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    }
    int r = find_annotations(user, mailbox, is_shared(entry->name), &annotations, err);
    if (r < 0) {
        return r;
    }
    size_t at = position(annotations, str_from(name));
    bool there = at < annotations->len && strcmp(annotations->items[at].name, name) == 0;
    if (entry->value.ptr != NULL) {
        if (!there && annotations->len >= LIMIT_METADATA_ENTRIES) {
            return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "There are too many annotations");
        }
        r = mem_quota_check(user->user, MEM_ANNOTATION_STORAGE, entry->name.len + entry->value.len,
                            err);
        if (r < 0) {
            return r;
        }
    }
    user->backend->revision++;
    if (there) {
        drop(annotations, at);
    }
    if (entry->value.ptr != NULL) {
        insert(annotations, at, str_from(name), entry->value);
    }
    return 0;
}

const struct backend_metadata_ops mem_metadata_ops = {.get = metadata_get, .set = metadata_set};
