/*
 * The thread answers by an eventfd. Who gives up leaves it alone with the request, which is
 * released by whichever of the two drops it last: getaddrinfo cannot be interrupted, and may take
 * half a minute.
 */
#include "net/resolve.h"
#include "base/alloc.h"
#include "net/wait.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <stdio.h>

struct request {
    atomic_int users;
    struct wake done;
    char *host;
    char port[8];
    struct addrinfo hints;
    int status; /* of getaddrinfo, with what belongs to it; written before `done` is signalled */
    int os_errno;
    struct addrinfo *addresses;
};

static void request_drop(struct request *request)
{
    if (atomic_fetch_sub(&request->users, 1) > 1) {
        return;
    }
    if (request->addresses != NULL) {
        freeaddrinfo(request->addresses);
    }
    wake_close(&request->done);
    free(request->host);
    free(request);
}

static void look_up(struct request *request)
{
    request->status =
        getaddrinfo(request->host, request->port, &request->hints, &request->addresses);
    request->os_errno = errno;
}

static void *resolve_thread(void *arg)
{
    struct request *request = arg;
    look_up(request);
    wake_signal(&request->done);
    request_drop(request);
    return NULL;
}

/* Signals are for the other threads. */
static int start_thread(struct request *request)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    atomic_fetch_add(&request->users, 1);
    int rc = pthread_create(&thread, &attributes, resolve_thread, request);
    if (rc != 0) {
        atomic_fetch_sub(&request->users, 1);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return rc;
}

static int wait_for_thread(struct request *request, const struct dial_options *options,
                           struct error *err)
{
    int status = start_thread(request);
    if (status != 0) {
        return error_set_errno(err, ERR_NETWORK, SCOPE_CONNECTION, status,
                               "cannot start a thread to look up %s", options->host);
    }
    struct pollfd done = {.fd = request->done.fd, .events = POLLIN};
    int rc = wait_ready(&done, 1, options->deadline_ms, options->wake, options->clock, err);
    if (rc == 0) {
        wake_clear(&request->done); /* reading it is what orders the thread's writes before ours */
    }
    return rc == -ERR_TIMEOUT ? error_wrap(err, "cannot look up %s", options->host) : rc;
}

/* Addresses are looked at in place, without a thread. */
static int request_run(struct request *request, const struct dial_options *options,
                       struct error *err)
{
    request->hints.ai_flags |= AI_NUMERICHOST;
    look_up(request);
    if (request->status == EAI_NONAME) {
        request->hints.ai_flags &= ~AI_NUMERICHOST;
        int rc = wait_for_thread(request, options, err);
        if (rc < 0) {
            return rc;
        }
    }
    if (request->status == EAI_SYSTEM) {
        return error_set_errno(err, ERR_NETWORK, SCOPE_CONNECTION, request->os_errno,
                               "cannot look up %s", options->host);
    }
    if (request->status != 0) {
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "cannot find the host %s: %s",
                         options->host, gai_strerror(request->status));
    }
    return 0;
}

int resolve(const struct dial_options *options, struct addrinfo **out, struct error *err)
{
    static const int families[] = {
        [ADDRESS_ANY] = AF_UNSPEC, [ADDRESS_IPV4] = AF_INET, [ADDRESS_IPV6] = AF_INET6};
    struct request *request = xcalloc(1, sizeof *request);
    atomic_init(&request->users, 1);
    int rc = wake_init(&request->done, err);
    if (rc == 0) {
        request->host = xstrdup(options->host);
        request->hints.ai_family = families[options->family];
        request->hints.ai_socktype = SOCK_STREAM;
        request->hints.ai_flags = AI_NUMERICSERV;
        (void)snprintf(request->port, sizeof request->port, "%u", (unsigned)options->port);
        rc = request_run(request, options, err);
    }
    if (rc == 0) {
        *out = request->addresses;
        request->addresses = NULL;
    }
    request_drop(request);
    return rc;
}
