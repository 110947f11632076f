/* One quota root, "", for all mailboxes of a user. */
#include "server/mem_private.h"
#include <stdio.h>

#define STORAGE_UNIT 1024

static const char *const resource_names[MEM_RESOURCES] = {
    [MEM_STORAGE] = "STORAGE",
    [MEM_MESSAGE] = "MESSAGE",
    [MEM_MAILBOX] = "MAILBOX",
    [MEM_ANNOTATION_STORAGE] = "ANNOTATION-STORAGE",
};

/* In octets where it is of storage. */
static uint64_t usage_of(const struct mem_user *user, enum mem_resource resource)
{
    uint64_t used =
        resource == MEM_ANNOTATION_STORAGE ? mem_annotations_size(&user->annotations) : 0;
    for (size_t i = 0; i < user->mailboxes.len; i++) {
        const struct mem_mailbox *m = user->mailboxes.items[i];
        switch (resource) {
        case MEM_STORAGE:
            for (size_t j = 0; j < m->messages.len; j++) {
                used += m->messages.items[j]->body->len;
            }
            break;
        case MEM_MESSAGE:
            used += m->messages.len;
            break;
        case MEM_MAILBOX:
            used += !m->noselect;
            break;
        case MEM_ANNOTATION_STORAGE:
            used += mem_annotations_size(&m->annotations);
            break;
        case MEM_RESOURCES:
            break;
        }
    }
    return used;
}

static bool in_octets(enum mem_resource resource)
{
    return resource == MEM_STORAGE || resource == MEM_ANNOTATION_STORAGE;
}

int mem_quota_check(const struct mem_user *user, enum mem_resource resource, uint64_t more,
                    struct error *err)
{
    uint64_t unit = in_octets(resource) ? STORAGE_UNIT : 1;
    if (!user->limited[resource] ||
        usage_of(user, resource) + more <= user->limits[resource] * unit) {
        return 0;
    }
    int r = error_set(err, ERR_REFUSED, SCOPE_ACCOUNT, "The quota of %s is used up",
                      resource_names[resource]);
    snprintf(err->response_code, sizeof err->response_code, "OVERQUOTA");
    return r;
}

int mem_quota_check_message(const struct mem_user *user, uint64_t octets, struct error *err)
{
    int r = mem_quota_check(user, MEM_STORAGE, octets, err);
    return r < 0 ? r : mem_quota_check(user, MEM_MESSAGE, 1, err);
}

/* ---- the table ---- */

static int quota_roots(struct backend_user *user, struct str mailbox, struct arena *arena,
                       struct str_list *out, struct error *err)
{
    *out = (struct str_list){0};
    str_list_add(arena, out, STR_EMPTY);
    return 0;
}

static int quota_get(struct backend_user *user, struct str root, struct arena *arena,
                     struct quota *out, struct error *err)
{
    if (root.len > 0) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_ACCOUNT, "There is no quota root %.*s",
                         STR_ARG(root));
    }
    *out = (struct quota){.root = STR_EMPTY};
    out->items = arena_array(arena, MEM_RESOURCES, sizeof *out->items);
    for (unsigned i = 0; i < MEM_RESOURCES; i++) {
        uint64_t unit = in_octets((enum mem_resource)i) ? STORAGE_UNIT : 1;
        if (user->user->limited[i]) {
            uint64_t used = usage_of(user->user, (enum mem_resource)i);
            out->items[out->len++] = (struct quota_resource){
                str_from(resource_names[i]), (used + unit - 1) / unit, user->user->limits[i]};
        }
    }
    return 0;
}

/* MEM_RESOURCES if there is none of that name. */
static unsigned find_resource(struct str name)
{
    unsigned i = 0;
    while (i < MEM_RESOURCES && !str_eq_nocase(name, str_from(resource_names[i]))) {
        i++;
    }
    return i;
}

static int quota_set(struct backend_user *user, const struct quota *limits, struct error *err)
{
    if (limits->root.len > 0) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_ACCOUNT, "There is no quota root %.*s",
                         STR_ARG(limits->root));
    }
    for (size_t i = 0; i < limits->len; i++) {
        if (find_resource(limits->items[i].name) == MEM_RESOURCES) {
            return error_set(err, ERR_REFUSED, SCOPE_ACCOUNT, "There is no resource %.*s",
                             STR_ARG(limits->items[i].name));
        }
    }
    memset(user->user->limited, 0, sizeof user->user->limited);
    for (size_t i = 0; i < limits->len; i++) {
        unsigned resource = find_resource(limits->items[i].name);
        user->user->limited[resource] = true;
        user->user->limits[resource] = limits->items[i].limit < UINT64_MAX / STORAGE_UNIT
                                           ? limits->items[i].limit
                                           : UINT64_MAX / STORAGE_UNIT;
    }
    return 0;
}

const struct backend_quota_ops mem_quota_ops = {
    .roots = quota_roots, .get = quota_get, .set = quota_set};
