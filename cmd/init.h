#pragma once
/* What the files of `maildird init` share. */
#include "base/arena.h"
#include "base/wake.h"
#include "config/config.h"
#include "config/provider.h"

/* What becomes an account; strings in the arena, NULL where not known. */
struct setup {
    struct arena *arena;
    const char *address, *name, *user, *maildir;
    const struct provider *provider; /* NULL: none */
    const char *host;                /* where there is no provider, or another one is wanted */
    uint16_t port;                   /* 0: the usual one */
    enum config_tls tls;
    const char *ca_file;
    const char *password_command, *password_file, *token_command; /* one of them */
};

/* ---- where the server is (init_server.c) ---- */

struct server_guess {
    const char *host;
    uint16_t port;
    enum config_tls tls;
    bool foreign; /* told by DNS, and in another domain than the address */
};
struct server_guesses {
    struct server_guess items[4]; /* the best first */
    size_t len;
};
/* By what the domain says of itself (SRV), else by the usual names. `dns`: see srv_options. */
int server_guess(const char *domain, const char *dns, const struct wake *wake, struct arena *arena,
                 struct server_guesses *out, struct error *err);

/* ---- the file (init_write.c) ---- */

/* The configuration, commented. */
void setup_yaml(const struct setup *setup, struct buf *out);
/* A command for sh, with the words quoted. In `arena`. */
const char *shell_words(struct arena *arena, const char *const *words);

/* ---- trying it (init_try.c) ---- */

/* Loads the configuration that the setup makes, through a file beside `path` that is gone
 * afterwards, and connects. With `show` tells the mailboxes. */
int setup_try(const struct setup *setup, const char *path, const struct wake *wake, bool show,
              struct error *err);
