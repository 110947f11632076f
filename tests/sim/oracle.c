#include "store/index.h"
#include "sim/calls.h"
#include "sim/here_names.h"
#include "sim/sights.h"
#include "sim/there.h"
#include "sim/truth.h"

static const char LETTERS[] = MARKING_LETTERS;

/* ---- the index ---- */

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

/* What is not carried stays, and is known to. */
static bool is_left(enum message_state state)
{
    const struct carries *c = &truth.carries;
    return (state == MESSAGE_SKIPPED && !carries_here(c->messages_new)) ||
           (state == MESSAGE_DELETED_HERE && !carries_there(c->deletions)) ||
           (state == MESSAGE_GONE_THERE && !carries_here(c->deletions));
}

/* Moved here, to where it is not sent from: the server keeps it. */
static bool was_moved_away(const struct index_message *record, const struct sight *there)
{
    const struct message *m = truth.messages.items[there->number - 1];
    return record->state == MESSAGE_DELETED_HERE && !carries_there(truth.carries.messages_new) &&
           (m->moved_here || m->made > 1);
}

static void check_agreed(const char *name, unsigned agreed, const struct sight *file,
                         const struct sight *message)
{
    const enum direction carried = truth.carries.flags;
    unsigned seen = carries_here(carried) ? message->flags : file->flags;
    unsigned differing = (agreed ^ seen) & ~sights_unsynced(name);
    if (differing != 0 && carried != DIRECTION_NONE && !truth.older_flags)
        truth_fail("the index has other flags of %s UID %u: %u, not %u", name, message->uid, agreed,
                   seen);
}

static void check_record(struct index_txn *txn, const struct index_mailbox *mailbox,
                         const struct index_message *m, const struct sights *here,
                         const struct sights *there)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *name = mailbox->utf8.ptr;
    const struct sight *file =
        sights_by_base(here, here_mailbox_of(arena, mailbox->path.ptr), m->base);
    const struct sight *message = sights_by_uid(there, name, m->uid);
    if (message == NULL && is_left(m->state))
        return;
    if (message == NULL) {
        truth_fail("the index has %s UID %u, which the server has not", name, m->uid);
        return;
    }
    if (m->state == MESSAGE_DELETED_HERE && (truth.keeps_marked || truth.recovers))
        return;
    if ((m->state == MESSAGE_SKIPPED && sight_is_skipped(message)) || is_left(m->state) ||
        was_moved_away(m, message))
        return;
    if (m->state != MESSAGE_SYNCED)
        truth_fail("the index has %s UID %u in state %d", name, m->uid, (int)m->state);
    else if (file == NULL && truth.messages.items[message->number - 1]->apart > 0)
        return;
    else if (file == NULL)
        truth_fail("the index has a file for %s UID %u that is not there", name, m->uid);
    else if (file->number != message->number)
        truth_fail("the index takes message %u for %u (%s UID %u)", file->number, message->number,
                   name, m->uid);
    else
        check_agreed(name, markings_of(txn, &m->flags), file, message);
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
        count +=
            m.state != MESSAGE_GONE_THERE || sights_by_uid(there, mailbox->utf8.ptr, m.uid) != NULL;
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
        if (!truth.renamed || (sights_is_there(arena, mailbox.utf8.ptr) &&
                               sights_is_here(arena, here_mailbox_of(arena, mailbox.path.ptr))))
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
        bool same = at < here->len && sights_compare(s, &here->items[at]) == 0;
        at += same;
        if (same)
            continue;
        /* The other end of a move into a mailbox that was removed on the server. */
        if (truth.messages.items[s->number - 1]->apart > 0)
            continue;
        if (sight_is_skipped(s) || (truth.keeps_marked && sights_marks_say_nothing(s->mailbox)))
            continue;
        if (!is_only_marked(s)) {
            truth_fail("the sides differ at message %u in %s", s->number, s->mailbox);
            return;
        }
        truth.messages.items[s->number - 1]->there--;
    }
    bool kept_apart =
        at < here->len && truth.keeps_marked && sights_marks_say_nothing(here->items[at].mailbox);
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
    /* Which of what crossed the border on both sides is which nobody has seen. */
    most += truth.views && m->moved_here && m->moved_there;
    bool settled = !m->revived && !m->sent_again && !truth.recovers;
    if (m->made == 1 && m->removed > 0 && settled && !m->moved_here && !m->moved_there)
        most = 0;
    bool crossed = truth.views && m->moved_there; /* its age is judged as of what is new */
    bool there_alone =
        held || truth_is_large(m) || (m->left > 0 && (!(m->came && m->made == 1) || crossed));
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
        (m->moved_here && (truth.renamed || truth.keeps_marked || truth.views)) || m->removed > 0)
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
            (truth.keeps_marked && bit == MARKING_TRASHED) ||
            (sights_unsynced(s->mailbox) & bit) != 0)
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

void truth_check_now(void)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct sights here = {0}, there = {0};
    struct here_names halves = {0};
    sights_look(arena, &here, &there);
    here_halves_list(arena, &halves);
    sights_look_into(arena, &halves, &here);
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
    sights_look(arena, &here, &there);
    sights_set_apart(arena, &here);
    sights_set_apart(arena, &there);
    bool both = carries_all(&truth.carries);
    if (!both)
        carries_check_settled(arena, &here, &there);
    if (both && !held)
        check_alike(&here, &there);
    if (truth.policy->expunges && !truth.keeps_marked && !truth.recovers)
        check_none_marked(&here);
    for (size_t i = 0; i < truth.messages.len && both; i++)
        check_count(truth.messages.items[i], held);
    for (size_t i = 0; i < here.len && both && !truth.recovers; i++)
        check_flags(&here.items[i]);
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
