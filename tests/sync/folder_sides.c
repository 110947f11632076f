#include "sync/folder_sides.h"

#include "imap/list.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void ok(int result, const struct error *err)
{
    if (result < 0) {
        fail_msg("%s", err->text);
    }
}

struct login {
    struct backend backend;
    struct backend_user *user;
};

static struct login log_in(struct engine *e)
{
    const struct str nobody = {NULL, 0};
    struct error err = ERROR_INIT;
    struct login l = {.backend = mem_backend_vtable(e->env.backend)};
    ok(l.backend.ops->login(l.backend.self, STR(LOCKSTEP_USER), nobody, &l.user, &err), &err);
    return l;
}

static void log_out(const struct login *l)
{
    l->backend.ops->logout(l->backend.self, l->user);
}

void server_rename(struct engine *e, const char *from, const char *to)
{
    struct error err = ERROR_INIT;
    struct login l = log_in(e);
    ok(l.backend.ops->rename(l.user, str_from(from), str_from(to), &err), &err);
    log_out(&l);
}

void server_remove(struct engine *e, const char *mailbox)
{
    struct error err = ERROR_INIT;
    ok(mem_backend_remove(e->env.backend, LOCKSTEP_USER, mailbox, &err), &err);
}

void server_create_special(struct engine *e, const char *mailbox, uint32_t use)
{
    struct error err = ERROR_INIT;
    ok(mem_backend_create(e->env.backend, LOCKSTEP_USER, mailbox, use, &err), &err);
}

void server_subscribe(struct engine *e, const char *mailbox, bool on)
{
    struct error err = ERROR_INIT;
    struct login l = log_in(e);
    ok(l.backend.ops->subscribe(l.user, str_from(mailbox), on, &err), &err);
    log_out(&l);
}

void server_set_flags(struct engine *e, const char *mailbox, uint32_t uid,
                      const struct imap_flags *flags)
{
    struct error err = ERROR_INIT;
    struct backend_mailbox *opened;
    struct login l = log_in(e);
    ok(l.backend.ops->open(l.user, str_from(mailbox), &opened, &err), &err);
    ok(l.backend.ops->set_flags(opened, uid, flags, &err), &err);
    l.backend.ops->close(opened);
    log_out(&l);
}

bool server_is_subscribed(struct engine *e, const char *mailbox)
{
    struct error err = ERROR_INIT;
    struct backend_list_entry *entries;
    size_t len;
    bool found = false;
    struct login l = log_in(e);
    ok(l.backend.ops->list(l.user, e->arena, &entries, &len, &err), &err);
    for (size_t i = 0; i < len; i++) {
        found = found || (str_eq(entries[i].name, str_from(mailbox)) &&
                          (entries[i].attributes & LIST_SUBSCRIBED) != 0);
    }
    log_out(&l);
    return found;
}

void local_rename(struct engine *e, const char *from, const char *to)
{
    const char *source = arena_printf(e->arena, "%s/%s", e->root, from);
    const char *target = arena_printf(e->arena, "%s/%s", e->root, to);
    if (rename(source, target) != 0) {
        fail_msg("cannot rename %s to %s", source, target);
    }
}

bool local_has(struct engine *e, const char *path)
{
    return access(arena_printf(e->arena, "%s/%s", e->root, path), F_OK) == 0;
}

void assert_nothing_moved(const struct engine *e)
{
    const struct report_messages *m = &e->report.messages;
    uint64_t moved = m->downloaded + m->linked + m->uploaded + m->moved_local + m->moved_remote +
                     m->deleted_local + m->deleted_remote + m->held;
    if (moved != 0 || e->counts.bodies != 0) {
        engine_tell(e);
        fail_msg("%llu messages were moved, %u bodies fetched", (unsigned long long)moved,
                 e->counts.bodies);
    }
}

void server_lacks(struct engine *e, const enum capability *caps)
{
    for (; *caps != CAP_IMAP4REV1; caps++) {
        capabilities_set(&e->env.options.capabilities, *caps, false);
    }
}
