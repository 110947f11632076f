#pragma once
/*
 * What an account logs in with, read when it is first needed, kept for its further connections, and
 * read again when the server refuses it. What was refused is not given out again. Thread-safe.
 */
#include "client/client.h"
#include "config/config.h"

struct secrets;

/* A copy, to be wiped with secrets_wipe. */
struct secrets_copy {
    char *user, *password, *token; /* NULL where the account has none */
};

/* `account` is borrowed. */
struct secrets *secrets_new(const struct config_account *account);
void secrets_free(struct secrets **secrets);

/* Reads what is not known. ERR_AUTH where it cannot be had, and where it is what was refused. */
int secrets_get(struct secrets *secrets, const struct clock *clock, const struct wake *wake,
                struct secrets_copy *out, struct error *err);
void secrets_wipe(struct secrets_copy *copy);
/* The server refused this: the next secrets_get reads it anew, where it comes from a command, a
 * file or a credential. */
void secrets_refuse(struct secrets *secrets, const struct secrets_copy *copy);
