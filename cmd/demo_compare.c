#include "cmd/demo_compare.h"
#include "base/files.h"
#include "base/vec.h"
#include "imap/flags.h"
#include "cmd/demo_mail.h"
#include <fcntl.h>

#define MESSAGE_BYTES_MAX (1024 * 1024)

/* What is compared of a message: its bytes with LF, and its flags. */
struct item {
    struct digest digest;
    uint8_t flags; /* enum maildir_flag */
};
typedef VEC(struct item) items;

static const struct {
    unsigned imap;
    uint8_t maildir;
} flag_pairs[] = {
    {FLAG_ANSWERED, MAILDIR_REPLIED}, {FLAG_FLAGGED, MAILDIR_FLAGGED},
    {FLAG_DELETED, MAILDIR_TRASHED},  {FLAG_SEEN, MAILDIR_SEEN},
    {FLAG_DRAFT, MAILDIR_DRAFT},
};

static uint8_t flags_of(unsigned imap)
{
    uint8_t out = 0;
    for (size_t i = 0; i < sizeof flag_pairs / sizeof *flag_pairs; i++) {
        out |= (imap & flag_pairs[i].imap) != 0 ? flag_pairs[i].maildir : 0;
    }
    return out;
}

/* Carriage returns do not count: the demo's mail has them at line ends only. */
static struct digest digest_of(struct str bytes)
{
    struct digester *d = digester_new();
    struct str line;
    while (str_split(&bytes, '\r', &line)) {
        digester_add(d, line.ptr, line.len);
    }
    struct digest out = digester_finish(d);
    digester_free(&d);
    return out;
}

static bool add_remote(void *self, const struct backend_message *message, struct str body)
{
    items *found = self;
    vec_push(found, ((struct item){digest_of(body), flags_of(message->flags.system)}));
    return true;
}

static int add_file(const char *folder, const struct maildir_file *file, items *found,
                    struct error *err)
{
    struct buf text = BUF_INIT(MESSAGE_BYTES_MAX);
    AUTO_FREE char *name =
        xasprintf("%s/%s/%.*s", folder, file->in_new ? "new" : "cur", STR_ARG(file->name));
    int result = file_read(AT_FDCWD, name, &text, err);
    if (result == 0) {
        vec_push(found, ((struct item){digest_of(buf_str(&text)), file->parsed.flags}));
    }
    buf_free(&text);
    return result;
}

static int list_local(const struct maildir *md, const char *mailbox, items *found,
                      struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *path = maildir_path(md, arena, str_from(mailbox));
    AUTO_FREE char *folder = path_join(maildir_root(md), path);
    struct maildir_snapshot snapshot;
    int result = maildir_scan(md, path, &snapshot, err);
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; result == 0 && i < snapshot.files.len; i++) {
        result = add_file(folder, &snapshot.files.items[i], found, err);
    }
    maildir_snapshot_free(&snapshot);
    return result;
}

static int order(const void *a, const void *b)
{
    const struct item *left = a, *right = b;
    int by_digest = memcmp(left->digest.bytes, right->digest.bytes, sizeof left->digest.bytes);
    return by_digest != 0 ? by_digest : (int)left->flags - (int)right->flags;
}

static void sort(items *list)
{
    if (list->len > 1) {
        qsort(list->items, list->len, sizeof *list->items, order);
    }
}

static bool equal(const items *a, const items *b)
{
    bool same = a->len == b->len;
    for (size_t i = 0; same && i < a->len; i++) {
        same = order(&a->items[i], &b->items[i]) == 0;
    }
    return same;
}

int demo_compare(struct mem_backend *backend, const struct maildir *md, const char *mailbox,
                 struct demo_comparison *out, struct error *err)
{
    items there = {0}, here = {0};
    int result = mem_backend_each(backend, DEMO_USER, mailbox, add_remote, &there, err);
    if (result == 0) {
        result = list_local(md, mailbox, &here, err);
    }
    sort(&there);
    sort(&here);
    *out = (struct demo_comparison){there.len, here.len, equal(&there, &here)};
    vec_free(&there);
    vec_free(&here);
    return result;
}
