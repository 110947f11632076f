#include "sim/sights.h"
#include "sim/there.h"
#include "sim/truth.h"
#include <stdlib.h>

static const char LETTERS[] = MARKING_LETTERS;

struct sighting {
    struct arena *arena;
    const char *mailbox;
    struct sights *out;
};

/* Left on the server for its size or age. */
bool sight_is_skipped(const struct sight *there)
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
    m->left += sight_is_skipped(&sight);
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

void sights_look_into(struct arena *arena, const struct here_names *folders, struct sights *out)
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
    sights_look_into(arena, &folders, out);
    vec_free(&folders);
}

bool sights_marks_say_nothing(const char *mailbox)
{
    return truth.policy->trash && strcmp(mailbox, TRUTH_TRASH) == 0;
}

/* What need not be alike. */
unsigned sights_unsynced(const char *mailbox)
{
    unsigned out = sights_marks_say_nothing(mailbox) ? MARKING_TRASHED : 0;
    return truth.letters_missing ? out | (unsigned)~MARKINGS_SYSTEM : out;
}

int sights_compare(const void *a, const void *b)
{
    const struct sight *x = a;
    const struct sight *y = b;
    int order = strcmp(x->mailbox, y->mailbox);
    if (order == 0)
        order = (x->number > y->number) - (x->number < y->number);
    if (order != 0 || truth.older_flags)
        return order;
    unsigned a_flags = x->flags & ~sights_unsynced(x->mailbox);
    unsigned b_flags = y->flags & ~sights_unsynced(y->mailbox);
    return (a_flags > b_flags) - (a_flags < b_flags);
}

/* Of equal ones those that may be there alone come last. */
static int compare_places(const void *a, const void *b)
{
    int order = sights_compare(a, b);
    return order != 0 ? order : (int)sight_is_skipped(a) - (int)sight_is_skipped(b);
}

void sights_look(struct arena *arena, struct sights *here, struct sights *there)
{
    VEC_FOREACH (struct message *, m, &truth.messages) {
        (*m)->here = (*m)->there = (*m)->apart = (*m)->left = 0;
        (*m)->marked_here = (*m)->marked_there = 0;
    }
    look_here(arena, here);
    look_there(arena, there);
    if (here->len > 1)
        qsort(here->items, here->len, sizeof *here->items, sights_compare);
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

bool sights_is_there(struct arena *arena, const char *mailbox)
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

bool sights_is_here(struct arena *arena, const char *mailbox)
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

/* ---- finding ---- */

const struct sight *sights_by_base(const struct sights *here, const char *mailbox, struct str base)
{
    VEC_FOREACH (const struct sight, s, here) {
        if (strcmp(s->mailbox, mailbox) == 0 && str_eq(s->base, base))
            return s;
    }
    return NULL;
}

const struct sight *sights_by_uid(const struct sights *there, const char *mailbox, uint32_t uid)
{
    VEC_FOREACH (const struct sight, s, there) {
        if (strcmp(s->mailbox, mailbox) == 0 && s->uid == uid)
            return s;
    }
    return NULL;
}

/* Takes what is in mailboxes of one side alone out of the comparison. */
void sights_set_apart(struct arena *arena, struct sights *sights)
{
    bool apart = truth.renamed || truth.carries.create != DIRECTION_BOTH;
    size_t kept = 0;
    for (size_t i = 0; i < sights->len && apart; i++) {
        const struct sight s = sights->items[i];
        if (sights_is_there(arena, s.mailbox) && sights_is_here(arena, s.mailbox))
            sights->items[kept++] = s;
        else
            truth.messages.items[s.number - 1]->apart++;
    }
    sights->len = apart ? kept : sights->len;
}

/* ---- counting and telling ---- */

void truth_count(void)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct sights here = {0}, there = {0};
    sights_look(arena, &here, &there);
    vec_free(&here);
    vec_free(&there);
}

void truth_tell(struct buf *out)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct sights here = {0}, there = {0};
    sights_look(arena, &here, &there);
    tell_sights("server ", &there, out);
    tell_sights("Maildir", &here, out);
    vec_free(&here);
    vec_free(&there);
}
