#include "survey/gathering.h"

#include "base/files.h"
#include "survey/contents.h"

#include <fcntl.h>

#define STATE_FILE_MAX (64u << 20)

/* ---- what the index knew ---- */

static int read_old(struct gathering *g, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(g->pass->index, &txn, err);
    if (r < 0)
        return r;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    struct index_message record;
    if ((r = index_cursor_open(txn, g->pair->record.id, 1, &cursor, err)) < 0)
        return r;
    while ((r = index_cursor_next(cursor, &record, err)) > 0) {
        record.base = arena_str(g->arena, record.base);
        record.email_id = arena_str(g->arena, record.email_id);
        uint32_t *keywords =
            arena_array(g->arena, record.flags.keywords_len + 1u, sizeof *keywords);
        if (record.flags.keywords_len > 0)
            memcpy(keywords, record.flags.keywords, record.flags.keywords_len * sizeof *keywords);
        record.flags.keywords = keywords;
        vec_push(&g->old, record);
    }
    return r;
}

static int read_waiting(struct gathering *g, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_held held;
    struct index_intent intent;
    uint64_t cursor = 0;
    int r = index_begin_read(g->pass->index, &txn, err);
    while (r >= 0 && (r = index_held_next(txn, g->arena, &cursor, &held, err)) > 0) {
        if (held.mailbox == g->pair->record.id)
            vec_push(&g->old_held, held);
    }
    cursor = 0;
    while (r >= 0 && (r = index_intent_next(txn, g->arena, &cursor, &intent, err)) > 0) {
        if (intent.kind == INTENT_APPEND && intent.message.mailbox == g->pair->record.id)
            vec_push(&g->old_intents, intent);
    }
    return r;
}

/* mbsync's own account of the folder; without it nothing is lost but a first guess. */
static void read_foreign_state(struct gathering *g)
{
    AUTO_BUF struct buf text = BUF_INIT(STATE_FILE_MAX);
    struct error ignored = ERROR_INIT;
    const char *path = g->pair->record.path.ptr;
    AUTO_FREE char *folder =
        path[0] == '/' ? xstrdup(path) : path_join(maildir_root(g->pass->maildir), path);
    AUTO_FREE char *name = path_join(folder, ".mbsyncstate");
    if (file_read(AT_FDCWD, name, &text, &ignored) == 0)
        foreign_state_read(buf_str(&text), &g->foreign);
}

/* ---- both sides, as far as the survey and the index tell ---- */

bool gathering_has_digest(const struct index_message *record)
{
    return !digest_is_none(&record->header_digest);
}

static void list_messages(struct gathering *g)
{
    const struct remote_vec *fresh = &g->pair->remote.fresh;
    size_t at = 0;
    g->messages = arena_array(g->arena, fresh->len + 1, sizeof *g->messages);
    g->dates = arena_array(g->arena, fresh->len + 1, sizeof *g->dates);
    g->messages_len = fresh->len;
    for (size_t i = 0; i < fresh->len; i++) {
        struct pairing_message *m = &g->messages[i];
        *m = (struct pairing_message){.uid = fresh->items[i].uid,
                                      .marked = fresh->items[i].flags.system & MAILDIR_TRASHED,
                                      .partner = PAIRING_NONE};
        g->dates[i] = 0;
        while (at < g->old.len && g->old.items[at].uid < m->uid)
            at++;
        const struct index_message *record = &g->old.items[at];
        if (!g->same_uids || at == g->old.len || record->uid != m->uid ||
            !gathering_has_digest(record))
            continue;
        m->has_content = true;
        m->size = record->wire_size;
        m->header = record->header_digest;
        m->email_id = record->email_id;
        g->dates[i] = record->internal_date_s;
    }
}

static void take_record(struct pairing_file *f, const struct index_message *record, bool same_uids)
{
    f->wanted_uid = record->uid;
    f->trusted = same_uids;
    f->once_synced = true;
    f->email_id = record->email_id;
    f->has_content = gathering_has_digest(record);
    f->has_stored = f->has_content && record->raw;
    f->size = f->stored_size = record->wire_size;
    f->header = f->stored_header = record->header_digest;
}

static void take_name(struct gathering *g, struct pairing_file *f, const struct maildir_file *file)
{
    struct foreign_name name = foreign_name_read(file->parsed.base);
    uint32_t far = foreign_state_find(&g->foreign, name.uid);
    bool same = g->foreign.far_uidvalidity == g->pair->remote.uidvalidity;
    f->wanted_uid = far != 0 && same ? far : name.uid;
    f->once_synced = name.synced;
}

/* A file that stays here though its message is gone on the server, by policy. */
static bool is_kept(const struct gathering *g, const struct index_message *record)
{
    return record != NULL && record->state == MESSAGE_GONE_THERE && g->same_uids &&
           pairing_find_uid(g->messages, g->messages_len, record->uid) == PAIRING_NONE;
}

static struct pairing_file *add_candidate(struct gathering *g, struct maildir_file *file,
                                          const struct index_message *record)
{
    g->candidates[g->files_len] = (struct candidate){.file = file, .record = record};
    struct pairing_file *f = &g->files[g->files_len++];
    *f = (struct pairing_file){.partner = PAIRING_NONE, .ghost = file == NULL};
    if (record != NULL)
        take_record(f, record, g->same_uids && record->state != MESSAGE_GONE_THERE);
    return f;
}

static void list_files(struct gathering *g)
{
    struct local_vec *fresh = &g->pair->local.fresh;
    size_t most = fresh->len + g->old.len + 1;
    g->files = arena_array(g->arena, most, sizeof *g->files);
    g->candidates = arena_array(g->arena, most, sizeof *g->candidates);
    g->old_has_file = arena_array(g->arena, g->old.len + 1, sizeof *g->old_has_file);
    memset(g->old_has_file, 0, g->old.len * sizeof *g->old_has_file);
    VEC_FOREACH (struct index_message, record, &g->old) {
        if (record->base.len > 0)
            strmap_put(g->old_by_base, record->base, record);
    }
    VEC_FOREACH (struct local_file, fresh_file, fresh) {
        struct maildir_file *file = &fresh_file->file;
        const struct index_message *record = strmap_get(g->old_by_base, file->parsed.base);
        if (record != NULL)
            g->old_has_file[record - g->old.items] = true;
        if (is_kept(g, record))
            vec_push(&g->kept, *record);
        else if (record != NULL)
            add_candidate(g, file, record);
        else
            take_name(g, add_candidate(g, file, NULL), file);
    }
    /* What was removed here, or left on the server, stays so. */
    for (size_t i = 0; i < g->old.len; i++) {
        enum message_state state = g->old.items[i].state;
        if (g->old_has_file[i] || (state != MESSAGE_DELETED_HERE && state != MESSAGE_SKIPPED))
            continue;
        add_candidate(g, NULL, &g->old.items[i])->marked =
            state == MESSAGE_DELETED_HERE && (g->old.items[i].flags.system & MAILDIR_TRASHED);
    }
}

/* ---- what the messages hold ---- */

static bool has_unpaired_message(const struct gathering *g)
{
    for (size_t i = 0; i < g->messages_len; i++) {
        if (g->messages[i].partner == PAIRING_NONE)
            return true;
    }
    return false;
}

/* Whether a look at the server's messages could find a partner for anything. */
static bool has_unpaired_file(const struct gathering *g)
{
    for (size_t i = 0; i < g->files_len; i++) {
        const struct pairing_file *f = &g->files[i];
        if (f->partner == PAIRING_NONE && (!f->ghost || f->has_content))
            return true;
    }
    return false;
}

static int look_at_messages(struct gathering *g, struct error *err)
{
    AUTO_SEQSET struct seqset uids = {0};
    struct remote_contents contents = {0};
    for (size_t i = 0; i < g->messages_len; i++) {
        const struct pairing_message *m = &g->messages[i];
        if (m->partner == PAIRING_NONE && !m->has_content)
            seqset_add(&uids, m->uid);
    }
    int r = contents_fetch(g->pass, g->pair, &uids, g->arena, &contents, err);
    VEC_FOREACH (const struct remote_content, c, &contents) {
        size_t at = pairing_find_uid(g->messages, g->messages_len, c->uid);
        if (at == PAIRING_NONE)
            continue;
        struct pairing_message *m = &g->messages[at];
        m->has_content = true;
        m->size = c->size;
        m->left_out = c->left_out_bytes;
        m->header = c->header;
        m->email_id = c->email_id;
        g->dates[at] = c->internal_date_s;
    }
    vec_free(&contents);
    return r;
}

/* A file that is no longer under the name that the scan saw is looked up once more: it may only
 * have got another flag. 1: it cannot be read, which concerns it alone. */
static int read_file(struct gathering *g, struct candidate *c, bool stored,
                     struct local_content *out, struct error *err)
{
    const char *path = g->pair->record.path.ptr;
    int r = contents_read(g->pass, g->pair, c->file, stored, out, err);
    if (r < 0 && (err->code == ERR_NOT_FOUND || err->code == ERR_CHANGED)) {
        error_clear(err);
        r = maildir_find(g->pass->maildir, path, c->file->parsed.base, g->arena, c->file, err);
        if (r == 0)
            r = contents_read(g->pass, g->pair, c->file, stored, out, err);
    }
    if (r == 0 || err->scope > SCOPE_MAILBOX)
        return r;
    c->gone = err->code == ERR_NOT_FOUND;
    c->unreadable = !c->gone;
    error_clear(err);
    return 1;
}

static void take_content(struct pairing_file *f, struct candidate *c,
                         const struct local_content *content, bool stored)
{
    if (stored) {
        f->has_stored = true;
        f->stored_size = content->wire_size;
        f->stored_header = content->header;
        c->stored_body = content->body;
        return;
    }
    f->has_content = true;
    f->size = content->wire_size;
    f->left_out = content->left_out_bytes;
    f->lines = content->lines;
    f->header = content->header;
    f->once_synced = f->once_synced || content->from_sync_tool;
    c->body = content->body;
}

static int read_files(struct gathering *g, bool stored, struct error *err)
{
    for (size_t i = 0; i < g->files_len; i++) {
        struct pairing_file *f = &g->files[i];
        struct candidate *c = &g->candidates[i];
        struct local_content content;
        if (f->partner != PAIRING_NONE || f->ghost || c->gone || c->unreadable ||
            (stored ? f->has_stored : f->has_content))
            continue;
        int r = pass_check_cancelled(g->pass, err);
        if (r == 0)
            r = read_file(g, c, stored, &content, err);
        if (r < 0)
            return r;
        if (r > 0)
            continue;
        take_content(f, c, &content, stored);
    }
    return 0;
}

static int match(struct gathering *g, struct error *err)
{
    pairing_match(g->files, g->files_len, g->messages, g->messages_len);
    int r = read_files(g, false, err);
    if (r < 0 || !has_unpaired_message(g) || !has_unpaired_file(g))
        return r;
    if ((r = look_at_messages(g, err)) < 0)
        return r;
    pairing_match(g->files, g->files_len, g->messages, g->messages_len);
    if (!has_unpaired_message(g) || !has_unpaired_file(g))
        return 0;
    if ((r = read_files(g, true, err)) < 0)
        return r;
    pairing_match(g->files, g->files_len, g->messages, g->messages_len);
    return 0;
}

/* A message that was left on the server and is flagged by now is new again: the limits are not for
 * it. */
static void let_go_of_flagged(struct gathering *g)
{
    for (size_t i = 0; i < g->messages_len; i++) {
        struct pairing_message *m = &g->messages[i];
        const struct candidate *c = m->partner == PAIRING_NONE ? NULL : &g->candidates[m->partner];
        bool flagged = g->pair->remote.fresh.items[i].flags.system & MAILDIR_FLAGGED;
        if (c == NULL || c->file != NULL || !flagged || c->record->state != MESSAGE_SKIPPED)
            continue;
        g->files[m->partner].partner = PAIRING_NONE;
        m->partner = PAIRING_NONE;
    }
}

int gathering_run(struct gathering *g, struct error *err)
{
    int r = 0;
    g->old_by_base = strmap_new();
    if (g->pair->record.id != 0)
        r = read_old(g, err);
    if (r == 0 && g->pair->record.id != 0)
        r = read_waiting(g, err);
    if (r < 0)
        return r;
    read_foreign_state(g);
    list_messages(g);
    list_files(g);
    r = match(g, err);
    if (r == 0)
        let_go_of_flagged(g);
    return r;
}

void gathering_free(struct gathering *g)
{
    vec_free(&g->old);
    if (g->old_by_base != NULL)
        strmap_free(&g->old_by_base);
    vec_free(&g->old_held);
    vec_free(&g->old_intents);
    vec_free(&g->foreign);
    vec_free(&g->kept);
}
