#include "sim/smallest.h"
#include "base/files.h"
#include "sim/calls.h"
#include "sim/run.h"
#include "sim/truth.h"
#include "sim/world.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRYING 99
#define TRY_S 20

long __real_getpid(void);

/* ---- the folder ---- */

static void name_folder(char *out, size_t size, long pid, unsigned number)
{
    bool memory = access("/dev/shm", W_OK) == 0;
    (void)snprintf(out, size, "%s/maildird-sim.%ld.%u", memory ? "/dev/shm" : path_temporary(), pid,
                   number);
}

void smallest_begin_world(unsigned number)
{
    char folder[200];
    name_folder(folder, sizeof folder, (long)getppid(), number);
    if (mkdir(folder, 0700) < 0 && access(folder, W_OK) < 0) {
        perror(folder);
        exit(2);
    }
    world_begin(folder);
    calls_remove_index();
}

void smallest_clean_up(long pid, unsigned number)
{
    name_folder(calls_index_dir, sizeof calls_index_dir, pid, number);
    calls_remove_index();
    (void)rmdir(calls_index_dir);
}

/* ---- trying ---- */

bool smallest_try(const struct script *script, bool tell)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        AUTO_BUF struct buf told = BUF_INIT((size_t)1 << 28);
        smallest_begin_world(TRYING);
        if (!tell && freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        (void)alarm(TRY_S);
        bool good = run_script(script, tell ? &told : NULL);
        if (tell)
            printf("%.*s%.*s", STR_ARG(buf_str(&told)), STR_ARG(buf_str(&truth.violation)));
        fflush(stdout);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    smallest_clean_up(__real_getpid(), TRYING);
    if (tell && WIFSIGNALED(status))
        printf("  ended by signal %d\n", WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Leaves out one thing after the other, for as long as it fails without it. */
static void minimise(struct script *script)
{
    bool smaller = true;
    while (smaller) {
        smaller = false;
        for (size_t i = script->things.len; i-- > 0;) {
            const struct thing left_out = script->things.items[i];
            struct thing *at = &script->things.items[i];
            memmove(at, at + 1, (script->things.len - i - 1) * sizeof *at);
            script->things.len--;
            if (!smallest_try(script, false)) {
                smaller = true;
                continue;
            }
            memmove(at + 1, at, (script->things.len - i) * sizeof *at);
            script->things.len++;
            *at = left_out;
        }
    }
}

void smallest_tell(uint64_t seed, bool whole)
{
    struct script script;
    AUTO_BUF struct buf out = BUF_INIT(1 << 20);
    script_make(&script, seed);
    size_t all = script.things.len;
    if (!whole)
        minimise(&script);
    printf("seed %" PRIu64 ": %zu of %zu things\n", seed, script.things.len, all);
    VEC_FOREACH (const struct thing, thing, &script.things) {
        script_tell_thing(thing, &out);
    }
    printf("%.*s", STR_ARG(buf_str(&out)));
    (void)smallest_try(&script, true);
    script_free(&script);
}
