#include "base/files.h"
#include "base/log.h"
#include "net/dial.h"
#include "config/config.h"
#include "core/base/scratch.h"
#include "sync/engine.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- in the place of dial(): a stream to the server in memory ---- */

int __wrap_dial(const struct dial_options *options, struct stream **out, struct error *err);
int __real_dial(const struct dial_options *options, struct stream **out, struct error *err);
int64_t __wrap_stream_connect_us(const struct stream *stream);

static struct engine *dialled; /* whose server answers */

/* A layer that changes lines on their way to the client. */
struct sieve {
    struct engine *engine;
    struct buf line;
    struct buf ready;
    size_t taken;
};

static void sift(struct sieve *sieve, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        buf_add_byte(&sieve->line, data[i]);
        if (data[i] != '\n') {
            continue;
        }
        struct engine *e = sieve->engine;
        struct str line = buf_str(&sieve->line);
        struct str told = e->twist != NULL ? e->twist(e, line) : line;
        e->twisted += !str_eq(told, line);
        buf_add_str(&sieve->ready, told);
        buf_clear(&sieve->line);
    }
}

static ssize_t sieve_try_read(struct stream_layer *layer, void *out, size_t size,
                              enum stream_want *want, struct error *err)
{
    struct sieve *sieve = layer->self;
    while (sieve->taken == sieve->ready.len) {
        char data[16384];
        buf_clear(&sieve->ready);
        sieve->taken = 0;
        ssize_t got = stream_below_read(layer, data, sizeof data, want, err);
        if (got <= 0) {
            return got;
        }
        sift(sieve, data, (size_t)got);
    }
    size_t len = sieve->ready.len - sieve->taken;
    len = len < size ? len : size;
    memcpy(out, sieve->ready.data + sieve->taken, len);
    sieve->taken += len;
    return (ssize_t)len;
}

static ssize_t sieve_try_write(struct stream_layer *layer, const void *data, size_t size,
                               enum stream_want *want, struct error *err)
{
    return stream_below_write(layer, data, size, want, err);
}

static void sieve_close(struct stream_layer *layer)
{
    struct sieve *sieve = layer->self;
    buf_free(&sieve->line);
    buf_free(&sieve->ready);
    xfree(&sieve);
}

static const struct stream_layer_ops SIEVE = {
    .name = "sieve",
    .try_read = sieve_try_read,
    .try_write = sieve_try_write,
    .close = sieve_close,
};

/* A layer that makes the stream wait, as it does over a network: for room after each piece that it
 * writes, and for what it reads after it wrote. */
#define PIECE_BYTES 96

struct hesitation {
    bool full;
    bool waited;
};

static ssize_t hesitate_try_read(struct stream_layer *layer, void *out, size_t size,
                                 enum stream_want *want, struct error *err)
{
    struct hesitation *h = layer->self;
    if (!h->waited) {
        h->waited = true;
        *want = STREAM_WANT_READ;
        return STREAM_AGAIN;
    }
    return stream_below_read(layer, out, size, want, err);
}

static ssize_t hesitate_try_write(struct stream_layer *layer, const void *data, size_t size,
                                  enum stream_want *want, struct error *err)
{
    struct hesitation *h = layer->self;
    h->waited = false;
    h->full = !h->full;
    if (!h->full) {
        *want = STREAM_WANT_WRITE;
        return STREAM_AGAIN;
    }
    return stream_below_write(layer, data, size < PIECE_BYTES ? size : PIECE_BYTES, want, err);
}

static void hesitate_close(struct stream_layer *layer)
{
    xfree(&layer->self);
}

static const struct stream_layer_ops HESITATION = {
    .name = "hesitation",
    .try_read = hesitate_try_read,
    .try_write = hesitate_try_write,
    .close = hesitate_close,
};

int __wrap_dial(const struct dial_options *options, struct stream **out, struct error *err)
{
    struct engine *e = dialled;
    if (e->dials != NULL) {
        e->dials(e, options->wake);
    }
    if (e->unreachable) {
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "no route to the server");
    }
    if (e->port != 0) {
        struct dial_options real = *options;
        real.port = e->port;
        return __real_dial(&real, out, err);
    }
    *out = lockstep_env_connect(&e->env);
    (void)stream_set_wake(*out, options->wake);
    if (e->hesitates) {
        stream_push(*out, &HESITATION, xcalloc(1, sizeof(struct hesitation)));
    }
    if (e->twist != NULL) {
        struct sieve *sieve = xcalloc(1, sizeof *sieve);
        sieve->engine = e;
        buf_init(&sieve->line, (size_t)1 << 26);
        buf_init(&sieve->ready, (size_t)1 << 26);
        stream_push(*out, &SIEVE, sieve);
    }
    return 0;
}

int64_t __wrap_stream_connect_us(const struct stream *stream)
{
    return 0;
}

/* ---- what a pass says ---- */

/* "AUTHENTICATE [hidden]", as the transcript has it, too. */
static bool is_left_out(struct str command)
{
    static const char *const names[] = {"LOGIN",  "AUTHENTICATE", "CAPABILITY", "ID",
                                        "ENABLE", "NAMESPACE",    "COMPRESS",   "LOGOUT"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_starts(command, str_from(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_tag(struct str word)
{
    uint32_t number;
    return word.len > 1 && word.ptr[0] == 'A' && str_to_u32(str_from_offset(word, 1), &number);
}

static void count_line(struct engine *e, char direction, struct str line)
{
    struct str word;
    struct str rest = line;
    if (direction == 'S' && str_starts(line, STR("+ ")) && e->counts.commands > 0) {
        e->counts.round_trips++;
    }
    if (direction == 'S' && str_starts(line, STR("* "))) {
        e->header_only = memmem(line.ptr, line.len, "BODY[HEADER]", 12) != NULL;
    }
    if (direction == 'S' && str_starts(line, STR("Subject: "))) {
        e->counts.bodies += !e->header_only;
    }
    if (!str_split(&rest, ' ', &word) || !is_tag(word)) {
        return;
    }
    if (direction == 'S') {
        e->in_flight--;
        return;
    }
    (void)str_split(&rest, ' ', &word);
    e->counts.all++;
    if (!is_left_out(word)) {
        e->counts.commands++;
        e->counts.round_trips += e->in_flight == 0;
    }
    e->in_flight++;
}

static void note_line(void *self, char direction, struct str line)
{
    struct engine *e = self;
    count_line(e, direction, line);
    buf_addf(&e->transcript, "%c: %.*s\n", direction, STR_ARG(line));
    void (*act)(struct engine *) = ++e->lines == e->line ? e->at_line : NULL;
    if (act != NULL) {
        e->at_line = NULL;
        act(e);
    }
}

static void note_plan(void *self, const char *account, const char *mailbox, const char *what,
                      const char *subject, const char *why)
{
    struct engine *e = self;
    buf_addf(&e->plan, "%s: %s %s (%s)\n", mailbox, what, subject, why);
    void (*meanwhile)(struct engine *) = e->meanwhile;
    e->meanwhile = NULL;
    if (meanwhile != NULL) {
        meanwhile(e);
    }
}

/* ---- setting up ---- */

static void print_problem(void *self, const char *file, unsigned line, const char *text)
{
    print_error("%s:%u: %s\n", file, line, text);
}

void engine_configure(struct engine *e, const char *account)
{
    AUTO_BUF struct buf yaml = BUF_INIT(64 * 1024);
    const struct config_problems problems = {print_problem, NULL};
    struct error err = ERROR_INIT;
    buf_addf(&yaml,
             "state_dir: %s/state\naccounts:\n  test:\n    host: 127.0.0.1\n    tls: off\n"
             "    user: " LOCKSTEP_USER "\n    password: " LOCKSTEP_PASSWORD
             "\n    maildir: %s\n    connections: %u\n%s",
             e->dir, e->root, e->port == 0 ? 1 : 4, account != NULL ? account : "");
    config_free(&e->config);
    if (file_replace(e->config_path, buf_str(&yaml), 0600, &err) < 0 ||
        config_load(e->config_path, &problems, &e->config, &err) < 0) {
        fail_msg("%s\n%.*s", err.text, STR_ARG(buf_str(&yaml)));
    }
    maildir_free(&e->maildir);
    e->maildir = maildir_new(&e->config->accounts[0].maildir);
}

void engine_init(struct engine *e, const char *account)
{
    *e = (struct engine){0};
    /* Memory, where there is some: nothing here needs a disk to last. */
    if (access("/dev/shm", W_OK) == 0) {
        (void)setenv("TMPDIR", "/dev/shm", 0);
    }
    log_set_level(LOG_LEVEL_ERROR);
    lockstep_env_init(&e->env);
    e->dir = scratch_new();
    e->root = path_join(e->dir, "mail");
    e->state = path_join(e->dir, "state/test");
    e->config_path = path_join(e->dir, "config.yaml");
    e->arena = arena_new();
    buf_init(&e->transcript, (size_t)1 << 26);
    buf_init(&e->plan, (size_t)1 << 24);
    engine_configure(e, account);
}

void engine_begin(struct engine *e, const char *account, unsigned inbox_count, const char *mailbox,
                  const char *prefix, unsigned count)
{
    engine_init(e, account);
    server_create(e, mailbox);
    server_fill(e, "INBOX", "m", inbox_count);
    server_fill(e, mailbox, prefix, count);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
}

void engine_free(struct engine *e)
{
    maildir_free(&e->maildir);
    config_free(&e->config);
    lockstep_env_free(&e->env);
    buf_free(&e->transcript);
    buf_free(&e->plan);
    arena_free(&e->arena);
    xfree(&e->root);
    xfree(&e->state);
    xfree(&e->config_path);
    scratch_free(&e->dir);
}

void engine_replace_server(struct engine *e)
{
    struct session_options options = e->env.options;
    int64_t now_ms = e->env.now_ms;
    lockstep_env_free(&e->env);
    lockstep_env_init(&e->env);
    e->env.options.capabilities = options.capabilities;
    e->env.now_ms = now_ms;
}

void engine_wait(struct engine *e, int64_t seconds)
{
    lockstep_env_advance(&e->env, seconds * 1000);
}

void engine_agree(struct engine *e)
{
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    engine_wait(e, 300);
}

void engine_fill_three(struct engine *e, unsigned messages)
{
    server_create(e, "Archive");
    server_create(e, "Lists");
    server_fill(e, "INBOX", "m", messages);
    engine_agree(e);
}

void engine_answers(struct engine *e)
{
    dialled = e;
}

/* ---- passes ---- */

/* Folders that were touched a moment ago are looked at again in any case: so that a pass has its
 * marks to go by, every touch is an hour ago, each at a time of its own. */
static void age_directory(struct engine *e, const char *path)
{
    struct stat found;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (stat(path, &found) != 0 || found.st_mtim.tv_sec < now.tv_sec - 1800) {
        return;
    }
    const struct timespec past = {now.tv_sec - 3600, ++e->ages};
    const struct timespec both[2] = {past, past};
    assert_int_equal(utimensat(AT_FDCWD, path, both, 0), 0);
}

static void age_folders(struct engine *e)
{
    struct maildir_folders folders = {0};
    struct error err = ERROR_INIT;
    if (maildir_exists(e->maildir, &err) <= 0 ||
        maildir_list(e->maildir, e->arena, &folders, &err) < 0) {
        return;
    }
    for (size_t i = 0; i < folders.len; i++) {
        age_directory(e, arena_printf(e->arena, "%s/%s/new", e->root, folders.items[i].path));
        age_directory(e, arena_printf(e->arena, "%s/%s/cur", e->root, folders.items[i].path));
    }
}

int engine_pass(struct engine *e, const struct pass_options *options)
{
    age_folders(e);
    const struct tap_sink trace = {note_line, e};
    const struct plan_sink plan = {note_plan, e};
    struct pass_options own = options != NULL ? *options : (struct pass_options){0};
    own.clock = &e->env.clock;
    own.trace = e->port == 0 ? &trace : NULL;
    own.plan = &plan;
    e->counts = (struct engine_counts){0};
    e->in_flight = 0;
    buf_clear(&e->transcript);
    buf_clear(&e->plan);
    dialled = e;
    int code = account_pass(e->config, &e->config->accounts[0], &own, &e->report);
    dialled = NULL;
    return code;
}

bool line_has(struct str line, const char *words)
{
    return memmem(line.ptr, line.len, words, strlen(words)) != NULL;
}

unsigned engine_sent(const struct engine *e, const char *words)
{
    struct str rest = buf_str(&e->transcript);
    struct str line;
    unsigned count = 0;
    while (str_split(&rest, '\n', &line)) {
        count += str_starts(line, STR("C: ")) && line_has(line, words);
    }
    return count;
}

bool engine_body_crossed(const struct engine *e)
{
    return line_has(buf_str(&e->transcript), ": This is ");
}

void engine_tell(const struct engine *e)
{
    (void)fprintf(stderr, "%.*s%.*s", STR_ARG(buf_str(&e->transcript)), STR_ARG(buf_str(&e->plan)));
}

bool engine_pass_at_line(struct engine *e, unsigned line, void (*act)(struct engine *e))
{
    e->at_line = act;
    e->line = e->lines + line;
    (void)engine_pass(e, NULL);
    bool is_done = e->at_line == NULL;
    e->at_line = NULL;
    return is_done;
}

void engine_pass_ends(struct engine *e, int exit_code)
{
    int code = engine_pass(e, NULL);
    if (code != exit_code) {
        engine_tell(e);
        fail_msg("the pass ended with %d, not %d: %s", code, exit_code, e->report.error.text);
    }
}

void engine_assert_settled(struct engine *e)
{
    const char *server = server_view(e);
    const char *local = local_view(e);
    engine_pass_ends(e, 0);
    const struct report_messages *m = &e->report.messages;
    uint64_t moved = m->downloaded + m->linked + m->uploaded + m->flags_to_local +
                     m->flags_to_remote + m->moved_local + m->moved_remote + m->deleted_local +
                     m->deleted_remote + m->held;
    if (moved != 0) {
        engine_tell(e);
        fail_msg("a pass with nothing to do did something");
    }
    assert_server(e, server);
    assert_local(e, local);
}

void assert_error(const struct engine *e, enum error_code code, const char *words)
{
    const struct error *err = &e->report.error;
    if (err->code != code || strstr(err->text, words) == NULL) {
        fail_msg("expected an error %s with '%s', got %s: %s", error_code_name(code), words,
                 error_code_name(err->code), err->text);
    }
}
