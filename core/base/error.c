#include "base/error.h"
#include "base/str.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const code_names[] = {
    [ERR_NONE] = "none",
    [ERR_NETWORK] = "network",
    [ERR_TLS] = "tls",
    [ERR_TIMEOUT] = "timeout",
    [ERR_CANCELLED] = "cancelled",
    [ERR_PROTOCOL] = "protocol",
    [ERR_NO] = "no",
    [ERR_BAD] = "bad",
    [ERR_BYE] = "bye",
    [ERR_STATE] = "state",
    [ERR_CAPABILITY] = "capability",
    [ERR_AUTH] = "auth",
    [ERR_CONFIG] = "config",
    [ERR_USAGE] = "usage",
    [ERR_WRITE] = "write",
    [ERR_READ] = "read",
    [ERR_NOT_FOUND] = "not-found",
    [ERR_EXISTS] = "exists",
    [ERR_CHANGED] = "changed",
    [ERR_REFUSED] = "refused",
    [ERR_DAMAGED] = "damaged",
    [ERR_LOCKED] = "locked",
    [ERR_UNSUPPORTED] = "unsupported",
    [ERR_SKIPPED] = "skipped",
    [ERR_DEFECT] = "defect",
};

static const char *const scope_names[] = {
    [SCOPE_MESSAGE] = "message", [SCOPE_MAILBOX] = "mailbox",     [SCOPE_CONNECTION] = "connection",
    [SCOPE_ACCOUNT] = "account", [SCOPE_CANCELLED] = "cancelled",
};

/* Formats beside the error first: the arguments may point into the old text. */
__attribute__((format(printf, 2, 0))) static void format_text(char out[ERROR_TEXT_MAX],
                                                              const char *format, va_list args)
{
    out[0] = '\0';
    int len = vsnprintf(out, ERROR_TEXT_MAX, format, args);
    if (len < 0) {
        len = 0;
    }
    size_t kept = (size_t)len < ERROR_TEXT_MAX ? (size_t)len : ERROR_TEXT_MAX - 1;
    out[str_make_printable(out, kept)] = '\0';
}

/* Puts `text` after what stands in `out`, cut to fit. */
static void append_text(char out[ERROR_TEXT_MAX], const char *text)
{
    size_t len = strlen(out);
    size_t room = ERROR_TEXT_MAX - 1 - len;
    size_t more = strnlen(text, room);
    memcpy(out + len, text, more);
    out[str_make_printable(out, len + more)] = '\0';
}

static int store(struct error *err, enum error_code code, enum error_scope scope, int os_errno,
                 const char text[ERROR_TEXT_MAX])
{
    err->code = code;
    err->scope = scope;
    err->os_errno = os_errno;
    err->response_code[0] = '\0';
    memcpy(err->text, text, strlen(text) + 1);
    return -(int)code;
}

int error_set(struct error *err, enum error_code code, enum error_scope scope, const char *format,
              ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_text(text, format, args);
    va_end(args);
    return store(err, code, scope, 0, text);
}

int error_set_errno(struct error *err, enum error_code code, enum error_scope scope, int os_errno,
                    const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_text(text, format, args);
    va_end(args);
    append_text(text, ": ");
    append_text(text, strerror(os_errno));
    if (os_errno == ENOSPC || os_errno == EDQUOT || os_errno == EROFS) {
        code = ERR_WRITE;
    }
    return store(err, code, scope, os_errno, text);
}

int error_wrap(struct error *err, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_text(text, format, args);
    va_end(args);
    append_text(text, ": ");
    append_text(text, err->text);
    memcpy(err->text, text, strlen(text) + 1);
    return -(int)err->code;
}

int error_advise(struct error *err, const char *format, ...)
{
    char advice[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_text(advice, format, args);
    va_end(args);
    append_text(err->text, "; ");
    append_text(err->text, advice);
    return -(int)err->code;
}

int error_widen(struct error *err, enum error_scope scope)
{
    if (err->scope < scope) {
        err->scope = scope;
    }
    return -(int)err->code;
}

void error_clear(struct error *err)
{
    *err = (struct error)ERROR_INIT;
}

bool error_is_set(const struct error *err)
{
    return err->code != ERR_NONE;
}

const char *error_code_name(enum error_code code)
{
    return code_names[code];
}

const char *error_scope_name(enum error_scope scope)
{
    return scope_names[scope];
}
