#include "sync/keyword_sides.h"

#include "base/files.h"
#include "sync/folder_sides.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the server's side ---- */

struct visit {
    struct engine *e;
    const char *wanted;
    uint32_t uid;
    const char *words;
};

static int by_word(const void *a, const void *b)
{
    const struct str *x = a;
    const struct str *y = b;
    return str_cmp(*x, *y);
}

static bool visit_one(void *self, const struct backend_message *message, struct str body)
{
    struct visit *v = self;
    const char *line = arena_printf(v->e->arena, "Subject: %s\r\n", v->wanted);
    if (!str_starts(body, str_from(line)))
        return true;
    AUTO_BUF struct buf words = BUF_INIT(4096);
    if (message->flags.system & FLAG_SEEN)
        buf_addf(&words, "S");
    if (message->flags.system & FLAG_FLAGGED)
        buf_addf(&words, "F");
    struct str *keywords = message->flags.keywords;
    if (message->flags.keywords_len > 1)
        qsort(keywords, message->flags.keywords_len, sizeof *keywords, by_word);
    for (size_t i = 0; i < message->flags.keywords_len; i++)
        buf_addf(&words, " %.*s", STR_ARG(keywords[i]));
    v->uid = message->uid;
    v->words = arena_str(v->e->arena, buf_str(&words)).ptr;
    return false;
}

static struct visit find(struct engine *e, const char *subject)
{
    struct error err = ERROR_INIT;
    struct visit v = {.e = e, .wanted = subject};
    assert_true(mem_backend_each(e->env.backend, LOCKSTEP_USER, "INBOX", visit_one, &v, &err) >= 0);
    assert_non_null(v.words);
    return v;
}

void server_words(struct engine *e, const char *subject, const char *words)
{
    struct imap_flags flags = {.system = FLAG_SEEN};
    struct str keywords[40];
    struct str rest = str_from(words);
    struct str word;
    flags.keywords = keywords;
    while (str_split(&rest, ' ', &word))
        keywords[flags.keywords_len++] = word;
    server_set_flags(e, "INBOX", find(e, subject).uid, &flags);
}

void assert_words(struct engine *e, const char *subject, const char *words)
{
    const char *found = find(e, subject).words;
    if (strcmp(found, words) != 0) {
        engine_tell(e);
        fail_msg("the server has '%s' for %s, not '%s'", found, subject, words);
    }
}

/* ---- this side ---- */

static struct maildir_file file_of(struct engine *e, const char *subject)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    struct maildir_file found = {0};
    assert_int_equal(maildir_scan(e->maildir, "INBOX", &snapshot, &err), 0);
    for (size_t i = 0; i < snapshot.files.len; i++) {
        const struct maildir_file *file = &snapshot.files.items[i];
        AUTO_BUF struct buf text = BUF_INIT(65536);
        const char *path = arena_printf(e->arena, "%s/INBOX/%s/%.*s", e->root,
                                        file->in_new ? "new" : "cur", STR_ARG(file->name));
        assert_int_equal(file_read(AT_FDCWD, path, &text, &err), 0);
        if (str_starts(buf_str(&text),
                       str_from(arena_printf(e->arena, "Subject: %s\n", subject)))) {
            found = *file;
            found.name = arena_str(e->arena, file->name);
            found.parsed.base = arena_str(e->arena, file->parsed.base);
        }
    }
    maildir_snapshot_free(&snapshot);
    if (found.name.len == 0)
        fail_msg("no file of %s", subject);
    return found;
}

static const char *info_of(struct engine *e, const char *subject)
{
    struct maildir_file file = file_of(e, subject);
    const char *info = strstr(file.name.ptr, ":2,");
    return info != NULL ? info + 3 : "";
}

void assert_info(struct engine *e, const char *subject, const char *info)
{
    const char *found = info_of(e, subject);
    if (strcmp(found, info) != 0) {
        engine_tell(e);
        fail_msg("the file of %s has '%s', not '%s'", subject, found, info);
    }
}

void set_info(struct engine *e, const char *subject, const char *info)
{
    struct maildir_file file = file_of(e, subject);
    const char *from = arena_printf(e->arena, "%s/INBOX/%s/%.*s", e->root,
                                    file.in_new ? "new" : "cur", STR_ARG(file.name));
    const char *to =
        arena_printf(e->arena, "%s/INBOX/cur/%.*s:2,%s", e->root, STR_ARG(file.parsed.base), info);
    assert_int_equal(rename(from, to), 0);
}

const char *table_path(struct engine *e)
{
    return arena_printf(e->arena, "%s/INBOX/dovecot-keywords", e->root);
}

void set_table(struct engine *e, const char *text)
{
    struct error err = ERROR_INIT;
    assert_int_equal(file_replace(table_path(e), str_from(text), 0600, &err), 0);
}

void assert_table(struct engine *e, const char *text)
{
    AUTO_BUF struct buf found = BUF_INIT(65536);
    struct error err = ERROR_INIT;
    assert_int_equal(file_read(AT_FDCWD, table_path(e), &found, &err), 0);
    assert_string_equal(arena_str(e->arena, buf_str(&found)).ptr, text);
}
