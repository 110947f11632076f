/* Name lookup in the hands of the test: this program's getaddrinfo stands before the C library's.
 */
#include "base/alloc.h"
#include "net/dial.h"
#include "core/net/peer.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define ANSWERS_MAX 4

/* What a lookup gives. An address of NULL ends the list; each has a port of its own. */
static struct {
    const char *addresses[ANSWERS_MAX];
    uint16_t ports[ANSWERS_MAX];
    bool blocks;
} lookup;

/* A lookup that blocks waits for the one, and posts the other when it goes on. */
static sem_t released;
static sem_t answered;

static struct timespec patience(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    return until;
}

static struct addrinfo *answer(const char *address, uint16_t port)
{
    struct addrinfo *info = xcalloc(1, sizeof *info);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    info->ai_socktype = SOCK_STREAM;
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        info->ai_family = AF_INET;
        info->ai_addrlen = sizeof v4;
        info->ai_addr = xmemdup(&v4, sizeof v4);
    } else {
        inet_pton(AF_INET6, address, &v6.sin6_addr);
        info->ai_family = AF_INET6;
        info->ai_addrlen = sizeof v6;
        info->ai_addr = xmemdup(&v6, sizeof v6);
    }
    return info;
}

int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    if (hints->ai_flags & AI_NUMERICHOST) {
        return EAI_NONAME;
    }
    if (lookup.blocks) {
        struct timespec until = patience();
        (void)sem_timedwait(&released, &until);
        sem_post(&answered);
    }
    for (int i = ANSWERS_MAX - 1; i >= 0; i--) {
        if (lookup.addresses[i] != NULL) {
            struct addrinfo *info = answer(lookup.addresses[i], lookup.ports[i]);
            info->ai_next = *out;
            *out = info;
        }
    }
    return *out == NULL ? EAI_NONAME : 0;
}

void freeaddrinfo(struct addrinfo *info)
{
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;
        free(info->ai_addr);
        free(info);
        info = next;
    }
}

/* Bound and not listening: connections to it are refused, and nobody else takes it. */
static int refusing(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int listening(uint16_t *port)
{
    int fd = refusing(port);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static struct dial_options to_many(void)
{
    return (struct dial_options){.host = "many.example",
                                 .port = 993,
                                 .deadline_ms = clock_deadline(&clock_system, 10000),
                                 .clock = &clock_system};
}

static void the_next_address_is_tried(void **state)
{
    struct error err = ERROR_INIT;
    struct stream *stream = NULL;
    uint16_t good;
    uint16_t bad;
    int listener = listening(&good);
    int refuser = refusing(&bad);
    lookup.addresses[0] = "127.0.0.1";
    lookup.ports[0] = bad;
    lookup.addresses[1] = "127.0.0.1";
    lookup.ports[1] = good;
    struct dial_options options = to_many();
    assert_int_equal(dial(&options, &stream, &err), 0);
    assert_false(error_is_set(&err));
    stream_close(&stream);
    (void)close(listener);
    (void)close(refuser);
}

/* The first address never answers; the second need not wait for that. */
static void a_silent_address_does_not_hold_up_the_next(void **state)
{
    struct error err = ERROR_INIT;
    struct stream *streams[8] = {NULL};
    struct stream *stream = NULL;
    uint16_t good;
    uint16_t silent;
    int listener = listening(&good);
    int full = refusing(&silent);
    assert_int_equal(listen(full, 0), 0);
    lookup.addresses[0] = "127.0.0.1";
    lookup.ports[0] = silent;
    lookup.addresses[1] = NULL;
    struct dial_options options = to_many();
    int rc = 0;
    for (size_t i = 0; i < 8 && rc == 0; i++) {
        options.deadline_ms = clock_deadline(&clock_system, 30);
        rc = dial(&options, &streams[i], &err);
    }
    assert_int_equal(rc, -ERR_TIMEOUT);
    error_clear(&err);
    lookup.addresses[1] = "127.0.0.1";
    lookup.ports[1] = good;
    options.deadline_ms = clock_deadline(&clock_system, 10000);
    int64_t before = clock_monotonic_ms(&clock_system);
    assert_int_equal(dial(&options, &stream, &err), 0);
    assert_true(clock_monotonic_ms(&clock_system) - before < 5000);
    stream_close(&stream);
    for (size_t i = 0; i < 8; i++) {
        stream_close(&streams[i]);
    }
    (void)close(listener);
    (void)close(full);
}

static void the_error_tells_what_each_address_said(void **state)
{
    struct error err = ERROR_INIT;
    struct stream *stream = NULL;
    uint16_t port;
    int refuser = refusing(&port);
    for (int i = 0; i < 3; i++) {
        lookup.addresses[i] = i == 1 ? "127.0.0.2" : "127.0.0.1";
        lookup.ports[i] = port;
    }
    struct dial_options options = to_many();
    assert_int_equal(dial(&options, &stream, &err), -ERR_NETWORK);
    assert_string_equal(err.text, "cannot connect to many.example:993: "
                                  "127.0.0.1: Connection refused; 127.0.0.2: Connection refused; "
                                  "127.0.0.1: Connection refused");
    (void)close(refuser);
}

/* Law 9: nothing in the C library ends a lookup early, so it is left to itself. */
static void law9_a_lookup_has_a_deadline_and_a_wake(void **state)
{
    struct wake wake;
    struct stream *stream = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(wake_init(&wake, &err), 0);
    assert_int_equal(sem_init(&released, 0, 0), 0);
    assert_int_equal(sem_init(&answered, 0, 0), 0);
    lookup.blocks = true;
    struct dial_options options = to_many();
    options.wake = &wake;
    options.deadline_ms = clock_deadline(&clock_system, 10);
    assert_int_equal(dial(&options, &stream, &err), -ERR_TIMEOUT);
    assert_string_equal(err.text, "cannot look up many.example: no answer in time");
    wake_signal(&wake);
    options.deadline_ms = DEADLINE_NEVER;
    assert_int_equal(dial(&options, &stream, &err), -ERR_CANCELLED);
    /* Both threads go on, and release what they hold. */
    struct timespec until = patience();
    for (int i = 0; i < 2; i++) {
        sem_post(&released);
        assert_int_equal(sem_timedwait(&answered, &until), 0);
    }
    assert_null(stream);
    wake_close(&wake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_address_is_tried),
        cmocka_unit_test(a_silent_address_does_not_hold_up_the_next),
        cmocka_unit_test(the_error_tells_what_each_address_said),
        cmocka_unit_test(law9_a_lookup_has_a_deadline_and_a_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
