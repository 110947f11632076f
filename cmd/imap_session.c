/* Operations on the connection as a whole. */
#include "client/cmd_notify.h"
#include "cmd/imap_op.h"
#include "cmd/json_imap.h"

/* Below the 29 minutes after which servers may close. */
#define IDLE_DEFAULT_S 1740

static int run_login(struct imap_call *call, struct error *err)
{
    struct client *c = call->client;
    call->result = json_pack(
        "{s:o, s:b, s:o}", "capabilities", json_capabilities(client_capabilities(c)), "compressed",
        client_is_compressed(c), "namespaces", json_namespaces(client_namespaces(c)));
    return 0;
}

static int run_capability(struct imap_call *call, struct error *err)
{
    int r = client_capability(call->client, err);
    if (r == 0) {
        call->result = json_capabilities(client_capabilities(call->client));
    }
    return r;
}

static int run_noop(struct imap_call *call, struct error *err)
{
    return client_noop(call->client, err);
}

static int run_check(struct imap_call *call, struct error *err)
{
    int r = imap_open(call, call->words[0], false, err);
    return r < 0 ? r : client_check(call->client, err);
}

static int run_compress(struct imap_call *call, struct error *err)
{
    return client_compress(call->client, err);
}

static int run_unauthenticate(struct imap_call *call, struct error *err)
{
    int r = client_unauthenticate(call->client, err);
    if (r == 0) {
        call->result = json_pack("{s:o}", "capabilities",
                                 json_capabilities(client_capabilities(call->client)));
    }
    return r;
}

static int run_id(struct imap_call *call, struct error *err)
{
    static const char *const self[] = {"name", "maildird"};
    const char *const *words = call->len > 0 ? call->words : self;
    size_t len = call->len > 0 ? call->len : 2;
    if (len % 2 != 0) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "each name needs a value");
    }
    struct id_fields fields = {arena_array(call->arena, len / 2, sizeof *fields.items), len / 2};
    struct id_fields told;
    for (size_t i = 0; i < len / 2; i++) {
        fields.items[i] = (struct id_field){str_from(words[2 * i]), str_from(words[2 * i + 1])};
    }
    int r = client_id(call->client, &fields, call->arena, &told, err);
    if (r == 0) {
        call->result = json_id_fields(&told);
    }
    return r;
}

static int run_namespace(struct imap_call *call, struct error *err)
{
    int r = client_namespace(call->client, err);
    if (r == 0) {
        call->result = json_namespaces(client_namespaces(call->client));
    }
    return r;
}

static int run_enable(struct imap_call *call, struct error *err)
{
    enum capability *caps = arena_array(call->arena, call->len, sizeof *caps);
    for (size_t i = 0; i < call->len; i++) {
        if (!capability_parse(str_from(call->words[i]), &caps[i])) {
            return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "there is no capability '%s'",
                             call->words[i]);
        }
    }
    int r = client_enable(call->client, caps, call->len, err);
    if (r == 0) {
        call->result = json_object();
        for (size_t i = 0; i < call->len; i++) {
            json_object_set_new(call->result, capability_name(caps[i]),
                                json_boolean(client_enabled(call->client, caps[i])));
        }
    }
    return r;
}

static int deadline_after(const struct imap_call *call, const char *word, int64_t *out,
                          struct error *err)
{
    uint64_t seconds = IDLE_DEFAULT_S;
    if (word != NULL && imap_number(word, &seconds, err) < 0) {
        return -(int)err->code;
    }
    if (seconds > IDLE_DEFAULT_S) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "at most %d seconds", IDLE_DEFAULT_S);
    }
    *out = clock_deadline(call->session->clock, (int64_t)seconds * 1000);
    return 0;
}

static int run_idle(struct imap_call *call, struct error *err)
{
    static const char *const ends[] = {[CLIENT_WAIT_EVENT] = "event",
                                       [CLIENT_WAIT_DEADLINE] = "deadline",
                                       [CLIENT_WAIT_WAKE] = "interrupted"};
    enum client_wait wait;
    int64_t deadline_ms;
    int r = imap_open(call, call->words[0], false, err);
    if (r == 0) {
        r = deadline_after(call, call->len > 1 ? call->words[1] : NULL, &deadline_ms, err);
    }
    if (r == 0) {
        r = client_idle(call->client, deadline_ms, &wait, err);
    }
    if (r == 0) {
        call->result = json_pack("{s:s}", "ended", ends[wait]);
    }
    return r;
}

/* What comes until the deadline, up to the first event. */
static int wait_for_event(struct imap_call *call, int64_t deadline_ms, struct error *err)
{
    struct client_event event;
    int r = client_wait_event(call->client, deadline_ms, &event, err);
    if (r > 0) {
        call->result = imap_event_json(call, &event);
    }
    return r < 0 ? r : 0;
}

static int run_notify(struct imap_call *call, struct error *err)
{
    struct notify_request request;
    bool unknown = false, waits = imap_word_is(call->words[0], "wait");
    int64_t deadline_ms = 0;
    if (waits && call->len < 3) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "usage: notify %s", call->op->arguments);
    }
    if (waits && deadline_after(call, call->words[1], &deadline_ms, err) < 0) {
        return -(int)err->code;
    }
    struct reader *r = imap_reader(call, imap_rest(call, waits ? 2 : 0));
    bool well = notify_request_read(r, call->arena, &request, &unknown);
    if (imap_reader_end(&r, well, "notify", err) < 0) {
        return -(int)err->code;
    }
    if (unknown) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "notify: an event that is not known");
    }
    int result = client_notify(call->client, &request, err);
    return result == 0 && waits ? wait_for_event(call, deadline_ms, err) : result;
}

const struct imap_op imap_session_ops[] = {
    {"login", "", "log in, and tell what the server can do", 0, 0, run_login},
    {"capability", "", "ask again what the server can do", 0, 0, run_capability},
    {"noop", "", "ask for news", 0, 0, run_noop},
    {"check", "MAILBOX", "ask for a checkpoint", 1, 1, run_check},
    {"id", "[NAME VALUE]…", "who the server says it is", 0, IMAP_WORDS_ANY, run_id},
    {"namespace", "", "the prefixes of personal, other users' and shared mailboxes", 0, 0,
     run_namespace},
    {"enable", "CAPABILITY…", "turn extensions on", 1, IMAP_WORDS_ANY, run_enable},
    {"compress", "", "compress the connection", 0, 0, run_compress},
    {"idle", "MAILBOX [SECONDS]", "wait for the first event in a mailbox", 1, 2, run_idle},
    {"notify", "[wait SECONDS] none | set (FILTER (EVENT…))…",
     "have events told, and with wait, wait for the first", 1, IMAP_WORDS_ANY, run_notify},
    {"unauthenticate", "", "back to before the login", 0, 0, run_unauthenticate},
    {0},
};
