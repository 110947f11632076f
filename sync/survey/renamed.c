#include "survey/renamed.h"

#include "imap/mailbox_name.h"
#include "survey/renamed_here.h"
#include "survey/same_mailbox.h"

struct finder {
    struct pass *pass;
    const struct remote_list *remote;
    const struct index_mailbox *known;
    size_t known_len;
    struct renamed *out;
};

static const struct remote_mailbox *listed(const struct finder *f, struct str name)
{
    for (size_t i = 0; i < f->remote->len; i++) {
        if (str_eq(f->remote->items[i].name, name))
            return &f->remote->items[i];
    }
    return NULL;
}

static const struct index_mailbox *record_named(const struct finder *f, struct str name)
{
    for (size_t i = 0; i < f->known_len; i++) {
        if (str_eq(f->known[i].name, name))
            return &f->known[i];
    }
    return NULL;
}

static bool is_known_id(const struct finder *f, struct str mailboxid)
{
    for (size_t i = 0; i < f->known_len; i++) {
        if (str_eq(f->known[i].mailboxid, mailboxid))
            return true;
    }
    return false;
}

/* What STATUS tells contradicts the record: another mailbox has its name. Under the same
 * UIDVALIDITY a new MAILBOXID alone does not say so, unless it is that of a mailbox that is known:
 * two that changed their names. */
static bool is_another(const struct finder *f, const struct index_mailbox *record,
                       const struct remote_mailbox *m)
{
    const struct status_data *status = &m->status;
    bool id = (status->have & STATUS_MAILBOXID) && record->mailboxid.len > 0;
    bool validity = (status->have & STATUS_UIDVALIDITY) && record->uidvalidity != 0;
    if (id && str_eq(record->mailboxid, status->mailboxid))
        return false;
    if (id && (!validity || is_known_id(f, status->mailboxid)))
        return true;
    return validity && record->uidvalidity != status->uidvalidity;
}

static bool has_lost_its_name(const struct finder *f, const struct index_mailbox *record)
{
    const struct remote_mailbox *m = listed(f, record->name);
    return !mailbox_name_is_inbox(record->utf8) && (m == NULL || is_another(f, record, m));
}

static bool has_no_record(const struct finder *f, const struct remote_mailbox *m)
{
    const struct index_mailbox *record = record_named(f, m->name);
    return !mailbox_name_is_inbox(m->utf8) && (record == NULL || is_another(f, record, m));
}

/* How many of the records have its UIDVALIDITY: some servers give the same to all. */
static unsigned count_alike(const struct finder *f, const struct index_mailbox *record)
{
    unsigned alike = 0;
    for (size_t i = 0; i < f->known_len; i++)
        alike += f->known[i].uidvalidity == record->uidvalidity;
    return alike;
}

static bool is_given(const struct finder *f, uint32_t id)
{
    for (size_t i = 0; i < f->remote->len; i++) {
        if (f->out->remote_is[i] == id)
            return true;
    }
    return false;
}

static void know_by_mailboxid(struct finder *f, size_t i)
{
    const struct remote_mailbox *m = &f->remote->items[i];
    for (size_t k = 0; k < f->known_len; k++) {
        const struct index_mailbox *record = &f->known[k];
        if ((m->status.have & STATUS_MAILBOXID) && record->mailboxid.len > 0 &&
            str_eq(record->mailboxid, m->status.mailboxid) && has_lost_its_name(f, record) &&
            !is_given(f, record->id))
            f->out->remote_is[i] = record->id;
    }
}

static bool may_be_by_status(const struct finder *f, const struct remote_mailbox *m,
                             const struct index_mailbox *record)
{
    bool told = (m->status.have & STATUS_MAILBOXID) && record->mailboxid.len > 0;
    return !told && (m->status.have & STATUS_UIDVALIDITY) && record->uidvalidity != 0 &&
           record->uidvalidity == m->status.uidvalidity && has_lost_its_name(f, record) &&
           !is_given(f, record->id);
}

/* What the server cannot say just now is not another mailbox: taken for new it would be fetched
 * again. */
static int take_refusal(struct finder *f, size_t i, struct error *err)
{
    if (err->scope > SCOPE_MAILBOX)
        return -(int)err->code;
    f->out->untold[i] = f->out->untold[i] || strcmp(err->response_code, "UNAVAILABLE") == 0;
    error_clear(err);
    return 0;
}

static int know_by_messages(struct finder *f, size_t i, struct error *err)
{
    const struct remote_mailbox *m = &f->remote->items[i];
    for (size_t k = 0; k < f->known_len && f->out->remote_is[i] == 0; k++) {
        bool same = false;
        if (!may_be_by_status(f, m, &f->known[k]))
            continue;
        int r = same_mailbox(f->pass, m->name, &f->known[k], count_alike(f, &f->known[k]) == 1,
                             &same, err);
        if (r < 0 && take_refusal(f, i, err) < 0)
            return r;
        f->out->remote_is[i] = same ? f->known[k].id : 0;
    }
    return 0;
}

static bool any_lost(const struct finder *f)
{
    for (size_t i = 0; i < f->known_len; i++) {
        if (has_lost_its_name(f, &f->known[i]))
            return true;
    }
    return false;
}

static bool is_new_name(const struct finder *f, const struct remote_mailbox *m)
{
    return record_named(f, m->name) == NULL &&
           names_selected(&f->pass->account->patterns, m->utf8, m->attributes);
}

/* Whether a new name stands for what a record has, as far as STATUS tells. */
static bool any_familiar(const struct finder *f)
{
    for (size_t i = 0; i < f->remote->len; i++) {
        const struct remote_mailbox *m = &f->remote->items[i];
        if (!(m->status.have & STATUS_UIDVALIDITY) || !is_new_name(f, m))
            continue;
        for (size_t k = 0; k < f->known_len; k++) {
            if (f->known[k].uidvalidity == m->status.uidvalidity)
                return true;
        }
    }
    return false;
}

/* Where STATUS is refused, EXAMINE may tell the same. */
static int ask_by_examine(struct finder *f, size_t i, struct error *err)
{
    struct remote_mailbox *m = &f->remote->items[i];
    struct select_data data;
    if (remote_examine(f->pass, m->name, &data, err) < 0)
        return take_refusal(f, i, err);
    m->status = (struct status_data){.have = STATUS_MESSAGES,
                                     .messages = data.exists,
                                     .uidnext = data.uidnext,
                                     .uidvalidity = data.uidvalidity,
                                     .highestmodseq = data.highestmodseq,
                                     .mailboxid = data.mailboxid};
    m->status.have |= data.uidnext != 0 ? STATUS_UIDNEXT : 0;
    m->status.have |= data.uidvalidity != 0 ? STATUS_UIDVALIDITY : 0;
    m->status.have |= data.highestmodseq != 0 ? STATUS_HIGHESTMODSEQ : 0;
    m->status.have |= data.mailboxid.len > 0 ? STATUS_MAILBOXID : 0;
    return 0;
}

/* Where LIST did not, the names are asked for what tells them apart: all, or the new ones. */
static int ask_unknown(struct finder *f, bool all, struct error *err)
{
    struct remote_mailbox **list = xcalloc(f->remote->len + 1, sizeof *list);
    size_t len = 0;
    for (size_t i = 0; i < f->remote->len; i++) {
        struct remote_mailbox *m = &f->remote->items[i];
        if (!(m->status.have & STATUS_UIDVALIDITY) && (all || is_new_name(f, m)))
            list[len++] = m;
    }
    int r = remote_status(f->pass, list, len, err);
    for (size_t i = 0; i < len && r == 0; i++) {
        if (list[i]->status.have == 0 && is_new_name(f, list[i]))
            r = ask_by_examine(f, (size_t)(list[i] - f->remote->items), err);
    }
    xfree(&list);
    return r;
}

/* A name that is gone may have become any other; where none is, a new one may be what had a name
 * that another has now. */
static int ask_who_is_who(struct finder *f, struct error *err)
{
    if (any_lost(f))
        return ask_unknown(f, true, err);
    int r = ask_unknown(f, false, err);
    return r == 0 && any_familiar(f) ? ask_unknown(f, true, err) : r;
}

static int find_remote(struct finder *f, struct error *err)
{
    size_t size = (f->remote->len + 1) * sizeof(uint32_t);
    f->out->remote_is = arena_array(f->pass->arena, f->remote->len + 1, sizeof(uint32_t));
    memset(f->out->remote_is, 0, size);
    f->out->untold = arena_array(f->pass->arena, f->remote->len + 1, sizeof(bool));
    memset(f->out->untold, 0, (f->remote->len + 1) * sizeof(bool));
    int r = f->known_len > 0 ? ask_who_is_who(f, err) : 0;
    if (r < 0 || !any_lost(f))
        return r;
    for (size_t i = 0; i < f->remote->len; i++) {
        if (has_no_record(f, &f->remote->items[i]))
            know_by_mailboxid(f, i);
    }
    for (size_t i = 0; i < f->remote->len && r == 0; i++) {
        if (f->out->remote_is[i] == 0 && has_no_record(f, &f->remote->items[i]))
            r = know_by_messages(f, i, err);
    }
    return r;
}

int renamed_find(struct pass *pass, const struct remote_list *remote, struct maildir_folders *local,
                 const struct index_mailbox *known, size_t known_len, struct renamed *out,
                 struct error *err)
{
    struct finder f = {pass, remote, known, known_len, out};
    int r = renamed_here(pass, local, known, known_len, &out->local_is, err);
    if (r == 0)
        r = find_remote(&f, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}
