#include "sync/engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Many messages: MAILDIRD_LARGE_MESSAGES of them, or as many as take seconds. */
#define MESSAGES_DEFAULT 2000
#define CUTS 50
/* Of login, list and SELECT. */
#define LOGIN_BYTES 4000
/* What a message takes at most where it is listed, and about where it is fetched. */
#define LISTED_BYTES 60
#define MESSAGE_BYTES 250
/* Messages that a server has written before it learns of a cut. */
#define AT_HAND 8
/* Of what a server with EMAILID needs, and LMDB's first pages. */
#define INDEX_BYTES_A_MESSAGE 352
#define INDEX_BYTES_FIRST 262144

static unsigned count_of_messages(void)
{
    const char *text = getenv("MAILDIRD_LARGE_MESSAGES");
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : MESSAGES_DEFAULT;
}

static void fill(struct engine *e, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char subject[32];
        snprintf(subject, sizeof subject, "m%u", i);
        (void)server_append(e, "INBOX", subject, "");
        if (i % 1000 == 0)
            arena_reset(e->arena);
    }
}

/* rm -r takes its time, and passes go on meanwhile. */
static void law11_rm_r_under_passes_trips_the_guard_for_good(void **state)
{
    unsigned count = count_of_messages();
    unsigned slice = count / 20;
    struct engine e;
    engine_init(&e, NULL);
    fill(&e, count);
    engine_pass_ends(&e, 0);
    unsigned least = count - count / 4;
    for (unsigned gone = 0; gone < count; gone += slice) {
        local_remove_some(&e, "INBOX", slice);
        engine_wait(&e, 1);
        (void)engine_pass(&e, NULL);
        assert_true(server_count(&e, "INBOX") >= least);
    }
    local_remove_folder(&e, "INBOX");
    size_t left = server_count(&e, "INBOX");
    for (int pass = 0; pass < 3; pass++) {
        engine_wait(&e, 7200);
        (void)engine_pass(&e, NULL);
        assert_int_equal(server_count(&e, "INBOX"), left);
    }
    engine_free(&e);
}

static uint64_t bytes_of_an_uncut_download(unsigned count)
{
    struct engine e;
    engine_init(&e, NULL);
    fill(&e, count);
    engine_pass_ends(&e, 0);
    uint64_t bytes = e.report.wire.bytes_in;
    engine_free(&e);
    return bytes;
}

static void law4_a_first_download_goes_on_after_each_cut(void **state)
{
    unsigned count = count_of_messages();
    uint64_t uncut = bytes_of_an_uncut_download(count);
    struct engine e;
    unsigned bodies = 0;
    uint64_t bytes = 0;
    engine_init(&e, NULL);
    fill(&e, count);
    for (unsigned i = 0; i < CUTS; i++) {
        uint64_t listing = i == 0 ? (uint64_t)count * LISTED_BYTES : 0;
        uint64_t at =
            e.env.faults.bytes_out + LOGIN_BYTES + listing + (uint64_t)count * MESSAGE_BYTES / CUTS;
        lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_CUT_OUT, .at = at});
        (void)engine_pass(&e, NULL);
        lockstep_env_clear_faults(&e.env);
        bodies += e.counts.bodies;
        bytes += e.report.wire.bytes_in;
        engine_wait(&e, 61);
    }
    engine_wait(&e, 90000);
    engine_pass_ends(&e, 0);
    bodies += e.counts.bodies;
    bytes += e.report.wire.bytes_in;
    assert_int_equal(folder_count(&e, "INBOX"), count);
    /* A cut costs what the server was about to send, and a few percent at most. */
    assert_in_range(bodies, count, count + count / 20 + CUTS * AT_HAND);
    assert_in_range(bytes, uncut, uncut + uncut / 20 + CUTS * LOGIN_BYTES);
    engine_free(&e);
}

static void the_index_keeps_to_its_budget(void **state)
{
    unsigned count = count_of_messages();
    struct engine e;
    struct stat found;
    engine_init(&e, NULL);
    fill(&e, count);
    engine_pass_ends(&e, 0);
    const char *path = arena_printf(e.arena, "%s/index.mdb", e.state);
    assert_int_equal(stat(path, &found), 0);
    assert_in_range(found.st_size, 1, (uintmax_t)count * INDEX_BYTES_A_MESSAGE + INDEX_BYTES_FIRST);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law11_rm_r_under_passes_trips_the_guard_for_good),
        cmocka_unit_test(law4_a_first_download_goes_on_after_each_cut),
        cmocka_unit_test(the_index_keeps_to_its_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
