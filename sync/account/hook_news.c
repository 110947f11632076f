/* What hooks are told of a pass. */
#include "base/files.h"
#include "imap/mime.h"
#include "imap/mime_decode.h"
#include "account/hooks_private.h"
#include <fcntl.h>
#include <unistd.h>

/* Of a message's header, to find From and Subject in. */
#define HEADER_BYTES_MAX (64 * 1024)

void hook_news_name(struct name_vec *names, const char *name)
{
    for (size_t i = 0; i < names->len; i++) {
        if (strcmp(names->items[i], name) == 0)
            return;
    }
    vec_push(names, xstrdup(name));
}

static void arrived(void *self, const struct arrival *arrival)
{
    struct hook_news *news = self;
    if (!arrival->is_new)
        return;
    hook_news_name(&news->new_in, arrival->mailbox);
    if (news->new_count++ < HOOK_MESSAGES_MAX)
        vec_push(&news->messages,
                 ((struct hook_message){xstrdup(arrival->mailbox), xstrdup(arrival->file)}));
}

static void changed(void *self, const char *mailbox)
{
    struct hook_news *news = self;
    hook_news_name(&news->changed_in, mailbox);
}

struct hook_news *hook_news_new(void)
{
    struct hook_news *news = xcalloc(1, sizeof *news);
    news->sink = (struct news_sink){arrived, changed, news};
    return news;
}

static void free_names(struct name_vec *names)
{
    for (size_t i = 0; i < names->len; i++)
        free(names->items[i]);
    vec_free(names);
}

void hook_news_free(struct hook_news **news)
{
    struct hook_news *n = *news;
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->messages.len; i++) {
        free(n->messages.items[i].mailbox);
        free(n->messages.items[i].file);
    }
    vec_free(&n->messages);
    free_names(&n->new_in);
    free_names(&n->changed_in);
    xfree(news);
}

const struct news_sink *hook_news_sink(struct hook_news *news)
{
    return &news->sink;
}

/* ---- as JSON ---- */

/* Any bytes: what is no UTF-8 becomes U+FFFD. */
static json_t *text_json(struct arena *arena, struct str text)
{
    struct str clean = mime_to_utf8(arena, STR("utf-8"), text);
    return json_stringn(clean.ptr == NULL ? "" : clean.ptr, clean.len);
}

static json_t *names_json(struct arena *arena, const struct name_vec *names)
{
    json_t *list = json_array();
    for (size_t i = 0; names != NULL && i < names->len; i++)
        json_array_append_new(list, text_json(arena, str_from(names->items[i])));
    return list;
}

/* The beginning of the file; empty when it is no longer there. */
static struct str read_beginning(struct arena *arena, const char *path)
{
    AUTO_FD int fd = -1;
    struct error gone = ERROR_INIT;
    if (file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &gone) < 0)
        return STR_EMPTY;
    char *data = arena_alloc(arena, HEADER_BYTES_MAX);
    ssize_t got = read(fd, data, HEADER_BYTES_MAX);
    return got <= 0 ? STR_EMPTY : str_make(data, (size_t)got);
}

static json_t *field_json(struct arena *arena, struct str header, struct str name)
{
    struct str value = mime_field(arena, header, name);
    if (value.ptr == NULL)
        return json_null();
    return text_json(arena, mime_decode_words(arena, str_trim(value)));
}

static json_t *message_json(const struct hook_message *message)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct str header = read_beginning(arena, message->file);
    return json_pack(
        "{s:o, s:o, s:o, s:o}", "mailbox", text_json(arena, str_from(message->mailbox)), "path",
        text_json(arena, str_from(message->file)), "from", field_json(arena, header, STR("From")),
        "subject", field_json(arena, header, STR("Subject")));
}

char *hook_news_json(const char *hook, const char *account, const struct hook_news *news,
                     const struct name_vec *mailboxes, const struct error *failure)
{
    AUTO_ARENA struct arena *arena = arena_new();
    json_t *messages = json_array();
    for (size_t i = 0; i < (news == NULL ? 0 : news->messages.len); i++)
        json_array_append_new(messages, message_json(&news->messages.items[i]));
    json_t *error = failure == NULL ? json_null() : text_json(arena, str_from(failure->text));
    json_t *document = json_pack("{s:s, s:s, s:o, s:I, s:o, s:o}", "hook", hook, "account", account,
                                 "mailboxes", names_json(arena, mailboxes), "new",
                                 (json_int_t)(news == NULL ? 0 : news->new_count), "messages",
                                 messages, "error", error);
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    return text;
}
