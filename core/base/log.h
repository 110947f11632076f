#pragma once
/*
 * One logging scheme: a line to standard error, with the account and the mailbox it is about.
 * Under journald (JOURNAL_STREAM set) lines carry the <N> priority prefix; on a terminal and in
 * files they carry the level in words. Nothing secret is ever passed in.
 */
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* What a line is about; either may be NULL. Borrowed. */
struct log_scope {
    const char *account;
    const char *mailbox;
};

/* Default: LOG_LEVEL_INFO. Thread-safe. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* Called before and after each line, so that a progress bar can step aside. NULL for none. */
struct log_guard {
    void (*before)(void *self);
    void (*after)(void *self);
    void *self;
};
void log_set_guard(const struct log_guard *guard);

/*
 * Where a line goes when standard error is the journal: with what it is about in fields of its own.
 * `text` is the line without level and scope. False: it is written to standard error as ever.
 * Called by any thread.
 */
typedef bool (*log_journal)(int syslog_priority, const struct log_scope *scope, const char *text);
void log_set_journal(log_journal journal);

/* `scope` may be NULL. */
void log_error(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_warning(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_info(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_debug(const struct log_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
