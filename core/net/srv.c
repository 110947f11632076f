/* As in resolve.c a thread of its own asks, since the library's wait cannot be interrupted; the
 * request is released by whichever of the two drops it last. */
#include "net/srv.h"
#include "base/alloc.h"
#include "base/str.h"
#include "net/wait.h"
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* Of the library, for each try. */
#define TRY_S 3
#define TRIES 2
#define ANSWER_BYTES_MAX 4096
#define PORT_DNS 53

struct request {
    atomic_int users;
    struct wake done;
    char *domain;
    struct sockaddr_in server; /* sin_family 0: the system's */
    enum error_code result;    /* with `target`; written before `done` is signalled */
    struct srv_target target;
};

static void request_drop(struct request *request)
{
    if (atomic_fetch_sub(&request->users, 1) > 1) {
        return;
    }
    wake_close(&request->done);
    free(request->domain);
    free(request);
}

/* ---- in the thread ---- */

struct best {
    bool found;
    unsigned priority, weight;
};

/* Priority, weight, port and target (RFC 2782); a target of "." says that there is no service. */
static void take_record(const ns_msg *message, const ns_rr *record, struct best *best,
                        struct srv_target *out)
{
    const unsigned char *data = ns_rr_rdata(*record);
    char host[NS_MAXDNAME];
    if (ns_rr_type(*record) != ns_t_srv || ns_rr_rdlen(*record) < 7) {
        return;
    }
    unsigned priority = ns_get16(data), weight = ns_get16(data + 2), port = ns_get16(data + 4);
    int len = dn_expand(ns_msg_base(*message), ns_msg_end(*message), data + 6, host, sizeof host);
    bool better = !best->found || priority < best->priority ||
                  (priority == best->priority && weight > best->weight);
    if (len < 0 || host[0] == '\0' || host[0] == '.' || port == 0 ||
        strlen(host) >= sizeof out->host || !better) {
        return;
    }
    *best = (struct best){true, priority, weight};
    memcpy(out->host, host, strlen(host) + 1);
    out->port = (uint16_t)port;
}

static int ask(const struct request *request, const char *name, unsigned char *answer, int size)
{
#ifdef __GLIBC__
    struct __res_state state = {0};
    if (res_ninit(&state) < 0) {
        return -1;
    }
    state.retrans = TRY_S;
    state.retry = TRIES;
    if (request->server.sin_family != 0) {
        state.nscount = 1;
        state.nsaddr_list[0] = request->server;
    }
    int len = res_nquery(&state, name, ns_c_in, ns_t_srv, answer, size);
    h_errno = state.res_h_errno;
    res_nclose(&state);
    return len;
#else
    return res_query(name, ns_c_in, ns_t_srv, answer, size);
#endif
}

static enum error_code look_up(const struct request *request, const char *service,
                               struct srv_target *out)
{
    unsigned char answer[ANSWER_BYTES_MAX];
    ns_msg message;
    struct best best = {0};
    AUTO_FREE char *name = xasprintf("%s._tcp.%s", service, request->domain);
    int len = ask(request, name, answer, sizeof answer);
    if (len < 0) {
        return h_errno == TRY_AGAIN ? ERR_NETWORK : ERR_NOT_FOUND;
    }
    if (ns_initparse(answer, len < (int)sizeof answer ? len : (int)sizeof answer, &message) < 0) {
        return ERR_NOT_FOUND;
    }
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        ns_rr record;
        if (ns_parserr(&message, ns_s_an, i, &record) == 0) {
            take_record(&message, &record, &best, out);
        }
    }
    return best.found ? ERR_NONE : ERR_NOT_FOUND;
}

static void *srv_thread(void *arg)
{
    struct request *request = arg;
    request->result = look_up(request, "_imaps", &request->target);
    request->target.implicit_tls = request->result == ERR_NONE;
    if (request->result == ERR_NOT_FOUND) {
        request->result = look_up(request, "_imap", &request->target);
    }
    wake_signal(&request->done);
    request_drop(request);
    return NULL;
}

/* ---- from outside ---- */

static int read_server(const char *text, struct sockaddr_in *out, struct error *err)
{
    char host[64] = "";
    const char *colon = strrchr(text, ':');
    uint32_t port = PORT_DNS;
    size_t len = colon == NULL ? strlen(text) : (size_t)(colon - text);
    bool good = len < sizeof host && (colon == NULL || str_to_u32(str_from(colon + 1), &port)) &&
                port > 0 && port <= UINT16_MAX;
    if (good) {
        memcpy(host, text, len);
    }
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (!good || inet_pton(AF_INET, host, &out->sin_addr) != 1) {
        return error_set(err, ERR_USAGE, SCOPE_ACCOUNT,
                         "'%s' is no name server: write ADDRESS or ADDRESS:PORT (IPv4)", text);
    }
#ifndef __GLIBC__
    return error_set(err, ERR_USAGE, SCOPE_ACCOUNT,
                     "another name server cannot be chosen on this system");
#else
    return 0;
#endif
}

/* Signals are for the other threads. */
static int start_thread(struct request *request)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, old;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    atomic_fetch_add(&request->users, 1);
    int failed = pthread_create(&thread, &attributes, srv_thread, request);
    if (failed != 0) {
        atomic_fetch_sub(&request->users, 1);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return failed;
}

static int run(struct request *request, const struct srv_options *options, struct error *err)
{
    struct pollfd done = {.fd = request->done.fd, .events = POLLIN};
    int failed = start_thread(request);
    if (failed != 0) {
        return error_set_errno(err, ERR_NETWORK, SCOPE_CONNECTION, failed,
                               "cannot start a thread to ask for %s", request->domain);
    }
    int rc = wait_ready(&done, 1, options->deadline_ms, options->wake, options->clock, err);
    if (rc < 0) {
        return rc;
    }
    wake_clear(&request->done); /* reading it is what orders the thread's writes before ours */
    if (request->result == ERR_NETWORK) {
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "no name server answers for %s",
                         request->domain);
    }
    if (request->result != ERR_NONE) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_CONNECTION,
                         "%s does not say where its IMAP server is", request->domain);
    }
    return 0;
}

int srv_find_imap(const char *domain, const struct srv_options *options, struct srv_target *out,
                  struct error *err)
{
    struct request *request = xcalloc(1, sizeof *request);
    atomic_init(&request->users, 1);
    int rc = wake_init(&request->done, err);
    if (rc == 0 && options->server != NULL) {
        rc = read_server(options->server, &request->server, err);
    }
    if (rc == 0) {
        request->domain = xstrdup(domain);
        rc = run(request, options, err);
    }
    if (rc == 0) {
        *out = request->target;
    }
    request_drop(request);
    return rc;
}
