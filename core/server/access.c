/* Whether the user's rights allow it (RFC 4314 section 4). */
#include "server/session_private.h"

struct acl_rights access_rights(const struct session *s, struct str name)
{
    struct acl_rights rights = {UINT64_MAX};
    struct error err = ERROR_INIT;
    if (session_offers(s, CAP_ACL) && s->backend.acl->mine(s->user, name, &rights, &err) < 0) {
        rights.bits = UINT64_MAX; /* what is not there is for others to complain of */
    }
    return rights;
}

bool access_check(const struct session *s, struct command *c, struct str name, const char *needed)
{
    struct acl_rights rights = access_rights(s, name);
    for (const char *right = needed; *right != '\0'; right++) {
        if (acl_rights_have(&rights, *right)) {
            continue;
        }
        /* Who may not look a mailbox up must not learn that it is there: section 6. */
        if (acl_rights_have(&rights, 'l')) {
            reply_no(c, CODE_NOPERM, "Your rights do not allow it");
        } else {
            reply_no(c, CODE_NONEXISTENT, "There is no such mailbox");
        }
        return false;
    }
    return true;
}

bool access_check_parent(const struct session *s, struct command *c, struct str name)
{
    ptrdiff_t end;
    while ((end = str_rfind(name, s->backend.ops->delimiter)) > 0) {
        struct backend_mailbox *parent = NULL;
        struct error err = ERROR_INIT;
        name = str_sub(name, 0, (size_t)end);
        if (s->backend.ops->open(s->user, name, &parent, &err) == 0) {
            s->backend.ops->close(parent);
            return access_check(s, c, name, "k");
        }
    }
    return true;
}

bool access_has_any(const struct acl_rights *rights, const char *any)
{
    bool found = false;
    for (const char *right = any; *right != '\0'; right++) {
        found = found || acl_rights_have(rights, *right);
    }
    return found;
}

unsigned access_flags(const struct acl_rights *rights)
{
    const unsigned others = FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DRAFT | FLAG_WILDCARD;
    return (acl_rights_have(rights, 's') ? (unsigned)FLAG_SEEN : 0u) |
           (acl_rights_have(rights, 't') ? (unsigned)FLAG_DELETED : 0u) |
           (acl_rights_have(rights, 'w') ? others : 0u);
}

void access_strip_flags(const struct acl_rights *rights, struct imap_flags *flags)
{
    flags->system &= access_flags(rights);
    if (!acl_rights_have(rights, 'w')) {
        flags->keywords_len = 0;
    }
}
