/* Secrets: from where they come, and what is said when they do not. */
#include "base/alloc.h"
#include "base/files.h"
#include "config/secret.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#define TIMEOUT_MS 20000

static int read_shell(const char *shell, int64_t timeout_ms, const struct wake *wake, char **out,
                      struct error *err)
{
    struct config_secret secret = {.shell = shell, .origin = "c.yaml:7"};
    *err = (struct error)ERROR_INIT;
    *out = NULL;
    return secret_read(&secret, timeout_ms, wake, &clock_system, out, err);
}

static void commands_give_their_first_line(void **state)
{
    static const struct {
        const char *shell;
        const char *secret;
    } cases[] = {
        {"echo hunter2", "hunter2"},
        {"printf hunter2", "hunter2"},
        {"printf 'hunter2\\r\\n'", "hunter2"},
        {"printf 'one\\ntwo\\n'", "one"},
        {"printf ' spaces are kept \\n'", " spaces are kept "},
        {"echo words >&2; echo hunter2", "hunter2"},
        /* what it leaves running keeps the pipe open, and is not waited for */
        {"echo hunter2; sleep 30 & true", "hunter2"},
        /* more than a pipe holds, on both */
        {"echo hunter2; head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2", "hunter2"},
        {"read x; echo \"got '$x'\"", "got ''"}, /* standard input is empty */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        char *out;
        if (read_shell(cases[i].shell, TIMEOUT_MS, NULL, &out, &err) < 0) {
            fail_msg("%s: %s", cases[i].shell, err.text);
        }
        assert_string_equal(out, cases[i].secret);
        secret_free(&out);
        assert_null(out);
    }
}

static void failures_name_the_place_and_the_reason(void **state)
{
    static const struct {
        const char *shell;
        const char *text;
    } cases[] = {
        {"exit 3", "c.yaml:7: the command failed with exit status 3"},
        {"echo hunter2; echo 'no such entry' >&2; echo more >&2; exit 1",
         "c.yaml:7: the command failed with exit status 1: no such entry"},
        {"kill -9 $$", "c.yaml:7: the command was ended by signal 9"},
        {"true", "c.yaml:7: nothing was given: the first line is empty"},
        {"echo; echo x", "c.yaml:7: nothing was given: the first line is empty"},
        {"printf 'a\\0b\\n'", "c.yaml:7: there is a NUL in the first line"},
        {"head -c 100000 /dev/zero | tr '\\0' x",
         "c.yaml:7: the first line is longer than 65536 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        char *out;
        assert_int_equal(read_shell(cases[i].shell, TIMEOUT_MS, NULL, &out, &err), -ERR_AUTH);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(err.scope, SCOPE_ACCOUNT);
        assert_null(out);
    }
}

static void a_list_is_run_as_it_is(void **state)
{
    const char *good[] = {"printf", "%s", "a b;c", NULL};
    const char *missing[] = {"/nonexistent/program", NULL};
    struct error err = ERROR_INIT;
    char *out;
    struct config_secret secret = {.argv = {good, 3}, .origin = "c.yaml:7"};
    assert_int_equal(secret_read(&secret, TIMEOUT_MS, NULL, &clock_system, &out, &err), 0);
    assert_string_equal(out, "a b;c");
    secret_free(&out);
    secret.argv = (struct config_strings){missing, 1};
    assert_int_equal(secret_read(&secret, TIMEOUT_MS, NULL, &clock_system, &out, &err), -ERR_AUTH);
    assert_string_equal(err.text,
                        "c.yaml:7: cannot run /nonexistent/program: No such file or directory");
}

/* The process whose number the file holds is gone, or soon will be: it was sent SIGKILL. */
static void assert_is_gone(const char *pid_file)
{
    struct error err = ERROR_INIT;
    struct buf text = BUF_INIT(64);
    assert_int_equal(file_read(AT_FDCWD, pid_file, &text, &err), 0);
    long pid = strtol(text.data, NULL, 10);
    assert_true(pid > 1);
    int tries = 1000;
    while (kill((pid_t)pid, 0) == 0 && tries-- > 0) {
        AUTO_FREE char *stat_path = xasprintf("/proc/%ld/stat", pid);
        struct buf stat = BUF_INIT(4096);
        bool zombie =
            file_read(AT_FDCWD, stat_path, &stat, &err) == 0 && strstr(stat.data, ") Z ") != NULL;
        buf_free(&stat);
        if (zombie) {
            break;
        }
        sched_yield();
    }
    assert_true(tries > 0);
    buf_free(&text);
}

static char *make_folder(void)
{
    const char *temporary = getenv("TMPDIR");
    char *path = path_join(temporary == NULL ? "/tmp" : temporary, "maildird-secret-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static void law9_a_command_that_hangs_is_ended_with_all_it_started(void **state)
{
    AUTO_FREE char *folder = make_folder();
    AUTO_FREE char *pid_file = path_join(folder, "pid");
    AUTO_FREE char *shell = xasprintf("sh -c 'echo $$ > %s; exec sleep 60'", pid_file);
    struct error err;
    char *out;
    int64_t before_ms = clock_monotonic_ms(&clock_system);
    assert_int_equal(read_shell(shell, 1000, NULL, &out, &err), -ERR_AUTH);
    assert_true(clock_monotonic_ms(&clock_system) - before_ms < 10000);
    assert_string_equal(err.text, "c.yaml:7: the command took too long (command_timeout)");
    assert_is_gone(pid_file);
    assert_int_equal(unlink(pid_file), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_signalled_wake_ends_the_wait_at_once(void **state)
{
    struct wake wake;
    struct error err = ERROR_INIT;
    char *out;
    assert_int_equal(wake_init(&wake, &err), 0);
    wake_signal(&wake);
    int64_t before_ms = clock_monotonic_ms(&clock_system);
    assert_int_equal(read_shell("sleep 60", TIMEOUT_MS, &wake, &out, &err), -ERR_CANCELLED);
    assert_int_equal(err.scope, SCOPE_CANCELLED);
    assert_true(clock_monotonic_ms(&clock_system) - before_ms < 10000);
    wake_close(&wake);
}

static void files_and_credentials_give_their_first_line(void **state)
{
    AUTO_FREE char *folder = make_folder();
    AUTO_FREE char *path = path_join(folder, "imap");
    struct error err = ERROR_INIT;
    char *out;
    struct config_secret secret = {.file = path, .origin = "c.yaml:7"};
    assert_int_equal(secret_read(&secret, 0, NULL, &clock_system, &out, &err), -ERR_CONFIG);
    AUTO_FREE char *missing =
        xasprintf("c.yaml:7: cannot open %s: No such file or directory", path);
    assert_string_equal(err.text, missing);

    assert_int_equal(file_replace(path, STR("hunter2\nmore\n"), 0600, &err), 0);
    assert_int_equal(secret_read(&secret, 0, NULL, &clock_system, &out, &err), 0);
    assert_string_equal(out, "hunter2");
    secret_free(&out);

    struct config_secret credential = {.credential = "imap", .origin = "c.yaml:7"};
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(secret_read(&credential, 0, NULL, &clock_system, &out, &err), -ERR_CONFIG);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    assert_int_equal(secret_read(&credential, 0, NULL, &clock_system, &out, &err), 0);
    assert_string_equal(out, "hunter2");
    secret_free(&out);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void only_a_given_secret_is_set(void **state)
{
    struct error err = ERROR_INIT;
    char *out;
    struct config_secret text = {.text = "hunter2"}, none = {0};
    assert_true(secret_is_set(&text));
    assert_false(secret_is_set(&none));
    assert_int_equal(secret_read(&text, 0, NULL, &clock_system, &out, &err), 0);
    assert_string_equal(out, "hunter2");
    secret_free(&out);
    secret_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_give_their_first_line),
        cmocka_unit_test(failures_name_the_place_and_the_reason),
        cmocka_unit_test(a_list_is_run_as_it_is),
        cmocka_unit_test(law9_a_command_that_hangs_is_ended_with_all_it_started),
        cmocka_unit_test(a_signalled_wake_ends_the_wait_at_once),
        cmocka_unit_test(files_and_credentials_give_their_first_line),
        cmocka_unit_test(only_a_given_secret_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
