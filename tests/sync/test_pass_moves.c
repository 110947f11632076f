#include "sync/folder_sides.h"
#include "sync/steps.h"
#include <stdio.h>
#include <string.h>

/* Moves and copies, both ways, on servers of every kind: no message crosses the wire a second time,
 * and nothing is taken for a deletion. */

static const struct server {
    const char *name;
    enum capability lacks[8]; /* ends at the first CAP_IMAP4REV1 */
    bool no_codes;            /* COPYUID left out */
    bool marks;               /* what was moved stays there, marked \Deleted */
    unsigned to_server;       /* round trips of a move of many, LIST and all */
    unsigned to_files;
} SERVERS[] = {
    {.name = "everything", .to_server = 4, .to_files = 4},
    {.name = "no EMAILID", .lacks = {CAP_OBJECTID}, .to_server = 4, .to_files = 4},
    {.name = "no QRESYNC", .lacks = {CAP_QRESYNC}, .to_server = 4, .to_files = 6},
    {.name = "no CONDSTORE", .lacks = {CAP_QRESYNC, CAP_CONDSTORE}, .to_server = 5, .to_files = 6},
    {.name = "no COPYUID", .no_codes = true, .to_server = 7, .to_files = 4},
    {.name = "no MOVE", .lacks = {CAP_MOVE}, .to_server = 5, .to_files = 4},
    {.name = "no UIDPLUS", .lacks = {CAP_UIDPLUS}, .to_server = 7, .to_files = 4},
    {.name = "neither",
     .lacks = {CAP_UIDPLUS, CAP_MOVE},
     .marks = true,
     .to_server = 9,
     .to_files = 4},
    {.name = "IMAP4rev1 alone",
     .lacks = {CAP_UIDPLUS, CAP_MOVE, CAP_QRESYNC, CAP_CONDSTORE, CAP_OBJECTID, CAP_LIST_STATUS},
     .marks = true,
     .to_server = 9,
     .to_files = 7},
};
#define SERVERS_LEN (sizeof SERVERS / sizeof SERVERS[0])

static void begin(struct engine *e, const struct server *server, const char *account,
                  unsigned messages)
{
    engine_init(e, account);
    for (size_t i = 0; i < 8 && server->lacks[i] != CAP_IMAP4REV1; i++) {
        capabilities_set(&e->env.options.capabilities, server->lacks[i], false);
    }
    if (server->no_codes) {
        lockstep_env_fault(&e->env, (struct fault){.kind = FAULT_NO_UIDPLUS_CODES});
    }
    engine_fill_three(e, messages);
}

static void fail_told(struct engine *e, const char *name, const char *what)
{
    engine_tell(e);
    fail_msg("%s: %s", name, what);
}

/* Nothing but moves was done, and no body crossed the wire. */
static void assert_moves_alone(struct engine *e, const char *name, unsigned to_server,
                               unsigned to_files)
{
    const struct report_messages *m = &e->report.messages;
    if (m->moved_remote != to_server || m->moved_local != to_files) {
        fail_told(e, name,
                  arena_printf(e->arena, "%u moved there, %u here", (unsigned)m->moved_remote,
                               (unsigned)m->moved_local));
    }
    if (m->downloaded + m->uploaded + m->deleted_local + m->deleted_remote + m->held != 0) {
        fail_told(e, name, "not moves alone");
    }
    if (engine_body_crossed(e)) {
        fail_told(e, name, "a message crossed the wire");
    }
}

static void assert_round_trips(struct engine *e, const char *name, unsigned most)
{
    if (e->counts.round_trips > most) {
        fail_told(e, name,
                  arena_printf(e->arena, "%u round trips, not %u", e->counts.round_trips, most));
    }
}

/* ---- many at once ---- */

#define MANY 300

static void move_all_here(struct engine *e, const char *from, const char *to, unsigned count)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(maildir_scan(e->maildir, from, &snapshot, &err), 0);
    assert_int_equal(snapshot.files.len, count);
    for (size_t i = 0; i < snapshot.files.len; i++) {
        const struct maildir_file *file = &snapshot.files.items[i];
        const char *name = arena_str(e->arena, file->name).ptr;
        const char *sub = file->in_new ? "new" : "cur";
        assert_int_equal(rename(arena_printf(e->arena, "%s/%s/%s/%s", e->root, from, sub, name),
                                arena_printf(e->arena, "%s/%s/%s/%s", e->root, to, sub, name)),
                         0);
    }
    maildir_snapshot_free(&snapshot);
}

static void many_files_are_moved_by_the_server(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        struct engine e;
        begin(&e, &SERVERS[i], NULL, MANY);
        move_all_here(&e, "INBOX", "Archive", MANY);
        engine_pass_ends(&e, 0);
        assert_moves_alone(&e, SERVERS[i].name, MANY, 0);
        assert_round_trips(&e, SERVERS[i].name, SERVERS[i].to_server);
        assert_int_equal(server_count(&e, "Archive"), MANY);
        assert_int_equal(server_count(&e, "INBOX"), SERVERS[i].marks ? MANY : 0);
        engine_pass_ends(&e, 0);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static void many_messages_are_renamed_here(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        struct engine e;
        begin(&e, &SERVERS[i], NULL, MANY);
        server_move_all(&e, "INBOX", "Archive");
        engine_pass_ends(&e, 0);
        assert_moves_alone(&e, SERVERS[i].name, 0, MANY);
        assert_round_trips(&e, SERVERS[i].name, SERVERS[i].to_files);
        assert_int_equal(folder_count(&e, "Archive"), MANY);
        assert_int_equal(folder_count(&e, "INBOX"), 0);
        engine_pass_ends(&e, 0);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* ---- a few, of every kind ---- */

static void begin_small(struct engine *e, const struct server *server)
{
    begin(e, server, NULL, 4);
    server_flags(e, "INBOX", "m2", "S");
    engine_agree(e);
}

static const struct small {
    const char *what;
    const char *change; /* as steps_do() does it */
    const char *both;   /* both sides, in the end */
    bool sends;         /* a body crosses, as it must */
    const char *marked; /* INBOX there, where what was moved stays marked; NULL: as here */
} SMALL[] = {
    {"a file is moved", "here move INBOX Archive m1", "Archive[m1] INBOX[m2/S m3 m4] Lists[]",
     false, "m1/T m2/S m3 m4"},
    {"a file is moved and flagged", "here move INBOX Archive m2; here flags Archive m2 FRS",
     "Archive[m2/FRS] INBOX[m1 m3 m4] Lists[]", false, "m1 m2/FRST m3 m4"},
    {"a file is moved twice", "here move INBOX Archive m1; here move Archive Lists m1",
     "Archive[] INBOX[m2/S m3 m4] Lists[m1]", false, "m1/T m2/S m3 m4"},
    {"a file is moved and moved back", "here move INBOX Archive m1; here move Archive INBOX m1",
     "Archive[] INBOX[m1 m2/S m3 m4] Lists[]", false, NULL},
    {"files are moved apart",
     "here move INBOX Archive m1; here move INBOX Lists m2; here move INBOX Lists m3",
     "Archive[m1] INBOX[m4] Lists[m2/S m3]", false, "m1/T m2/ST m3/T m4"},
    {"a file is moved into a new folder", "here create Fresh; here move INBOX Fresh m1",
     "Archive[] Fresh[m1] INBOX[m2/S m3 m4] Lists[]", false, "m1/T m2/S m3 m4"},
    /* As mu4e does at its default, and mutt always. */
    {"a file is moved to another name",
     "here remove INBOX m1; here add_as Archive 1700000000.other m1",
     "Archive[m1] INBOX[m2/S m3 m4] Lists[]", false, "m1/T m2/S m3 m4"},
    {"a file is renamed where it is", "here remove INBOX m1; here add_as INBOX 1700000000.other m1",
     "Archive[] INBOX[m1 m2/S m3 m4] Lists[]", false, NULL},
    {"a file is copied", "here add Archive m1", "Archive[m1] INBOX[m1 m2/S m3 m4] Lists[]", false,
     NULL},
    {"a file is copied, and moved", "here add Archive m1; here move INBOX Lists m1",
     "Archive[m1] INBOX[m2/S m3 m4] Lists[m1]", false, "m1/T m2/S m3 m4"},
    {"a message is moved", "there move INBOX Archive m1", "Archive[m1] INBOX[m2/S m3 m4] Lists[]",
     false, NULL},
    {"a message is moved and flagged", "there move INBOX Archive m2; there flags Archive m2 FRS",
     "Archive[m2/FRS] INBOX[m1 m3 m4] Lists[]", false, NULL},
    {"a message is moved twice", "there move INBOX Archive m1; there move Archive Lists m1",
     "Archive[] INBOX[m2/S m3 m4] Lists[m1]", false, NULL},
    {"a message is moved into a new mailbox", "there create Fresh; there move INBOX Fresh m1",
     "Archive[] Fresh[m1] INBOX[m2/S m3 m4] Lists[]", false, NULL},
    {"a message is moved whose file is flagged",
     "there move INBOX Archive m1; here flags INBOX m1 F",
     "Archive[m1/F] INBOX[m2/S m3 m4] Lists[]", false, NULL},
    {"a file is moved whose message is flagged",
     "here move INBOX Archive m1; there flags INBOX m1 F",
     "Archive[m1/F] INBOX[m2/S m3 m4] Lists[]", false, "m1/FT m2/S m3 m4"},
    {"both sides move alike", "there move INBOX Archive m1; here move INBOX Archive m1",
     "Archive[m1] INBOX[m2/S m3 m4] Lists[]", false, NULL},
    {"both sides move, the server's wins", "there move INBOX Archive m1; here move INBOX Lists m1",
     "Archive[m1] INBOX[m2/S m3 m4] Lists[]", false, NULL},
    {"both sides move, on the server by a new mailbox and back",
     "there create Fresh; there move INBOX Fresh m1; there move Fresh INBOX m1; here move INBOX "
     "Archive m1",
     "Archive[] Fresh[] INBOX[m1 m2/S m3 m4] Lists[]", false, NULL},
    {"a move here beats a deletion there", "here move INBOX Archive m1; there expunge INBOX m1",
     "Archive[m1] INBOX[m2/S m3 m4] Lists[]", true, NULL},
    {"a move there beats a deletion here", "there move INBOX Archive m1; here remove INBOX m1",
     "Archive[m1] INBOX[m2/S m3 m4] Lists[]", true, NULL},
    {"moves cross", "there move INBOX Archive m1; here move INBOX Lists m3",
     "Archive[m1] INBOX[m2/S m4] Lists[m3]", false, "m2/S m3/T m4"},
};
#define SMALL_LEN (sizeof SMALL / sizeof SMALL[0])

/* The server's view where the originals of moves stay marked. */
static const char *on_server(struct engine *e, const struct server *server, const struct small *c)
{
    const char *inbox = strstr(c->both, "INBOX[");
    const char *end = strchr(inbox, ']');
    if (!server->marks || c->marked == NULL) {
        return c->both;
    }
    return arena_printf(e->arena, "%.*sINBOX[%s%s", (int)(inbox - c->both), c->both, c->marked,
                        end);
}

static void check_small(const struct server *server, const struct small *c)
{
    struct engine e;
    bool crossed = false;
    begin_small(&e, server);
    steps_do(&e, c->change);
    for (int pass = 0; pass < 3; pass++) {
        const char *what = arena_printf(e.arena, "%s: %s", server->name, c->what);
        if (engine_pass(&e, NULL) != 0) {
            fail_told(&e, what, e.report.error.text);
        }
        crossed = crossed || engine_body_crossed(&e);
        if (crossed != c->sends) {
            fail_told(&e, what, crossed ? "a message crossed the wire" : "no message was sent");
        }
        engine_wait(&e, 61);
    }
    if (strcmp(server_view(&e), on_server(&e, server, c)) != 0 ||
        strcmp(local_view(&e), c->both) != 0) {
        engine_tell(&e);
        fail_msg("%s: %s: the server has\n%s, not\n%s; the Maildir\n%s, not\n%s", server->name,
                 c->what, server_view(&e), on_server(&e, server, c), local_view(&e), c->both);
    }
    engine_assert_settled(&e);
    engine_free(&e);
}

static void every_move_on_every_server(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        for (size_t k = 0; k < SMALL_LEN; k++) {
            check_small(&SERVERS[i], &SMALL[k]);
        }
    }
}

/* Both take it back to where its record of before is not yet seen gone, under the name it had. */
static void moved_back_by_both_under_its_old_name(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_lacks(&e, (const enum capability[]){CAP_MOVE, CAP_IMAP4REV1});
    server_create(&e, "There");
    server_fill(&e, "INBOX", "m", 2);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    local_move(&e, "INBOX", "There", "m1");
    engine_pass_ends(&e, 0);
    local_move(&e, "There", "INBOX", "m1");
    server_move(&e, "There", "INBOX", "m1");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1 m2] There[]");
    engine_assert_settled(&e);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moved_back_by_both_under_its_old_name),
        cmocka_unit_test(many_files_are_moved_by_the_server),
        cmocka_unit_test(many_messages_are_renamed_here),
        cmocka_unit_test(every_move_on_every_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
