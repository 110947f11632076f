/*
 * News that a pass brought and could not tell, because it was stopped, is kept in a file of the
 * account's state directory for the next pass: records ended by NUL, each a letter and a text; of a
 * message the mailbox, and its path as a record of its own.
 */
#include "base/files.h"
#include "base/log.h"
#include "account/hooks_private.h"
#include <fcntl.h>

/* Of news beyond this only that much is told, and less of a file that is none of ours. */
#define KEPT_BYTES_MAX (1024 * 1024)

enum kept {
    KEPT_CHANGED = 'c',
    KEPT_NEW_IN = 'i',
    KEPT_COUNT = 'n',
    KEPT_MAILBOX = 'm',
    KEPT_FILE = 'f'
};

static void put(struct buf *out, enum kept kind, const char *text)
{
    if (out->len + strlen(text) + 2 > out->max)
        return;
    buf_add_byte(out, (char)kind);
    buf_add(out, text, strlen(text) + 1);
}

static void put_names(struct buf *out, enum kept kind, const struct name_vec *names)
{
    VEC_FOREACH (char *const, name, names)
        put(out, kind, *name);
}

void hook_news_keep(const struct hook_news *news, const char *path)
{
    AUTO_BUF struct buf kept = BUF_INIT(KEPT_BYTES_MAX);
    AUTO_FREE char *count = xasprintf("%llu", (unsigned long long)news->new_count);
    struct error err = ERROR_INIT;
    if (news->new_count == 0 && news->changed_in.len == 0)
        return;
    put(&kept, KEPT_COUNT, count);
    put_names(&kept, KEPT_NEW_IN, &news->new_in);
    VEC_FOREACH (const struct hook_message, message, &news->messages) {
        put(&kept, KEPT_MAILBOX, message->mailbox);
        put(&kept, KEPT_FILE, message->file);
    }
    put_names(&kept, KEPT_CHANGED, &news->changed_in);
    if (file_replace(path, buf_str(&kept), 0600, &err) < 0)
        log_warning(NULL, "hooks are not told of what came: %s", err.text);
}

static void take(struct hook_news *news, char kind, const char *text, const char **mailbox)
{
    uint64_t count;
    if (kind == KEPT_CHANGED)
        hook_news_name(&news->changed_in, text);
    else if (kind == KEPT_NEW_IN)
        hook_news_name(&news->new_in, text);
    else if (kind == KEPT_COUNT && str_to_u64(str_from(text), &count))
        news->new_count += count;
    else if (kind == KEPT_MAILBOX)
        *mailbox = text;
    else if (kind == KEPT_FILE && *mailbox != NULL && news->messages.len < HOOK_MESSAGES_MAX)
        vec_push(&news->messages, ((struct hook_message){xstrdup(*mailbox), xstrdup(text)}));
}

void hook_news_recall(struct hook_news *news, const char *path)
{
    AUTO_BUF struct buf kept = BUF_INIT(KEPT_BYTES_MAX);
    struct error none = ERROR_INIT;
    struct str rest, record;
    const char *mailbox = NULL;
    if (file_read(AT_FDCWD, path, &kept, &none) < 0)
        return;
    rest = buf_str(&kept);
    while (str_split(&rest, '\0', &record)) {
        if (record.len > 0 && record.ptr + record.len < kept.data + kept.len)
            take(news, record.ptr[0], record.ptr + 1, &mailbox);
    }
}
