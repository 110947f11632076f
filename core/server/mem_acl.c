/* Rights on mailboxes in memory: the owner has all of them unless he is named himself. */
#include "base/alloc.h"
#include "server/mem_private.h"

#define ALL_RIGHTS "lrswipkxtea"
/* So that nobody locks himself out of his own mailbox. */
#define OWNER_RIGHTS "la"

static struct acl_rights rights_of(const char *text)
{
    struct acl_rights rights = {0};
    (void)acl_rights_parse(str_from(text), &rights);
    return rights;
}

void mem_rights_free(struct mem_mailbox *m)
{
    VEC_FOREACH (struct mem_right, right, &m->rights)
        xfree(&right->identifier);
    vec_free(&m->rights);
}

void mem_rights_inherit(struct mem_mailbox *m, const struct mem_mailbox *parent)
{
    VEC_FOREACH (struct mem_right, right, &parent->rights) {
        struct mem_right own = {xstrdup(right->identifier), right->rights};
        vec_push(&m->rights, own);
    }
}

static struct mem_right *find_right(const struct mem_mailbox *m, struct str identifier)
{
    VEC_FOREACH (struct mem_right, right, &m->rights)
        if (str_eq(str_from(right->identifier), identifier)) {
            return right;
        }
    return NULL;
}

static int find_mailbox(const struct backend_user *user, struct str name, struct mem_mailbox **out,
                        struct error *err)
{
    *out = mem_user_find(user->user, name);
    return *out != NULL ? 0
                        : error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "There is no mailbox %.*s",
                                    STR_ARG(name));
}

static int acl_get(struct backend_user *user, struct str mailbox, struct arena *arena,
                   struct acl *out, struct error *err)
{
    struct str owner = str_from(user->user->name);
    struct mem_mailbox *m = NULL;
    int r = find_mailbox(user, mailbox, &m, err);
    if (r < 0) {
        return r;
    }
    out->items = arena_array(arena, m->rights.len + 1, sizeof *out->items);
    out->len = 0;
    if (find_right(m, owner) == NULL) {
        out->items[out->len++] = (struct acl_entry){arena_str(arena, owner), rights_of(ALL_RIGHTS)};
    }
    VEC_FOREACH (struct mem_right, right, &m->rights)
        out->items[out->len++] =
            (struct acl_entry){str_from(arena_strdup(arena, right->identifier)), right->rights};
    return 0;
}

static int acl_required(struct backend_user *user, struct str mailbox, struct str identifier,
                        struct acl_rights *out, struct error *err)
{
    struct mem_mailbox *m = NULL;
    bool owner = str_eq(identifier, str_from(user->user->name));
    *out = rights_of(owner ? OWNER_RIGHTS : "");
    return find_mailbox(user, mailbox, &m, err);
}

static int acl_set(struct backend_user *user, struct str mailbox, struct str identifier,
                   struct acl_rights rights, struct error *err)
{
    struct acl_rights required;
    struct mem_mailbox *m = NULL;
    int r = find_mailbox(user, mailbox, &m, err);
    if (r < 0 || (r = acl_required(user, mailbox, identifier, &required, err)) < 0) {
        return r;
    }
    struct mem_right *right = find_right(m, identifier);
    rights.bits |= required.bits;
    user->backend->revision++;
    if (right == NULL && rights.bits != 0) {
        right = vec_add(&m->rights);
        right->identifier = xstrndup(identifier.ptr, identifier.len);
    }
    if (right != NULL && rights.bits == 0) {
        xfree(&right->identifier);
        *right = m->rights.items[--m->rights.len];
    } else if (right != NULL) {
        right->rights = rights;
    }
    return 0;
}

/* Those of the user and of "anyone", less what "-user" and "-anyone" take away. */
static int acl_mine(struct backend_user *user, struct str mailbox, struct acl_rights *out,
                    struct error *err)
{
    struct str owner = str_from(user->user->name);
    struct acl_rights denied = {0};
    struct mem_mailbox *m = NULL;
    int r = find_mailbox(user, mailbox, &m, err);
    if (r < 0) {
        return r;
    }
    *out = rights_of(find_right(m, owner) == NULL ? ALL_RIGHTS : "");
    VEC_FOREACH (struct mem_right, right, &m->rights) {
        struct str identifier = str_from(right->identifier);
        bool negative = str_starts(identifier, STR("-"));
        struct str who = str_from_offset(identifier, negative ? 1 : 0);
        if (str_eq(who, owner) || str_eq(who, STR("anyone"))) {
            *(negative ? &denied.bits : &out->bits) |= right->rights.bits;
        }
    }
    out->bits = (out->bits & ~denied.bits) | rights_of(OWNER_RIGHTS).bits;
    return 0;
}

const struct backend_acl_ops mem_acl_ops = {
    .get = acl_get, .set = acl_set, .mine = acl_mine, .required = acl_required};
