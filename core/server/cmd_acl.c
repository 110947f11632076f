/* GETACL SETACL DELETEACL LISTRIGHTS MYRIGHTS (RFC 4314) */
#include "imap/acl.h"
#include "server/session_private.h"

/* In the order of RFC 4314 section 2.1. */
static const char grantable[] = "lrswipkxtea";

static struct acl_rights own_letters(struct acl_rights rights)
{
    struct acl_rights known = {0};
    (void)acl_rights_parse(str_from(grantable), &known);
    rights = acl_rights_with_obsolete(rights);
    rights.bits &= known.bits;
    return rights;
}

void handle_getacl(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct acl acl = {0};
    struct str name;
    if (!names_expect(s, c, &name) || !reader_expect_crlf(c->reader) ||
        !access_check(s, c, name, "a")) {
        return;
    }
    if (s->backend.acl->get(s->user, name, c->arena, &acl, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    acl.mailbox = names_to_wire(s, c->arena, name);
    for (size_t i = 0; i < acl.len; i++) {
        acl.items[i].rights = acl_rights_with_obsolete(acl.items[i].rights);
    }
    writer_cstr(&s->out, "* ");
    acl_write(&s->out, &acl);
    writer_crlf(&s->out);
    reply_ok(c, "GETACL done");
}

/* What the identifier has now; none where it is not named. */
static int present_rights(struct session *s, struct command *c, struct str name,
                          struct str identifier, struct acl_rights *out, struct error *err)
{
    struct acl acl = {0};
    int r = s->backend.acl->get(s->user, name, c->arena, &acl, err);
    *out = (struct acl_rights){0};
    for (size_t i = 0; r == 0 && i < acl.len; i++) {
        if (str_eq(acl.items[i].identifier, identifier)) {
            *out = acl.items[i].rights;
        }
    }
    return r;
}

static int set_rights(struct session *s, struct command *c, struct str name,
                      const struct acl_set *set, struct error *err)
{
    struct acl_rights rights = own_letters(set->rights);
    struct acl_rights present = {0};
    int r = present_rights(s, c, name, set->identifier, &present, err);
    if (r < 0) {
        return r;
    }
    if (set->change == ACL_ADD) {
        rights.bits |= present.bits;
    } else if (set->change == ACL_REMOVE) {
        rights.bits = present.bits & ~rights.bits;
    }
    return s->backend.acl->set(s->user, name, set->identifier, rights, err);
}

static void change(struct session *s, struct command *c, const struct acl_set *set)
{
    struct error err = ERROR_INIT;
    struct str name;
    if (!names_from_wire(s, c, set->mailbox, &name) || !access_check(s, c, name, "a")) {
        return;
    }
    if (set_rights(s, c, name, set, &err) < 0) {
        reply_error(c, &err);
    } else {
        reply_ok(c, "Done");
    }
}

void handle_setacl(struct session *s, struct command *c)
{
    struct acl_set set;
    if (reader_expect_sp(c->reader) && acl_set_read(c->reader, &set) &&
        reader_expect_crlf(c->reader)) {
        change(s, c, &set);
    }
}

void handle_deleteacl(struct session *s, struct command *c)
{
    struct acl_set set = {.change = ACL_REPLACE};
    if (reader_expect_sp(c->reader) && reader_expect_astring(c->reader, &set.mailbox) &&
        reader_expect_sp(c->reader) && reader_expect_astring(c->reader, &set.identifier) &&
        reader_expect_crlf(c->reader)) {
        change(s, c, &set);
    }
}

void handle_listrights(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct acl_list_rights list = {0};
    struct str name;
    if (!names_expect(s, c, &name) || !reader_expect_sp(c->reader) ||
        !reader_expect_astring(c->reader, &list.identifier) || !reader_expect_crlf(c->reader) ||
        !access_check(s, c, name, "a")) {
        return;
    }
    if (s->backend.acl->required(s->user, name, list.identifier, &list.required, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    list.mailbox = names_to_wire(s, c->arena, name);
    list.optional = arena_array(c->arena, sizeof grantable, sizeof *list.optional);
    for (const char *right = grantable; *right != '\0'; right++) {
        if (!acl_rights_have(&list.required, *right)) {
            (void)acl_rights_parse(str_make(right, 1), &list.optional[list.optional_len++]);
        }
    }
    writer_cstr(&s->out, "* ");
    acl_list_rights_write(&s->out, &list);
    writer_crlf(&s->out);
    reply_ok(c, "LISTRIGHTS done");
}

int acl_tell_mine(struct session *s, struct arena *arena, struct str name, struct error *err)
{
    struct acl_my_rights mine = {.mailbox = names_to_wire(s, arena, name)};
    int r = s->backend.acl->mine(s->user, name, &mine.rights, err);
    if (r < 0) {
        return r;
    }
    mine.rights = acl_rights_with_obsolete(mine.rights);
    writer_cstr(&s->out, "* ");
    acl_my_rights_write(&s->out, &mine);
    writer_crlf(&s->out);
    return 0;
}

void handle_myrights(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct str name;
    if (!names_expect(s, c, &name) || !reader_expect_crlf(c->reader)) {
        return;
    }
    struct acl_rights rights = access_rights(s, name);
    if (!access_has_any(&rights, "lrikxa")) {
        reply_no(c, CODE_NONEXISTENT, "There is no such mailbox");
    } else if (acl_tell_mine(s, c->arena, name, &err) < 0) {
        reply_error(c, &err);
    } else {
        reply_ok(c, "MYRIGHTS done");
    }
}
