#include "base/alloc.h"
#include "base/log.h"
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static int saved_stderr = -1;
static FILE *captured;

/* Standard error goes to a file. */
static int capture(void **state)
{
    captured = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    log_set_level(LOG_LEVEL_INFO);
    unsetenv("JOURNAL_STREAM");
    return captured == NULL || dup2(fileno(captured), STDERR_FILENO) < 0;
}

static int release(void **state)
{
    log_set_guard(NULL);
    unsetenv("JOURNAL_STREAM");
    (void)dup2(saved_stderr, STDERR_FILENO);
    (void)close(saved_stderr);
    return fclose(captured);
}

static void assert_logged(const char *expected)
{
    char text[8192];
    rewind(captured);
    size_t len = fread(text, 1, sizeof text - 1, captured);
    text[len] = '\0';
    assert_string_equal(text, expected);
}

static void lines_carry_level_and_scope(void **state)
{
    struct log_scope account = {.account = "work"};
    struct log_scope mailbox = {.account = "work", .mailbox = "Lists/c"};
    log_error(NULL, "one %d", 1);
    log_warning(&account, "two");
    log_info(&mailbox, "three");
    log_debug(&mailbox, "not shown");
    assert_logged("error: one 1\nwarning: work: two\ninfo: work:Lists/c: three\n");
}

static void the_level_decides(void **state)
{
    log_set_level(LOG_LEVEL_DEBUG);
    assert_true(log_enabled(LOG_LEVEL_DEBUG));
    log_debug(NULL, "shown");
    log_set_level(LOG_LEVEL_ERROR);
    assert_false(log_enabled(LOG_LEVEL_WARNING));
    log_warning(NULL, "not shown");
    log_error(NULL, "shown");
    assert_logged("debug: shown\nerror: shown\n");
}

static void the_journal_gets_priorities(void **state)
{
    struct stat found;
    assert_int_equal(fstat(STDERR_FILENO, &found), 0);
    AUTO_FREE char *stream = xasprintf("%ju:%ju", (uintmax_t)found.st_dev, (uintmax_t)found.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_set_level(LOG_LEVEL_DEBUG);
    log_error(NULL, "a");
    log_warning(NULL, "b");
    log_info(NULL, "c");
    log_debug(NULL, "d");
    /* Led elsewhere since: no longer the journal. */
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_info(NULL, "e");
    assert_logged("<3>a\n<4>b\n<6>c\n<7>d\ninfo: e\n");
}

static void law7_a_line_stays_a_line(void **state)
{
    struct log_scope scope = {.account = "work", .mailbox = "evil\nerror: forged"};
    log_info(&scope, "text\x1b[2J\r\nmore \xff");
    assert_logged("info: work:evil error: forged: text [2J  more ?\n");
}

static void long_lines_are_cut(void **state)
{
    char text[6000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_info(NULL, "%s", text);
    log_info(NULL, "next");
    rewind(captured);
    char line[8192];
    assert_non_null(fgets(line, sizeof line, captured));
    assert_true(strlen(line) > 1000 && strlen(line) < 4096);
    assert_non_null(fgets(line, sizeof line, captured));
    assert_string_equal(line, "info: next\n");
}

static void note_before(void *self)
{
    (void)fputs("[", captured);
    (void)fflush(captured);
}

static void note_after(void *self)
{
    (void)fputs("]", captured);
    (void)fflush(captured);
}

static void the_guard_surrounds_each_line(void **state)
{
    struct log_guard guard = {.before = note_before, .after = note_after};
    log_set_guard(&guard);
    log_info(NULL, "a");
    log_debug(NULL, "not shown");
    log_set_guard(NULL);
    log_info(NULL, "b");
    assert_logged("[info: a\n]info: b\n");
}

#define LINES_PER_THREAD 50

static void *log_many(void *arg)
{
    for (int i = 0; i < LINES_PER_THREAD; i++) {
        log_info(NULL, "%s%s%s", (const char *)arg, (const char *)arg, (const char *)arg);
    }
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    static char words[2][8] = {"aaaaaaa", "bbbbbbb"};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, words[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    rewind(captured);
    char line[200];
    int count = 0;
    for (; fgets(line, sizeof line, captured) != NULL; count++) {
        assert_true(strcmp(line, "info: aaaaaaaaaaaaaaaaaaaaa\n") == 0 ||
                    strcmp(line, "info: bbbbbbbbbbbbbbbbbbbbb\n") == 0);
    }
    assert_int_equal(count, 2 * LINES_PER_THREAD);
}

#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAPTURED(lines_carry_level_and_scope),
        CAPTURED(the_level_decides),
        CAPTURED(the_journal_gets_priorities),
        CAPTURED(law7_a_line_stays_a_line),
        CAPTURED(long_lines_are_cut),
        CAPTURED(the_guard_surrounds_each_line),
        CAPTURED(threads_do_not_mix_their_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
