#include "base/alloc.h"
#include "base/digest.h"
#include "imap/limits.h"
#include "imap/mime.h"
#include "server/mem_private.h"
#include <assert.h>
#include <stdio.h>

static void make_id(char kind, struct str bytes, char out[34])
{
    struct digester *digester = digester_new();
    digester_add(digester, bytes.ptr, bytes.len);
    struct digest digest = digester_finish(digester);
    digester_free(&digester);
    out[0] = kind;
    digest_to_hex(&digest, out + 1);
}

/* The first "<…>" of the field; empty if there is none. */
static struct str first_id(struct str message, struct str field_name)
{
    struct str name;
    struct str field;
    while (mime_next_field(&message, &name, &field)) {
        ptrdiff_t open = str_eq_nocase(name, field_name) ? str_find(field, '<') : -1;
        struct str id = open >= 0 ? str_from_offset(field, (size_t)open) : STR_EMPTY;
        ptrdiff_t close = str_find(id, '>');
        if (close > 0) {
            return str_sub(id, 0, (size_t)close + 1);
        }
    }
    return STR_EMPTY;
}

/* The message that its thread began with, as far as it tells. */
static struct str thread_root(struct str message)
{
    static const struct str fields[] = {STR_INIT("References"), STR_INIT("In-Reply-To"),
                                        STR_INIT("Message-ID")};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct str id = first_id(message, fields[i]);
        if (id.len > 0) {
            return id;
        }
    }
    return message;
}

struct mem_body *mem_body_new(struct str bytes)
{
    struct mem_body *body = xmalloc(sizeof *body + bytes.len);
    body->references = 1;
    body->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(body->data, bytes.ptr, bytes.len);
    }
    make_id('M', bytes, body->email_id);
    make_id('T', thread_root(bytes), body->thread_id);
    return body;
}

static void mem_body_release(struct mem_body *body)
{
    assert(body->references > 0);
    if (--body->references == 0) {
        xfree(&body);
    }
}

static void message_free(struct mem_message *message)
{
    mem_body_release(message->body);
    xfree(&message->flags.keywords);
    xfree(&message);
}

struct mem_mailbox *mem_mailbox_new(const char *name, uint32_t uidvalidity, uint64_t id)
{
    struct mem_mailbox *m = xcalloc(1, sizeof *m);
    m->name = xstrdup(name);
    m->references = 1;
    m->uidvalidity = uidvalidity;
    m->uidnext = m->recent = 1;
    m->highestmodseq = 1;
    m->keyword_texts = arena_new();
    snprintf(m->id, sizeof m->id, "F%llu", (unsigned long long)id);
    return m;
}

void mem_mailbox_retain(struct mem_mailbox *m)
{
    m->references++;
}

void mem_mailbox_release(struct mem_mailbox **mailbox)
{
    struct mem_mailbox *m = *mailbox;
    *mailbox = NULL;
    assert(m->references > 0);
    if (--m->references > 0) {
        return;
    }
    for (size_t i = 0; i < m->messages.len; i++) {
        message_free(m->messages.items[i]);
    }
    vec_free(&m->messages);
    vec_free(&m->changes);
    vec_free(&m->expunged);
    vec_free(&m->keywords);
    arena_free(&m->keyword_texts);
    mem_rights_free(m);
    mem_annotations_free(&m->annotations);
    xfree(&m->name);
    xfree(&m);
}

/* The position of `uid`, or where it would stand. */
static size_t mem_mailbox_position(const struct mem_mailbox *m, uint32_t uid)
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

struct mem_message *mem_mailbox_find(const struct mem_mailbox *m, uint32_t uid)
{
    size_t at = mem_mailbox_position(m, uid);
    if (at == m->messages.len || m->messages.items[at]->uid != uid) {
        return NULL;
    }
    return m->messages.items[at];
}

/* ---- flags ---- */

/* The mailbox's own spelling of a keyword; ptr NULL when it can hold no more of them. */
static struct str intern_keyword(struct mem_mailbox *m, struct str keyword)
{
    VEC_FOREACH (struct str, known, &m->keywords)
        if (str_eq_nocase(*known, keyword)) {
            return *known;
        }
    if (m->keywords.len >= LIMIT_FLAGS) {
        return (struct str){NULL, 0};
    }
    struct str own = arena_str(m->keyword_texts, keyword);
    vec_push(&m->keywords, own);
    return own;
}

static int copy_flags(struct mem_mailbox *m, const struct imap_flags *flags, struct imap_flags *out,
                      struct error *err)
{
    *out = (struct imap_flags){.system = flags->system, .keywords_len = flags->keywords_len};
    if (flags->keywords_len > 0) {
        out->keywords = xcalloc(flags->keywords_len, sizeof *out->keywords);
    }
    for (size_t i = 0; i < flags->keywords_len; i++) {
        out->keywords[i] = intern_keyword(m, flags->keywords[i]);
        if (out->keywords[i].ptr == NULL) {
            xfree(&out->keywords);
            return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "The mailbox has too many keywords");
        }
    }
    return 0;
}

struct mem_mailbox *mem_mailbox_copy(const struct mem_mailbox *m)
{
    struct mem_mailbox *copy = mem_mailbox_new(m->name, m->uidvalidity, 0);
    memcpy(copy->id, m->id, sizeof copy->id);
    copy->noselect = m->noselect;
    copy->special_use = m->special_use;
    copy->uidnext = m->uidnext;
    copy->highestmodseq = m->highestmodseq;
    copy->forgotten = m->forgotten;
    VEC_FOREACH (struct mem_message *const, at, &m->messages) {
        struct mem_message *message = xmemdup(*at, sizeof **at);
        struct error err = ERROR_INIT;
        (void)copy_flags(copy, &(*at)->flags, &message->flags, &err);
        message->body->references++;
        vec_push(&copy->messages, message);
    }
    VEC_FOREACH (const struct mem_change, change, &m->changes) {
        vec_push(&copy->changes, *change);
    }
    VEC_FOREACH (const struct backend_expunged, expunged, &m->expunged) {
        vec_push(&copy->expunged, *expunged);
    }
    return copy;
}

/* ---- changes ---- */

/* Keeps those that are the latest of their message. */
static void drop_outdated_changes(struct mem_mailbox *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->changes.len; i++) {
        const struct mem_message *message = mem_mailbox_find(m, m->changes.items[i].uid);
        if (message != NULL && message->modseq == m->changes.items[i].modseq) {
            m->changes.items[kept++] = m->changes.items[i];
        }
    }
    m->changes.len = kept;
}

static void note_change(struct mem_mailbox *m, struct mem_message *message)
{
    struct mem_change change = {++m->highestmodseq, message->uid};
    message->modseq = change.modseq;
    if (m->changes.len > 2 * m->messages.len + 1024) {
        drop_outdated_changes(m);
    }
    vec_push(&m->changes, change);
}

static int compare_uids(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

void mem_mailbox_changed(const struct mem_mailbox *m, uint64_t since, struct arena *arena,
                         uint32_t **out, size_t *len_out)
{
    size_t low = 0;
    size_t high = m->changes.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->changes.items[middle].modseq <= since) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint32_t *uids = arena_array(arena, m->changes.len - low, sizeof *uids);
    size_t len = 0;
    for (size_t i = low; i < m->changes.len; i++) {
        const struct mem_message *message = mem_mailbox_find(m, m->changes.items[i].uid);
        if (message != NULL && message->modseq == m->changes.items[i].modseq) {
            uids[len++] = message->uid;
        }
    }
    if (len > 1) {
        qsort(uids, len, sizeof *uids, compare_uids);
    }
    *out = uids;
    *len_out = len;
}

int mem_mailbox_add(struct mem_mailbox *m, struct mem_body *body, const struct imap_flags *flags,
                    int64_t internal_date_s, int64_t save_date_s, uint32_t *uid_out,
                    struct error *err)
{
    struct imap_flags own;
    int r = copy_flags(m, flags, &own, err);
    if (r < 0) {
        mem_body_release(body);
        return r;
    }
    struct mem_message *message = xcalloc(1, sizeof *message);
    message->uid = m->uidnext++;
    message->flags = own;
    message->internal_date_s = internal_date_s;
    message->save_date_s = save_date_s;
    message->body = body;
    vec_push(&m->messages, message);
    note_change(m, message);
    *uid_out = message->uid;
    return 0;
}

int mem_mailbox_set_flags(struct mem_mailbox *m, struct mem_message *message,
                          const struct imap_flags *flags, struct error *err)
{
    struct imap_flags own;
    int r = copy_flags(m, flags, &own, err);
    if (r < 0) {
        return r;
    }
    xfree(&message->flags.keywords);
    message->flags = own;
    note_change(m, message);
    return 0;
}

void mem_mailbox_expunge(struct mem_mailbox *m, const uint32_t *uids, size_t len)
{
    size_t kept = len > 0 ? mem_mailbox_position(m, uids[0]) : 0;
    size_t next = 0;
    if (kept == m->messages.len) {
        return;
    }
    /* One modseq for what goes together. */
    uint64_t modseq = m->highestmodseq + 1;
    for (size_t i = kept; i < m->messages.len; i++) {
        struct mem_message *message = m->messages.items[i];
        while (next < len && uids[next] < message->uid) {
            next++;
        }
        if (next == len || uids[next] != message->uid) {
            m->messages.items[kept++] = message;
            continue;
        }
        struct backend_expunged gone = {message->uid, modseq};
        vec_push(&m->expunged, gone);
        m->highestmodseq = modseq;
        message_free(message);
    }
    m->messages.len = kept;
}

int mem_mailbox_move_all(struct mem_mailbox *from, struct mem_mailbox *to, struct error *err)
{
    VEC(uint32_t) uids = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < from->messages.len; i++) {
        struct mem_message *message = from->messages.items[i];
        uint32_t uid;
        message->body->references++;
        r = mem_mailbox_add(to, message->body, &message->flags, message->internal_date_s,
                            message->save_date_s, &uid, err);
        vec_push(&uids, message->uid);
    }
    if (r == 0) {
        mem_mailbox_expunge(from, uids.items, uids.len);
    }
    vec_free(&uids);
    return r;
}

void mem_mailbox_fill(const struct mem_message *message, struct backend_message *out)
{
    *out = (struct backend_message){.uid = message->uid,
                                    .flags = message->flags,
                                    .modseq = message->modseq,
                                    .internal_date_s = message->internal_date_s,
                                    .size = message->body->len,
                                    .email_id = str_from(message->body->email_id),
                                    .thread_id = str_from(message->body->thread_id),
                                    .save_date_s = message->save_date_s};
}
