/*
 * A folder of the Maildir as a mailbox. The scan tells which files there are; the log which UID
 * each had. A file that the log does not know is a new message; a message without its file was
 * expunged by another program; other flags than the log has were set by one.
 */
#include "store/serve_private.h"
#include "base/alloc.h"
#include "base/files.h"
#include "base/log.h"
#include "base/strmap.h"
#include "imap/limits.h"
#include <stdio.h>

/* What other programs did is seen so late at most. */
#define SCAN_EVERY_MS 250
/* $Forwarded is Maildir's `P`. */
#define FORWARDED "$Forwarded"

static const struct {
    unsigned system; /* enum imap_flag */
    uint8_t flag;    /* enum maildir_flag */
} flag_rows[] = {
    {FLAG_DRAFT, MAILDIR_DRAFT},      {FLAG_FLAGGED, MAILDIR_FLAGGED}, {FLAG_SEEN, MAILDIR_SEEN},
    {FLAG_ANSWERED, MAILDIR_REPLIED}, {FLAG_DELETED, MAILDIR_TRASHED},
};

/* ---- messages ---- */

void serve_message_free(struct serve_message *message)
{
    if (message == NULL) {
        return;
    }
    xfree(&message->base);
    xfree(&message->file_name);
    xfree(&message->letters);
    xfree(&message->keywords);
    xfree(&message->told.keywords);
    xfree(&message);
}

static size_t serve_mailbox_position(const struct serve_mailbox *m, uint32_t uid)
{
    size_t low = 0;
    size_t high = m->messages.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->messages.items[middle]->uid < uid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct serve_message *serve_mailbox_find(const struct serve_mailbox *m, uint32_t uid)
{
    size_t at = serve_mailbox_position(m, uid);
    bool there = at < m->messages.len && m->messages.items[at]->uid == uid;
    return there ? m->messages.items[at] : NULL;
}

struct serve_message *serve_mailbox_add(struct serve_mailbox *m, uint32_t uid)
{
    size_t at = serve_mailbox_position(m, uid);
    if (at < m->messages.len && m->messages.items[at]->uid == uid) {
        return m->messages.items[at];
    }
    struct serve_message *message = xcalloc(1, sizeof *message);
    message->uid = uid;
    message->base = xstrdup("");
    message->letters = xstrdup("");
    message->keywords = xstrdup("");
    vec_push(&m->messages, message);
    memmove(m->messages.items + at + 1, m->messages.items + at,
            (m->messages.len - 1 - at) * sizeof *m->messages.items);
    m->messages.items[at] = message;
    return message;
}

struct serve_message *serve_mailbox_take(struct serve_mailbox *m, uint32_t uid)
{
    size_t at = serve_mailbox_position(m, uid);
    if (at == m->messages.len || m->messages.items[at]->uid != uid) {
        return NULL;
    }
    struct serve_message *message = m->messages.items[at];
    m->messages.len--;
    memmove(m->messages.items + at, m->messages.items + at + 1,
            (m->messages.len - at) * sizeof *m->messages.items);
    return message;
}

static struct str intern_keyword(struct serve_mailbox *m, struct str keyword)
{
    VEC_FOREACH (struct str, known, &m->keywords)
        if (str_eq_nocase(*known, keyword)) {
            return *known;
        }
    struct str own = arena_str(m->keyword_texts, keyword);
    vec_push(&m->keywords, own);
    return own;
}

/* Fills message->told; keywords that are new become the mailbox's. */
static void serve_message_settle(struct serve_mailbox *m, struct serve_message *message)
{
    struct str rest = str_from(message->keywords);
    struct str keyword;
    VEC(struct str) keywords = {0};
    message->told.system = 0;
    for (size_t i = 0; i < sizeof flag_rows / sizeof *flag_rows; i++) {
        if ((message->flags & flag_rows[i].flag) != 0) {
            message->told.system |= flag_rows[i].system;
        }
    }
    if ((message->flags & MAILDIR_PASSED) != 0) {
        vec_push(&keywords, intern_keyword(m, STR(FORWARDED)));
    }
    while (str_split(&rest, ' ', &keyword)) {
        vec_push(&keywords, intern_keyword(m, keyword));
    }
    xfree(&message->told.keywords);
    message->told.keywords = keywords.items;
    message->told.keywords_len = keywords.len;
}

static void set_string(char **field, struct str value)
{
    xfree(field);
    *field = xstrndup(value.ptr, value.len);
}

static void take_file(struct serve_message *message, const struct maildir_file *file)
{
    set_string(&message->base, file->parsed.base);
    set_string(&message->file_name, file->name);
    set_string(&message->letters, file->parsed.letters);
    message->in_new = file->in_new;
    message->flags = file->parsed.flags;
}

static struct maildir_file file_of(const struct serve_message *message)
{
    return (struct maildir_file){.name = str_from(message->file_name),
                                 .parsed = {.base = str_from(message->base),
                                            .flags = message->flags,
                                            .letters = str_from(message->letters)},
                                 .in_new = message->in_new};
}

static uint64_t next_modseq(struct serve_mailbox *m)
{
    ++*m->revision;
    return ++m->highestmodseq;
}

static void make_email_id(const struct digest *header, const struct digest *body, char out[34])
{
    struct digester *digester = digester_new();
    digester_add(digester, header->bytes, sizeof header->bytes);
    digester_add(digester, body->bytes, sizeof body->bytes);
    struct digest both = digester_finish(digester);
    digester_free(&digester);
    out[0] = 'M';
    digest_to_hex(&both, out + 1);
}

/* ---- scans ---- */

/* A file that was not known. What vanishes meanwhile never was. */
static int adopt(struct serve_mailbox *m, const struct maildir_file *file, struct error *err)
{
    struct maildir_message *read = NULL;
    struct digest header;
    struct digest body;
    int r = maildir_message_open(m->md, m->path, file, &read, err);
    if (r < 0) {
        if (err->scope <= SCOPE_MESSAGE || r == -ERR_NOT_FOUND || r == -ERR_CHANGED) {
            log_debug(NULL, "left out: %s", err->text);
            error_clear(err);
            return 0;
        }
        return r;
    }
    struct serve_message *message = serve_mailbox_add(m, m->uidnext++);
    take_file(message, file);
    message->modseq = next_modseq(m);
    message->size = maildir_message_wire_size(read);
    message->date_s = maildir_message_mtime_s(read);
    message->saved_s = clock_wall_ms(m->clock) / 1000;
    message->present = true;
    maildir_message_digests(read, &header, &body);
    make_email_id(&header, &body, message->email_id);
    maildir_message_free(&read);
    serve_message_settle(m, message);
    return serve_log_message(m, message, err);
}

/* A file whose UID is known: it may have been renamed. */
static int recognize(struct serve_mailbox *m, struct serve_message *message,
                     const struct maildir_file *file, struct error *err)
{
    uint8_t before = message->flags;
    take_file(message, file);
    message->present = true;
    if (before == message->flags && m->scanned) {
        return 0;
    }
    serve_message_settle(m, message);
    if (before == message->flags) {
        return 0;
    }
    message->modseq = next_modseq(m);
    return serve_log_message(m, message, err);
}

static int forget(struct serve_mailbox *m, uint32_t uid, uint64_t modseq, struct error *err)
{
    struct backend_expunged expunged = {uid, modseq};
    struct serve_message *message = serve_mailbox_take(m, uid);
    serve_message_free(message);
    vec_push(&m->expunged, expunged);
    return serve_log_expunged(m, &expunged, err);
}

static int forget_missing(struct serve_mailbox *m, struct error *err)
{
    VEC(uint32_t) gone = {0};
    int r = 0;
    VEC_FOREACH (struct serve_message *, message, &m->messages)
        if (!(*message)->present) {
            vec_push(&gone, (*message)->uid);
        }
    uint64_t modseq = gone.len > 0 ? next_modseq(m) : 0;
    for (size_t i = 0; r == 0 && i < gone.len; i++) {
        r = forget(m, gone.items[i], modseq, err);
    }
    vec_free(&gone);
    return r;
}

static int merge(struct serve_mailbox *m, const struct maildir_snapshot *snapshot,
                 struct error *err)
{
    struct strmap *by_base = strmap_new();
    int r = 0;
    VEC_FOREACH (struct serve_message *, message, &m->messages) {
        (*message)->present = false;
        (void)strmap_put(by_base, str_from((*message)->base), *message);
    }
    VEC_FOREACH (struct maildir_file, file, &snapshot->files) {
        struct serve_message *message = strmap_get(by_base, file->parsed.base);
        r = message != NULL ? recognize(m, message, file, err) : adopt(m, file, err);
        if (r < 0) {
            break;
        }
    }
    strmap_free(&by_base);
    return r < 0 ? r : forget_missing(m, err);
}

static bool is_unchanged(struct serve_mailbox *m, int *r, struct error *err)
{
    struct maildir_times times;
    *r = maildir_stat(m->md, m->path, &times, err);
    return *r < 0 || (m->scanned && m->settled && maildir_times_equal(&times, &m->times));
}

int serve_mailbox_refresh(struct serve_mailbox *m, bool now, struct error *err)
{
    struct maildir_snapshot snapshot = {0};
    int64_t now_ms = clock_monotonic_ms(m->clock);
    int r = 0;
    if (!now && m->scanned && now_ms - m->scanned_ms < SCAN_EVERY_MS) {
        return 0;
    }
    m->scanned_ms = now_ms;
    if (is_unchanged(m, &r, err) || (r = maildir_scan(m->md, m->path, &snapshot, err)) < 0) {
        return r;
    }
    r = merge(m, &snapshot, err);
    m->times = snapshot.times;
    m->settled = snapshot.settled;
    m->scanned = true;
    maildir_snapshot_free(&snapshot);
    return r;
}

/* ---- opening ---- */

static struct serve_mailbox *mailbox_new(const struct maildir *md, const char *path,
                                         const struct clock *clock, uint64_t *revision)
{
    struct serve_mailbox *m = xcalloc(1, sizeof *m);
    m->md = md;
    m->clock = clock;
    m->revision = revision;
    m->path = xstrdup(path);
    m->references = 1;
    m->log_fd = -1;
    m->keyword_texts = arena_new();
    buf_init(&m->body, (size_t)2 * LIMIT_SERVER_LITERAL_BYTES);
    return m;
}

int serve_mailbox_open(const struct maildir *md, const char *path, const struct clock *clock,
                       uint64_t *revision, uint32_t *last_uidvalidity, struct serve_mailbox **out,
                       struct error *err)
{
    struct serve_mailbox *m = mailbox_new(md, path, clock, revision);
    int r = serve_log_open(m, last_uidvalidity, err);
    if (r == 0) {
        snprintf(m->id, sizeof m->id, "F%u", m->uidvalidity);
        r = serve_mailbox_refresh(m, true, err);
    }
    if (r == 0) {
        r = serve_log_sync(m, err);
    }
    if (r < 0) {
        serve_mailbox_release(&m);
        return r;
    }
    *out = m;
    return 0;
}

void serve_mailbox_release(struct serve_mailbox **mailbox)
{
    struct serve_mailbox *m = *mailbox;
    *mailbox = NULL;
    if (--m->references > 0) {
        return;
    }
    VEC_FOREACH (struct serve_message *, message, &m->messages)
        serve_message_free(*message);
    vec_free(&m->messages);
    vec_free(&m->expunged);
    vec_free(&m->keywords);
    arena_free(&m->keyword_texts);
    buf_free(&m->body);
    file_close(&m->log_fd);
    xfree(&m->path);
    xfree(&m);
}

/* ---- changing ---- */

/* Splits into Maildir's flags and the keywords beside them, which are the caller's. */
static uint8_t split_flags(const struct imap_flags *flags, char **keywords_out)
{
    struct buf keywords AUTO_BUF = BUF_INIT((size_t)LIMIT_SERVER_LINE_BYTES);
    uint8_t out = 0;
    for (size_t i = 0; i < sizeof flag_rows / sizeof *flag_rows; i++) {
        if ((flags->system & flag_rows[i].system) != 0) {
            out |= flag_rows[i].flag;
        }
    }
    for (size_t i = 0; i < flags->keywords_len; i++) {
        if (str_eq_nocase(flags->keywords[i], STR(FORWARDED))) {
            out |= MAILDIR_PASSED;
        } else {
            buf_addf(&keywords, "%s%.*s", keywords.len > 0 ? " " : "", STR_ARG(flags->keywords[i]));
        }
    }
    *keywords_out = xstrdup(keywords.len > 0 ? keywords.data : "");
    return out;
}

static int deliver(struct serve_mailbox *m, struct str bytes, uint8_t flags, int64_t date_s,
                   struct arena *arena, struct maildir_delivered *delivered, const char **base_out,
                   struct error *err)
{
    struct maildir_delivery *d = NULL;
    int r = maildir_delivery_begin(m->md, m->path, &d, err);
    if (r < 0) {
        return r;
    }
    if ((r = maildir_delivery_write(d, bytes.ptr, bytes.len, err)) == 0 &&
        (r = maildir_delivery_finish(d, date_s, delivered, err)) == 0 &&
        (r = maildir_deliveries_sync(&d, 1, err)) == 0) {
        *base_out = maildir_unique_base(m->md, arena, delivered->stored_size, delivered->wire_size);
        r = maildir_delivery_publish(d, str_from(*base_out), flags, STR_EMPTY, err);
    }
    maildir_delivery_free(&d);
    return r < 0 ? r : maildir_sync_folder(m->md, m->path, err);
}

int serve_mailbox_append(struct serve_mailbox *m, struct str bytes, const struct imap_flags *flags,
                         int64_t date_s, uint32_t *uid_out, struct error *err)
{
    struct arena *arena AUTO_ARENA = arena_new();
    struct maildir_delivered delivered;
    char *keywords AUTO_FREE = NULL;
    const char *base = NULL;
    uint8_t maildir_flags = split_flags(flags, &keywords);
    int r = deliver(m, bytes, maildir_flags, date_s, arena, &delivered, &base, err);
    if (r < 0) {
        return r;
    }
    struct serve_message *message = serve_mailbox_add(m, m->uidnext++);
    struct maildir_file file = {.parsed = {.base = str_from(base), .flags = maildir_flags},
                                .in_new = maildir_flags == 0};
    file.parsed.letters = STR_EMPTY;
    file.name =
        file.in_new ? str_from(base) : str_from(maildir_name_build(m->md, arena, &file.parsed));
    take_file(message, &file);
    set_string(&message->keywords, str_from(keywords));
    message->modseq = next_modseq(m);
    message->size = delivered.wire_size;
    message->date_s = date_s;
    message->saved_s = clock_wall_ms(m->clock) / 1000;
    make_email_id(&delivered.header_digest, &delivered.body_digest, message->email_id);
    serve_message_settle(m, message);
    *uid_out = message->uid;
    return serve_log_message(m, message, err);
}

static int no_message(uint32_t uid, struct error *err)
{
    return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "There is no message with UID %u", uid);
}

/* The message's file, or where another program has put it since the last scan. What else it changed
 * the next scan sees. ERR_NOT_FOUND: it is gone. */
static int find_again(struct serve_mailbox *m, struct serve_message *message, struct error *err)
{
    struct arena *arena AUTO_ARENA = arena_new();
    struct maildir_file found;
    error_clear(err);
    int r = maildir_find(m->md, m->path, str_from(message->base), arena, &found, err);
    if (r == 0) {
        set_string(&message->file_name, found.name);
        message->in_new = found.in_new;
    }
    return r;
}

static int rename_file(struct serve_mailbox *m, struct serve_message *message, uint8_t flags,
                       struct error *err)
{
    struct arena *arena AUTO_ARENA = arena_new();
    struct maildir_file file = file_of(message);
    struct str letters = str_from(message->letters);
    const char *name = NULL;
    int r = maildir_set_flags(m->md, m->path, &file, flags, letters, arena, &name, err);
    if (r == -ERR_NOT_FOUND && (r = find_again(m, message, err)) == 0) {
        file = file_of(message);
        r = maildir_set_flags(m->md, m->path, &file, flags, letters, arena, &name, err);
    }
    if (r == 0) {
        set_string(&message->file_name, str_from(name));
        message->in_new = false;
        message->flags = flags;
        m->folder_unsynced = true;
    }
    return r;
}

int serve_mailbox_set_flags(struct serve_mailbox *m, uint32_t uid, const struct imap_flags *flags,
                            struct error *err)
{
    struct serve_message *message = serve_mailbox_find(m, uid);
    char *keywords AUTO_FREE = NULL;
    int r = 0;
    if (message == NULL) {
        return no_message(uid, err);
    }
    uint8_t wanted = split_flags(flags, &keywords);
    if (wanted != message->flags && (r = rename_file(m, message, wanted, err)) < 0) {
        return r;
    }
    set_string(&message->keywords, str_from(keywords));
    serve_message_settle(m, message);
    message->modseq = next_modseq(m);
    return serve_log_message(m, message, err);
}

int serve_mailbox_expunge(struct serve_mailbox *m, uint32_t uid, uint64_t modseq, struct error *err)
{
    struct serve_message *message = serve_mailbox_find(m, uid);
    if (message == NULL) {
        return 0;
    }
    struct maildir_file file = file_of(message);
    int r = maildir_remove(m->md, m->path, &file, NULL, err);
    if (r == -ERR_NOT_FOUND && (r = find_again(m, message, err)) == 0) {
        file = file_of(message);
        r = maildir_remove(m->md, m->path, &file, NULL, err);
    }
    if (r < 0 && r != -ERR_NOT_FOUND) {
        return r;
    }
    error_clear(err);
    m->folder_unsynced = true;
    return forget(m, uid, modseq, err);
}

static int read_body(struct serve_mailbox *m, struct maildir_message *read, struct error *err)
{
    char piece[16384];
    ssize_t got;
    while ((got = maildir_message_read(read, piece, sizeof piece, err)) > 0) {
        buf_add(&m->body, piece, (size_t)got);
    }
    return got < 0 ? (int)got : buf_check(&m->body, "a message", SCOPE_MESSAGE, err);
}

int serve_mailbox_body(struct serve_mailbox *m, uint32_t uid, struct str *out, struct error *err)
{
    struct serve_message *message = serve_mailbox_find(m, uid);
    struct maildir_message *read = NULL;
    if (message == NULL) {
        return no_message(uid, err);
    }
    if (m->body_uid != uid) {
        struct maildir_file file = file_of(message);
        buf_clear(&m->body);
        m->body_uid = 0;
        int r = maildir_message_open(m->md, m->path, &file, &read, err);
        if (r == -ERR_NOT_FOUND && (r = find_again(m, message, err)) == 0) {
            file = file_of(message);
            r = maildir_message_open(m->md, m->path, &file, &read, err);
        }
        if (r < 0) {
            return r;
        }
        r = read_body(m, read, err);
        maildir_message_free(&read);
        if (r < 0) {
            return r;
        }
        m->body_uid = uid;
    }
    *out = m->body.len > 0 ? buf_str(&m->body) : STR_EMPTY;
    return 0;
}
