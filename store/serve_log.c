#include "base/alloc.h"
#include "base/files.h"
#include "base/log.h"
#include "imap/limits.h"
#include "store/serve_private.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>

#define LOG_NAME "maildird-uids"
#define LOG_MAX ((size_t)1 << 30)
#define LINE_MAX_BYTES ((size_t)64 * 1024)
/* How many expunges are kept when the file is written anew. */
#define EXPUNGED_KEPT 10000

static char *log_path(const struct serve_mailbox *m)
{
    char *folder AUTO_FREE = path_join(maildir_root(m->md), m->path);
    return path_join(folder, LOG_NAME);
}

/* ---- words ---- */

static void add_word(struct buf *out, struct str word)
{
    buf_add_byte(out, ' ');
    if (word.len == 0 || str_eq(word, STR("-"))) {
        buf_add_cstr(out, word.len == 0 ? "-" : "%2D");
        return;
    }
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.ptr[i];
        if (c <= ' ' || c == 127 || c == '%') {
            buf_addf(out, "%%%02X", c);
        } else {
            buf_add_byte(out, word.ptr[i]);
        }
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The next word of the line with its escapes undone; false at the end. The caller's. */
static bool take_word(struct str *line, char **out)
{
    struct str word;
    if (!str_split(line, ' ', &word)) {
        return false;
    }
    if (str_eq(word, STR("-"))) {
        word = STR_EMPTY;
    }
    char *text = xmalloc(word.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < word.len; i++) {
        bool escaped = word.ptr[i] == '%' && i + 2 < word.len && hex_digit(word.ptr[i + 1]) >= 0 &&
                       hex_digit(word.ptr[i + 2]) >= 0;
        text[len++] = escaped ? (char)(hex_digit(word.ptr[i + 1]) * 16 + hex_digit(word.ptr[i + 2]))
                              : word.ptr[i];
        i += escaped ? 2 : 0;
    }
    text[len] = '\0';
    *out = text;
    return true;
}

static bool take_number(struct str *line, uint64_t *out)
{
    struct str word;
    return str_split(line, ' ', &word) && str_to_u64(word, out);
}

static bool take_u32(struct str *line, uint32_t *out)
{
    struct str word;
    return str_split(line, ' ', &word) && str_to_u32(word, out);
}

static bool take_time(struct str *line, int64_t *out)
{
    uint64_t value;
    bool negative = str_starts(*line, STR("-"));
    *line = str_from_offset(*line, negative ? 1 : 0);
    if (!take_number(line, &value) || value > INT64_MAX) {
        return false;
    }
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* ---- lines ---- */

static void format_message(struct buf *out, const struct serve_message *message)
{
    char letters[16];
    struct str rest = str_from(message->keywords);
    struct str keyword;
    snprintf(letters, sizeof letters, "%u", (unsigned)message->flags);
    buf_addf(out, "message %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64, message->uid,
             message->modseq, message->size, message->date_s, message->saved_s);
    add_word(out, str_from(message->email_id));
    add_word(out, str_from(letters));
    add_word(out, str_from(message->base));
    while (str_split(&rest, ' ', &keyword)) {
        add_word(out, keyword);
    }
    buf_add_byte(out, '\n');
}

static void format_next(struct buf *out, const struct serve_mailbox *m)
{
    buf_addf(out, "next %" PRIu32 " %" PRIu64 "\n", m->uidnext, m->highestmodseq);
}

static int append_line(struct serve_mailbox *m, struct buf *line, struct error *err)
{
    int r = buf_check(line, "a line of " LOG_NAME, SCOPE_MESSAGE, err);
    if (r < 0 || (r = file_write(m->log_fd, line->data, line->len, LOG_NAME, err)) < 0) {
        return r;
    }
    m->unsynced = true;
    return 0;
}

int serve_log_message(struct serve_mailbox *m, const struct serve_message *message,
                      struct error *err)
{
    struct buf line AUTO_BUF = BUF_INIT(LINE_MAX_BYTES);
    format_message(&line, message);
    format_next(&line, m);
    return append_line(m, &line, err);
}

int serve_log_expunged(struct serve_mailbox *m, const struct backend_expunged *expunged,
                       struct error *err)
{
    struct buf line AUTO_BUF = BUF_INIT(LINE_MAX_BYTES);
    buf_addf(&line, "expunged %" PRIu32 " %" PRIu64 "\n", expunged->uid, expunged->modseq);
    format_next(&line, m);
    return append_line(m, &line, err);
}

int serve_log_sync(struct serve_mailbox *m, struct error *err)
{
    int r = 0;
    if (m->folder_unsynced) {
        m->folder_unsynced = false;
        r = maildir_sync_folder(m->md, m->path, err);
    }
    if (r == 0 && m->unsynced) {
        m->unsynced = false;
        r = file_sync(m->log_fd, LOG_NAME, err);
    }
    return r;
}

/* ---- reading ---- */

static bool read_message(struct serve_mailbox *m, struct str line)
{
    char *email_id AUTO_FREE = NULL;
    char *base AUTO_FREE = NULL;
    struct serve_message read = {0};
    uint64_t flags;
    if (!take_u32(&line, &read.uid) || read.uid == 0 || !take_number(&line, &read.modseq) ||
        !take_number(&line, &read.size) || !take_time(&line, &read.date_s) ||
        !take_time(&line, &read.saved_s) || !take_word(&line, &email_id) ||
        !take_number(&line, &flags) || flags > UINT8_MAX || !take_word(&line, &base)) {
        return false;
    }
    struct serve_message *message = serve_mailbox_add(m, read.uid);
    message->modseq = read.modseq;
    message->size = read.size;
    message->date_s = read.date_s;
    message->saved_s = read.saved_s;
    message->flags = (uint8_t)flags;
    snprintf(message->email_id, sizeof message->email_id, "%s", email_id);
    xfree(&message->base);
    message->base = xstrdup(base);
    xfree(&message->keywords);
    struct buf keywords AUTO_BUF = BUF_INIT(LINE_MAX_BYTES);
    char *keyword = NULL;
    while (take_word(&line, &keyword)) {
        buf_addf(&keywords, "%s%s", keywords.len > 0 ? " " : "", keyword);
        xfree(&keyword);
    }
    message->keywords = xstrdup(keywords.len > 0 ? keywords.data : "");
    return true;
}

static bool read_expunged(struct serve_mailbox *m, struct str line)
{
    struct backend_expunged expunged;
    if (!take_u32(&line, &expunged.uid) || !take_number(&line, &expunged.modseq)) {
        return false;
    }
    struct serve_message *message = serve_mailbox_take(m, expunged.uid);
    serve_message_free(message);
    vec_push(&m->expunged, expunged);
    return true;
}

static bool read_line(struct serve_mailbox *m, struct str line)
{
    struct str word;
    if (!str_split(&line, ' ', &word)) {
        return false;
    }
    if (str_eq(word, STR("message"))) {
        return read_message(m, line);
    }
    if (str_eq(word, STR("expunged"))) {
        return read_expunged(m, line);
    }
    if (str_eq(word, STR("next"))) {
        return take_u32(&line, &m->uidnext) && take_number(&line, &m->highestmodseq);
    }
    return str_eq(word, STR("forgotten")) && take_number(&line, &m->forgotten);
}

/* *outdated_out: lines that say nothing new. ERR_READ where something else stands in it. */
static int read_all(struct serve_mailbox *m, struct str text, const char *path, bool *outdated_out,
                    struct error *err)
{
    static const struct str head = STR_INIT("maildird uids 1 ");
    struct str line;
    size_t lines = 0;
    bool torn = text.len > 0 && text.ptr[text.len - 1] != '\n';
    text.len = (size_t)(str_rfind(text, '\n') + 1);
    if (!str_split(&text, '\n', &line) || !str_starts(line, head) ||
        !str_to_u32(str_from_offset(line, head.len), &m->uidvalidity)) {
        return error_set(err, ERR_READ, SCOPE_MAILBOX, "%s is no list of UIDs of this version",
                         path);
    }
    while (str_split(&text, '\n', &line)) {
        lines++;
        if (!read_line(m, line)) {
            return error_set(err, ERR_READ, SCOPE_MAILBOX, "%s is damaged: %.*s", path,
                             STR_ARG(line));
        }
    }
    *outdated_out = torn || lines > 4 * (m->messages.len + m->expunged.len) + 1000;
    return 0;
}

/* ---- writing anew ---- */

static void drop_old_expunges(struct serve_mailbox *m)
{
    if (m->expunged.len <= EXPUNGED_KEPT) {
        return;
    }
    size_t drop = m->expunged.len - EXPUNGED_KEPT;
    m->forgotten = m->expunged.items[drop - 1].modseq;
    m->expunged.len = EXPUNGED_KEPT;
    memmove(m->expunged.items, m->expunged.items + drop, EXPUNGED_KEPT * sizeof *m->expunged.items);
}

static int write_anew(struct serve_mailbox *m, const char *path, struct error *err)
{
    struct buf text AUTO_BUF = BUF_INIT(LOG_MAX);
    drop_old_expunges(m);
    buf_addf(&text, "maildird uids 1 %" PRIu32 "\n", m->uidvalidity);
    if (m->forgotten > 0) {
        buf_addf(&text, "forgotten %" PRIu64 "\n", m->forgotten);
    }
    VEC_FOREACH (struct backend_expunged, expunged, &m->expunged)
        buf_addf(&text, "expunged %" PRIu32 " %" PRIu64 "\n", expunged->uid, expunged->modseq);
    VEC_FOREACH (struct serve_message *, message, &m->messages)
        format_message(&text, *message);
    format_next(&text, m);
    int r = buf_check(&text, path, SCOPE_MAILBOX, err);
    return r < 0 ? r : file_replace(path, buf_str(&text), 0600, err);
}

/* The lock goes with the open file: whoever writes it anew locks the new one. */
static int open_locked(struct serve_mailbox *m, const char *path, struct error *err)
{
    int r = file_open(AT_FDCWD, path, O_RDWR | O_APPEND, 0600, &m->log_fd, err);
    if (r < 0) {
        return r;
    }
    if (flock(m->log_fd, LOCK_EX | LOCK_NB) != 0) {
        file_close(&m->log_fd);
        return error_set(err, ERR_LOCKED, SCOPE_MAILBOX, "Another server has %s", path);
    }
    return 0;
}

static int begin(struct serve_mailbox *m, const char *path, uint32_t *last_uidvalidity,
                 struct error *err)
{
    uint32_t now_s = (uint32_t)(clock_wall_ms(m->clock) / 1000);
    m->uidvalidity = now_s > *last_uidvalidity ? now_s : *last_uidvalidity + 1;
    m->uidnext = 1;
    m->highestmodseq = 1;
    int r = write_anew(m, path, err);
    return r < 0 ? r : open_locked(m, path, err);
}

int serve_log_open(struct serve_mailbox *m, uint32_t *last_uidvalidity, struct error *err)
{
    struct buf text AUTO_BUF = BUF_INIT(LOG_MAX);
    char *path AUTO_FREE = log_path(m);
    bool outdated = false;
    int r = open_locked(m, path, err);
    if (r == -ERR_NOT_FOUND) {
        error_clear(err);
        r = begin(m, path, last_uidvalidity, err);
    } else if (r == 0 && (r = file_read(AT_FDCWD, path, &text, err)) == 0 &&
               (r = read_all(m, buf_str(&text), path, &outdated, err)) == 0 && outdated &&
               (r = write_anew(m, path, err)) == 0) {
        file_close(&m->log_fd);
        r = open_locked(m, path, err);
    }
    if (r == 0 && m->uidvalidity > *last_uidvalidity) {
        *last_uidvalidity = m->uidvalidity;
    }
    return r;
}
