#include "sync/scenario.h"
#include <stdio.h>

void scenario_change_there(struct engine *e)
{
    (void)server_append(e, "INBOX", "there1", "F");
    (void)server_append(e, "INBOX", "there2", "");
    (void)server_append(e, "Other", "there3", "S");
    server_flags(e, "INBOX", "m1", "F");
    server_flags(e, "INBOX", "m3", "R");
    server_expunge(e, "INBOX", "m4");
    server_create(e, "New there");
    (void)server_append(e, "New there", "there4", "");
}

void scenario_change_here(struct engine *e)
{
    local_add(e, "INBOX", "here1", "S");
    local_add(e, "INBOX", "here2", "");
    local_add(e, "Other", "here3", "FS");
    local_flags(e, "INBOX", "m2", "S");
    local_flags(e, "INBOX", "m3", "F");
    local_remove(e, "INBOX", "m5");
    local_move(e, "INBOX", "Other", "m6");
    local_create(e, "New here");
    local_add(e, "New here", "here4", "D");
}

static void be_as(struct engine *e, const struct scenario_server *server)
{
    if (server->no_uidplus_codes) {
        lockstep_env_fault(&e->env, (struct fault){.kind = FAULT_NO_UIDPLUS_CODES});
    }
    if (server->silent_enable) {
        lockstep_env_fault(&e->env, (struct fault){.kind = FAULT_SILENT_ENABLE});
    }
}

void scenario_begin(struct engine *e, const struct scenario_server *server)
{
    engine_init(e, NULL);
    for (size_t i = 0; i < 16 && server->lacks[i] != CAP_IMAP4REV1; i++) {
        capabilities_set(&e->env.options.capabilities, server->lacks[i], false);
    }
    be_as(e, server);
    server_create(e, "Other");
    server_fill(e, "INBOX", "m", 6);
    server_fill(e, "Other", "o", 2);
    engine_agree(e);

    scenario_change_there(e);
    scenario_change_here(e);
}

void scenario_end(struct engine *e)
{
    engine_free(e);
}

static bool lacks(const struct scenario_server *server, enum capability capability)
{
    for (size_t i = 0; i < 16 && server->lacks[i] != CAP_IMAP4REV1; i++) {
        if (server->lacks[i] == capability) {
            return true;
        }
    }
    return false;
}

static const char *expected(const struct scenario_server *server, bool on_server)
{
    if (on_server && server->keeps_deleted && lacks(server, CAP_MOVE)) {
        return "INBOX[here1/S here2 m1/F m2/S m3/FR m5/T m6/T there1/F there2] New here[here4/D] "
               "New there[there4] Other[here3/FS m6 o1 o2 there3/S]";
    }
    if (on_server && server->keeps_deleted) {
        return "INBOX[here1/S here2 m1/F m2/S m3/FR m5/T there1/F there2] New here[here4/D] "
               "New there[there4] Other[here3/FS m6 o1 o2 there3/S]";
    }
    return "INBOX[here1/S here2 m1/F m2/S m3/FR there1/F there2] New here[here4/D] "
           "New there[there4] Other[here3/FS m6 o1 o2 there3/S]";
}

static void assert_there(struct engine *e, const struct scenario_server *server, bool on_server,
                         const char *what, uint64_t at)
{
    const char *view = on_server ? server_view(e) : local_view(e);
    if (strcmp(view, expected(server, on_server)) != 0) {
        engine_tell(e);
        fail_msg("%s, %s %llu: %s holds\n%s\nnot\n%s", server->name, what, (unsigned long long)at,
                 on_server ? "the server" : "the Maildir", view, expected(server, on_server));
    }
}

void scenario_assert_converges(struct engine *e, const struct scenario_server *server,
                               const char *what, uint64_t at)
{
    lockstep_env_clear_faults(&e->env);
    be_as(e, server);
    for (int pass = 0; pass < 2; pass++) {
        engine_wait(e, 61);
        int ended = engine_pass(e, NULL);
        if (ended != 0) {
            engine_tell(e);
            fail_msg("%s, %s %llu: clean pass %d ended with %d: %s", server->name, what,
                     (unsigned long long)at, pass + 1, ended, e->report.error.text);
        }
    }
    assert_there(e, server, true, what, at);
    assert_there(e, server, false, what, at);
    engine_wait(e, 61);
    engine_assert_settled(e);
}

struct session_counters scenario_size(const struct scenario_server *server)
{
    struct engine e;
    scenario_begin(&e, server);
    engine_pass_ends(&e, 0);
    struct session_counters counters = lockstep_env_last_counters(&e.env);
    scenario_assert_converges(&e, server, "no fault", 0);
    scenario_end(&e);
    return counters;
}

void scenario_with_fault(const struct scenario_server *server, enum fault_kind kind,
                         const char *what, uint64_t step)
{
    struct session_counters size = scenario_size(server);
    uint64_t end = kind == FAULT_CUT_IN    ? size.bytes_in
                   : kind == FAULT_CUT_OUT ? size.bytes_out
                                           : size.commands;
    for (uint64_t at = 1; at <= end; at += step) {
        struct engine e;
        scenario_begin(&e, server);
        uint64_t past = kind == FAULT_CUT_IN    ? e.env.faults.bytes_in
                        : kind == FAULT_CUT_OUT ? e.env.faults.bytes_out
                                                : 0;
        lockstep_env_fault(&e.env, (struct fault){.kind = kind, .at = past + at});
        (void)engine_pass(&e, NULL);
        scenario_assert_converges(&e, server, what, at);
        scenario_end(&e);
    }
}
