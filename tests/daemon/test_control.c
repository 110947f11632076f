#include "base/files.h"
#include "store/maildir.h"
#include "daemon/control.h"
#include "daemon/control_client.h"
#include "core/base/scratch.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

/* The socket and its methods, over a supervisor that only notes what it is asked. */

static struct {
    char asked[1024];
    struct trigger_waiter waiter;
    struct daemon_listener listener;
    unsigned forgotten, unsubscribed;
    bool answer_at_once;
    unsigned burst; /* events besides the first */
} played;

static void note(const char *what, const char *const *words, size_t len)
{
    size_t at = strlen(played.asked);
    at += (size_t)snprintf(played.asked + at, sizeof played.asked - at, "%s(", what);
    for (size_t i = 0; i < len; i++)
        at += (size_t)snprintf(played.asked + at, sizeof played.asked - at, "%s%s",
                               i > 0 ? " " : "", words[i]);
    (void)snprintf(played.asked + at, sizeof played.asked - at, ")");
}

static struct config_account accounts[] = {{.name = "home"}, {.name = "work"}};
static struct config config = {.accounts = accounts, .accounts_len = 2};

const struct config *supervisor_config(const struct supervisor *s)
{
    return &config;
}

void supervisor_status(const struct supervisor *s, struct arena *arena,
                       struct supervisor_status *out)
{
    static struct mailbox_status inbox = {.name = "INBOX", .watched = true, .held = 2};
    static struct account_status work = {
        .name = "work",
        .state = ACCOUNT_SYNCING,
        .wanted = MEANS_NOTIFY,
        .means = MEANS_IDLE,
        .progress = {.stage = PROGRESS_DOWNLOAD, .account = "work", .done = 3, .total = 9},
        .last_error = {.code = ERR_AUTH, .scope = SCOPE_ACCOUNT, .text = "no"},
        .mailboxes = &inbox,
        .mailboxes_len = 1,
    };
    *out = (struct supervisor_status){
        .config_path = "/c.yaml", .started_ms = 1000, .accounts = &work, .accounts_len = 1};
}

int supervisor_trigger(struct supervisor *s, const struct trigger_target *targets, size_t len,
                       const struct trigger_options *options, const struct trigger_waiter *waiter,
                       struct error *err)
{
    const char *words[8];
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        words[count++] = targets[i].account;
        for (size_t k = 0; targets[i].mailboxes != NULL && targets[i].mailboxes[k] != NULL; k++)
            words[count++] = targets[i].mailboxes[k];
    }
    note(options->full ? "full" : "trigger", words, count);
    if (waiter == NULL)
        return 0;
    if (len == 1 && strcmp(targets[0].account, "home") == 0)
        return error_set(err, ERR_LOCKED, SCOPE_ACCOUNT, "home is paused");
    struct report report = {.account = "work", .result = REPORT_HELD};
    const struct progress progress = {.stage = PROGRESS_UPLOAD, .account = "work", .total = 5};
    played.waiter = *waiter;
    if (waiter->progress != NULL)
        waiter->progress(waiter->self, &progress);
    if (waiter->plan != NULL)
        waiter->plan(waiter->self, "work", "INBOX", "upload", "x", "new here");
    waiter->report(waiter->self, &report);
    if (played.answer_at_once)
        waiter->done(waiter->self, 1);
    return 0;
}

void supervisor_forget(struct supervisor *s, const void *self)
{
    played.forgotten++;
}

int supervisor_pause(struct supervisor *s, const char *const *names, size_t len, struct error *err)
{
    note("pause", names, len);
    return 0;
}

int supervisor_resume(struct supervisor *s, const char *const *names, size_t len, struct error *err)
{
    note("resume", names, len);
    return error_set(err, ERR_USAGE, SCOPE_ACCOUNT, "there is no account x");
}

int supervisor_reload(struct supervisor *s, struct reload_result *out, struct buf *problems,
                      struct error *err)
{
    buf_add_cstr(problems, "c.yaml:3: unknown key");
    return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT, "the configuration is wrong");
}

void supervisor_subscribe(struct supervisor *s, const struct daemon_listener *listener)
{
    static const struct daemon_event event = {.kind = DAEMON_NEW,
                                              .time_ms = 5000,
                                              .account = "work",
                                              .mailbox = "INBOX",
                                              .messages = 1,
                                              .uid = 7,
                                              .base = "1.x",
                                              .flags = MAILDIR_SEEN,
                                              .what = "downloaded"};
    played.listener = *listener;
    for (unsigned i = 0; i <= played.burst; i++)
        listener->event(listener->self, &event);
}

void supervisor_unsubscribe(struct supervisor *s, const void *self)
{
    played.unsubscribed++;
}

/* ---- a loop in a thread of its own ---- */

struct loop {
    char *dir, *path;
    sd_event *event;
    struct control *control;
    struct wake stop;
    pthread_t thread;
};

static int on_stop(sd_event_source *source, int fd, uint32_t revents, void *self)
{
    return sd_event_exit(self, 0);
}

static void *run_loop(void *argument)
{
    struct loop *loop = argument;
    (void)sd_event_loop(loop->event);
    control_stop(&loop->control);
    return NULL;
}

static void loop_start(struct loop *loop)
{
    struct error err = ERROR_INIT;
    memset(&played, 0, sizeof played);
    played.answer_at_once = true;
    loop->dir = scratch_new();
    loop->path = path_join(loop->dir, "run/control");
    assert_int_equal(sd_event_new(&loop->event), 0);
    assert_int_equal(wake_init(&loop->stop, &err), 0);
    assert_true(sd_event_add_io(loop->event, NULL, loop->stop.fd, EPOLLIN, on_stop, loop->event) >=
                0);
    assert_int_equal(control_start(loop->path, loop->event, NULL, &loop->control, &err), 0);
    assert_int_equal(pthread_create(&loop->thread, NULL, run_loop, loop), 0);
}

static void loop_end(struct loop *loop)
{
    wake_signal(&loop->stop);
    (void)pthread_join(loop->thread, NULL);
    assert_int_not_equal(access(loop->path, F_OK), 0);
    sd_event_unref(loop->event);
    wake_close(&loop->stop);
    xfree(&loop->path);
    scratch_free(&loop->dir);
}

static struct control_client *connect_to(struct loop *loop)
{
    struct control_client *client;
    struct error err = ERROR_INIT;
    assert_int_equal(control_connect(loop->path, NULL, &clock_system, &client, &err), 0);
    return client;
}

/* The reply of a call, as text; or "!WORDS" for an error. */
static const char *ask(struct control_client *client, const char *method, const char *parameters)
{
    static char text[4096];
    struct error err = ERROR_INIT;
    json_t *reply;
    if (control_ask(client, method, json_loads(parameters, 0, NULL), &reply, &err) < 0) {
        (void)snprintf(text, sizeof text, "!%d %s", (int)err.code, err.text);
        return text;
    }
    char *dumped = json_dumps(reply, JSON_COMPACT);
    (void)snprintf(text, sizeof text, "%s", dumped);
    free(dumped);
    json_decref(reply);
    return text;
}

static void the_service_describes_itself(void **state)
{
    struct loop loop;
    loop_start(&loop);
    struct control_client *client = connect_to(&loop);
    assert_non_null(strstr(ask(client, "org.varlink.service.GetInfo", "{}"), "org.maildird"));
    const char *described = ask(client, "org.varlink.service.GetInterfaceDescription",
                                "{\"interface\":\"org.maildird\"}");
    assert_non_null(strstr(described, "method Status() -> ("));
    assert_non_null(strstr(
        ask(client, "org.varlink.service.GetInterfaceDescription", "{\"interface\":\"org.else\"}"),
        "InterfaceNotFound"));
    assert_non_null(strstr(ask(client, "Nothing", "{}"), "MethodNotFound"));
    control_close(&client);
    loop_end(&loop);
}

static void methods_ask_the_supervisor(void **state)
{
    static const struct {
        const char *method, *parameters, *reply, *asked;
    } cases[] = {
        {"Trigger", "{}", "{}", "trigger()"},
        {"Trigger", "{\"targets\":[\"work:INBOX\",\"home\"]}", "{}", "trigger(home work INBOX)"},
        {"Trigger", "{\"full\":true}", "{}", "full()"},
        {"Trigger", "{\"targets\":[\"wrok\"]}", "work", ""},
        {"Trigger", "{\"targets\":[7]}", "list of strings", ""},
        {"Pause", "{\"accounts\":[\"work\"]}", "{}", "pause(work)"},
        {"Resume", "{}", "there is no account x", "resume()"},
        {"Pause", "{\"accounts\":7}", "wrong parameter: accounts", ""},
        {"Reload", "{}", "c.yaml:3: unknown key", ""},
        {"Sync", "{\"full\":true}", "\"exit_code\":1", "full()"},
        {"Sync", "{\"targets\":[\"home\"]}", "home is paused", "trigger(home)"},
        {"Watch", "{}", "ExpectedMore", ""},
        {"Status", "{}", "\"state\":\"syncing\"", ""},
    };
    struct loop loop;
    loop_start(&loop);
    struct control_client *client = connect_to(&loop);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        played.asked[0] = '\0';
        const char *reply = ask(client, cases[i].method, cases[i].parameters);
        if (strstr(reply, cases[i].reply) == NULL || strcmp(played.asked, cases[i].asked) != 0)
            fail_msg("%s%s: %s; asked %s", cases[i].method, cases[i].parameters, reply,
                     played.asked);
    }
    control_close(&client);
    loop_end(&loop);
}

static void a_sync_is_told_step_by_step(void **state)
{
    static const char *const keys[] = {"progress", "plan", "account", "exit_code"};
    struct loop loop;
    struct error err = ERROR_INIT;
    loop_start(&loop);
    struct control_client *client = connect_to(&loop);
    assert_int_equal(control_call(client, "Sync", NULL, true, &err), 0);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *reply;
        assert_int_equal(control_reply(client, &reply, &err), i < 3);
        assert_non_null(json_object_get(reply, keys[i]));
        json_decref(reply);
    }
    control_close(&client);
    loop_end(&loop);
}

static void who_goes_away_is_forgotten(void **state)
{
    struct loop loop;
    struct error err = ERROR_INIT;
    json_t *reply;
    loop_start(&loop);
    struct control_client *watcher = connect_to(&loop);
    assert_int_equal(control_call(watcher, "Watch", NULL, true, &err), 0);
    assert_int_equal(control_reply(watcher, &reply, &err), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(reply, "event"), "kind")),
                        "new");
    json_decref(reply);
    control_close(&watcher);
    loop_end(&loop);
    assert_int_equal(played.unsubscribed, 1);
    assert_int_equal(played.forgotten, 1);
}

/* More than is kept for one that does not read. */
static void who_does_not_keep_up_is_told_of_many_at_once(void **state)
{
    struct loop loop;
    struct error err = ERROR_INIT;
    loop_start(&loop);
    played.burst = 39999;
    struct control_client *watcher = connect_to(&loop);
    struct control_client *other = connect_to(&loop);
    assert_int_equal(control_call(watcher, "Watch", NULL, true, &err), 0);
    unsigned messages = 0, replies = 0, single = 0;
    while (messages < 40000) {
        json_t *reply;
        assert_int_equal(control_reply(watcher, &reply, &err), 1);
        const json_t *event = json_object_get(reply, "event");
        if (json_is_string(json_object_get(event, "state"))) {
            json_decref(reply);
            continue;
        }
        json_int_t stands_for = json_integer_value(json_object_get(event, "messages"));
        assert_int_equal(json_is_null(json_object_get(event, "uid")), stands_for > 1);
        assert_int_equal(json_is_null(json_object_get(event, "file")), stands_for > 1);
        assert_string_equal(json_string_value(json_object_get(event, "what")), "downloaded");
        if (stands_for == 1)
            assert_string_equal(json_string_value(json_object_get(event, "flags")), "S");
        messages += (unsigned)stands_for;
        single += stands_for == 1;
        json_decref(reply);
        if (replies++ == 0) /* answered when all of them were told */
            (void)ask(other, "Status", "{}");
    }
    assert_int_equal(messages, 40000);
    assert_true(single > 100 && replies < 40000);
    control_close(&watcher);
    control_close(&other);
    loop_end(&loop);
    played.burst = 0;
}

static void nonsense_and_floods_only_end_their_own_connection(void **state)
{
    struct loop loop;
    loop_start(&loop);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", loop.path);
    char *flood = xcalloc(1, VARLINK_MESSAGE_MAX + 100000);
    memset(flood, 'x', VARLINK_MESSAGE_MAX + 100000);
    static const size_t lengths[] = {10, VARLINK_MESSAGE_MAX + 100000};
    for (size_t i = 0; i < 2; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        (void)send(fd, flood, lengths[i], MSG_NOSIGNAL);
        (void)send(fd, "", 1, MSG_NOSIGNAL);
        char byte;
        assert_true(recv(fd, &byte, 1, 0) <= 0);
        close(fd);
    }
    xfree(&flood);
    struct control_client *client = connect_to(&loop);
    assert_non_null(strstr(ask(client, "Status", "{}"), "accounts"));
    control_close(&client);
    loop_end(&loop);
}

static void one_daemon_listens_and_a_dead_one_is_replaced(void **state)
{
    struct loop loop;
    struct error err = ERROR_INIT;
    struct control *second;
    loop_start(&loop);
    assert_int_equal(control_start(loop.path, loop.event, NULL, &second, &err), -ERR_LOCKED);
    char *dead = path_join(loop.dir, "run/dead");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", dead);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    struct control_client *client;
    error_clear(&err);
    assert_int_equal(control_connect(dead, NULL, &clock_system, &client, &err), -ERR_NOT_FOUND);
    xfree(&dead);
    loop_end(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_service_describes_itself),
        cmocka_unit_test(methods_ask_the_supervisor),
        cmocka_unit_test(a_sync_is_told_step_by_step),
        cmocka_unit_test(who_goes_away_is_forgotten),
        cmocka_unit_test(who_does_not_keep_up_is_told_of_many_at_once),
        cmocka_unit_test(nonsense_and_floods_only_end_their_own_connection),
        cmocka_unit_test(one_daemon_listens_and_a_dead_one_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
