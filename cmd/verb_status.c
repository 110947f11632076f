/* `maildird status`: what the running daemon's accounts are doing. */
#include "base/alloc.h"
#include "base/buf.h"
#include "net/wait.h"
#include "cmd/ask_daemon.h"
#include "cmd/columns.h"
#include "cmd/json_print.h"
#include "cmd/stop.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Between two looks of --watch. */
#define WATCH_MS 1000
#define STATUS_BYTES_MAX (1024 * 1024)

static const char help[] =
    "What each account of the running daemon is doing: its state, how it learns of changes "
    "(notify,\n"
    "idle, poll), when it was last in step, when it is due next, what failed, what is held.\n"
    "Mailboxes are named where something failed or is held; -v names them all.\n";

/* What is shown of one answer. */
struct view {
    struct buf out;
    bool colour;
    bool verbose;
    int64_t now_s;
};

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int64_t time_at(const json_t *object, const char *key)
{
    struct tm parts = {0};
    const char *text = text_at(object, key);
    if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts) == NULL) {
        return 0;
    }
    return timegm(&parts);
}

/* "7 s", "12 min", "3 h", "2 days". */
static void add_span(struct buf *out, int64_t seconds)
{
    static const struct {
        int64_t below, unit;
        const char *word;
    } units[] = {{120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}, {INT64_MAX, 86400, "days"}};
    size_t i = 0;
    int64_t span = seconds < 0 ? 0 : seconds;
    while (span >= units[i].below) {
        i++;
    }
    buf_addf(out, "%" PRId64 " %s", span / units[i].unit, units[i].word);
}

static const char *colour_of(const char *state)
{
    static const struct {
        const char *state, *colour;
    } colours[] = {
        {"idle", "\033[32m"},    {"syncing", "\033[36m"}, {"starting", "\033[36m"},
        {"waiting", "\033[33m"}, {"refused", "\033[31m"}, {"paused", "\033[2m"},
    };
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        if (strcmp(colours[i].state, state) == 0) {
            return colours[i].colour;
        }
    }
    return "";
}

static void add_state(struct view *v, const json_t *account)
{
    const char *state = text_at(account, "state");
    const char *means = text_at(account, "means");
    const char *wanted = text_at(account, "wanted");
    const json_t *progress = json_object_get(account, "progress");
    state = state == NULL ? "?" : state;
    buf_addf(&v->out, "%s%s%s", v->colour ? colour_of(state) : "", state,
             v->colour ? "\033[0m" : "");
    if (json_is_object(progress)) {
        const char *stage = text_at(progress, "stage");
        const char *mailbox = text_at(progress, "mailbox");
        buf_addf(&v->out, " (%s", stage == NULL ? "?" : stage);
        if (json_number_at(progress, "total") > 0) {
            buf_addf(&v->out, " %" PRIu64 "/%" PRIu64, json_number_at(progress, "done"),
                     json_number_at(progress, "total"));
        }
        buf_addf(&v->out, "%s%s)", mailbox == NULL ? "" : " ", mailbox == NULL ? "" : mailbox);
    }
    if (means != NULL) {
        buf_addf(&v->out, ", by %s", means);
        if (wanted != NULL && strcmp(wanted, means) != 0) {
            buf_addf(&v->out, " instead of %s", wanted);
        }
    }
}

static void add_times(struct view *v, const json_t *account)
{
    int64_t last = time_at(account, "last_sync");
    int64_t next = time_at(account, "next_wake");
    if (last == 0) {
        buf_add_cstr(&v->out, "; not in step yet");
    } else {
        buf_add_cstr(&v->out, "; in step ");
        add_span(&v->out, v->now_s - last);
        buf_add_cstr(&v->out, " ago");
    }
    if (next > v->now_s) {
        buf_add_cstr(&v->out, ", next look in ");
        add_span(&v->out, next - v->now_s);
    }
    if (json_number_at(account, "held") > 0) {
        buf_addf(&v->out, "; %" PRIu64 " held", json_number_at(account, "held"));
    }
    buf_add_byte(&v->out, '\n');
}

static void add_error(struct view *v, const json_t *account)
{
    const json_t *error = json_object_get(account, "error");
    const char *text = text_at(error, "text");
    const char *mailbox = text_at(error, "mailbox");
    if (text == NULL) {
        return;
    }
    buf_addf(&v->out, "  %sfailed ", v->colour ? "\033[31m" : "");
    add_span(&v->out, v->now_s - time_at(account, "error_time"));
    buf_addf(&v->out, " ago:%s %s%s%s\n", v->colour ? "\033[0m" : "",
             mailbox == NULL ? "" : mailbox, mailbox == NULL ? "" : ": ", text);
}

static void add_mailbox(struct view *v, const json_t *mailbox)
{
    const char *name = text_at(mailbox, "name");
    const char *error = text_at(mailbox, "last_error");
    uint64_t held = json_number_at(mailbox, "held");
    if (!v->verbose && error == NULL && held == 0) {
        return;
    }
    buf_addf(&v->out, "  %s:", name == NULL ? "?" : name);
    const char *comma = "";
    if (json_is_true(json_object_get(mailbox, "watched"))) {
        buf_add_cstr(&v->out, " watched");
        comma = ",";
    }
    if (time_at(mailbox, "last_sync") != 0) {
        buf_addf(&v->out, "%s in step ", comma);
        add_span(&v->out, v->now_s - time_at(mailbox, "last_sync"));
        buf_add_cstr(&v->out, " ago");
        comma = ",";
    }
    if (held > 0) {
        buf_addf(&v->out, "%s %" PRIu64 " held", comma, held);
        comma = ",";
    }
    if (error != NULL) {
        buf_addf(&v->out, "%s failed: %s", comma, error);
    }
    buf_add_byte(&v->out, '\n');
}

static void add_status(struct view *v, const json_t *status)
{
    size_t i;
    size_t k;
    json_t *account;
    json_t *mailbox;
    const char *wrong = text_at(status, "configuration_error");
    if (wrong != NULL) {
        buf_addf(&v->out, "the configuration changed and is wrong, the old one is in force: %s\n",
                 wrong);
    }
    json_array_foreach(json_object_get(status, "accounts"), i, account)
    {
        const char *name = text_at(account, "name");
        buf_addf(&v->out, "%s: ", name == NULL ? "?" : name);
        add_state(v, account);
        add_times(v, account);
        add_error(v, account);
        json_array_foreach(json_object_get(account, "mailboxes"), k, mailbox)
        {
            add_mailbox(v, mailbox);
        }
    }
}

static void show(const json_t *status, bool verbose, bool redraw)
{
    struct view v = {.out = BUF_INIT(STATUS_BYTES_MAX),
                     .colour = columns_colour(STDOUT_FILENO),
                     .verbose = verbose,
                     .now_s = (int64_t)time(NULL)};
    buf_add_cstr(&v.out, redraw ? "\033[H\033[J" : "");
    add_status(&v, status);
    printf("%.*s", STR_ARG(buf_str(&v.out)));
    buf_free(&v.out);
}

/* Nothing is done with a status that is as the last one, off the terminal. */
static bool is_news(json_t **last, json_t *status)
{
    bool news = *last == NULL || !json_equal(*last, status);
    json_decref(*last);
    *last = json_incref(status);
    return news;
}

struct status_flags {
    bool json, watch, verbose;
};

static int watch_status(struct control_client *client, const struct status_flags *flags)
{
    struct error err = ERROR_INIT;
    const struct wake *wake;
    json_t *last = NULL;
    bool redraw = !flags->json && columns_terminal(STDOUT_FILENO);
    int result = stop_on_signals(&wake, &err);
    while (result == 0) {
        json_t *status;
        result = control_ask(client, "Status", NULL, &status, &err);
        if (result < 0) {
            break;
        }
        if (is_news(&last, status) || redraw) {
            if (flags->json) {
                json_print(&status);
            } else {
                show(status, flags->verbose, redraw);
            }
        }
        json_decref(status);
        result = command_flush(0) != 0 ? -ERR_WRITE : 0;
        struct error waited = ERROR_INIT;
        int64_t deadline_ms = clock_deadline(&clock_system, WATCH_MS);
        if (wait_ready(NULL, 0, deadline_ms, wake, &clock_system, &waited) == -ERR_CANCELLED) {
            break;
        }
    }
    json_decref(last);
    if (result == -ERR_WRITE) {
        return 73;
    }
    return result < 0 && err.code != ERR_CANCELLED ? daemon_failed(&err) : 0;
}

static int tell_status(struct control_client *client, const struct status_flags *flags)
{
    struct error err = ERROR_INIT;
    json_t *status;
    if (control_ask(client, "Status", NULL, &status, &err) < 0) {
        return daemon_failed(&err);
    }
    if (flags->json) {
        json_print(&status);
        return 0;
    }
    show(status, flags->verbose, false);
    json_decref(status);
    return 0;
}

static int status_main(struct invocation *invocation)
{
    struct status_flags flags = {0};
    const struct option options[] = {
        {0, "json", NULL, "a JSON document, with --watch one a line", &flags.json, NULL, NULL},
        {'w', "watch", NULL, "go on, and show what changes", &flags.watch, NULL, NULL},
        {'v', "verbose", NULL, "name every mailbox", &flags.verbose, NULL, NULL},
    };
    struct arguments words;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &words,
                      &exit_code)) {
        return exit_code;
    }
    free(words.items);
    if (words.len > 0) {
        return usage_error(invocation->verb, "takes no argument");
    }
    struct control_client *client = daemon_connect(invocation, &exit_code);
    if (client != NULL) {
        exit_code = flags.watch ? watch_status(client, &flags) : tell_status(client, &flags);
    }
    control_close(&client);
    return exit_code;
}

const struct verb verb_status = {
    .name = "status",
    .arguments = "",
    .summary = "what the running daemon's accounts are doing",
    .run = status_main,
};
