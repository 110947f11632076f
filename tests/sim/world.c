#include "sim/world.h"
#include "base/log.h"
#include "config/config.h"
#include "account/account.h"
#include "sim/calls.h"
#include "sim/disk.h"
#include "sim/here.h"
#include "sim/machine.h"
#include "sim/there.h"
#include "sim/threads.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct report world_report;

/* Configurations are read once. */
struct known_config {
    const char *account;
    struct config *config;
};

static struct {
    VEC(struct known_config) configs;
    struct config *config;
    struct buf *told;
} world;

static const char YAML[] = "state_dir: " DISK_ROOT "/state\n"
                           "accounts:\n"
                           "  sim:\n"
                           "    host: 127.0.0.1\n"
                           "    tls: off\n"
                           "    user: " THERE_USER "\n"
                           "    password: p\n"
                           "    auth: [login]\n"
                           "    connections: 4\n"
                           "    maildir: " HERE_ROOT "\n";

/* ---- telling ---- */

bool world_is_told(void)
{
    return world.told != NULL;
}

void world_tell(const char *format, ...)
{
    char line[4096];
    va_list arguments;
    if (world.told == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    buf_add_cstr(world.told, line);
}

static void note_line(void *self, char direction, struct str line)
{
    bool matters = line.len > 0 && (line.ptr[0] == 'A' || line.ptr[0] == '*' || line.ptr[0] == '+');
    if (matters)
        world_tell("    [%lu] %c: %.*s\n", machine.points, direction,
                   (int)(line.len < 150 ? line.len : 150), line.ptr);
}

static void note_plan(void *self, const char *account, const char *mailbox, const char *what,
                      const char *subject, const char *why)
{
    world_tell("    plan: %s: %s %s (%s)\n", mailbox, what, subject, why);
}

static void print_problem(void *self, const char *file, unsigned line, const char *text)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

/* ---- setting up ---- */

void world_begin(const char *scratch_dir)
{
    snprintf(calls_index_dir, sizeof calls_index_dir, "%s", scratch_dir);
    machine_reset(1);
    disk_reset();
    world_configure(NULL);
}

static struct config *read_config(const char *account)
{
    static const struct config_problems problems = {print_problem, NULL};
    struct config *config = NULL;
    struct error err = ERROR_INIT;
    struct disk_node *file = disk_create(disk_root(), "config.yaml", false, 0600);
    disk_write(file, 0, YAML, sizeof YAML - 1);
    if (account != NULL)
        disk_write(file, sizeof YAML - 1, account, strlen(account));
    if (config_load(DISK_ROOT "/config.yaml", &problems, &config, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    disk_unlink(disk_root(), "config.yaml");
    return config;
}

void world_configure(const char *account)
{
    VEC_FOREACH (const struct known_config, known, &world.configs) {
        if (known->account == account) {
            world.config = known->config;
            return;
        }
    }
    world.config = read_config(account);
    vec_push(&world.configs, ((struct known_config){account, world.config}));
}

void world_end(void)
{
    VEC_FOREACH (struct known_config, known, &world.configs) {
        config_free(&known->config);
    }
    vec_free(&world.configs);
}

void world_reset(uint64_t seed, struct buf *told)
{
    world.told = told;
    calls_keep_log = told != NULL;
    buf_clear(&calls_log);
    calls_close_all();
    machine_reset(seed);
    threads_reset(seed);
    disk_reset();
    calls_remove_index();
    here_reset();
    there_reset();
}

void world_wait(int64_t seconds)
{
    machine.monotonic_ns += seconds * 1000000000;
}

/* ---- a pass ---- */

int world_pass(const struct world_pass *pass)
{
    static const struct tap_sink trace = {note_line, NULL};
    static const struct plan_sink plan = {note_plan, NULL};
    static const char *const every[] = {"INBOX", "A", "B", "C", "D", "A/sub", NULL};
    const struct pass_options options = {
        .full = pass->full,
        .approve_deletions = pass->approve,
        .told = pass->told ? every : NULL,
        .listing_slice = pass->large ? 2 : 0,
        .connections = pass->connections > 0 ? pass->connections : 1,
        .download_portion = pass->portion,
        .clock = &server.clock,
        .trace = world.told != NULL ? &trace : NULL,
        .plan = world.told != NULL ? &plan : NULL,
        .one_thread = pass->connections <= 1,
    };
    machine_boot();
    machine.crash_at = pass->crash_at;
    machine.at_point = pass->at_point;
    machine.in_pass = true;
    int code = account_pass(world.config, &world.config->accounts[0], &options, &world_report);
    machine.in_pass = false;
    if (world.told != NULL) {
        buf_add_str(world.told, buf_str(&calls_log));
        buf_clear(&calls_log);
    }
    world_tell("    ended with %d after %lu points, %lu steps%s: %s\n", code, machine.points,
               machine.steps, machine.crashed ? ", crashed" : "", world_report.error.text);
    return code;
}
