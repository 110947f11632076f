/* Operations that change messages, and any other command. */
#include "base/alloc.h"
#include "client/cmd_raw.h"
#include "cmd/imap_op.h"
#include "cmd/json_imap.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files of one append. */
#define FILES_MAX 256

/* ---- APPEND, REPLACE ---- */

struct upload {
    struct append_params params;
    struct append_message messages[FILES_MAX];
    struct append_file files[FILES_MAX];
    size_t len;
};

static void upload_close(struct upload *u)
{
    for (size_t i = 0; i < u->len; i++) {
        close(u->files[i].fd);
    }
}

static int upload_add(struct upload *u, const char *path, struct error *err)
{
    struct stat st;
    if (u->len == FILES_MAX) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "at most %d files", FILES_MAX);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(err, ERR_READ, SCOPE_MESSAGE, errno, "cannot open %s", path);
    }
    struct append_file *file = &u->files[u->len];
    *file = (struct append_file){.fd = fd};
    u->messages[u->len++].source = append_source_of_file(file);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return error_set(err, ERR_READ, SCOPE_MESSAGE, "%s is no file", path);
    }
    u->messages[u->len - 1].size = (uint64_t)st.st_size;
    return 0;
}

/* "FILE… [binary] [date DATE] [flags FLAG…]" from `at` on. */
static int read_upload(const struct imap_call *call, size_t at, struct upload *u, struct error *err)
{
    bool flags = false, binary = false;
    for (; at < call->len; at++) {
        const char *word = call->words[at];
        if (imap_word_is(word, "date") && at + 1 < call->len) {
            u->params.has_date = true;
            if (!imap_date_parse(str_from(call->words[++at]), &u->params.date)) {
                return error_set(err, ERR_USAGE, SCOPE_MESSAGE,
                                 "'%s' is no date as 31-Jan-2026 12:00:00 +0000", call->words[at]);
            }
        } else if (imap_word_is(word, "flags")) {
            flags = true;
        } else if (u->len > 0 && imap_word_is(word, "binary")) {
            binary = true;
        } else if (flags) {
            imap_add_flag(call, &u->params.flags, str_from(word));
        } else if (upload_add(u, word, err) < 0) {
            return -(int)err->code;
        }
    }
    if (u->len == 0) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "which file?");
    }
    for (size_t i = 0; i < u->len; i++) {
        u->messages[i].params = u->params;
        u->messages[i].binary = binary;
    }
    return 0;
}

static int append_end(struct imap_call *call, struct client_append *h, struct error *err)
{
    int r = client_append_end(call->client, h, err);
    if (r == 0 && h->uidvalidity != 0) {
        call->result =
            json_pack("{s:I, s:o}", "uidvalidity", (json_int_t)h->uidvalidity, "uids",
                      h->messages > 1 ? json_set(&h->uids) : json_sprintf("%u", (unsigned)h->uid));
    }
    return r;
}

static int run_append(struct imap_call *call, struct error *err)
{
    struct upload *u AUTO_FREE = xcalloc(1, sizeof *u);
    struct client_append h;
    int r = read_upload(call, 1, u, err);
    if (r == 0) {
        r = client_append_messages_begin(call->client, &h, imap_mailbox(call, call->words[0]),
                                         u->messages, u->len, call->arena, err);
        r = r < 0 ? r : append_end(call, &h, err);
    }
    upload_close(u);
    return r;
}

static int run_replace(struct imap_call *call, struct error *err)
{
    struct upload *u AUTO_FREE = xcalloc(1, sizeof *u);
    struct client_append h;
    uint64_t number;
    int r = imap_number(call->words[1], &number, err);
    if (r == 0 && (number == 0 || number > UINT32_MAX)) {
        r = error_set(err, ERR_USAGE, SCOPE_MESSAGE, "'%s' is no message", call->words[1]);
    }
    r = r < 0 ? r : read_upload(call, 2, u, err);
    if (r == 0 && u->len > 1) {
        r = error_set(err, ERR_USAGE, SCOPE_MESSAGE, "one file replaces one message");
    }
    r = r < 0 ? r : imap_open(call, call->words[0], true, err);
    if (r == 0) {
        r = client_replace_begin(call->client, &h, call->session->numbers, (uint32_t)number,
                                 imap_mailbox(call, call->words[0]), &u->messages[0], call->arena,
                                 err);
        r = r < 0 ? r : append_end(call, &h, err);
    }
    upload_close(u);
    return r;
}

/* ---- STORE ---- */

/* "+seen" "flagged" "silent" "unchangedsince" "5". The first flag's sign is for all. */
static int read_store(const struct imap_call *call, struct store_params *out, struct error *err)
{
    *out = (struct store_params){.mode = STORE_SET};
    for (size_t at = 2; at < call->len; at++) {
        struct str word = str_from(call->words[at]);
        if (imap_word_is(word.ptr, "silent")) {
            out->silent = true;
            continue;
        }
        if (imap_word_is(word.ptr, "unchangedsince") && at + 1 < call->len) {
            out->has_unchanged_since = true;
            if (imap_number(call->words[++at], &out->unchanged_since, err) < 0) {
                return -(int)err->code;
            }
            continue;
        }
        if (word.len > 0 && (word.ptr[0] == '+' || word.ptr[0] == '-')) {
            enum store_mode mode = word.ptr[0] == '+' ? STORE_ADD : STORE_REMOVE;
            if (at > 2 && mode != out->mode) {
                return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "one store adds, removes or sets");
            }
            out->mode = mode;
            word = str_from_offset(word, 1);
        }
        if (word.len > 0) {
            imap_add_flag(call, &out->flags, word);
        }
    }
    return 0;
}

static int run_store(struct imap_call *call, struct error *err)
{
    AUTO_SEQSET struct seqset set = {0};
    struct store_params params;
    struct client_store h;
    if (imap_set(call, call->words[1], &set, err) < 0 || read_store(call, &params, err) < 0 ||
        imap_open(call, call->words[0], true, err) < 0) {
        return -(int)err->code;
    }
    int r = client_store_request_begin(call->client, &h, call->session->numbers, &set, &params,
                                       call->arena, err);
    if (r < 0) {
        return r;
    }
    r = client_store_end(call->client, &h, err);
    if (r == 0) {
        json_t *changed = json_array();
        for (size_t i = 0; i < h.changed_len; i++) {
            json_t *message = json_fetch_data(&h.changed[i]);
            json_object_set_new(message, "seq", json_integer(h.changed[i].seq));
            json_array_append_new(changed, message);
        }
        call->result =
            json_pack("{s:o, s:o}", "modified", json_set(&h.modified), "changed", changed);
    }
    client_store_free(&h);
    return r;
}

/* ---- COPY, MOVE, EXPUNGE ---- */

static void put_gone(json_t *out, const struct client_gone *gone)
{
    json_t *seqs = json_array();
    for (size_t i = 0; i < gone->seqs_len; i++) {
        json_array_append_new(seqs, json_integer(gone->seqs[i]));
    }
    json_object_set_new(out, "expunged", seqs);
    json_object_set_new(out, "vanished", json_set(&gone->uids));
}

static json_t *copy_json(const struct client_copy *h, bool move)
{
    json_t *out = json_object();
    if (h->copyuid.uidvalidity != 0) {
        json_object_set_new(out, "uidvalidity", json_integer(h->copyuid.uidvalidity));
        json_object_set_new(out, "source", json_set(&h->copyuid.source));
        json_object_set_new(out, "dest", json_set(&h->copyuid.dest));
    }
    if (move) {
        put_gone(out, &h->gone);
    }
    return out;
}

typedef int copy_begin(struct client *c, struct client_copy *h, const struct seqset *set,
                       struct str mailbox, struct arena *arena, struct error *err);

static int transfer(struct imap_call *call, copy_begin *begin, bool move, struct error *err)
{
    AUTO_SEQSET struct seqset set = {0};
    struct client_copy h;
    if (imap_set(call, call->words[1], &set, err) < 0 ||
        imap_open(call, call->words[0], move, err) < 0) {
        return -(int)err->code;
    }
    int r = begin(call->client, &h, &set, imap_mailbox(call, call->words[2]), call->arena, err);
    if (r < 0) {
        return r;
    }
    bool ended = begin == client_uid_move;
    r = ended ? 0 : client_copy_end(call->client, &h, err);
    call->result = copy_json(&h, move);
    client_copy_free(&h);
    return r;
}

static int run_copy(struct imap_call *call, struct error *err)
{
    bool uids = call->session->numbers == CLIENT_UIDS;
    return transfer(call, uids ? client_copy_begin : client_seq_copy_begin, false, err);
}

static int run_move(struct imap_call *call, struct error *err)
{
    bool uids = call->session->numbers == CLIENT_UIDS;
    return transfer(call, uids ? client_uid_move : client_seq_move_begin, true, err);
}

static int expunge_end(struct imap_call *call, struct client_expunge *h, struct error *err)
{
    int r = client_expunge_end(call->client, h, err);
    if (r == 0) {
        call->result = json_object();
        put_gone(call->result, &h->gone);
    }
    return r;
}

static int run_expunge(struct imap_call *call, struct error *err)
{
    AUTO_SEQSET struct seqset set = {0};
    struct client_expunge h;
    bool steps = call->len > 2 && imap_word_is(call->words[2], "steps");
    if ((call->len > 2 && !steps) || (call->len > 1 && call->session->numbers == CLIENT_SEQS)) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "usage: expunge %s, of UIDs",
                         call->op->arguments);
    }
    if ((call->len > 1 && imap_set(call, call->words[1], &set, err) < 0) ||
        imap_open(call, call->words[0], true, err) < 0) {
        return -(int)err->code;
    }
    int r;
    if (steps) {
        r = client_uid_expunge_in_steps(call->client, &h, &set, call->arena, err);
        call->result = r == 0 ? json_object() : NULL;
        if (r == 0) {
            put_gone(call->result, &h.gone);
        }
        return r;
    }
    r = call->len > 1 ? client_uid_expunge_begin(call->client, &h, &set, call->arena, err)
                      : client_expunge_begin(call->client, &h, call->arena, err);
    return r < 0 ? r : expunge_end(call, &h, err);
}

/* ---- raw ---- */

static int run_raw(struct imap_call *call, struct error *err)
{
    struct client_raw h = {.untagged_len = 0};
    int r = client_raw(call->client, &h, imap_rest(call, 0), call->arena, err);
    if (r == 0 || err->code == ERR_NO || err->code == ERR_BAD) {
        call->result = json_array();
        for (size_t i = 0; i < h.untagged_len; i++) {
            json_array_append_new(call->result, json_bytes(h.untagged[i]));
        }
        json_array_append_new(call->result, json_bytes(h.tagged));
    }
    return r;
}

const struct imap_op imap_message_ops[] = {
    {"append", "MAILBOX FILE… [binary] [date DATE] [flags FLAG…]",
     "put messages there, as the files are; binary: they may hold NUL", 2, IMAP_WORDS_ANY,
     run_append},
    {"replace", "MAILBOX NUMBER FILE [binary] [date DATE] [flags FLAG…]",
     "put a message in another's place", 3, IMAP_WORDS_ANY, run_replace},
    {"store", "MAILBOX SET [+|-]FLAG… [silent] [unchangedsince MODSEQ]",
     "set, add (+) or remove (-) flags and keywords", 3, IMAP_WORDS_ANY, run_store},
    {"copy", "MAILBOX SET TO", "copy messages to another mailbox", 3, 3, run_copy},
    {"move", "MAILBOX SET TO", "move messages to another mailbox", 3, 3, run_move},
    {"expunge", "MAILBOX [UIDS [steps]]",
     "remove what is marked as deleted; steps: without UIDPLUS, by marks taken and put back", 1, 3,
     run_expunge},
    {"raw", "LINE", "send any command, and show what comes as it comes", 1, IMAP_WORDS_ANY,
     run_raw},
    {0},
};
