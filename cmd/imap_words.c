/* What a person writes, made into what the client takes. */
#include "base/alloc.h"
#include "imap/limits.h"
#include "imap/select.h"
#include "cmd/imap_op.h"
#include "cmd/json_imap.h"
#include <strings.h>

bool imap_word_is(const char *word, const char *wanted)
{
    return strcasecmp(word, wanted) == 0;
}

struct str imap_rest(const struct imap_call *call, size_t from)
{
    struct buf text = BUF_INIT(SIZE_MAX / 2);
    for (size_t i = from; i < call->len; i++) {
        buf_add_cstr(&text, i > from ? " " : "");
        buf_add_cstr(&text, call->words[i]);
    }
    struct str out = arena_str(call->arena, str_make(text.len > 0 ? text.data : "", text.len));
    buf_free(&text);
    return out;
}

struct str imap_mailbox(const struct imap_call *call, const char *word)
{
    struct str out;
    if (!client_name_encode(call->client, call->arena, str_from(word), &out)) {
        return str_from(word);
    }
    return out;
}

struct str imap_name(const struct imap_call *call, struct str name)
{
    struct str out;
    (void)client_name_decode(call->client, call->arena, name, &out);
    return out;
}

/* ---- reading with IMAP's grammar ---- */

struct reader *imap_reader(const struct imap_call *call, struct str text)
{
    static const struct reader_limits limits = {
        .token_bytes = LIMIT_TOKEN_BYTES,
        .literal_bytes = LIMIT_TOKEN_BYTES,
        .depth = LIMIT_DEPTH,
        .unit_bytes = LIMIT_RESPONSE_BYTES,
    };
    const char *line = arena_printf(call->arena, "%.*s\r\n", STR_ARG(text));
    struct reader *r = reader_new_memory(str_from(line), &limits);
    reader_begin(r, call->arena);
    return r;
}

int imap_reader_end(struct reader **r, bool well, const char *what, struct error *err)
{
    struct error reason = ERROR_INIT;
    int result = 0;
    if (!well || !reader_expect_crlf(*r)) {
        (void)reader_check(*r, &reason);
        result = error_set(err, ERR_USAGE, SCOPE_MESSAGE, "%s: %s", what, reason.text);
    }
    reader_free(r);
    return result;
}

int imap_set(const struct imap_call *call, const char *word, struct seqset *out, struct error *err)
{
    *out = (struct seqset){0};
    struct reader *r = imap_reader(call, str_from(word));
    bool well = seqset_read(r, out);
    int result = imap_reader_end(&r, well, "the set of messages", err);
    if (result < 0) {
        seqset_free(out);
    }
    return result;
}

int imap_number(const char *word, uint64_t *out, struct error *err)
{
    if (!str_to_u64(str_from(word), out)) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "'%s' is no number", word);
    }
    return 0;
}

void imap_add_flag(const struct imap_call *call, struct imap_flags *flags, struct str word)
{
    static const struct {
        const char *name;
        enum imap_flag flag;
    } names[] = {
        {"answered", FLAG_ANSWERED}, {"flagged", FLAG_FLAGGED}, {"deleted", FLAG_DELETED},
        {"seen", FLAG_SEEN},         {"draft", FLAG_DRAFT},
    };
    struct str bare = str_starts(word, STR("\\")) ? str_from_offset(word, 1) : word;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq_nocase(bare, str_from(names[i].name))) {
            flags->system |= names[i].flag;
            return;
        }
    }
    size_t cap = flags->keywords_len;
    flags->keywords = arena_grow(call->arena, flags->keywords, flags->keywords_len, &cap,
                                 sizeof *flags->keywords);
    flags->keywords[flags->keywords_len++] = word;
}

/* ---- the mailbox ---- */

int imap_open(struct imap_call *call, const char *word, bool writes, struct error *err)
{
    struct client *c = call->client;
    struct imap_session *session = call->session;
    struct str name = imap_mailbox(call, word);
    if (str_eq(client_selected(c), name) && (session->writable || !writes)) {
        return 0;
    }
    struct client_select h;
    const struct select_params params = {.condstore = client_has(c, CAP_CONDSTORE)};
    int r = client_select_begin(c, &h, name, !writes, &params, call->arena, err);
    if (r == 0) {
        r = client_select_end(c, &h, err);
        client_select_free(&h);
    }
    session->writable = r == 0 && writes;
    return r;
}

/* ---- events ---- */

static json_t *fetch_event_json(const struct client_event *e)
{
    if (e->fetch != NULL) {
        return json_fetch_data(e->fetch);
    }
    const struct imap_flags flags = {.system = e->flags};
    json_t *out = json_pack("{s:o}", "flags", json_flags(&flags));
    if (e->uid != 0) {
        json_object_set_new(out, "uid", json_integer(e->uid));
    }
    if (e->modseq != 0) {
        json_object_set_new(out, "modseq", json_u64(e->modseq));
    }
    return out;
}

static void put_event_data(const struct imap_call *call, json_t *out, const struct client_event *e)
{
    switch (e->kind) {
    case EVENT_EXISTS:
    case EVENT_EXPUNGE:
        json_object_set_new(out, "number", json_integer(e->number));
        break;
    case EVENT_FETCH:
        json_object_set_new(out, "number", json_integer(e->number));
        json_object_set_new(out, "data", fetch_event_json(e));
        break;
    case EVENT_VANISHED:
        json_object_set_new(out, "uids", json_set(&e->uids));
        break;
    case EVENT_STATUS:
    case EVENT_LIST:
    case EVENT_METADATA:
        json_object_set_new(out, "mailbox", json_bytes(imap_name(call, e->text)));
        if (e->status != NULL) {
            json_object_set_new(out, "data", json_status_data(e->status));
        } else if (e->list != NULL) {
            json_object_set_new(out, "data", json_list_entry(e->list));
        } else if (e->metadata != NULL) {
            json_object_set_new(out, "data", json_metadata(e->metadata, SIZE_MAX));
        }
        break;
    default:
        json_object_set_new(out, "text", json_bytes(e->text));
        break;
    }
}

json_t *imap_event_json(const struct imap_call *call, struct client_event *event)
{
    static const char *const kinds[EVENT_KINDS] = {
        [EVENT_EXISTS] = "exists",     [EVENT_EXPUNGE] = "expunge",
        [EVENT_VANISHED] = "vanished", [EVENT_FETCH] = "fetch",
        [EVENT_STATUS] = "status",     [EVENT_ALERT] = "alert",
        [EVENT_OVERFLOW] = "overflow", [EVENT_NOTIFY_OVERFLOW] = "notify_overflow",
        [EVENT_LIST] = "list",         [EVENT_METADATA] = "metadata",
        [EVENT_PROGRESS] = "progress", [EVENT_BYE] = "bye",
    };
    json_t *out = json_pack("{s:s}", "kind", kinds[event->kind]);
    put_event_data(call, out, event);
    seqset_free(&event->uids);
    return out;
}
