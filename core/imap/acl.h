#pragma once
/* ACL (RFC 4314; RFC 2086's `c` and `d` are kept as sent). */
#include "wire/reader.h"
#include "wire/writer.h"
#include "imap/str_list.h"

/* A set of right letters: bit n is 'a'+n, the digits lie behind. */
struct acl_rights {
    uint64_t bits;
};
/* Lower-case letters and digits, each once; false for anything else. */
bool acl_rights_parse(struct str text, struct acl_rights *out);
/* In alphabetical order; at most 36 letters and a NUL. */
void acl_rights_format(const struct acl_rights *rights, char out[37]);
/* `c` and `d` of RFC 2086 and the letters they stand for in RFC 4314 section 2.1.1, both ways: what
 * a server that grants "lrswidkxte" tells old clients too. */
struct acl_rights acl_rights_with_obsolete(struct acl_rights rights);
bool acl_rights_have(const struct acl_rights *rights, char right);

enum acl_change { ACL_REPLACE, ACL_ADD, ACL_REMOVE };
struct acl_set {
    struct str mailbox, identifier;
    enum acl_change change;
    struct acl_rights rights;
};
/* Behind "SETACL ". */
bool acl_set_read(struct reader *r, struct acl_set *out);
void acl_set_write(struct writer *w, const struct acl_set *set);
/* "+lr", "-x", "lrs" or "" (none). */
bool acl_change_parse(struct str text, struct acl_set *out);

struct acl_entry {
    struct str identifier; /* "-bob" takes rights away */
    struct acl_rights rights;
};
struct acl {
    struct str mailbox;
    struct acl_entry *items;
    size_t len;
};
/* Behind "ACL ". Unknown right characters are passed over, in all that servers tell. */
bool acl_read(struct reader *r, struct arena *arena, struct acl *out);
void acl_write(struct writer *w, const struct acl *acl);

struct acl_list_rights {
    struct str mailbox, identifier;
    struct acl_rights required;  /* always granted */
    struct acl_rights *optional; /* groups tied to each other */
    size_t optional_len;
};
/* Behind "LISTRIGHTS ". */
bool acl_list_rights_read(struct reader *r, struct arena *arena, struct acl_list_rights *out);
void acl_list_rights_write(struct writer *w, const struct acl_list_rights *rights);

struct acl_my_rights {
    struct str mailbox;
    struct acl_rights rights;
};
/* Behind "MYRIGHTS ". */
bool acl_my_rights_read(struct reader *r, struct acl_my_rights *out);
void acl_my_rights_write(struct writer *w, const struct acl_my_rights *rights);
