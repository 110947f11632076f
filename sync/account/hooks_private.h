#pragma once
/* What the files of hooks share. */
#include "base/vec.h"
#include "account/hooks.h"
#include <jansson.h>

VEC_STRUCT(name_vec, char *);

struct hook_message {
    char *mailbox;
    char *file;
};

struct hook_news {
    struct news_sink sink;
    VEC(struct hook_message) messages; /* HOOK_MESSAGES_MAX at most */
    uint64_t new_count;
    struct name_vec new_in;     /* mailboxes with new mail */
    struct name_vec changed_in; /* mailboxes whose files changed here */
};

/* Adds a name that is not there yet. */
void hook_news_name(struct name_vec *names, const char *name);

/* Writes what there is to tell to a file, and adds what it holds to the news. Where that fails it
 * is not told. */
void hook_news_keep(const struct hook_news *news, const char *path);
void hook_news_recall(struct hook_news *news, const char *path);

/* What a hook reads: {"hook", "account", "mailboxes", "new", "messages": [{"mailbox", "path",
 * "from", "subject"}], "error"}. `news`, `mailboxes` and `failure` may be NULL. To be freed with
 * free(). */
char *hook_news_json(const char *hook, const char *account, const struct hook_news *news,
                     const struct name_vec *mailboxes, const struct error *failure);
