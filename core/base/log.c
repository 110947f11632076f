#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Longer lines are cut; below PIPE_BUF, so that a line stays whole in a pipe too. */
#define LINE_MAX_BYTES 2048

static const struct {
    const char *word;
    int syslog_priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

static _Atomic int enabled_level = LOG_LEVEL_INFO;
static pthread_mutex_t output_lock = PTHREAD_MUTEX_INITIALIZER; /* keeps guard and line together */
static struct log_guard output_guard;
static _Atomic(log_journal) to_journal;

void log_set_level(enum log_level level)
{
    atomic_store(&enabled_level, (int)level);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load(&enabled_level);
}

void log_set_journal(log_journal journal)
{
    atomic_store(&to_journal, journal);
}

void log_set_guard(const struct log_guard *guard)
{
    pthread_mutex_lock(&output_lock);
    output_guard = guard == NULL ? (struct log_guard){0} : *guard;
    pthread_mutex_unlock(&output_lock);
}

/* JOURNAL_STREAM names the journal's socket; standard error may have been led elsewhere since. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat found;
    if (stream == NULL || fstat(STDERR_FILENO, &found) < 0) {
        return false;
    }
    char expected[64];
    (void)snprintf(expected, sizeof expected, "%ju:%ju", (uintmax_t)found.st_dev,
                   (uintmax_t)found.st_ino);
    return strcmp(stream, expected) == 0;
}

/* Appends at *len, cut to the line's size. */
__attribute__((format(printf, 3, 0))) static void add(char line[LINE_MAX_BYTES], size_t *len,
                                                      const char *format, va_list args)
{
    size_t room = LINE_MAX_BYTES - *len;
    int more = vsnprintf(line + *len, room, format, args);
    if (more > 0) {
        *len += (size_t)more < room ? (size_t)more : room - 1;
    }
}

__attribute__((format(printf, 3, 4))) static void addf(char line[LINE_MAX_BYTES], size_t *len,
                                                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(line, len, format, args);
    va_end(args);
}

static void add_scope(char line[LINE_MAX_BYTES], size_t *len, const struct log_scope *scope)
{
    if (scope == NULL || scope->account == NULL) {
        return;
    }
    if (scope->mailbox == NULL) {
        addf(line, len, "%s: ", scope->account);
    } else {
        addf(line, len, "%s:%s: ", scope->account, scope->mailbox);
    }
}

static void write_line(const char *line, size_t len)
{
    pthread_mutex_lock(&output_lock);
    if (output_guard.before != NULL) {
        output_guard.before(output_guard.self);
    }
    ssize_t done;
    do {
        done = write(STDERR_FILENO, line, len);
    } while (done < 0 && errno == EINTR);
    if (output_guard.after != NULL) {
        output_guard.after(output_guard.self);
    }
    pthread_mutex_unlock(&output_lock);
}

/* True: the journal has it. */
__attribute__((format(printf, 3, 0))) static bool
tell_journal(enum log_level level, const struct log_scope *scope, const char *format, va_list args)
{
    log_journal journal = atomic_load(&to_journal);
    if (journal == NULL) {
        return false;
    }
    char text[LINE_MAX_BYTES];
    size_t len = 0;
    text[0] = '\0';
    add(text, &len, format, args);
    (void)str_make_printable(text, len);
    return journal(levels[level].syslog_priority, scope, text);
}

__attribute__((format(printf, 4, 0))) static void write_text(enum log_level level, bool journal,
                                                             const struct log_scope *scope,
                                                             const char *format, va_list args)
{
    char line[LINE_MAX_BYTES];
    size_t len = 0;
    if (journal) {
        addf(line, &len, "<%d>", levels[level].syslog_priority);
    } else {
        addf(line, &len, "%s: ", levels[level].word);
    }
    add_scope(line, &len, scope);
    add(line, &len, format, args);
    len = str_make_printable(line, len);
    line[len++] = '\n'; /* in the place of the NUL */
    write_line(line, len);
}

__attribute__((format(printf, 3, 0))) static void
log_line(enum log_level level, const struct log_scope *scope, const char *format, va_list args)
{
    if (!log_enabled(level)) {
        return;
    }
    int saved_errno = errno;
    bool journal = stderr_is_journal();
    va_list again;
    va_copy(again, args);
    if (!journal || !tell_journal(level, scope, format, again)) {
        write_text(level, journal, scope, format, args);
    }
    va_end(again);
    errno = saved_errno;
}

void log_error(const struct log_scope *scope, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line(LOG_LEVEL_ERROR, scope, format, args);
    va_end(args);
}

void log_warning(const struct log_scope *scope, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line(LOG_LEVEL_WARNING, scope, format, args);
    va_end(args);
}

void log_info(const struct log_scope *scope, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line(LOG_LEVEL_INFO, scope, format, args);
    va_end(args);
}

void log_debug(const struct log_scope *scope, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line(LOG_LEVEL_DEBUG, scope, format, args);
    va_end(args);
}
