/* FETCH: what is asked as a person writes it; messages shown as they come. */
#include "base/alloc.h"
#include "imap/limits.h"
#include "cmd/imap_fetch_text.h"
#include "cmd/imap_op.h"
#include "cmd/json_imap.h"
#include "cmd/outline.h"
#include <stdio.h>

/* Of one command line, without the items. */
#define SET_TEXT_MAX 4000

struct fetching {
    struct imap_call *call;
    struct fetch_request request;
    bool bare;        /* one section and no item: its bytes alone are printed */
    json_t *messages; /* with --json */
    json_t *sections; /* of the message under way */
    struct buf body;  /* of the section under way, for --json */
    uint64_t body_size;
    const char *section; /* its name, in the call's arena */
};

/* ---- what is asked ---- */

static const struct {
    const char *word, *item;
} aliases[] = {
    {"size", "RFC822.SIZE"},    {"date", "INTERNALDATE"},        {"structure", "BODYSTRUCTURE"},
    {"message", "BODY.PEEK[]"}, {"header", "BODY.PEEK[HEADER]"}, {"text", "BODY.PEEK[TEXT]"},
    {"labels", "X-GM-LABELS"},
};

static const char *item_of(const char *word)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (imap_word_is(word, aliases[i].word)) {
            return aliases[i].item;
        }
    }
    return word;
}

struct fetch_extras {
    uint64_t changed_since;
    bool vanished;
    struct partial_range partial;
};

/* 1 when the word was one; *at goes to its last word. */
static int read_extra(const struct imap_call *call, size_t *at, struct fetch_extras *out,
                      struct error *err)
{
    const char *word = call->words[*at];
    if (imap_word_is(word, "vanished")) {
        out->vanished = true;
        return 1;
    }
    if (*at + 1 < call->len && imap_word_is(word, "changedsince")) {
        int r = imap_number(call->words[++*at], &out->changed_since, err);
        return r < 0 ? r : 1;
    }
    if (*at + 1 < call->len && imap_word_is(word, "partial")) {
        struct reader *r = imap_reader(call, str_from(call->words[++*at]));
        bool well = partial_range_read(r, &out->partial);
        int result = imap_reader_end(&r, well, "partial", err);
        return result < 0 ? result : 1;
    }
    return 0;
}

static int read_request(const struct imap_call *call, struct fetch_request *out, struct error *err)
{
    struct fetch_extras extras = {0};
    struct buf items = BUF_INIT(LIMIT_COMMAND_LINE_BYTES);
    size_t count = 0;
    for (size_t at = 2; at < call->len; at++) {
        int extra = read_extra(call, &at, &extras, err);
        if (extra < 0) {
            buf_free(&items);
            return extra;
        }
        if (extra == 0) {
            buf_addf(&items, "%s%s", count++ > 0 ? " " : "", item_of(call->words[at]));
        }
    }
    const char *text = arena_printf(call->arena, count > 1 ? "(%s)" : "%s",
                                    count > 0 ? items.data : "(FLAGS INTERNALDATE RFC822.SIZE)");
    buf_free(&items);
    struct reader *r = imap_reader(call, str_from(text));
    bool well = fetch_items_read(r, call->arena, out);
    if (imap_reader_end(&r, well, "the items", err) < 0) {
        return -(int)err->code;
    }
    out->items |= FETCH_UID;
    out->changed_since = extras.changed_since;
    out->vanished = extras.vanished;
    out->partial = extras.partial;
    return 0;
}

/* ---- bodies ---- */

static const char *section_text(struct arena *arena, const struct section *section)
{
    struct writer w;
    writer_init(&w, WRITER_LITERAL_SERVER, true, LIMIT_TOKEN_BYTES);
    section_item_write(&w, section, false);
    const char *out = arena_printf(arena, "%.*s", (int)w.buf.len, w.buf.data);
    writer_free(&w);
    return out;
}

static bool body_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    struct fetching *f = self;
    f->section = section_text(f->call->arena, section);
    f->body_size = size;
    buf_clear(&f->body);
    if (!f->call->session->json && !f->bare) {
        printf(
            "%s of %s%u, %llu bytes:\n", f->section, (so_far->have & FETCH_UID) != 0 ? "UID " : "",
            (so_far->have & FETCH_UID) != 0 ? so_far->uid : so_far->seq, (unsigned long long)size);
    }
    return true;
}

static bool body_piece(void *self, struct str data, struct error *err)
{
    struct fetching *f = self;
    if (!f->call->session->json) {
        if (fwrite(data.ptr, 1, data.len, stdout) == data.len) {
            return true;
        }
        (void)error_set(err, ERR_WRITE, SCOPE_MAILBOX, "cannot write to standard output");
        return false;
    }
    if (f->body_size <= LIMIT_TOKEN_BYTES) {
        buf_add_str(&f->body, data);
    }
    return true;
}

static bool body_end(void *self, struct error *err)
{
    struct fetching *f = self;
    if (!f->call->session->json) {
        (void)fputs(f->bare ? "" : "\n", stdout);
        return true;
    }
    if (f->sections == NULL) {
        f->sections = json_array();
    }
    json_t *data = f->body_size > LIMIT_TOKEN_BYTES
                       ? json_byte_count(f->body_size)
                       : json_bytes(str_make(f->body.len > 0 ? f->body.data : "", f->body.len));
    json_array_append_new(f->sections,
                          json_pack("{s:s, s:o}", "section", f->section, "data", data));
    return true;
}

/* ---- messages ---- */

static void take_message(struct fetching *f, const struct fetch_data *data)
{
    if (!f->call->session->json) {
        AUTO_ARENA struct arena *arena = arena_new();
        struct buf text = BUF_INIT(SIZE_MAX / 2);
        json_t *message = json_object();
        json_object_set_new(message, arena_printf(arena, "%u", data->seq),
                            fetch_for_people(data, arena));
        outline_block(&text, message);
        if (!f->bare) {
            (void)fwrite(text.data, 1, text.len, stdout);
        }
        buf_free(&text);
        json_decref(message);
        return;
    }
    json_t *message = json_fetch_data(data);
    json_object_set_new(message, "seq", json_integer(data->seq));
    if (f->sections != NULL) {
        json_object_set_new(message, "sections", f->sections);
        f->sections = NULL;
    }
    json_array_append_new(f->messages, message);
}

/* One command, of numbers that fit into it. */
static int fetch_part(struct fetching *f, const struct seqset *part, struct seqset *vanished,
                      struct error *err)
{
    const struct fetch_sink sink = {
        .begin = body_begin, .piece = body_piece, .end = body_end, .self = f};
    struct imap_call *call = f->call;
    AUTO_ARENA struct arena *arena = arena_new();
    struct client_fetch h;
    struct fetch_data data;
    int r = call->session->numbers == CLIENT_UIDS
                ? client_fetch_begin(call->client, &h, part, &f->request, &sink, arena, err)
                : client_seq_fetch_begin(call->client, &h, part, &f->request, &sink, arena, err);
    if (r < 0) {
        return r;
    }
    while ((r = client_fetch_next(call->client, &h, &data, err)) > 0) {
        take_message(f, &data);
        arena_reset(arena);
    }
    if (r == 0) {
        r = client_fetch_end(call->client, &h, err);
    } else {
        struct error ignored = ERROR_INIT;
        (void)client_fetch_end(call->client, &h, &ignored);
    }
    seqset_add_set(vanished, &h.vanished);
    client_fetch_free(&h);
    return r;
}

static int fetch_all(struct fetching *f, struct seqset *set, struct seqset *vanished,
                     struct error *err)
{
    AUTO_SEQSET struct seqset part = {0};
    int r = 0;
    if (set->saved) {
        return fetch_part(f, set, vanished, err);
    }
    while (r == 0 && seqset_take(set, SET_TEXT_MAX, &part)) {
        r = fetch_part(f, &part, vanished, err);
    }
    return r;
}

static int run_fetch(struct imap_call *call, struct error *err)
{
    AUTO_SEQSET struct seqset set = {0}, vanished = {0};
    struct fetching f = {.call = call, .body = BUF_INIT(LIMIT_TOKEN_BYTES)};
    if (read_request(call, &f.request, err) < 0 || imap_set(call, call->words[1], &set, err) < 0 ||
        imap_open(call, call->words[0], f.request.mark_seen, err) < 0) {
        return -(int)err->code;
    }
    f.bare = f.request.items == (FETCH_UID | FETCH_BODY_SECTION) && f.request.sections_len <= 1 &&
             !set.saved && seqset_count(&set) == 1;
    f.messages = call->session->json ? json_array() : NULL;
    call->printed = true;
    int r = fetch_all(&f, &set, &vanished, err);
    if (call->session->json) {
        call->result =
            json_pack("{s:o, s:o}", "messages", f.messages, "vanished", json_set(&vanished));
    } else if (!seqset_is_empty(&vanished)) {
        json_t *text = json_set(&vanished);
        printf("vanished: %s\n", json_string_value(text));
        json_decref(text);
    }
    json_decref(f.sections);
    buf_free(&f.body);
    return r;
}

const struct imap_op imap_fetch_ops[] = {
    {"fetch", "MAILBOX SET [ITEM…] [changedsince MODSEQ [vanished]] [partial 1:100]",
     "what is asked of messages; ITEM: flags date size envelope structure header text message "
     "preview modseq, or as IMAP has it: body[1.mime]",
     2, IMAP_WORDS_ANY, run_fetch},
    {0},
};
