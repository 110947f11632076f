#pragma once
/*
 * The messages of varlink (varlink.org): JSON objects, each ended by a NUL byte. Bytes in, bytes
 * out; the sockets are elsewhere. JSON is jansson's; what a function is said to take over is
 * released by it, also on failure.
 */
#include "base/buf.h"
#include "base/error.h"
#include <jansson.h>

/* No longer message is read or kept to be written. */
#define VARLINK_MESSAGE_MAX ((size_t)4 * 1024 * 1024)

/* Errors of org.varlink.service. */
#define VARLINK_INTERFACE_NOT_FOUND "org.varlink.service.InterfaceNotFound"
#define VARLINK_METHOD_NOT_FOUND "org.varlink.service.MethodNotFound"
#define VARLINK_INVALID_PARAMETER "org.varlink.service.InvalidParameter"
#define VARLINK_EXPECTED_MORE "org.varlink.service.ExpectedMore"

/* The first complete message of what came in. False when there is none yet. The caller consumes
 * out->len + 1 bytes. */
bool varlink_next(const struct buf *in, struct str *out);

struct varlink_call {
    json_t *message;    /* owns the rest */
    const char *method; /* "org.maildird.Status" */
    json_t *parameters; /* an object, maybe empty */
    bool more;          /* the caller takes several replies */
    bool oneway;        /* the caller takes none */
};
/* ERR_PROTOCOL for what is no call. */
int varlink_call_read(struct str text, struct varlink_call *out, struct error *err);
void varlink_call_free(struct varlink_call *call);

struct varlink_reply {
    json_t *message;
    const char *error;  /* NULL: none */
    json_t *parameters; /* an object, maybe empty */
    bool continues;     /* more replies follow */
};
/* ERR_PROTOCOL for what is no reply. */
int varlink_reply_read(struct str text, struct varlink_reply *out, struct error *err);
void varlink_reply_free(struct varlink_reply *reply);

/* These append a message with its NUL and take over `parameters`, which may be NULL. A message that
 * does not fit leaves the buffer overflowed. */
void varlink_write_call(struct buf *out, const char *method, json_t *parameters, bool more);
void varlink_write_reply(struct buf *out, json_t *parameters, bool continues);
void varlink_write_error(struct buf *out, const char *error, json_t *parameters);
