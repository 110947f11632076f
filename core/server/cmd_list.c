/* LIST (plain and RFC 5258, 5819, 6154, 8440, 9590) LSUB XLIST */
#include "imap/metadata.h"
#include "server/session_private.h"

struct list_names {
    struct backend_list_entry *items; /* in order of name */
    size_t len;
};

struct list_job {
    struct session *s;
    struct command *c;
    const struct list_request *request;
    struct str *patterns; /* with the reference before each */
    struct list_names names;
};

/* ---- the names ---- */

static int compare_entries(const void *a, const void *b)
{
    return str_cmp(((const struct backend_list_entry *)a)->name,
                   ((const struct backend_list_entry *)b)->name);
}

static bool has_name(const struct list_names *names, struct str name)
{
    const struct backend_list_entry key = {.name = name};
    return bsearch(&key, names->items, names->len, sizeof key, compare_entries) != NULL;
}

/* Whether the entry at `index` is below `name`. Those below follow in order, but names with bytes
 * below the delimiter may stand between. */
static bool is_below(const struct session *s, const struct backend_list_entry *entry,
                     struct str name)
{
    return entry->name.len > name.len && str_starts(entry->name, name) &&
           entry->name.ptr[name.len] == s->backend.ops->delimiter;
}

/* Adds what stands above subscribed names and is none itself. */
static void add_missing_parents(struct list_job *job)
{
    struct list_names *names = &job->names;
    VEC(struct backend_list_entry) parents = {0};
    for (size_t i = 0; i < names->len; i++) {
        struct str name = names->items[i].name;
        ptrdiff_t end = 0;
        while ((names->items[i].attributes & LIST_NONEXISTENT) != 0 &&
               (end = str_rfind(name, job->s->backend.ops->delimiter)) > 0) {
            name = str_sub(name, 0, (size_t)end);
            if (!has_name(names, name)) {
                struct backend_list_entry parent = {name, LIST_NONEXISTENT};
                vec_push(&parents, parent);
            }
        }
    }
    if (parents.len > 0) {
        struct backend_list_entry *all =
            arena_array(job->c->arena, names->len + parents.len, sizeof *all);
        memcpy(all, names->items, names->len * sizeof *all);
        memcpy(all + names->len, parents.items, parents.len * sizeof *all);
        names->items = all;
        names->len += parents.len;
        qsort(all, names->len, sizeof *all, compare_entries);
    }
    vec_free(&parents);
}

/* Rights hide names, and two ways to the same parent give it twice. */
static void drop_hidden(struct list_job *job)
{
    struct list_names *names = &job->names;
    size_t kept = 0;
    for (size_t i = 0; i < names->len; i++) {
        struct backend_list_entry entry = names->items[i];
        struct acl_rights rights = {UINT64_MAX};
        if ((entry.attributes & LIST_NONEXISTENT) == 0) {
            rights = access_rights(job->s, entry.name);
        }
        bool twice = kept > 0 && str_eq(names->items[kept - 1].name, entry.name);
        if (acl_rights_have(&rights, 'l') && !twice) {
            names->items[kept++] = entry;
        }
    }
    names->len = kept;
}

static int load(struct list_job *job, struct error *err)
{
    struct session *s = job->s;
    int r = s->backend.ops->list(s->user, job->c->arena, &job->names.items, &job->names.len, err);
    if (r < 0) {
        return r;
    }
    drop_hidden(job);
    size_t listed = job->names.len;
    add_missing_parents(job);
    if (job->names.len > listed) {
        drop_hidden(job);
    }
    return 0;
}

static void make_patterns(struct list_job *job)
{
    const struct list_request *request = job->request;
    job->patterns = arena_array(job->c->arena, request->patterns.len, sizeof *job->patterns);
    for (size_t i = 0; i < request->patterns.len; i++) {
        job->patterns[i] =
            str_from(arena_printf(job->c->arena, "%.*s%.*s", STR_ARG(request->reference),
                                  STR_ARG(request->patterns.items[i])));
    }
}

static bool matches(const struct list_job *job, struct str wire)
{
    char delimiter = names_delimiter(job->s);
    for (size_t i = 0; i < job->request->patterns.len; i++) {
        struct str pattern = job->patterns[i];
        if (mailbox_name_matches(wire, pattern, delimiter) ||
            (mailbox_name_is_inbox(wire) && mailbox_name_is_inbox(pattern))) {
            return true;
        }
    }
    return false;
}

/* ---- choosing ---- */

static bool is_selected(const struct list_request *request, uint32_t attributes)
{
    if ((request->select & LIST_SELECT_SUBSCRIBED) != 0 && (attributes & LIST_SUBSCRIBED) == 0) {
        return false;
    }
    if ((request->select & LIST_SELECT_SPECIAL_USE) != 0 && (attributes & LIST_SPECIAL_USE) == 0) {
        return false;
    }
    return (request->select & LIST_SELECT_SUBSCRIBED) != 0 || (attributes & LIST_NONEXISTENT) == 0;
}

static bool has_child(const struct list_job *job, size_t index, bool selected)
{
    struct str name = job->names.items[index].name;
    for (size_t i = index + 1; i < job->names.len; i++) {
        const struct backend_list_entry *entry = &job->names.items[i];
        if (!str_starts(entry->name, name)) {
            break;
        }
        if (is_below(job->s, entry, name) &&
            (selected ? is_selected(job->request, entry->attributes)
                      : (entry->attributes & LIST_NONEXISTENT) == 0)) {
            return true;
        }
    }
    return false;
}

/* What is selected by is also returned: RFC 5258 section 3.1, RFC 6154 section 2. */
static unsigned wanted_returns(const struct list_request *request)
{
    unsigned returns = request->returns;
    if ((request->select & LIST_SELECT_SUBSCRIBED) != 0) {
        returns |= LIST_RETURN_SUBSCRIBED;
    }
    if ((request->select & LIST_SELECT_SPECIAL_USE) != 0) {
        returns |= LIST_RETURN_SPECIAL_USE;
    }
    return returns;
}

static bool is_extended(const struct list_request *request)
{
    return request->has_select || request->has_return || request->patterns.len > 1;
}

/* The plain form tells special uses and children too, as RFC 6154 and RFC 3348 allow. */
static uint32_t told_attributes(const struct list_job *job, size_t index)
{
    const struct list_request *request = job->request;
    uint32_t attributes = job->names.items[index].attributes;
    uint32_t told = attributes & (LIST_NOSELECT | LIST_NONEXISTENT);
    bool plain = !is_extended(request);
    unsigned returns = wanted_returns(request);
    if (session_offers(job->s, CAP_SPECIAL_USE) &&
        (plain || (returns & LIST_RETURN_SPECIAL_USE) != 0)) {
        told |= attributes & LIST_SPECIAL_USE;
    }
    if ((returns & LIST_RETURN_SUBSCRIBED) != 0) {
        told |= attributes & LIST_SUBSCRIBED;
    }
    if (session_offers(job->s, CAP_CHILDREN) && (plain || (returns & LIST_RETURN_CHILDREN) != 0)) {
        told |= has_child(job, index, false) ? LIST_HASCHILDREN : LIST_HASNOCHILDREN;
    }
    return told;
}

/* ---- telling ---- */

void list_tell_entry(struct session *s, const char *command, const struct list_entry *entry)
{
    writer_cstr(&s->out, "* ");
    list_entry_write(&s->out, command, entry);
    writer_crlf(&s->out);
}

/* STATUS and its like, of mailboxes that can be opened: RFC 5819 section 2. */
static void tell_beside(struct list_job *job, struct str name)
{
    const struct list_request *request = job->request;
    struct error err = ERROR_INIT;
    size_t longest = 0;
    struct metadata_get get = {.names = request->metadata};
    struct acl_rights rights = access_rights(job->s, name);
    if ((request->returns & LIST_RETURN_STATUS) != 0 && acl_rights_have(&rights, 'r')) {
        (void)status_tell(job->s, job->c->arena, name, request->status_items, &err);
    }
    if ((request->returns & LIST_RETURN_MYRIGHTS) != 0) {
        (void)acl_tell_mine(job->s, job->c->arena, name, &err);
    }
    if ((request->returns & LIST_RETURN_METADATA) != 0 && acl_rights_have(&rights, 'r')) {
        (void)metadata_tell(job->s, job->c, name, &get, &longest, &err);
    }
}

static void tell_list(struct list_job *job, const char *command)
{
    bool recursive = (job->request->select & LIST_SELECT_RECURSIVEMATCH) != 0;
    for (size_t i = 0; i < job->names.len; i++) {
        const struct backend_list_entry *found = &job->names.items[i];
        struct list_entry entry = {.delimiter = names_delimiter(job->s),
                                   .name = names_to_wire(job->s, job->c->arena, found->name)};
        if (!matches(job, entry.name)) {
            continue;
        }
        if (recursive && has_child(job, i, true)) {
            entry.child_info =
                job->request->select & ~(unsigned)(LIST_SELECT_RECURSIVEMATCH | LIST_SELECT_REMOTE);
        }
        if (!is_selected(job->request, found->attributes) && entry.child_info == 0) {
            continue;
        }
        entry.attributes = told_attributes(job, i);
        if (strcmp(command, "XLIST") == 0 && str_eq(found->name, STR("INBOX"))) {
            entry.attributes |= LIST_INBOX;
        }
        list_tell_entry(job->s, command, &entry);
        if ((found->attributes & (LIST_NOSELECT | LIST_NONEXISTENT)) == 0) {
            tell_beside(job, found->name);
        }
    }
}

/* RFC 3501 section 6.3.9: with `%` a name that is not subscribed stands for those below it. */
static void tell_lsub(struct list_job *job)
{
    static const struct list_request subscribed = {.select = LIST_SELECT_SUBSCRIBED};
    struct list_job probe = *job;
    probe.request = &subscribed;
    for (size_t i = 0; i < job->names.len; i++) {
        const struct backend_list_entry *found = &job->names.items[i];
        struct list_entry entry = {.delimiter = names_delimiter(job->s),
                                   .name = names_to_wire(job->s, job->c->arena, found->name)};
        bool itself = (found->attributes & LIST_SUBSCRIBED) != 0;
        bool stands_for =
            !itself && str_find(job->patterns[0], '%') >= 0 && has_child(&probe, i, true);
        if ((itself || stands_for) && matches(job, entry.name)) {
            entry.attributes =
                stands_for ? (uint32_t)LIST_NOSELECT : found->attributes & LIST_NOSELECT;
            list_tell_entry(job->s, "LSUB", &entry);
        }
    }
}

/* ---- the commands ---- */

/* The option's words where it is not on offer; NULL else. */
static const char *refusal(const struct session *s, const struct list_request *request)
{
    static const struct {
        unsigned option;
        enum capability capability;
    } returns[] = {
        {LIST_RETURN_STATUS, CAP_LIST_STATUS},
        {LIST_RETURN_MYRIGHTS, CAP_LIST_MYRIGHTS},
        {LIST_RETURN_METADATA, CAP_LIST_METADATA},
        {LIST_RETURN_SPECIAL_USE, CAP_SPECIAL_USE},
    };
    bool alone = false; /* what brings its own extended form along */
    for (size_t i = 0; i < sizeof returns / sizeof *returns; i++) {
        if ((request->returns & returns[i].option) == 0) {
            continue;
        }
        if (!session_offers(s, returns[i].capability)) {
            return "This return option is not on offer";
        }
        alone = true;
    }
    if ((request->select & LIST_SELECT_SPECIAL_USE) != 0 && !session_offers(s, CAP_SPECIAL_USE)) {
        return "SPECIAL-USE is not on offer";
    }
    if (is_extended(request) && !alone && !session_offers(s, CAP_LIST_EXTENDED) &&
        (request->select & LIST_SELECT_SPECIAL_USE) == 0) {
        return "LIST-EXTENDED is not on offer";
    }
    if (!status_items_offered(s, request->status_items)) {
        return "These STATUS items are not on offer";
    }
    return NULL;
}

static void answer(struct session *s, struct command *c, const struct list_request *request)
{
    struct list_job job = {.s = s, .c = c, .request = request};
    struct error err = ERROR_INIT;
    make_patterns(&job);
    if (load(&job, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    if (c->row->id == CMD_LSUB) {
        tell_lsub(&job);
    } else {
        tell_list(&job, c->row->name);
    }
    reply_ok(c, "Done");
}

/* LIST LSUB XLIST */
void handle_list(struct session *s, struct command *c)
{
    struct list_request request;
    if (!reader_expect_sp(c->reader) || !list_request_read(c->reader, c->arena, &request) ||
        !reader_expect_crlf(c->reader)) {
        return;
    }
    const char *words = refusal(s, &request);
    if (words == NULL && c->row->id != CMD_LIST && is_extended(&request)) {
        words = "Only LIST has options";
    }
    if (words != NULL) {
        reply_bad(c, words);
        return;
    }
    s->condstore = s->condstore || (request.status_items & STATUS_HIGHESTMODSEQ) != 0;
    if (c->row->id == CMD_LIST && !is_extended(&request) && request.patterns.items[0].len == 0) {
        /* An empty pattern asks for the delimiter alone. */
        struct list_entry entry = {
            .attributes = LIST_NOSELECT, .delimiter = names_delimiter(s), .name = STR_EMPTY};
        list_tell_entry(s, "LIST", &entry);
        reply_ok(c, "LIST done");
    } else {
        answer(s, c, &request);
    }
}
