#include "support/lockstep_env.h"
#include <assert.h>

static int64_t env_now(void *self)
{
    const struct lockstep_env *env = self;
    return env->now_ms;
}

void lockstep_env_init(struct lockstep_env *env)
{
    *env = (struct lockstep_env){.now_ms = LOCKSTEP_START_MS};
    env->clock = (struct clock){.monotonic_ms = env_now, .wall_ms = env_now, .self = env};
    env->backend = mem_backend_new(&env->clock);
    mem_backend_add_user(env->backend, LOCKSTEP_USER, LOCKSTEP_PASSWORD);
    session_default_capabilities(&env->options.capabilities);
    capabilities_set(&env->options.capabilities, CAP_STARTTLS, false);
    capabilities_set(&env->options.capabilities, CAP_COMPRESS_DEFLATE, false);
    env->options.allow_plaintext = true;
    env->faults.faults = env->fault_items;
    env->faults.hits = env->fault_hits;
    env->options.faults = &env->faults;
}

void lockstep_env_free(struct lockstep_env *env)
{
    for (size_t i = 0; i < env->sessions.len; i++) {
        session_free(&env->sessions.items[i]);
    }
    vec_free(&env->sessions);
    mem_backend_free(&env->backend);
}

struct stream *lockstep_env_connect(struct lockstep_env *env)
{
    struct backend vtable = mem_backend_vtable(env->backend);
    struct session *session = session_new(&vtable, &env->options);
    vec_push(&env->sessions, session);
    return lockstep_stream(session, NULL, &env->clock);
}

void lockstep_env_fault(struct lockstep_env *env, struct fault fault)
{
    assert(env->faults.len < LOCKSTEP_FAULTS_MAX);
    env->fault_items[env->faults.len] = fault;
    env->fault_hits[env->faults.len] = 0;
    env->faults.len++;
}

void lockstep_env_clear_faults(struct lockstep_env *env)
{
    env->faults.len = 0;
}

void lockstep_env_advance(struct lockstep_env *env, int64_t ms)
{
    env->now_ms += ms;
}

struct session_counters lockstep_env_counters(const struct lockstep_env *env)
{
    struct session_counters total = {0};
    for (size_t i = 0; i < env->sessions.len; i++) {
        struct session_counters one = session_counters(env->sessions.items[i]);
        total.commands += one.commands;
        total.changing_commands += one.changing_commands;
        total.round_trips += one.round_trips;
        total.bytes_in += one.bytes_in;
        total.bytes_out += one.bytes_out;
    }
    return total;
}

struct session_counters lockstep_env_last_counters(const struct lockstep_env *env)
{
    assert(env->sessions.len > 0);
    return session_counters(env->sessions.items[env->sessions.len - 1]);
}
