#pragma once
/*
 * A server in memory for tests: user "u" with password "p", a clock that stands still, and streams
 * in lockstep to new sessions. Nothing waits, and every run is the same.
 *
 *     struct lockstep_env env;
 *     lockstep_env_init(&env);
 *     capabilities_set(&env.options.capabilities, CAP_QRESYNC, false);
 *     lockstep_env_fault(&env, (struct fault){.kind = FAULT_NO, .command = "APPEND", .at = 1});
 *     struct stream *stream = lockstep_env_connect(&env);
 *     …
 *     stream_close(&stream);
 *     lockstep_env_free(&env);
 */
#include "base/clock.h"
#include "base/vec.h"
#include "net/stream.h"
#include "server/lockstep.h"
#include "server/mem_backend.h"
#include "server/session.h"

#define LOCKSTEP_USER "u"
#define LOCKSTEP_PASSWORD "p"
#define LOCKSTEP_FAULTS_MAX 16
/* The clock's begin: 2024-01-01 00:00:00 UTC. */
#define LOCKSTEP_START_MS ((int64_t)1704067200 * 1000)

/* Not to be moved once initialised. */
struct lockstep_env {
    struct mem_backend *backend;
    struct session_options options; /* of the sessions to come; may be changed at any time */
    struct clock clock;             /* reads now_ms for both times */
    int64_t now_ms;
    struct fault_script faults;
    struct fault fault_items[LOCKSTEP_FAULTS_MAX];
    uint64_t fault_hits[LOCKSTEP_FAULTS_MAX];
    VEC(struct session *) sessions; /* all there ever were */
};

/* Everything is offered but STARTTLS and COMPRESS, which lockstep cannot do. */
void lockstep_env_init(struct lockstep_env *env);
/* After all its streams are closed. */
void lockstep_env_free(struct lockstep_env *env);
/* A stream to a new session, the caller's to close. */
struct stream *lockstep_env_connect(struct lockstep_env *env);
/* Adds a fault to the script that all sessions share. Counts of commands begin at its adding, those
 * of bytes with the environment. */
void lockstep_env_fault(struct lockstep_env *env, struct fault fault);
void lockstep_env_clear_faults(struct lockstep_env *env);
void lockstep_env_advance(struct lockstep_env *env, int64_t ms);
/* Of all sessions together. */
struct session_counters lockstep_env_counters(const struct lockstep_env *env);
/* Of the latest session alone. */
struct session_counters lockstep_env_last_counters(const struct lockstep_env *env);
