/* Two threads on one connection: each gets the answers to its own commands. */
#include "client/cmd_search.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <cmocka.h>

#define ROUNDS 200
#define MESSAGES 40

/* The server: answers FETCH 1:40 with that many messages, SEARCH with one number that stands in the
 * question, and NOOP with news. */
struct server {
    struct stream *stream;
    pthread_t thread;
};

static bool hear(struct stream *stream, char *line, size_t size)
{
    struct error err = ERROR_INIT;
    size_t len = 0;
    while (len + 1 < size && stream_read(stream, line + len, 1, &err) == 1) {
        if (line[len++] == '\n') {
            line[len - 2] = '\0';
            return true;
        }
    }
    return false;
}

static void answer(struct stream *stream, const char *tag, const char *command)
{
    struct buf out = BUF_INIT(100000);
    struct error err = ERROR_INIT;
    unsigned number;
    if (strncmp(command, "FETCH", 5) == 0) {
        for (unsigned i = 1; i <= MESSAGES; i++) {
            buf_addf(&out, "* %u FETCH (UID %u RFC822.SIZE %u)\r\n", i, i + 1000, i * 3);
        }
    } else if (sscanf(command, "SEARCH RETURN (COUNT) LARGER %u", &number) == 1) {
        buf_addf(&out, "* ESEARCH (TAG \"%s\") COUNT %u\r\n", tag, number);
    } else if (strcmp(command, "NOOP") == 0) {
        buf_addf(&out, "* 41 EXISTS\r\n");
    }
    buf_addf(&out, "%s OK done\r\n", tag);
    (void)stream_write(stream, out.data, out.len, &err);
    (void)stream_flush(stream, &err);
    buf_free(&out);
}

static void *serve(void *arg)
{
    struct server *server = arg;
    struct error err = ERROR_INIT;
    static const char hello[] = "* PREAUTH [CAPABILITY IMAP4rev1 ESEARCH] hi\r\n";
    char line[200];
    (void)stream_write(server->stream, hello, strlen(hello), &err);
    (void)stream_flush(server->stream, &err);
    while (hear(server->stream, line, sizeof line)) {
        char *command = strchr(line, ' ');
        if (command == NULL) {
            break;
        }
        *command++ = '\0';
        answer(server->stream, line, command);
    }
    stream_close(&server->stream);
    return NULL;
}

static struct client *open_client(struct server *server)
{
    const struct client_options options = {
        .host = "localhost", .security = SECURITY_NONE, .plaintext_ok = true, .timeout_ms = 20000};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    struct client_select h;
    struct arena *arena = arena_new();
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    server->stream = stream_from_fd(fds[1], NULL, &clock_system);
    stream_set_deadline(server->stream, clock_deadline(&clock_system, 60000));
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    struct stream *ours = stream_from_fd(fds[0], NULL, &clock_system);
    assert_int_equal(client_open(ours, &options, &c, &err), 0);
    assert_int_equal(client_select_begin(c, &h, STR("INBOX"), false, NULL, arena, &err), 0);
    assert_int_equal(client_select_end(c, &h, &err), 0);
    client_select_free(&h);
    arena_free(&arena);
    return c;
}

/* What a thread found wrong; cmocka's own checks are for the main one. */
struct worker {
    struct client *c;
    char wrong[ERROR_TEXT_MAX + 100];
};

static int fetch_once(struct client *c, struct arena *arena, struct error *err)
{
    const struct fetch_request request = {.items = FETCH_UID | FETCH_SIZE};
    struct client_fetch h;
    struct fetch_data data;
    AUTO_SEQSET struct seqset all = {0};
    unsigned count = 0;
    int result;
    seqset_add_range(&all, 1, MESSAGES);
    if (client_seq_fetch_begin(c, &h, &all, &request, NULL, arena, err) < 0) {
        return -(int)err->code;
    }
    while ((result = client_fetch_next(c, &h, &data, err)) == 1) {
        count++;
        if (data.seq != count || data.size != count * 3) {
            result = error_set(err, ERR_DEFECT, SCOPE_MESSAGE, "message %u at %u", data.seq, count);
            break;
        }
    }
    if (result == 0 && count != MESSAGES) {
        result = error_set(err, ERR_DEFECT, SCOPE_MESSAGE, "%u messages", count);
    }
    struct error end_error = ERROR_INIT;
    (void)client_fetch_end(c, &h, &end_error);
    client_fetch_free(&h);
    return result;
}

static int search_once(struct client *c, unsigned number, struct arena *arena, struct error *err)
{
    const struct search_request request = {
        .options = {.extended = true, .wanted = SEARCH_RETURN_COUNT},
        .key = search_number(arena, SEARCH_LARGER, number),
    };
    struct client_search h;
    int result = client_search(c, &h, CLIENT_SEQS, &request, arena, err);
    if (result == 0 && h.result.count != number) {
        result =
            error_set(err, ERR_DEFECT, SCOPE_MESSAGE, "count %u for %u", h.result.count, number);
    }
    client_search_free(&h);
    return result;
}

static void *fetches(void *arg)
{
    struct worker *w = arg;
    for (unsigned i = 0; i < ROUNDS && w->wrong[0] == '\0'; i++) {
        AUTO_ARENA struct arena *arena = arena_new();
        struct error err = ERROR_INIT;
        if (fetch_once(w->c, arena, &err) < 0) {
            snprintf(w->wrong, sizeof w->wrong, "FETCH %u: %s", i, err.text);
        }
    }
    return NULL;
}

static void *searches(void *arg)
{
    struct worker *w = arg;
    for (unsigned i = 1; i <= ROUNDS && w->wrong[0] == '\0'; i++) {
        AUTO_ARENA struct arena *arena = arena_new();
        struct error err = ERROR_INIT;
        if (search_once(w->c, i, arena, &err) < 0) {
            snprintf(w->wrong, sizeof w->wrong, "SEARCH %u: %s", i, err.text);
        }
        (void)client_has(w->c, CAP_ESEARCH);
        (void)client_state(w->c);
    }
    return NULL;
}

static void *noops(void *arg)
{
    struct worker *w = arg;
    for (unsigned i = 0; i < ROUNDS / 4 && w->wrong[0] == '\0'; i++) {
        struct error err = ERROR_INIT;
        struct client_event event;
        client_lock(w->c);
        if (client_noop(w->c, &err) < 0) {
            snprintf(w->wrong, sizeof w->wrong, "NOOP %u: %s", i, err.text);
        } else if (!client_next_event(w->c, &event) || event.number != 41) {
            snprintf(w->wrong, sizeof w->wrong, "NOOP %u: no news", i);
        }
        client_unlock(w->c);
    }
    return NULL;
}

static void run(void *(*const work[])(void *), size_t len)
{
    struct server server;
    struct client *c = open_client(&server);
    struct worker workers[4] = {{.c = c}, {.c = c}, {.c = c}, {.c = c}};
    pthread_t threads[4];
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work[i], &workers[i]), 0);
    }
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    client_close(&c);
    assert_int_equal(pthread_join(server.thread, NULL), 0);
    for (size_t i = 0; i < len; i++) {
        assert_string_equal(workers[i].wrong, "");
    }
}

static void fetch_and_search_at_once(void **state)
{
    void *(*const work[])(void *) = {fetches, searches};
    run(work, 2);
}

static void many_of_each_kind(void **state)
{
    void *(*const work[])(void *) = {fetches, searches, fetches, noops};
    run(work, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetch_and_search_at_once),
        cmocka_unit_test(many_of_each_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
