/* ACL (RFC 4314), QUOTA (RFC 9208), METADATA (RFC 5464). */
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void acl(void **state)
{
    static const struct script scripts[] = {
        {"the owner's", "1> a GETACL x\n1< * ACL x u acdeiklprstwx\n1< a OK …\n"
                        "1> b MYRIGHTS x\n1< * MYRIGHTS x acdeiklprstwx\n1< b OK …\n"},
        {"set, add, remove",
         "1> a SETACL x bob lr\n1< a OK …\n1> b SETACL x bob +st\n1< b OK …\n"
         "1> c SETACL x bob -r\n1< c OK …\n1> d SETACL x -eve w\n1< d OK …\n"
         "1> e GETACL x\n1< * ACL x u acdeiklprstwx bob dlst -eve w\n1< e OK …\n"
         "1> g DELETEACL x bob\n1< g OK …\n1> h SETACL x -eve \"\"\n1< h OK …\n"
         "1> i GETACL x\n1< * ACL x u acdeiklprstwx\n1< i OK …\n"},
        {"RFC 2086's letters", "1> a SETACL x bob lrc\n1< a OK …\n"
                               "1> b GETACL x\n1< * ACL x u acdeiklprstwx bob cklrx\n1< b OK …\n"},
        {"list",
         "1> a LISTRIGHTS x bob\n1< * LISTRIGHTS x bob \"\" l r s w i p k x t e a\n1< a OK …\n"
         "1> b LISTRIGHTS x u\n1< * LISTRIGHTS x u al r s w i p k x t e\n1< b OK …\n"},
        {"nowhere", "1> a GETACL no\n1< a NO [NONEXISTENT] …\n"
                    "1> b SETACL no bob l\n1< b NO [NONEXISTENT] …\n"
                    "1> c MYRIGHTS no\n1< c NO [NONEXISTENT] …\n"},
        {"wrong", "1> a SETACL x bob l!\n1< a BAD …\n1> b GETACL\n1< b BAD …\n"
                  "1> c SETACL x bob\n1< c BAD …\n"},
        {"nobody locks himself out", "1> a SETACL x u \"\"\n1< a OK …\n1> b MYRIGHTS x\n"
                                     "1< * MYRIGHTS x al\n1< b OK …\n"
                                     "1> c SETACL x u lrswipkxtea\n1< c OK …\n"},
        {"inherited", "1> a SETACL x bob l\n1< a OK …\n1> b CREATE x/y\n1< b OK …\n"
                      "1> c GETACL x/y\n1< * ACL x/y u acdeiklprstwx bob l\n1< c OK …\n"},
    };
    RUN_AFTER("1~ 0 CREATE x\n", scripts);
}

/* RFC 4314 section 4: what each command needs. */
static void rights_are_kept(void **state)
{
    static const struct script scripts[] = {
        {"r", "1~ 1 SETACL x u la\n1> a SELECT x\n1< a NO [NOPERM] …\n"
              "1> b STATUS x (MESSAGES)\n1< b NO [NOPERM] …\n"},
        {"i", "1~ 1 SETACL x u lra\n1> a APPEND x {1+}$m\n1< a NO [NOPERM] …\n"
              "1~ 2 SELECT INBOX\n1> b COPY 1 x\n1< b NO [NOPERM] …\n"},
        {"x and k", "1~ 1 SETACL x u lra\n1> a DELETE x\n1< a NO [NOPERM] …\n"
                    "1> b RENAME x y\n1< b NO [NOPERM] …\n1> c CREATE x/y\n1< c NO [NOPERM] …\n"
                    "1> d CREATE z\n1< d OK …\n"},
        {"flags of what comes",
         "1~ 1 SETACL x u lrait\n1~ 2 APPEND x (\\Seen \\Deleted k) {1+}$m\n"
         "1~ 3 SELECT INBOX\n1~ 4 COPY 1 x\n1~ 5 EXAMINE x\n1> a FETCH 1:* FLAGS\n"
         "1< * 1 FETCH (FLAGS (\\Deleted))\n1< * 2 FETCH (FLAGS ())\n1< a OK …\n"},
        {"flags that may be set",
         "1~ 1 SETACL x u lrais\n1~ 2 APPEND x {1+}$m\n1> s SELECT x\n1< * FLAGS …\n"
         "1< * OK [PERMANENTFLAGS (\\Seen)] …\n1< * 1 EXISTS\n1< * 0 RECENT\n1< * OK …\n1< * OK …\n"
         "1< * OK …\n1< * OK …\n1< * OK …\n1< s OK [READ-WRITE] …\n"
         "1> a STORE 1 FLAGS (\\Seen \\Flagged k)\n1< * 1 FETCH (FLAGS (\\Seen))\n1< a OK …\n"
         "1> b EXPUNGE\n1< b NO [NOPERM] …\n1> c MOVE 1 INBOX\n1< c NO [NOPERM] …\n"},
        {"nothing to change", "1~ 1 SETACL x u lra\n1~ 2 SELECT x\n1> a STORE 1:* FLAGS (k)\n"
                              "1< a NO [NOPERM] …\n"},
        {"BODY[] without s", "1~ 0 APPEND x {1+}$m\n1~ 1 SETACL x u lrwa\n1~ 2 SELECT x\n"
                             "1> a FETCH 1 (FLAGS BODY[])\n1< * 1 FETCH (FLAGS () BODY[] {1}\n"
                             "1< m)\n1< a OK …\n"},
        {"CLOSE without e",
         "1~ 0 APPEND x (\\Deleted) {1+}$m\n1~ 1 SETACL x u lrwta\n1~ 2 SELECT x\n1~ 3 CLOSE\n"
         "1> a STATUS x (MESSAGES)\n1< * STATUS x (MESSAGES 1)\n1< a OK …\n"},
    };
    RUN_AFTER("1~ 01 CREATE x\n1~ 02 APPEND INBOX (\\Flagged) {1+}$m\n", scripts);
}

static void quota(void **state)
{
    static const struct script scripts[] = {
        {"none",
         "1> a GETQUOTAROOT INBOX\n1< * QUOTAROOT INBOX \"\"\n1< * QUOTA \"\" ()\n1< a OK …\n"
         "1> b GETQUOTA \"\"\n1< * QUOTA \"\" ()\n1< b OK …\n"
         "1> c GETQUOTA other\n1< c NO [NONEXISTENT] …\n"},
        {"set", "1> a SETQUOTA \"\" (STORAGE 512 MESSAGE 10)\n"
                "1< * QUOTA \"\" (STORAGE 1 512 MESSAGE 1 10)\n1< a OK …\n"
                "1> b SETQUOTA \"\" (HATS 1)\n1< b NO [CANNOT] …\n"
                "1> c SETQUOTA \"\" ()\n1< * QUOTA \"\" ()\n1< c OK …\n"},
        {"messages",
         "1~ 1 SETQUOTA \"\" (MESSAGE 2)\n1~ 2 APPEND INBOX {1+}$m\n"
         "1> a APPEND INBOX {1+}$m\n1< a NO [OVERQUOTA] …\n"
         "1~ 3 SELECT INBOX\n1> b COPY 1:2 INBOX\n1< b NO [OVERQUOTA] …\n"
         "1~ 4 CREATE y\n1> c MOVE 1 y\n1< * OK [COPYUID …\n1< * 1 EXPUNGE\n1< c OK …\n"},
        {"octets", "1~ 1 SETQUOTA \"\" (STORAGE 1)\n1> a APPEND INBOX {1100+}$@@\n"
                   "1< a NO [OVERQUOTA] …\n1> b APPEND INBOX {9+}$123456789\n1< b OK …\n"},
        {"several at once: all or none",
         "1~ 1 SETQUOTA \"\" (MESSAGE 2)\n1> a APPEND INBOX {1+}$x {1+}$y\n1< a NO [OVERQUOTA] …\n"
         "1> b STATUS INBOX (MESSAGES)\n1< * STATUS INBOX (MESSAGES 1)\n1< b OK …\n"},
        {"mailboxes", "1~ 1 SETQUOTA \"\" (MAILBOX 2)\n1~ 2 CREATE x\n"
                      "1> a CREATE y\n1< a NO [OVERQUOTA] …\n"},
        {"annotations", "1~ 1 SETQUOTA \"\" (ANNOTATION-STORAGE 0)\n"
                        "1> a SETMETADATA \"\" (/private/x y)\n1< a NO [OVERQUOTA] …\n"},
        {"STATUS",
         "1~ 1 APPEND INBOX (\\Deleted) {3+}$mmm\n1> a STATUS INBOX (DELETED "
         "DELETED-STORAGE)\n1< * STATUS INBOX (DELETED 1 DELETED-STORAGE 1)\n1< a OK …\n"},
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct conversation c;
        struct buf text AUTO_BUF = BUF_INIT(65536);
        const char *at = strstr(scripts[i].text, "@@");
        conversation_init(&c);
        conversation_play(&c, scripts[i].name, "1~ 0 APPEND INBOX {1+}$m\n");
        buf_add(&text, scripts[i].text,
                at != NULL ? (size_t)(at - scripts[i].text) : strlen(scripts[i].text));
        for (int n = 0; at != NULL && n < 1100; n++) {
            buf_add_byte(&text, 'x');
        }
        buf_add_cstr(&text, at != NULL ? at + 2 : "");
        conversation_play(&c, scripts[i].name, text.data);
        conversation_free(&c);
    }
}

static void metadata(void **state)
{
    static const struct script scripts[] = {
        {"server", "1> a SETMETADATA \"\" (/shared/comment \"hi\")\n1< a OK …\n"
                   "1> b GETMETADATA \"\" /shared/comment\n"
                   "1< * METADATA \"\" (/shared/comment \"hi\")\n1< b OK …\n"},
        {"mailbox",
         "1> a SETMETADATA INBOX (/private/comment \"x y\" /shared/comment z)\n1< a OK …\n"
         "1> b GETMETADATA INBOX (/Private/Comment /shared/comment)\n"
         "1< * METADATA INBOX (/private/comment \"x y\" /shared/comment \"z\")\n1< b OK …\n"
         "1> c SETMETADATA INBOX (/private/comment NIL)\n1< c OK …\n"
         "1> d GETMETADATA INBOX /private/comment\n"
         "1< * METADATA INBOX (/private/comment NIL)\n1< d OK …\n"},
        {"depth",
         "1~ 1 SETMETADATA INBOX (/private/a 1 /private/a/b 2 /private/a/b/c 3 /private/ab 4)\n"
         "1> a GETMETADATA (DEPTH 1) INBOX /private/a\n"
         "1< * METADATA INBOX (/private/a \"1\" /private/a/b \"2\")\n1< a OK …\n"
         "1> b GETMETADATA (DEPTH infinity) INBOX (/private/a)\n"
         "1< * METADATA INBOX (/private/a \"1\" /private/a/b \"2\" /private/a/b/c \"3\")\n1< b OK "
         "…\n"
         "1> c GETMETADATA (DEPTH infinity) INBOX /shared\n1< c OK …\n"},
        {"sizes", "1~ 1 SETMETADATA INBOX (/private/a 12345 /private/b 1)\n"
                  "1> a GETMETADATA (MAXSIZE 3) INBOX (/private/a /private/b)\n"
                  "1< * METADATA INBOX (/private/b \"1\")\n1< a OK [METADATA LONGENTRIES 5] …\n"},
        {"a literal", "1> a SETMETADATA INBOX (/private/a {5+}$1$23)\n1< a OK …\n"
                      "1> b GETMETADATA INBOX /private/a\n1< * METADATA INBOX (/private/a {5}\n"
                      "1< 1\n1< 23)\n1< b OK …\n"},
        {"wrong names", "1> a SETMETADATA INBOX (/other/a 1)\n1< a BAD …\n"
                        "1> b GETMETADATA INBOX /private/a*\n1< b BAD …\n"
                        "1> c SETMETADATA no (/private/a 1)\n1< c NO [NONEXISTENT] …\n"},
    };
    RUN_AFTER(NULL, scripts);
}

static void off(void **state)
{
    static const struct script_without scripts[] = {
        {CAP_ACL, "1> a GETACL INBOX\n1< a BAD Unknown command\n1> b MYRIGHTS INBOX\n1< b BAD …\n"},
        {CAP_QUOTA, "1> a GETQUOTA \"\"\n1< a BAD Unknown command\n"},
        {CAP_QUOTASET, "1> a SETQUOTA \"\" (MESSAGE 1)\n1< a NO [NOPERM] …\n"},
        {CAP_METADATA_SERVER, "1> a GETMETADATA \"\" /private/a\n1< a BAD Unknown command\n"},
        {CAP_METADATA, "1> a GETMETADATA INBOX /private/a\n1< a BAD …\n"
                       "1> b GETMETADATA \"\" /private/a\n1< * METADATA …\n1< b OK …\n"},
        {CAP_LIST_MYRIGHTS, "1> a LIST \"\" * RETURN (MYRIGHTS)\n1< a BAD …\n"},
        {CAP_LIST_METADATA, "1> a LIST \"\" * RETURN (METADATA (/private/a))\n1< a BAD …\n"},
    };
    conversation_run_without(scripts, sizeof scripts / sizeof *scripts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acl),   cmocka_unit_test(rights_are_kept),
        cmocka_unit_test(quota), cmocka_unit_test(metadata),
        cmocka_unit_test(off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
