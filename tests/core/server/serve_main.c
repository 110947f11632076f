/*
 * The embedded server for test_imaplib.py: prints its port, and serves user "u" with password "p"
 * until its standard input ends.
 */
#include "server/listener.h"
#include "server/mem_backend.h"
#include <stdio.h>

int main(void)
{
    struct error err = ERROR_INIT;
    struct listener *listener = NULL;
    struct listener_options options = {.host = "127.0.0.1", .session = {.allow_plaintext = true}};
    struct mem_backend *backend = mem_backend_new(&clock_system);
    struct backend vtable = mem_backend_vtable(backend);
    mem_backend_add_user(backend, "u", "p");
    session_default_capabilities(&options.session.capabilities);
    int r = tls_self_signed_context("127.0.0.1", NULL, &options.tls, &err);
    if (r == 0) {
        r = listener_start(&vtable, &options, &listener, &err);
    }
    if (r == 0) {
        printf("%u\n", listener_port(listener));
        fflush(stdout);
        while (getchar() != EOF) {
        }
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    listener_stop(&listener);
    tls_context_free(&options.tls);
    mem_backend_free(&backend);
    return r == 0 ? 0 : 1;
}
