#include "store/index.h"
#include "sim/calls.h"
#include "sim/here_names.h"
#include "sim/machine.h"
#include "sim/there.h"
#include "sim/truth.h"
#include <stdio.h>

static const char LETTERS[] = MARKING_LETTERS;

/* A message as one of the three places has it. */
struct sight {
    const char *mailbox;
    unsigned number;
    uint8_t flags;
    uint32_t uid;    /* server, index */
    int64_t date_s;  /* server */
    struct str base; /* Maildir, index */
};
VEC_STRUCT(sights, struct sight);

struct sighting {
    struct arena *arena;
    const char *mailbox;
    struct sights *out;
};

/* Left on the server for its size or age. */
static bool is_skipped(const struct sight *there)
{
    const struct message *m = truth.messages.items[there->number - 1];
    return (truth_is_large(m) || truth_is_old(there->date_s)) &&
           (there->flags & MARKING_FLAGGED) == 0;
}

/* ---- looking ---- */

static bool see_remote(void *self, const struct backend_message *message, struct str body)
{
    struct sighting *s = self;
    struct message *m = truth_know(body, false);
    if (m == NULL) {
        truth_fail("a message on the server is not as it was: %s UID %u: %.*s", s->mailbox,
                   message->uid, (int)(body.len < 200 ? body.len : 200), body.ptr);
        return true;
    }
    const struct sight sight = {.mailbox = s->mailbox,
                                .number = m->number,
                                .flags = there_flags(&message->flags),
                                .date_s = message->internal_date_s,
                                .uid = message->uid};
    m->there++;
    m->marked_there += (sight.flags & MARKING_TRASHED) != 0;
    m->left += is_skipped(&sight);
    vec_push(s->out, sight);
    return true;
}

static void look_there(struct arena *arena, struct sights *out)
{
    struct there_names names = {0};
    there_mailboxes(arena, &names);
    VEC_FOREACH (const char *, name, &names) {
        struct sighting s = {arena, *name, out};
        (void)there_each(*name, see_remote, &s);
    }
    vec_free(&names);
}

static void look_into(struct arena *arena, const struct here_names *folders, struct sights *out)
{
    VEC_FOREACH (const char *, folder, folders) {
        struct here_files files = {0};
        here_files_list(arena, *folder, &files);
        VEC_FOREACH (const struct user_file, file, &files) {
            struct message *m = truth_know(str_make(file->node->data, file->node->len), true);
            if (m == NULL) {
                truth_fail("a file is not as it was: %s/%s: %.*s", *folder, file->name,
                           (int)(file->node->len < 200 ? file->node->len : 200), file->node->data);
                continue;
            }
            const char *info = strstr(file->name, ":2,");
            m->here++;
            m->marked_here += (file->flags & MARKING_TRASHED) != 0;
            vec_push(out, ((struct sight){.mailbox = *folder,
                                          .number = m->number,
                                          .flags = file->flags,
                                          .base = str_make(
                                              file->name, info != NULL ? (size_t)(info - file->name)
                                                                       : strlen(file->name))}));
        }
        vec_free(&files);
    }
}

static void look_here(struct arena *arena, struct sights *out)
{
    struct here_names folders = {0};
    here_folders_list(arena, &folders);
    look_into(arena, &folders, out);
    vec_free(&folders);
}

static bool marks_say_nothing(const char *mailbox)
{
    return truth.policy->trash && strcmp(mailbox, TRUTH_TRASH) == 0;
}

/* What need not be alike. */
static unsigned unsynced(const char *mailbox)
{
    unsigned out = marks_say_nothing(mailbox) ? MARKING_TRASHED : 0;
    return truth.letters_missing ? out | (unsigned)~MARKINGS_SYSTEM : out;
}

static int compare_sights(const void *a, const void *b)
{
    const struct sight *x = a;
    const struct sight *y = b;
    int order = strcmp(x->mailbox, y->mailbox);
    if (order == 0)
        order = (x->number > y->number) - (x->number < y->number);
    if (order != 0 || truth.older_flags)
        return order;
    unsigned a_flags = x->flags & ~unsynced(x->mailbox);
    unsigned b_flags = y->flags & ~unsynced(y->mailbox);
    return (a_flags > b_flags) - (a_flags < b_flags);
}

/* Of equal ones those that may be there alone come last. */
static int compare_places(const void *a, const void *b)
{
    int order = compare_sights(a, b);
    return order != 0 ? order : (int)is_skipped(a) - (int)is_skipped(b);
}

static void look(struct arena *arena, struct sights *here, struct sights *there)
{
    VEC_FOREACH (struct message *, m, &truth.messages) {
        (*m)->here = (*m)->there = (*m)->apart = (*m)->left = 0;
        (*m)->marked_here = (*m)->marked_there = 0;
    }
    look_here(arena, here);
    look_there(arena, there);
    if (here->len > 1)
        qsort(here->items, here->len, sizeof *here->items, compare_sights);
    if (there->len > 1)
        qsort(there->items, there->len, sizeof *there->items, compare_places);
}

static void tell_sights(const char *what, const struct sights *sights, struct buf *out)
{
    const char *mailbox = "";
    buf_addf(out, "  %s:", what);
    VEC_FOREACH (const struct sight, s, sights) {
        if (strcmp(s->mailbox, mailbox) != 0)
            buf_addf(out, " %s:", s->mailbox);
        mailbox = s->mailbox;
        buf_addf(out, " %u", s->number);
        for (size_t i = 0; i < MARKINGS; i++) {
            if ((s->flags & (1u << i)) != 0)
                buf_add_byte(out, LETTERS[i]);
        }
        if (s->uid != 0)
            buf_addf(out, "#%u", s->uid);
    }
    buf_add_byte(out, '\n');
}

/* ---- mailboxes ---- */

static bool is_there(struct arena *arena, const char *mailbox)
{
    struct there_names names = {0};
    bool found = false;
    there_mailboxes(arena, &names);
    VEC_FOREACH (const char *, name, &names) {
        found = found || strcmp(*name, mailbox) == 0;
    }
    vec_free(&names);
    return found;
}

static bool is_here(struct arena *arena, const char *mailbox)
{
    struct here_names names = {0};
    bool found = false;
    here_folders_list(arena, &names);
    VEC_FOREACH (const char *, name, &names) {
        found = found || strcmp(*name, mailbox) == 0;
    }
    vec_free(&names);
    return found;
}

/* ---- the index ---- */

static const struct sight *by_base(const struct sights *here, const char *mailbox, struct str base)
{
    VEC_FOREACH (const struct sight, s, here) {
        if (strcmp(s->mailbox, mailbox) == 0 && str_eq(s->base, base))
            return s;
    }
    return NULL;
}

static const struct sight *by_uid(const struct sights *there, const char *mailbox, uint32_t uid)
{
    VEC_FOREACH (const struct sight, s, there) {
        if (strcmp(s->mailbox, mailbox) == 0 && s->uid == uid)
            return s;
    }
    return NULL;
}

/* What the index says, in our bits. */
static uint8_t markings_of(struct index_txn *txn, const struct index_flags *flags)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct error ignored = ERROR_INIT;
    uint8_t markings = flags->system;
    struct str name;
    for (size_t i = 0; i < flags->keywords_len; i++) {
        bool known = index_keyword_name(txn, arena, flags->keywords[i], &name, &ignored) == 0;
        for (unsigned k = 0; known && k < MARKINGS_KEYWORDS; k++)
            markings |=
                str_eq_nocase(name, str_from(marking_keywords[k])) ? (uint8_t)MARKING_OF(k) : 0;
    }
    return markings;
}

static void check_record(struct index_txn *txn, const struct index_mailbox *mailbox,
                         const struct index_message *m, const struct sights *here,
                         const struct sights *there)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *name = mailbox->utf8.ptr;
    const struct sight *file = by_base(here, here_mailbox_of(arena, mailbox->path.ptr), m->base);
    const struct sight *message = by_uid(there, name, m->uid);
    if (message == NULL) {
        truth_fail("the index has %s UID %u, which the server has not", name, m->uid);
        return;
    }
    if (m->state == MESSAGE_DELETED_HERE && (truth.keeps_marked || truth.recovers))
        return;
    if (m->state == MESSAGE_SKIPPED && is_skipped(message))
        return;
    unsigned told = (unsigned)message->flags & ~unsynced(name);
    unsigned agreed = markings_of(txn, &m->flags) & ~unsynced(name);
    if (m->state != MESSAGE_SYNCED)
        truth_fail("the index has %s UID %u in state %d", name, m->uid, (int)m->state);
    else if (file == NULL && truth.messages.items[message->number - 1]->apart > 0)
        return;
    else if (file == NULL)
        truth_fail("the index has a file for %s UID %u that is not there", name, m->uid);
    else if (file->number != message->number)
        truth_fail("the index takes message %u for %u (%s UID %u)", file->number, message->number,
                   name, m->uid);
    else if (agreed != told && !truth.older_flags)
        truth_fail("the index has other flags of %s UID %u: %u, not %u", name, m->uid, agreed,
                   told);
}

static size_t check_mailbox(struct index_txn *txn, const struct index_mailbox *mailbox,
                            const struct sights *here, const struct sights *there)
{
    struct error err = ERROR_INIT;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    struct index_message m;
    size_t count = 0;
    if (index_cursor_open(txn, mailbox->id, 1, &cursor, &err) < 0) {
        truth_fail("%s", err.text);
        return 0;
    }
    while (index_cursor_next(cursor, &m, &err) > 0) {
        check_record(txn, mailbox, &m, here, there);
        count++;
    }
    return count;
}

static void check_index(struct arena *arena, const struct sights *here, const struct sights *there)
{
    struct error err = ERROR_INIT;
    AUTO_TXN struct index_txn *txn = NULL;
    struct index *index = NULL;
    struct index_mailbox mailbox;
    struct index_intent intent;
    enum index_opened opened;
    uint32_t cursor = 0;
    uint64_t next = 0;
    size_t records = 0;
    if (index_open(HERE_STATE, &index, &opened, &err) < 0 ||
        index_begin_read(index, &txn, &err) < 0) {
        truth_fail("%s", err.text);
        index_close(&index);
        return;
    }
    while (index_mailbox_next(txn, arena, &cursor, &mailbox, &err) > 0)
        if (!truth.renamed || (is_there(arena, mailbox.utf8.ptr) &&
                               is_here(arena, here_mailbox_of(arena, mailbox.path.ptr))))
            records += check_mailbox(txn, &mailbox, here, there);
    while (index_intent_next(txn, arena, &next, &intent, &err) > 0)
        if (!truth.renamed)
            truth_fail("an intent of kind %d is left open", (int)intent.kind);
    if (records != there->len)
        truth_fail("the index has %zu messages, the server %zu", records, there->len);
    index_abort(&txn);
    index_close(&index);
}

/* ---- the laws ---- */

/* Takes what is in mailboxes of one side alone out of the comparison. */
static void set_apart(struct arena *arena, struct sights *sights)
{
    size_t kept = 0;
    for (size_t i = 0; i < sights->len && truth.renamed; i++) {
        const struct sight s = sights->items[i];
        if (is_there(arena, s.mailbox) && is_here(arena, s.mailbox))
            sights->items[kept++] = s;
        else
            truth.messages.items[s.number - 1]->apart++;
    }
    sights->len = truth.renamed ? kept : sights->len;
}

/* What the server keeps for want of a way to remove it. */
static bool is_only_marked(const struct sight *there)
{
    /* Back with an older state of the server that was not noticed, or removed while nobody knew
     * what belongs together. */
    if (truth.recovers && truth.messages.items[there->number - 1]->removed > 0)
        return true;
    return truth.keeps_marked && (there->flags & MARKING_TRASHED) != 0;
}

static void check_alike(const struct sights *here, const struct sights *there)
{
    size_t at = 0;
    VEC_FOREACH (const struct sight, s, there) {
        bool same = at < here->len && compare_sights(s, &here->items[at]) == 0;
        at += same;
        if (same)
            continue;
        /* The other end of a move into a mailbox that was removed on the server. */
        if (truth.messages.items[s->number - 1]->apart > 0)
            continue;
        if (is_skipped(s) || (truth.keeps_marked && marks_say_nothing(s->mailbox)))
            continue;
        if (!is_only_marked(s)) {
            truth_fail("the sides differ at message %u in %s", s->number, s->mailbox);
            return;
        }
        truth.messages.items[s->number - 1]->there--;
    }
    bool kept_apart =
        at < here->len && truth.keeps_marked && marks_say_nothing(here->items[at].mailbox);
    if (at != here->len && !kept_apart)
        truth_fail("the sides differ at message %u in %s, here alone", here->items[at].number,
                   here->items[at].mailbox);
}

static void check_count(const struct message *m, bool held)
{
    /* A copy and what was moved to its mailbox, or copied to it on the other side, are one, where
     * both are found by content. */
    bool both_copied = m->copied_here && m->copied_there;
    bool by_content = truth.recovers && (m->moved_here || m->moved_there || both_copied);
    bool met = m->made > 1 && (m->move_sought || m->both_copied_first || by_content);
    unsigned made = m->made - met;
    unsigned least = made > m->removed ? made - m->removed : 0;
    unsigned most = m->made + m->sent_again;
    /* Which of several copies was moved or copied, where both sides do so, or an answer was lost,
     * cannot be told: one is there in any case. */
    if (m->made > 1) {
        least = least > 1 ? 1 : least;
        most++;
    }
    most += m->moved_as_copy;
    /* What is moved while nobody knows what belongs together is a copy. */
    most += truth.recovers && (m->moved_here || m->moved_there || truth.renamed);
    /* Where it cannot be expunged, what was moved, or removed by way of Trash, stays where it was,
     * \\Deleted; an index that is lost, or begun anew, no longer tells what that was. */
    if (truth.recovers && truth.keeps_marked && (m->trashed || m->moved_here))
        most += held ? m->marked_there : m->marked_here;
    bool settled = !m->revived && !m->sent_again && !truth.recovers;
    if (m->made == 1 && m->removed > 0 && settled && !m->moved_here && !m->moved_there)
        most = 0;
    bool there_alone = held || truth_is_large(m) || (m->left > 0 && !(m->came && m->made == 1));
    unsigned seen = there_alone && m->there > m->here ? m->there : m->here;
    if (seen + m->apart < least)
        truth_fail("message %u is lost: %u of it here, %u made, %u removed", m->number, m->here,
                   m->made, m->removed);
    /* A file that finds no partner is held beside what is fetched. */
    if ((held ? m->there : m->here) > most + m->apart)
        truth_fail("message %u is doubled or came back: %u of it here, %u made, %u removed",
                   m->number, m->here, m->made, m->removed);
}

/* A flag that was changed once, or never, is known. */
static void check_flags(const struct sight *s)
{
    const struct message *m = truth.messages.items[s->number - 1];
    /* What another client moves is known again where the server tells, and else fetched. */
    if (m->made != 1 || m->revived || m->sent_again || m->resettled || m->flagged_on_its_way ||
        m->apart > 0 || m->moved_there || m->trashed ||
        (m->moved_here && (truth.renamed || truth.keeps_marked)) || m->removed > 0)
        return;
    for (unsigned i = 0; i < MARKINGS; i++) {
        unsigned bit = 1u << i;
        /* The letters of a file that is moved are read by the table of where it was. */
        /* The absence of one says nothing in a folder whose files never had it. */
        bool other_letters =
            (m->moved_here || m->from_here) && (bit & ~(unsigned)MARKINGS_SYSTEM) != 0;
        /* T is not sent from Trash: given there, it may be gone once the message leaves it. */
        bool left_trash = truth.policy->trash && m->moved_here && bit == MARKING_TRASHED;
        if (m->changed[i] > 1 || (m->unflagged_as_sent & bit) != 0 || other_letters || left_trash ||
            (truth.keeps_marked && bit == MARKING_TRASHED) || (unsynced(s->mailbox) & bit) != 0)
            continue;
        unsigned wanted = (m->flags ^ (m->changed[i] == 1 ? bit : 0)) & bit;
        if ((s->flags & bit) != wanted)
            truth_fail("message %u has flag %c %s", m->number, LETTERS[i],
                       wanted ? "lost" : "although nobody gave it");
    }
}

static void check_none_marked(const struct sights *here)
{
    VEC_FOREACH (const struct sight, s, here) {
        if ((s->flags & MARKING_TRASHED) != 0)
            truth_fail("message %u in %s is marked, and still there", s->number, s->mailbox);
    }
}

void truth_count(void)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct sights here = {0}, there = {0};
    look(arena, &here, &there);
    vec_free(&here);
    vec_free(&there);
}

void truth_check_now(void)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct sights here = {0}, there = {0};
    struct here_names halves = {0};
    look(arena, &here, &there);
    here_halves_list(arena, &halves);
    look_into(arena, &halves, &here);
    vec_free(&halves);
    VEC_FOREACH (struct message *, at, &truth.messages) {
        struct message *m = *at;
        m->came = m->came || (m->here > 0 && m->there > 0);
        if (m->made > 0 && m->removed == 0 && m->here + m->there == 0)
            truth_fail("message %u is on neither side, and nobody removed it", m->number);
    }
    vec_free(&here);
    vec_free(&there);
}

void truth_check_settled(bool held)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct sights here = {0}, there = {0};
    look(arena, &here, &there);
    set_apart(arena, &here);
    set_apart(arena, &there);
    if (!held)
        check_alike(&here, &there);
    if (truth.policy->expunges && !truth.keeps_marked && !truth.recovers)
        check_none_marked(&here);
    VEC_FOREACH (struct message *, m, &truth.messages) {
        check_count(*m, held);
    }
    VEC_FOREACH (const struct sight, s, &here) {
        if (!truth.recovers)
            check_flags(s);
    }
    if (!held)
        check_index(arena, &here, &there);
    vec_free(&here);
    vec_free(&there);
}

/* Whether `is` holds for any of the index's mailboxes. */
static bool any_known(bool (*is)(struct arena *arena, const struct index_mailbox *mailbox))
{
    AUTO_ARENA struct arena *arena = arena_new();
    AUTO_TXN struct index_txn *txn = NULL;
    struct error ignored = ERROR_INIT;
    struct index *index = NULL;
    struct index_mailbox mailbox;
    enum index_opened opened;
    uint32_t cursor = 0;
    bool found = false;
    if (index_open(HERE_STATE, &index, &opened, &ignored) == 0 &&
        index_begin_read(index, &txn, &ignored) == 0) {
        while (!found && index_mailbox_next(txn, arena, &cursor, &mailbox, &ignored) > 0)
            found = is(arena, &mailbox);
    }
    index_abort(&txn);
    index_close(&index);
    return found;
}

static bool has_other_name(struct arena *arena, const struct index_mailbox *mailbox)
{
    return strcmp(here_mailbox_of(arena, mailbox->path.ptr), mailbox->utf8.ptr) != 0;
}

bool truth_names_differ(void)
{
    return any_known(has_other_name);
}

static bool is_older_there(struct arena *arena, const struct index_mailbox *mailbox)
{
    struct backend_mailbox_info info;
    return there_info(mailbox->utf8.ptr, &info) && info.uidvalidity == mailbox->uidvalidity &&
           info.uidnext < mailbox->uidnext;
}

bool truth_server_went_back(void)
{
    return calls_has_index() && any_known(is_older_there);
}

void truth_note_locks(void)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct here_names folders = {0};
    here_folders_list(arena, &folders);
    VEC_FOREACH (const char *, folder, &folders) {
        truth.letters_missing = truth.letters_missing || here_is_locked(*folder);
    }
    vec_free(&folders);
}

void truth_tell(struct buf *out)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct sights here = {0}, there = {0};
    look(arena, &here, &there);
    tell_sights("server ", &there, out);
    tell_sights("Maildir", &here, out);
    vec_free(&here);
    vec_free(&there);
}
