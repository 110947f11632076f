#include "survey/told.h"

#include "imap/mailbox_name.h"

/* Of what the pass was told, so many mailboxes are opened before it is known what changed. */
#define TOLD_MAX 16

/* Openings that were begun behind the question for all mailboxes, when no pair was known yet. */
struct told {
    struct told_one {
        struct mailbox_pair pair; /* but for the record, nothing */
        struct opening opening;
    } * items;
    size_t len, begun;
    uint64_t commands; /* sent by then: what is done in between may be missing from the answers */
};

static bool is_told(const struct pass *pass, const struct index_mailbox *m)
{
    bool inbox = mailbox_name_is_inbox(m->name);
    for (const char *const *name = pass->options->told; *name != NULL; name++) {
        if (str_eq(str_from(*name), m->name) || (inbox && mailbox_name_is_inbox(str_from(*name))))
            return true;
    }
    return false;
}

void told_choose(struct pass *pass, const struct index_mailbox *known, size_t len)
{
    if (pass->options->told == NULL)
        return;
    struct told *told = pass->told = xcalloc(1, sizeof *told);
    told->items = xcalloc(TOLD_MAX, sizeof *told->items);
    for (size_t i = 0; i < len && told->len < TOLD_MAX; i++) {
        struct told_one *one = &told->items[told->len];
        one->pair.record = known[i];
        one->opening =
            (struct opening){.pair = &one->pair, .means = opening_means(pass, &one->pair)};
        told->len += known[i].state == MAILBOX_SYNCED && is_told(pass, &known[i]) &&
                     one->opening.means != SURVEY_LISTING;
    }
}

void told_begin(struct pass *pass)
{
    struct told *told = pass->told;
    struct error ignored = ERROR_INIT; /* the connection's own comes again with the next answer */
    while (told != NULL && told->begun < told->len &&
           opening_begin(pass, &told->items[told->begun].opening, &ignored) == 0)
        told->begun++;
}

/* Whoever finds a mailbox selected takes it for the one that the index knows. */
static void leave_if_replaced(struct pass *pass, const struct opening *o)
{
    struct error ignored = ERROR_INIT;
    const struct index_mailbox *m = &o->pair->record;
    if (o->selected && o->select.data.uidvalidity != m->uidvalidity &&
        str_eq(client_selected(pass->client), m->name))
        (void)client_unselect(pass->client, &ignored);
}

void told_hear(struct pass *pass)
{
    struct told *told = pass->told;
    for (size_t i = 0; told != NULL && i < told->begun; i++)
        opening_hear(pass, &told->items[i].opening);
    for (size_t i = 0; told != NULL && i < told->begun; i++)
        leave_if_replaced(pass, &told->items[i].opening);
    if (told != NULL)
        told->commands = client_counters(pass->client).commands;
}

/* NULL: it is to be asked for. */
static struct opening *find_told(const struct pass *pass, const struct mailbox_pair *pair)
{
    const struct told *told = pass->told;
    for (size_t i = 0; told != NULL && i < told->begun; i++) {
        struct opening *o = &told->items[i].opening;
        const struct index_mailbox *m = &told->items[i].pair.record;
        if (o->selected && m->id == pair->record.id && str_eq(m->name, pair->record.name) &&
            o->select.data.uidvalidity == m->uidvalidity && o->means == opening_means(pass, pair))
            return o;
    }
    return NULL;
}

bool told_has(const struct pass *pass, const struct mailbox_pair *pair)
{
    return find_told(pass, pair) != NULL;
}

void told_check(struct pass *pass)
{
    const struct told *told = pass->told;
    if (told != NULL && told->commands != client_counters(pass->client).commands)
        told_drop(pass);
}

void told_drop(struct pass *pass)
{
    struct told *told = pass->told;
    for (size_t i = 0; told != NULL && i < told->begun; i++)
        opening_free(&told->items[i].opening);
    if (told != NULL)
        xfree(&told->items);
    xfree(&pass->told);
}

bool told_take(struct pass *pass, struct mailbox_pair *pair, struct opening *out)
{
    struct opening *told = find_told(pass, pair);
    if (told == NULL)
        return false;
    *out = *told;
    *told = (struct opening){0};
    out->pair = pair;
    return true;
}
