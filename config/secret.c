#include "config/secret.h"
#include "base/alloc.h"
#include "base/files.h"
#include "base/process.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

/* Access tokens reach a few KiB. */
#define SECRET_BYTES_MAX (64 * 1024)
#define WORDS_BYTES_MAX 512

/* ---- what it gave ---- */

static int take_line(const struct config_secret *secret, struct str text, size_t max, char **out,
                     struct error *err)
{
    struct str line = text;
    ptrdiff_t end = str_find(text, '\n');
    if (end >= 0) {
        line = str_sub(text, 0, (size_t)end);
    }
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    if (line.len == 0) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                         "%s: nothing was given: the first line is empty", secret->origin);
    }
    if (end < 0 && text.len >= max) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "%s: the first line is longer than %d bytes",
                         secret->origin, SECRET_BYTES_MAX);
    }
    if (str_find(line, '\0') >= 0) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "%s: there is a NUL in the first line",
                         secret->origin);
    }
    *out = xstrndup(line.ptr, line.len);
    return 0;
}

/* "exit status 1", with what the command said last word on standard error. */
static int fail_status(const struct config_secret *secret, int status, struct str words,
                       struct error *err)
{
    struct str line = STR_EMPTY;
    AUTO_BUF struct buf how = BUF_INIT(WORDS_BYTES_MAX);
    (void)str_split(&words, '\n', &line);
    line = str_trim(line);
    process_describe(status, &how);
    return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "%s: the command %s %s%s%.*s", secret->origin,
                     WIFSIGNALED(status) ? "was" : "failed with", how.data,
                     line.len > 0 ? ": " : "", STR_ARG(line));
}

static void wipe(struct buf *b)
{
    if (b->data != NULL) {
        explicit_bzero(b->data, b->cap);
    }
    buf_free(b);
}

static int read_command(const struct config_secret *secret, int64_t timeout_ms,
                        const struct wake *wake, const struct clock *clock, char **out,
                        struct error *err)
{
    int status = 0;
    struct buf output = BUF_INIT(SECRET_BYTES_MAX);
    AUTO_BUF struct buf words = BUF_INIT(WORDS_BYTES_MAX);
    (void)buf_reserve(&output, SECRET_BYTES_MAX); /* growing would leave copies behind */
    const struct process_options options = {
        .shell = secret->shell,
        .argv = secret->shell == NULL ? secret->argv.items : NULL,
        .output = &output,
        .words = &words,
        .timeout_ms = timeout_ms,
        .clock = clock,
        .wake = wake,
    };
    int result = process_run(&options, &status, err);
    if (result == -ERR_TIMEOUT) {
        error_clear(err);
        result = error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                           "%s: the command took too long (command_timeout)", secret->origin);
    } else if (result < 0) {
        err->code = err->code == ERR_CANCELLED ? ERR_CANCELLED : ERR_AUTH;
        result = error_wrap(err, "%s", secret->origin);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        result = fail_status(secret, status, buf_str(&words), err);
    } else {
        result = take_line(secret, buf_str(&output), SECRET_BYTES_MAX, out, err);
    }
    wipe(&output);
    return result;
}

static int read_file(const struct config_secret *secret, const char *path, char **out,
                     struct error *err)
{
    struct buf text = BUF_INIT(SECRET_BYTES_MAX);
    int result = 0;
    if (file_read(AT_FDCWD, path, &text, err) < 0) {
        err->code = ERR_CONFIG;
        err->scope = SCOPE_ACCOUNT;
        result = error_wrap(err, "%s", secret->origin);
    } else {
        result = take_line(secret, buf_str(&text), SECRET_BYTES_MAX, out, err);
    }
    wipe(&text);
    return result;
}

static int read_credential(const struct config_secret *secret, char **out, struct error *err)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (dir == NULL || dir[0] == '\0') {
        return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT,
                         "%s: there is no credential '%s': not run by systemd with "
                         "LoadCredential=%s:…",
                         secret->origin, secret->credential, secret->credential);
    }
    AUTO_FREE char *path = path_join(dir, secret->credential);
    return read_file(secret, path, out, err);
}

int secret_read(const struct config_secret *secret, int64_t timeout_ms, const struct wake *wake,
                const struct clock *clock, char **out, struct error *err)
{
    if (secret->text != NULL) {
        *out = xstrdup(secret->text);
        return 0;
    }
    if (secret->file != NULL) {
        return read_file(secret, secret->file, out, err);
    }
    if (secret->credential != NULL) {
        return read_credential(secret, out, err);
    }
    return read_command(secret, timeout_ms, wake, clock, out, err);
}

bool secret_is_set(const struct config_secret *secret)
{
    return secret->shell != NULL || secret->argv.len > 0 || secret->file != NULL ||
           secret->text != NULL || secret->credential != NULL;
}

void secret_free(char **secret)
{
    if (*secret != NULL) {
        explicit_bzero(*secret, strlen(*secret));
        free(*secret);
    }
    *secret = NULL;
}
