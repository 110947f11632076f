#include "sync/folder_sides.h"
#include <unistd.h>

/* What is moved here goes there in one step, or in several; broken off at any command, with the
 * file taken elsewhere by hand before the next pass comes: it is still one message, and one that
 * nobody deleted. */

struct server {
    const char *name;
    enum capability lacks[4]; /* ends at the first CAP_IMAP4REV1 */
    bool marks;               /* has nothing that expunges by UID */
};

static const struct server SERVERS[] = {
    {.name = "a full server"},
    {.name = "a server without MOVE", .lacks = {CAP_MOVE}},
    {.name = "a server without MOVE and UIDPLUS", .lacks = {CAP_MOVE, CAP_UIDPLUS}, .marks = true},
    {.name = "a server without MOVE and CONDSTORE",
     .lacks = {CAP_MOVE, CAP_CONDSTORE, CAP_QRESYNC}},
};
#define SERVERS_LEN (sizeof SERVERS / sizeof *SERVERS)

static const char *const POLICIES[] = {
    NULL,
    "    sync: {marked: expunge, expunge_without_uidplus: careful}\n",
};
#define POLICIES_LEN (sizeof POLICIES / sizeof *POLICIES)

static void begin(struct engine *e, const struct server *server, const char *policy)
{
    engine_init(e, policy);
    server_lacks(e, server->lacks);
    engine_fill_three(e, 3);
}

static void break_off_by(struct engine *e, enum fault_kind kind, uint64_t at)
{
    lockstep_env_fault(&e->env, (struct fault){.kind = kind, .at = at});
    (void)engine_pass(e, NULL);
    lockstep_env_clear_faults(&e->env);
}

static void break_off_at(struct engine *e, uint64_t at)
{
    break_off_by(e, FAULT_DO_AND_CUT, at);
}

/* Where nothing expunges by UID, what is marked there counts as gone. */
static void assert_converges(struct engine *e, const struct server *server, uint64_t at,
                             const char *both)
{
    for (int pass = 0; pass < 3; pass++) {
        engine_wait(e, 61);
        engine_pass_ends(e, 0);
    }
    bool right =
        strcmp(local_view(e), both) == 0 && (server->marks || strcmp(server_view(e), both) == 0);
    if (!right) {
        engine_tell(e);
        fail_msg("%s, broken off at %llu: the server has\n%s, the Maildir\n%s, not\n%s",
                 server->name, (unsigned long long)at, server_view(e), local_view(e), both);
    }
    engine_assert_settled(e);
}

static void nothing(struct engine *e)
{
}

static void move_back_here(struct engine *e)
{
    local_move(e, "Archive", "INBOX", "m2");
}

static void move_on_here(struct engine *e)
{
    local_move(e, "Archive", "Lists", "m2");
}

static void move_back_flagged(struct engine *e)
{
    local_flags(e, "Archive", "m2", "F");
    move_back_here(e);
}

static void remove_here(struct engine *e)
{
    local_remove(e, "Archive", "m2");
}

static void check(const struct server *server, const char *policy, uint64_t at)
{
    static const struct {
        void (*meanwhile)(struct engine *e);
        const char *both;
    } cases[] = {
        {nothing, "Archive[m2] INBOX[m1 m3] Lists[]"},
        {move_back_here, "Archive[] INBOX[m1 m2 m3] Lists[]"},
        {move_on_here, "Archive[] INBOX[m1 m3] Lists[m2]"},
        {move_back_flagged, "Archive[] INBOX[m1 m2/F m3] Lists[]"},
        {remove_here, "Archive[] INBOX[m1 m3] Lists[]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct engine e;
        begin(&e, server, policy);
        local_move(&e, "INBOX", "Archive", "m2");
        break_off_at(&e, at);
        cases[i].meanwhile(&e);
        assert_converges(&e, server, at, cases[i].both);
        engine_free(&e);
    }
}

static void law1_a_file_taken_elsewhere_after_a_broken_move(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        for (size_t k = 0; k < POLICIES_LEN; k++) {
            for (uint64_t at = 9; at < 15; at++)
                check(&SERVERS[i], POLICIES[k], at);
        }
    }
}

/* The file that is back may have the mark that its message had got. */
static void law1_a_marked_file_taken_back_after_a_broken_move(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        for (uint64_t at = 9; at < 15; at++) {
            struct engine e;
            begin(&e, &SERVERS[i], NULL);
            local_move(&e, "INBOX", "Archive", "m2");
            break_off_at(&e, at);
            local_flags(&e, "Archive", "m2", "T");
            move_back_here(&e);
            assert_converges(&e, &SERVERS[i], at, "Archive[] INBOX[m1 m2/T m3] Lists[]");
            engine_free(&e);
        }
    }
}

/* ---- what is deleted here ---- */

/* Of each message of INBOX, by a file of the same name. */
static void link_all(struct engine *e)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(maildir_scan(e->maildir, "INBOX", &snapshot, &err), 0);
    for (size_t i = 0; i < snapshot.files.len; i++) {
        const char *name = snapshot.files.items[i].name.ptr;
        char *from = arena_printf(e->arena, "%s/INBOX/new/%s", e->root, name);
        char *to = arena_printf(e->arena, "%s/Archive/new/%s", e->root, name);
        assert_int_equal(link(from, to), 0);
    }
    maildir_snapshot_free(&snapshot);
}

/* What was copied, and is deleted in one place, is put back there under its name. */
static void law1_a_copy_put_back_after_a_broken_deletion(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN * POLICIES_LEN; i++) {
        const struct server *server = &SERVERS[i / POLICIES_LEN];
        for (uint64_t at = 6; at < 13; at++) {
            struct engine e;
            begin(&e, server, POLICIES[i % POLICIES_LEN]);
            link_all(&e);
            engine_agree(&e);
            local_remove(&e, "INBOX", "m2");
            break_off_at(&e, at);
            move_back_here(&e);
            assert_converges(&e, server, at, "Archive[m1 m3] INBOX[m1 m2 m3] Lists[]");
            engine_free(&e);
        }
    }
}

static void check_marked(const struct server *server, enum fault_kind kind, uint64_t at)
{
    struct engine e;
    begin(&e, server, NULL);
    link_all(&e);
    engine_agree(&e);
    local_remove(&e, "INBOX", "m2");
    break_off_by(&e, kind, at);
    local_flags(&e, "Archive", "m2", "T");
    move_back_here(&e);
    assert_converges(&e, server, at, "Archive[m1 m3] INBOX[m1 m2/T m3] Lists[]");
    engine_free(&e);
}

/* Marked meanwhile it is marked on both sides, whether ours had come to the server or not. */
static void law1_a_marked_copy_put_back_after_a_broken_deletion(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        for (uint64_t at = 6; at < 13; at++) {
            check_marked(&SERVERS[i], FAULT_DO_AND_CUT, at);
            check_marked(&SERVERS[i], FAULT_BYE, at);
        }
    }
}

/* ---- together with the index ---- */

static void lose_index(struct engine *e)
{
    assert_int_equal(unlink(arena_printf(e->arena, "%s/index.mdb", e->state)), 0);
}

/* A copy comes with the mark of its original, which nobody meant for the copy. */
static void law6_a_copy_of_what_is_marked_is_not_expunged(void **state)
{
    for (size_t i = 0; i < SERVERS_LEN; i++) {
        for (uint64_t at = 6; at < 20; at++) {
            struct engine e;
            begin(&e, &SERVERS[i], POLICIES[1]);
            local_add(&e, "Archive", "m2", "");
            server_flags(&e, "INBOX", "m2", "T");
            break_off_at(&e, at);
            lose_index(&e);
            for (int pass = 0; pass < 4; pass++) {
                engine_wait(&e, 61);
                engine_pass_ends(&e, 0);
            }
            if (strstr(server_view(&e), "Archive[m2]") == NULL ||
                strstr(local_view(&e), "Archive[m2]") == NULL) {
                engine_tell(&e);
                fail_msg("%s, broken off at %llu: the server has %s, the Maildir %s",
                         SERVERS[i].name, (unsigned long long)at, server_view(&e), local_view(&e));
            }
            engine_assert_settled(&e);
            engine_free(&e);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law1_a_file_taken_elsewhere_after_a_broken_move),
        cmocka_unit_test(law1_a_marked_file_taken_back_after_a_broken_move),
        cmocka_unit_test(law1_a_copy_put_back_after_a_broken_deletion),
        cmocka_unit_test(law1_a_marked_copy_put_back_after_a_broken_deletion),
        cmocka_unit_test(law6_a_copy_of_what_is_marked_is_not_expunged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
