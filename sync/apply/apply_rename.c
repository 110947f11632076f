#include "apply/apply.h"

#include "imap/list.h"
#include "pass/event.h"
#include "pass/view.h"
#include "survey/remote.h"

/*
 * Renames, on one side and then on the other. What is to have which name is known of all mailboxes
 * beforehand, and a step may carry others along: the folders inside a folder, the mailboxes below a
 * mailbox. So each step only moves one towards its goal, and is taken when nothing stands there;
 * what has been carried along too far is moved back by a later step; and where several wait for
 * each other in a circle, one of them steps aside. What is to stand above others goes before them.
 *
 * The record says before each step what is under way. After a crash the directories, the MAILBOXIDs
 * and the messages tell which steps were taken (renamed.h).
 */

struct mover {
    struct pass *pass;
    bool remote;
    struct str *goals;   /* of each pair; empty: it is not on this side */
    struct str *origins; /* where each was */
    bool *failed;
    bool *aside; /* has stepped aside already */
};

static struct str now_at(const struct mover *m, size_t i)
{
    const struct index_mailbox *record = &m->pass->pairs.items[i].record;
    return m->remote ? record->name : record->path;
}

static bool is_moving(const struct mover *m, size_t i)
{
    return m->goals[i].len > 0 && !m->failed[i] && !str_eq(now_at(m, i), m->goals[i]);
}

/* The pair that stands at `name`, or the number of pairs. */
static size_t find_at(const struct mover *m, struct str name)
{
    size_t i = 0;
    while (i < m->pass->pairs.len && !(m->goals[i].len > 0 && str_eq(now_at(m, i), name)))
        i++;
    return i;
}

static bool is_below(struct str name, struct str above, char delimiter)
{
    return delimiter != 0 && name.len > above.len && str_starts(name, above) &&
           name.ptr[above.len] == delimiter;
}

static char delimiter_of(const struct mover *m)
{
    return m->remote ? m->pass->delimiter : '/';
}

static struct str carried(const struct mover *m, struct str name, struct str from, struct str to)
{
    struct str rest = str_from_offset(name, from.len);
    return str_from(arena_printf(m->pass->arena, "%.*s%.*s", STR_ARG(to), STR_ARG(rest)));
}

/* ---- the record ---- */

static enum mailbox_state state_of(const struct mover *m, size_t i)
{
    const struct mailbox_pair *pair = &m->pass->pairs.items[i];
    if (is_moving(m, i))
        return m->remote ? MAILBOX_RENAMING_REMOTE : MAILBOX_RENAMING_LOCAL;
    return pair->record.state == MAILBOX_RENAMING_LOCAL ||
                   pair->record.state == MAILBOX_RENAMING_REMOTE
               ? MAILBOX_SYNCED
               : pair->record.state;
}

/* What has come to its goal by the step that was taken. */
static int note_arrival(const struct mover *m, struct index_txn *txn, size_t i, struct error *err)
{
    const struct mailbox_pair *pair = &m->pass->pairs.items[i];
    struct str from = m->origins[i];
    if (m->goals[i].len == 0 || !str_eq(now_at(m, i), m->goals[i]) || str_eq(from, m->goals[i]))
        return 0;
    if (m->remote) {
        struct names_space space = remote_space(m->pass);
        names_to_utf8(&space, m->pass->arena, from, &from);
    } else {
        (void)maildir_mailbox(m->pass->maildir, m->pass->arena, from, &from);
    }
    return event_note_mailbox(m->pass, txn, pair,
                              m->remote ? EVENT_RENAMED_REMOTE : EVENT_RENAMED_LOCAL, from,
                              m->remote ? "renamed here" : WHY_RENAMED_LOCAL, err);
}

/* Writes the records of those that a step concerns, all at once; `taken`: and what came of it. */
static int put_records(struct mover *m, const bool *concerned, bool taken, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(m->pass->index, &txn, err);
    for (size_t i = 0; i < m->pass->pairs.len && r == 0; i++) {
        struct mailbox_pair *pair = &m->pass->pairs.items[i];
        if (!concerned[i] || pair->record.id == 0)
            continue;
        pair->record.state = state_of(m, i);
        r = index_mailbox_put(txn, &pair->record, err);
        if (r == 0 && taken)
            r = note_arrival(m, txn, i, err);
    }
    if (r == 0)
        r = index_commit(&txn, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

static void set_name(struct mover *m, size_t i, struct str name)
{
    struct mailbox_pair *pair = &m->pass->pairs.items[i];
    if (!m->remote) {
        pair->record.path = name;
        return;
    }
    struct names_space space = remote_space(m->pass);
    pair->record.name = name;
    if (str_eq(name, pair->to_name))
        pair->record.utf8 = pair->to_utf8;
    else
        names_to_utf8(&space, m->pass->arena, name, &pair->record.utf8);
}

/* ---- one step ---- */

/* Whether all that lies in the folder goes the same way. */
static bool goes_whole(const struct mover *m, size_t mover)
{
    struct str from = now_at(m, mover);
    for (size_t i = 0; i < m->pass->pairs.len; i++) {
        if (!m->pass->pairs.items[i].local_exists || !is_below(now_at(m, i), from, delimiter_of(m)))
            continue;
        if (m->goals[i].len == 0 ||
            !str_eq(m->goals[i], carried(m, now_at(m, i), from, m->goals[mover])))
            return false;
    }
    return true;
}

static bool stands_here(const struct mover *m, struct str path)
{
    struct maildir_times times;
    struct error ignored = ERROR_INIT;
    return maildir_stat(m->pass->maildir, path.ptr, &times, &ignored) == 0;
}

static int move_folder(struct mover *m, size_t i, struct str to, bool *concerned, struct error *err)
{
    struct pass *pass = m->pass;
    struct str from = now_at(m, i);
    bool whole = goes_whole(m, i);
    int r = pass_local_change(pass, err);
    if (r == 0)
        r = maildir_rename_folder(pass->maildir, from.ptr, to.ptr, whole, err);
    pass->pairs.items[i].changed_here = pass->pairs.items[i].changed_here || r == 0;
    for (size_t k = 0; k < pass->pairs.len && r == 0; k++) {
        if (k == i || !whole || m->goals[k].len == 0 ||
            !is_below(now_at(m, k), from, delimiter_of(m)))
            continue;
        /* It did not come along where a directory that was there already took in the rest. */
        if (stands_here(m, now_at(m, k)))
            continue;
        set_name(m, k, carried(m, now_at(m, k), from, to));
        concerned[k] = true;
    }
    return r;
}

/* Which of the mailboxes below have come along: not every server takes them. */
static int follow_children(struct mover *m, struct str from, struct str to, bool *concerned,
                           struct error *err)
{
    struct client_mailboxes list = {0};
    bool any = false;
    for (size_t k = 0; k < m->pass->pairs.len; k++)
        any = any || (m->goals[k].len > 0 && is_below(now_at(m, k), from, delimiter_of(m)));
    if (!any)
        return 0;
    const char *pattern = arena_printf(m->pass->arena, "%.*s%c*", STR_ARG(to), delimiter_of(m));
    int r = client_list(m->pass->client, str_from(pattern), m->pass->arena, &list, err);
    for (size_t k = 0; k < m->pass->pairs.len && r == 0; k++) {
        if (m->goals[k].len == 0 || !is_below(now_at(m, k), from, delimiter_of(m)))
            continue;
        struct str there = carried(m, now_at(m, k), from, to);
        for (size_t i = 0; i < list.len; i++) {
            if (!str_eq(list.items[i].entry.name, there) ||
                (list.items[i].entry.attributes & (LIST_NOSELECT | LIST_NONEXISTENT)))
                continue;
            set_name(m, k, there);
            concerned[k] = true;
            break;
        }
    }
    return r;
}

/* The new name as the old one was: what fails here is no failure of the rename. */
static int move_subscription(struct pass *pass, struct str from, struct str to, struct error *err)
{
    struct error refused = ERROR_INIT;
    int r = client_subscribe(pass->client, to, &refused);
    if (r == 0 || refused.scope <= SCOPE_MAILBOX) {
        error_clear(&refused);
        r = client_unsubscribe(pass->client, from, &refused);
    }
    if (r < 0 && refused.scope > SCOPE_MAILBOX) {
        *err = refused;
        return r;
    }
    return 0;
}

static int move_mailbox(struct mover *m, size_t i, struct str to, bool *concerned,
                        struct error *err)
{
    struct pass *pass = m->pass;
    struct str from = now_at(m, i);
    int r = remote_unselect(pass, err);
    if (r == 0)
        r = client_rename(pass->client, from, to, err);
    if (r == 0)
        r = follow_children(m, from, to, concerned, err);
    return r < 0 ? r : move_subscription(pass, from, to, err);
}

/* Before: the record says so. Then the step, and the record again. */
static int step(struct mover *m, size_t i, struct str to, bool aside, struct error *err)
{
    struct pass *pass = m->pass;
    bool *concerned = xcalloc(pass->pairs.len, sizeof *concerned);
    struct str from = now_at(m, i);
    concerned[i] = true;
    /* No list shows a folder that stands aside: the record must know where it is. */
    if (aside && !m->remote)
        set_name(m, i, to);
    int r = put_records(m, concerned, false, err);
    if (aside && !m->remote)
        set_name(m, i, from);
    if (r == 0)
        r = m->remote ? move_mailbox(m, i, to, concerned, err)
                      : move_folder(m, i, to, concerned, err);
    if (r == 0) {
        set_name(m, i, to);
        r = put_records(m, concerned, true, err);
    }
    xfree(&concerned);
    return r;
}

static struct str name_aside(const struct mover *m, size_t i)
{
    const struct pass *pass = m->pass;
    unsigned id = pass->pairs.items[i].record.id;
    if (m->remote)
        return str_from(
            arena_printf(pass->arena, "%.*smaildird-moving-%u", STR_ARG(pass->prefix), id));
    /* Where no layout looks for folders. */
    bool dots = pass->account->maildir.layout == MAILDIR_PLUSPLUS;
    return str_from(arena_printf(pass->arena, "%smaildird-moving-%u", dots ? "" : ".", id));
}

/* ---- all of them ---- */

static int fail(struct mover *m, size_t i, struct error *err)
{
    struct mailbox_pair *pair = &m->pass->pairs.items[i];
    if (err->scope > SCOPE_MAILBOX)
        return -(int)err->code;
    error_wrap(err, "cannot rename to %.*s", STR_ARG(m->goals[i]));
    struct log_scope scope = pass_log_scope(m->pass, pair);
    log_error(&scope, "%s", err->text);
    pair->folder_error = *err;
    error_clear(err);
    m->failed[i] = true;
    return 0;
}

/* One that is to stand above it is still on its way: were this one there first, what is made above
 * it would take that one's name. */
static bool waits_for_parent(const struct mover *m, size_t i)
{
    for (size_t k = 0; k < m->pass->pairs.len; k++) {
        if (is_moving(m, k) && is_below(m->goals[i], m->goals[k], delimiter_of(m)))
            return true;
    }
    return false;
}

static int try_one(struct mover *m, size_t i, bool aside, bool *moved_out, struct error *err)
{
    struct str to = aside ? name_aside(m, i) : m->goals[i];
    size_t there = find_at(m, to);
    int r = 0;
    if ((there < m->pass->pairs.len && is_moving(m, there)) || (!aside && waits_for_parent(m, i)))
        return 0;
    if (there < m->pass->pairs.len)
        r = error_set(err, ERR_EXISTS, SCOPE_MAILBOX, "there is another of this name");
    else
        r = step(m, i, to, aside, err);
    m->aside[i] = m->aside[i] || aside;
    *moved_out = true;
    return r < 0 ? fail(m, i, err) : 0;
}

static int move_all(struct mover *m, struct error *err)
{
    bool aside = false;
    int r = 0;
    for (;;) {
        bool moved = false;
        for (size_t i = 0; i < m->pass->pairs.len && r == 0; i++) {
            if (is_moving(m, i) && !(aside && (moved || m->aside[i])))
                r = try_one(m, i, aside, &moved, err);
        }
        if (r < 0 || (!moved && aside))
            return r;
        aside = !moved;
    }
}

static struct str goal_of(const struct mailbox_pair *pair, bool remote)
{
    if (remote)
        return pair->to_name.len > 0 ? pair->to_name : pair->record.name;
    return pair->to_path != NULL ? str_from(pair->to_path) : pair->record.path;
}

static int move_side(struct pass *pass, bool remote, struct error *err)
{
    size_t len = pass->pairs.len;
    bool any = false;
    struct mover m = {.pass = pass,
                      .remote = remote,
                      .goals = xcalloc(len + 1, sizeof *m.goals),
                      .origins = xcalloc(len + 1, sizeof *m.origins),
                      .failed = xcalloc(len + 1, sizeof *m.failed),
                      .aside = xcalloc(len + 1, sizeof *m.aside)};
    for (size_t i = 0; i < len; i++) {
        const struct mailbox_pair *pair = &pass->pairs.items[i];
        if (!(remote ? pair->remote_exists : pair->local_exists))
            continue;
        bool wanted = pair->in_target && !error_is_set(&pair->error);
        m.origins[i] = now_at(&m, i);
        m.goals[i] = wanted ? goal_of(pair, remote) : now_at(&m, i);
        any = any || is_moving(&m, i);
    }
    int r = any ? move_all(&m, err) : 0;
    xfree(&m.goals);
    xfree(&m.origins);
    xfree(&m.failed);
    xfree(&m.aside);
    return r;
}

/* ---- what was found under another name is recorded as that, before anything is done ---- */

/* Of a folder that is to be renamed the directories must be known, to find it again. */
static void note_directories(const struct pass *pass, struct mailbox_pair *pair)
{
    struct maildir_times times;
    struct error ignored = ERROR_INIT;
    if (!pair->local_exists ||
        maildir_stat(pass->maildir, pair->record.path.ptr, &times, &ignored) < 0)
        return;
    if (pair->record.cur_inode == 0) {
        pair->record.cur_inode = times.cur_inode;
        pair->record.new_inode = times.new_inode;
    }
}

static enum mailbox_state state_now(const struct mailbox_pair *pair)
{
    enum mailbox_state state = pair->record.state;
    if (pair->to_path != NULL)
        return MAILBOX_RENAMING_LOCAL;
    if (pair->to_name.len > 0)
        return MAILBOX_RENAMING_REMOTE;
    bool was_renaming = state == MAILBOX_RENAMING_LOCAL || state == MAILBOX_RENAMING_REMOTE;
    bool settled = pair->remote_exists && pair->local_exists && !error_is_set(&pair->folder_error);
    return was_renaming && settled ? MAILBOX_SYNCED : state;
}

/* Names that trade places pass through one that nobody has. */
static int put_found(struct pass *pass, struct index_txn *txn, struct error *err)
{
    int r = 0;
    for (int round = 0; round < 2; round++) {
        VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
            if (r < 0 || pair->record.id == 0 || !pair->record_differs)
                continue;
            struct index_mailbox record = pair->record;
            if (round == 0)
                record.name = str_from(arena_printf(pass->arena,
                                                    "\x7f"
                                                    "moving-%u",
                                                    record.id));
            r = index_mailbox_put(txn, &record, err);
        }
    }
    return r;
}

static int record_found(struct pass *pass, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    bool any = false;
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (pair->record.id == 0 || !pair->record_differs)
            continue;
        any = true;
        if (pair->to_path != NULL || pair->to_name.len > 0)
            note_directories(pass, pair);
        if (pair->action == PAIR_SYNC)
            pair->record.state = state_now(pair);
    }
    if (!any)
        return 0;
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = put_found(pass, txn, err);
    if (r == 0)
        r = index_commit(&txn, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

static int settle_view(struct pass *pass, struct error *err)
{
    bool changed = false;
    int r = view_has_changed(pass, &changed, err);
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        /* What could not follow the configuration yet is to be tried again. */
        if (pair->to_path != NULL && (!pair->in_target || error_is_set(&pair->folder_error)))
            return r;
    }
    return r == 0 && changed ? view_store(pass, err) : r;
}

int apply_renames(struct pass *pass, struct plan *plan, struct error *err)
{
    int r = record_found(pass, err);
    if (r == 0)
        r = move_side(pass, false, err);
    if (r == 0)
        r = move_side(pass, true, err);
    return r < 0 ? r : settle_view(pass, err);
}
