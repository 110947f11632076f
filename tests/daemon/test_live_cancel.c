#include "base/wake.h"
#include "sync/cancel.h"
#include "sync/day.h"
#include "daemon/live.h"
#include <dirent.h>
#include <semaphore.h>
#include <unistd.h>

/* A pass of the daemon that is stopped where it waits, by each of the ways that there are for it:
 * the account is paused, its configuration is another one, the daemon ends. Afterwards it goes on
 * to where an undisturbed one would have come. */

enum stop { STOP_BY_PAUSE, STOP_BY_RELOAD, STOP_BY_END, STOPS };

/* What the thread that comes to the place and the main thread tell each other. */
static sem_t reached, stopped;
static uint64_t wanted;

static void be_stopped(void *self)
{
    (void)sem_post(&reached);
    (void)sem_wait(&stopped);
}

/* The first connection is the pass's: from there on its wake is known. */
static void note_dial(struct engine *e, const struct wake *wake)
{
    e->dials = NULL;
    cancel_at(wake, wanted);
}

static const char *account_keys(struct engine *e, const char *poll)
{
    return arena_printf(e->arena, "%s    watch: {mode: poll, local: false, poll: %s}\n",
                        DAY_ACCOUNT, poll);
}

static void stop(struct live *live, enum stop how)
{
    struct error err = ERROR_INIT;
    struct reload_result result;
    AUTO_BUF struct buf problems = BUF_INIT(4096);
    switch (how) {
    case STOP_BY_PAUSE:
        assert_int_equal(supervisor_pause(live->supervisor, NULL, 0, &err), 0);
        supervisor_work(live->supervisor);
        (void)sem_post(&stopped);
        assert_int_equal(supervisor_resume(live->supervisor, NULL, 0, &err), 0);
        break;
    case STOP_BY_RELOAD:
        engine_configure(live->e, account_keys(live->e, "6m"));
        assert_int_equal(supervisor_reload(live->supervisor, &result, &problems, &err), 0);
        assert_int_equal(result.changed, 1);
        supervisor_work(live->supervisor);
        (void)sem_post(&stopped);
        break;
    case STOP_BY_END:
        supervisor_stop(live->supervisor);
        (void)sem_post(&stopped);
        live_stop(live);
        live_start(live);
        break;
    case STOPS:
        break;
    }
}

/* Whether the daemon's first pass comes to the place, and waits there. */
static bool come_to(struct live *live, uint64_t at)
{
    bool came = false;
    wanted = at;
    live->e->dials = note_dial;
    cancel_act(be_stopped, NULL);
    live_start(live);
    while (!came && live_account(live).passes == 0) {
        live_turn(live);
        came = sem_trywait(&reached) == 0;
    }
    return came;
}

static bool pass_stopped_at(struct live *live, uint64_t at, enum stop how)
{
    bool came = come_to(live, at);
    if (came)
        stop(live, how);
    cancel_at(NULL, 0);
    cancel_act(NULL, NULL);
    return came;
}

static void assert_converges(struct live *live, uint64_t at, enum stop how)
{
    for (int i = 0; i < 2; i++) {
        live_skip(live, 61000);
        assert_int_equal(live_pass(live), 0);
    }
    const char *there = server_view(live->e), *here = local_view(live->e);
    if (strcmp(there, DAY_END) != 0 || strcmp(here, DAY_END) != 0)
        fail_msg("stopped at %llu (%d): the server holds\n%s\nand the Maildir\n%s\nnot\n%s",
                 (unsigned long long)at, how, there, here, DAY_END);
}

static bool stopped_at(uint64_t at, enum stop how)
{
    struct engine e;
    struct live live;
    engine_init(&e, DAY_ACCOUNT);
    day_begin(&e);
    live_init(&live, &e, account_keys(&e, "5m"));
    bool came = pass_stopped_at(&live, at, how);
    assert_converges(&live, at, how);
    live_free(&live);
    engine_free(&e);
    return came;
}

static void law2_stopped_at_every_wait_of_the_daemon(void **state)
{
    for (int how = 0; how < STOPS; how++) {
        uint64_t at = 1;
        while (stopped_at(at, (enum stop)how))
            at++;
    }
}

/* ---- between the end of an account and its new beginning ---- */

/* The pass under way is held at a place, and the account's configuration is another one. */
static void begin_anew(struct engine *e, struct live *live)
{
    struct error err = ERROR_INIT;
    struct reload_result result;
    AUTO_BUF struct buf problems = BUF_INIT(4096);
    engine_init(e, NULL);
    server_fill(e, "INBOX", "m", 3);
    live_init(live, e, account_keys(e, "5m"));
    assert_true(come_to(live, 5));
    engine_configure(e, account_keys(e, "6m"));
    assert_int_equal(supervisor_reload(live->supervisor, &result, &problems, &err), 0);
    supervisor_work(live->supervisor);
    assert_int_equal(live_account(live).state, ACCOUNT_SYNCING);
}

static void end_anew(struct engine *e, struct live *live)
{
    assert_int_equal(live_pass(live), 0);
    assert_local(e, "INBOX[m1 m2 m3]");
    cancel_at(NULL, 0);
    cancel_act(NULL, NULL);
    live_free(live);
    engine_free(e);
}

static void note_done(void *self, int exit_code)
{
    *(int *)self = exit_code;
}

static void an_account_that_begins_anew_does_what_it_is_asked(void **state)
{
    struct engine e;
    struct live live;
    struct error err = ERROR_INIT;
    int codes[2] = {-1, -1};
    const struct trigger_options options = {0};
    const struct trigger_target named = {.account = "test"};
    begin_anew(&e, &live);
    for (size_t i = 0; i < 2; i++) {
        const struct trigger_waiter waiter = {.done = note_done, .self = &codes[i]};
        assert_int_equal(supervisor_trigger(live.supervisor, &named, i, &options, &waiter, &err),
                         0);
        assert_int_equal(codes[i], -1);
    }
    (void)sem_post(&stopped);
    while (codes[0] < 0 || codes[1] < 0)
        live_turn(&live);
    assert_int_equal(codes[0] + codes[1], 0);
    assert_local(&e, "INBOX[m1 m2 m3]");
    end_anew(&e, &live);
}

static void an_account_that_is_paused_while_it_begins_anew_is(void **state)
{
    struct engine e;
    struct live live;
    struct error err = ERROR_INIT;
    const struct trigger_options options = {0};
    const struct trigger_target named = {.account = "test"};
    begin_anew(&e, &live);
    assert_int_equal(supervisor_pause(live.supervisor, NULL, 0, &err), 0);
    assert_int_equal(supervisor_trigger(live.supervisor, &named, 1, &options, NULL, &err),
                     -ERR_LOCKED);
    (void)sem_post(&stopped);
    for (int turn = 0; turn < 100; turn++)
        live_turn(&live);
    assert_int_equal(live_account(&live).state, ACCOUNT_PAUSED);
    assert_int_equal(supervisor_resume(live.supervisor, NULL, 0, &err), 0);
    end_anew(&e, &live);
}

/* ---- what is left open ---- */

static unsigned count_sockets(void)
{
    unsigned count = 0;
    const struct dirent *entry;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char target[32] = "";
        (void)readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        count += strncmp(target, "socket:", 7) == 0;
    }
    (void)closedir(dir);
    return count;
}

/* No pass is under way, and no watcher still to be dialled: what is open can be counted. */
static void settle(struct live *live, uint32_t watchers)
{
    live->listens = true;
    while (live_account(live).state == ACCOUNT_SYNCING ||
           live_account(live).connections != watchers)
        live_turn(live);
}

static void a_pause_leaves_no_connection(void **state)
{
    static const struct {
        const char *mode;
        uint32_t watchers;
    } rows[] = {{"poll", 0}, {"idle", 1}, {"notify", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine e;
        struct live live;
        struct error err = ERROR_INIT;
        engine_init(&e, NULL);
        live_init(&live, &e, arena_printf(e.arena, "    watch: {mode: %s}\n", rows[i].mode));
        unsigned before = count_sockets();
        live_start(&live);
        assert_int_equal(live_pass(&live), 0);
        settle(&live, rows[i].watchers);
        assert_true(count_sockets() > before);
        assert_int_equal(supervisor_pause(live.supervisor, NULL, 0, &err), 0);
        settle(&live, 0);
        for (int turn = 0; turn < 1000 && count_sockets() > before; turn++)
            live_turn(&live);
        assert_int_equal(count_sockets(), before);
        live_free(&live);
        engine_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law2_stopped_at_every_wait_of_the_daemon),
        cmocka_unit_test(an_account_that_begins_anew_does_what_it_is_asked),
        cmocka_unit_test(an_account_that_is_paused_while_it_begins_anew_is),
        cmocka_unit_test(a_pause_leaves_no_connection),
    };
    (void)sem_init(&reached, 0, 0);
    (void)sem_init(&stopped, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
