#pragma once
/*
 * One error type for the whole program.
 *
 * A function that can fail returns 0, or a negative `-enum error_code`, and takes `struct error
 * *err` as its last parameter, never NULL. The error is described once, where the detail is known
 * (`error_set`), may gain context on its way up (`error_wrap`), and is logged or shown once, where
 * it is handled. On success `*err` is untouched.
 *
 * The scope says how far to unwind: what is still usable after the error.
 */
#include <stdbool.h>

enum error_code {
    ERR_NONE = 0,
    ERR_NETWORK,    /* name not found, refused, reset, closed by the peer */
    ERR_TLS,        /* handshake or certificate */
    ERR_TIMEOUT,    /* a deadline passed */
    ERR_CANCELLED,  /* the wake was signalled: SIGTERM, a reload, a pause */
    ERR_PROTOCOL,   /* the peer sent what the grammar does not allow, or more than a limit */
    ERR_NO,         /* tagged NO */
    ERR_BAD,        /* tagged BAD */
    ERR_BYE,        /* the server said BYE */
    ERR_STATE,      /* refused before sending: not in this connection state */
    ERR_CAPABILITY, /* refused before sending: the server lacks a capability */
    ERR_AUTH,       /* the server refused the credentials, or no mechanism is acceptable */
    ERR_CONFIG,     /* the configuration is wrong or unreadable */
    ERR_USAGE,      /* wrong command line */
    ERR_WRITE,      /* a local write failed: disk full, quota, read-only, permission */
    ERR_READ,       /* a local read failed, or a directory that must exist does not */
    ERR_NOT_FOUND,  /* what was asked for does not exist */
    ERR_EXISTS,     /* what was to be made exists */
    ERR_CHANGED,    /* the world moved on since the plan was made; survey again */
    ERR_REFUSED, /* refused for safety: a law would be broken (existing Maildir, lost index, …) */
    ERR_DAMAGED, /* the index does not hold together, or is of an earlier version: it is to be set
                    aside and made anew */
    ERR_LOCKED,  /* another process holds the account */
    ERR_SKIPPED, /* the user's own command said that it is not to be done now */
    ERR_UNSUPPORTED, /* left out of this build, or not possible here */
    ERR_DEFECT,      /* our own: an invariant did not hold */
};

enum error_scope {
    SCOPE_MESSAGE,    /* only this message: hold it and go on */
    SCOPE_MAILBOX,    /* this mailbox: go on with the next */
    SCOPE_CONNECTION, /* this connection is no longer usable */
    SCOPE_ACCOUNT,    /* nothing more can be done in this account */
    SCOPE_CANCELLED,  /* stop cleanly, at once */
};

/* Longer texts are cut. */
#define ERROR_TEXT_MAX 1024
#define ERROR_RESPONSE_CODE_MAX 64

struct error {
    enum error_code code;
    enum error_scope scope;
    int os_errno;                                /* errno of a failed system call, else 0 */
    char response_code[ERROR_RESPONSE_CODE_MAX]; /* e.g. "AUTHENTICATIONFAILED", of NO, BAD and BYE
                                                  */
    char text[ERROR_TEXT_MAX];                   /* UTF-8, one line, no secrets */
};

#define ERROR_INIT                                                                                 \
    {                                                                                              \
        .code = ERR_NONE                                                                           \
    }

/* Set the error; control characters in the text become spaces. Returns -code. */
int error_set(struct error *err, enum error_code code, enum error_scope scope, const char *format,
              ...) __attribute__((format(printf, 4, 5)));

/* As error_set, with ": " and the words of `os_errno` appended; ENOSPC, EDQUOT and EROFS force
 * ERR_WRITE. Returns -code. */
int error_set_errno(struct error *err, enum error_code code, enum error_scope scope, int os_errno,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Put context before the text: "context: text". Returns -err->code. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put advice behind the text: "text; advice". Returns -err->code. */
int error_advise(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Raise the scope to at least `scope`. Returns -err->code. */
int error_widen(struct error *err, enum error_scope scope);

/* Forget the error, so that `err` may be used again. */
void error_clear(struct error *err);

bool error_is_set(const struct error *err);

/* A short stable word for scripts: "network", "tls", "no", … */
const char *error_code_name(enum error_code code);
const char *error_scope_name(enum error_scope scope);
