#include "base/digest.h"
#include "store/index_schema.h"
#include <assert.h>

const struct index_db_row index_dbs[INDEX_DB_COUNT] = {
    [INDEX_DB_META] = {"meta", false},
    [INDEX_DB_MAILBOX] = {"mailbox", false},
    [INDEX_DB_MAILBOX_BY_NAME] = {"mailbox-by-name", false},
    [INDEX_DB_MESSAGE] = {"message", false},
    [INDEX_DB_FILE] = {"file", true},
    [INDEX_DB_CONTENT] = {"content", true},
    [INDEX_DB_EMAIL_ID] = {"email-id", true},
    [INDEX_DB_KEYWORD] = {"keyword", false},
    [INDEX_DB_INTENT] = {"intent", false},
    [INDEX_DB_HELD] = {"held", false},
    [INDEX_DB_EVENT] = {"event", false},
    [INDEX_DB_SERVER] = {"server", false},
};

const char *const index_sequence_keys[INDEX_SEQUENCE_COUNT] = {
    [INDEX_NEXT_MAILBOX] = "next-mailbox", [INDEX_NEXT_KEYWORD] = "next-keyword",
    [INDEX_NEXT_INTENT] = "next-intent",   [INDEX_NEXT_HELD] = "next-held",
    [INDEX_NEXT_EVENT] = "next-event",
};

/* ---- keys and entries ---- */

struct str index_key_str(const struct index_key *key)
{
    return str_make((const char *)key->bytes, key->len);
}

static void key_add(struct index_key *key, const void *bytes, size_t len)
{
    assert(key->len + len <= sizeof key->bytes);
    memcpy(key->bytes + key->len, bytes, len);
    key->len += len;
}

static void key_add_number(struct index_key *key, uint64_t number, size_t width)
{
    for (size_t i = width; i-- > 0;) {
        uint8_t byte = (uint8_t)(number >> (8 * i));
        key_add(key, &byte, 1);
    }
}

static uint64_t number_at(struct str bytes, size_t offset, size_t width)
{
    assert(offset + width <= bytes.len);
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++) {
        number = number << 8 | (uint8_t)bytes.ptr[offset + i];
    }
    return number;
}

struct index_key index_key_u32(uint32_t id)
{
    struct index_key key = {.len = 0};
    key_add_number(&key, id, 4);
    return key;
}

struct index_key index_key_u64(uint64_t id)
{
    struct index_key key = {.len = 0};
    key_add_number(&key, id, 8);
    return key;
}

struct index_key index_key_message(uint32_t mailbox, uint32_t uid)
{
    struct index_key key = {.len = 0};
    key_add_number(&key, mailbox, 4);
    key_add_number(&key, uid, 4);
    return key;
}

struct index_key index_key_name(struct str name)
{
    struct index_key key = {.len = 0};
    if (name.len < INDEX_KEY_MAX) {
        key_add(&key, "n", 1);
        key_add(&key, name.ptr, name.len);
        return key;
    }
    struct digester *digester = digester_new();
    digester_add(digester, name.ptr, name.len);
    struct digest digest = digester_finish(digester);
    digester_free(&digester);
    key_add(&key, "d", 1);
    key_add(&key, digest.bytes, sizeof digest.bytes);
    return key;
}

struct index_key index_key_keyword_id(uint32_t id)
{
    struct index_key key = {.len = 0};
    key_add(&key, "i", 1);
    key_add_number(&key, id, 4);
    return key;
}

struct index_key index_key_keyword_name(struct str name)
{
    struct index_key key = index_key_name(name);
    /* Of a digest nothing is folded: keywords that long are compared as they stand. */
    if (key.bytes[0] == 'n') {
        for (size_t i = 1; i < key.len; i++) {
            if (key.bytes[i] >= 'A' && key.bytes[i] <= 'Z') {
                key.bytes[i] = (uint8_t)(key.bytes[i] - 'A' + 'a');
            }
        }
    }
    return key;
}

uint32_t index_key_to_u32(struct str bytes)
{
    return bytes.len == 4 ? (uint32_t)number_at(bytes, 0, 4) : 0;
}

uint64_t index_key_to_u64(struct str bytes)
{
    return bytes.len == 8 ? number_at(bytes, 0, 8) : 0;
}

struct index_key index_file_entry(struct str base, uint32_t uid)
{
    struct index_key key = {.len = 0};
    key_add_number(&key, str_hash(base), 8);
    key_add_number(&key, uid, 4);
    assert(key.len == INDEX_FILE_ENTRY_SIZE);
    return key;
}

struct index_key index_content_entry(const struct digest *header_digest, uint32_t mailbox,
                                     uint32_t uid)
{
    struct index_key key = {.len = 0};
    key_add(&key, header_digest->bytes, 8);
    key_add_number(&key, mailbox, 4);
    key_add_number(&key, uid, 4);
    assert(key.len == INDEX_CONTENT_ENTRY_SIZE);
    return key;
}

struct index_key index_email_id_entry(struct str email_id, uint32_t mailbox, uint32_t uid)
{
    struct index_key key = {.len = 0};
    key_add_number(&key, str_hash(email_id), 8);
    key_add_number(&key, mailbox, 4);
    key_add_number(&key, uid, 4);
    assert(key.len == INDEX_CONTENT_ENTRY_SIZE);
    return key;
}

bool index_entry_same_hash(struct str a, struct str b)
{
    return a.len >= 8 && b.len >= 8 && memcmp(a.ptr, b.ptr, 8) == 0;
}

uint32_t index_file_entry_uid(struct str entry)
{
    return entry.len == INDEX_FILE_ENTRY_SIZE ? (uint32_t)number_at(entry, 8, 4) : 0;
}

void index_content_entry_split(struct str entry, uint32_t *mailbox_out, uint32_t *uid_out)
{
    bool whole = entry.len == INDEX_CONTENT_ENTRY_SIZE;
    *mailbox_out = whole ? (uint32_t)number_at(entry, 8, 4) : 0;
    *uid_out = whole ? (uint32_t)number_at(entry, 12, 4) : 0;
}

/* ---- the parts of a record ---- */

static void put_byte(struct buf *out, unsigned byte)
{
    assert(byte <= 255);
    buf_add_byte(out, (char)byte);
}

static void put_number(struct buf *out, uint64_t number)
{
    while (number >= 0x80) {
        put_byte(out, (unsigned)(number & 0x7f) | 0x80);
        number >>= 7;
    }
    put_byte(out, (unsigned)number);
}

static void put_signed(struct buf *out, int64_t number)
{
    put_number(out, (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0));
}

static void put_str(struct buf *out, struct str s)
{
    put_number(out, s.len);
    buf_add_str(out, s);
}

/* What is left of a record being read. The first thing that does not fit fails it for good, and all
 * further reads give zero, so that a decoder checks once at its end. */
struct reader {
    struct str rest;
    bool failed;
};

static struct str get_bytes(struct reader *r, size_t len)
{
    if (len > r->rest.len) {
        r->failed = true;
        r->rest = STR_EMPTY;
        return STR_EMPTY;
    }
    struct str bytes = str_make(r->rest.ptr, len);
    r->rest = str_make(r->rest.ptr + len, r->rest.len - len);
    return bytes;
}

static unsigned get_byte(struct reader *r)
{
    struct str byte = get_bytes(r, 1);
    return byte.len == 1 ? (uint8_t)byte.ptr[0] : 0;
}

static uint64_t get_number(struct reader *r)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned byte = get_byte(r);
        number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return number;
        }
    }
    r->failed = true;
    return 0;
}

static uint32_t get_u32(struct reader *r)
{
    uint64_t number = get_number(r);
    r->failed = r->failed || number > UINT32_MAX;
    return (uint32_t)number;
}

static int64_t get_signed(struct reader *r)
{
    uint64_t number = get_number(r);
    return (int64_t)(number >> 1 ^ ((number & 1) != 0 ? UINT64_MAX : 0));
}

static struct str get_str(struct reader *r)
{
    uint64_t len = get_number(r);
    return get_bytes(r, len > SIZE_MAX ? SIZE_MAX : (size_t)len);
}

/* An enum value that is known to be at most `last`. */
static unsigned get_kind(struct reader *r, unsigned last)
{
    unsigned kind = get_byte(r);
    r->failed = r->failed || kind > last;
    return kind;
}

static void get_text(struct reader *r, char *out, size_t size)
{
    struct str text = get_str(r);
    if (text.len >= size) {
        r->failed = true;
        text = STR_EMPTY;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

/* What each record begins with; the layout of all of them is that of INDEX_SCHEMA_VERSION. */
#define RECORD_VERSION 1

static struct reader record_open(struct str value)
{
    struct reader r = {.rest = value};
    r.failed = get_byte(&r) != RECORD_VERSION;
    return r;
}

static bool record_done(const struct reader *r)
{
    return !r->failed && r->rest.len == 0;
}

/* ---- records ---- */

void index_encode_number(struct buf *out, uint64_t number)
{
    put_byte(out, RECORD_VERSION);
    put_number(out, number);
}

bool index_decode_number(struct str value, uint64_t *out)
{
    struct reader r = record_open(value);
    *out = get_number(&r);
    return record_done(&r);
}

void index_encode_bytes(struct buf *out, struct str bytes)
{
    put_byte(out, RECORD_VERSION);
    buf_add_str(out, bytes);
}

bool index_decode_bytes(struct str value, struct str *out)
{
    struct reader r = record_open(value);
    *out = r.rest;
    return !r.failed;
}

void index_encode_meta(struct buf *out, const struct index_meta *meta)
{
    put_byte(out, RECORD_VERSION);
    put_str(out, str_from(meta->account));
    put_str(out, str_from(meta->identity));
    put_number(out, meta->generation);
}

bool index_decode_meta(struct str value, struct index_meta *out)
{
    struct reader r = record_open(value);
    get_text(&r, out->account, sizeof out->account);
    get_text(&r, out->identity, sizeof out->identity);
    out->generation = get_number(&r);
    return record_done(&r);
}

void index_encode_mailbox(struct buf *out, const struct index_mailbox *mailbox)
{
    put_byte(out, RECORD_VERSION);
    put_byte(out, mailbox->state);
    put_number(out, mailbox->records);
    put_number(out, mailbox->files);
    put_str(out, mailbox->name);
    put_str(out, mailbox->utf8);
    put_str(out, mailbox->path);
    put_number(out, mailbox->uidvalidity);
    put_number(out, mailbox->uidnext);
    put_number(out, mailbox->highestmodseq);
    put_str(out, mailbox->mailboxid);
    put_number(out, mailbox->special_use);
    put_signed(out, mailbox->new_mtime_ns);
    put_signed(out, mailbox->cur_mtime_ns);
    put_number(out, mailbox->new_inode);
    put_number(out, mailbox->cur_inode);
    put_byte(out, mailbox->own_path);
    put_byte(out, mailbox->doubt);
}

bool index_decode_mailbox(struct str value, struct index_mailbox *out)
{
    struct reader r = record_open(value);
    *out = (struct index_mailbox){.state = get_kind(&r, MAILBOX_RENAMING_REMOTE)};
    out->records = get_u32(&r);
    out->files = get_u32(&r);
    out->name = get_str(&r);
    out->utf8 = get_str(&r);
    out->path = get_str(&r);
    out->uidvalidity = get_u32(&r);
    out->uidnext = get_u32(&r);
    out->highestmodseq = get_number(&r);
    out->mailboxid = get_str(&r);
    out->special_use = get_u32(&r);
    out->new_mtime_ns = get_signed(&r);
    out->cur_mtime_ns = get_signed(&r);
    out->new_inode = get_number(&r);
    out->cur_inode = get_number(&r);
    out->own_path = get_byte(&r) != 0;
    out->doubt = get_kind(&r, MAILBOX_UNPAIRED_THERE);
    return record_done(&r);
}

static void put_digest(struct buf *out, const struct digest *digest)
{
    buf_add(out, digest->bytes, sizeof digest->bytes);
}

static void get_digest(struct reader *r, struct digest *out)
{
    struct str bytes = get_bytes(r, sizeof out->bytes);
    memset(out, 0, sizeof *out);
    memcpy(out->bytes, bytes.ptr, bytes.len);
}

/* Ascending numbers, each as its distance from the one before. */
static void put_keywords(struct buf *out, const struct index_flags *flags)
{
    put_byte(out, flags->keywords_len);
    uint32_t before = 0;
    for (size_t i = 0; i < flags->keywords_len; i++) {
        assert(i == 0 || flags->keywords[i] > before);
        put_number(out, flags->keywords[i] - before);
        before = flags->keywords[i];
    }
}

static void get_keywords(struct reader *r, uint32_t *keywords, struct index_flags *out)
{
    unsigned len = get_byte(r);
    uint32_t before = 0;
    for (unsigned i = 0; i < len; i++) {
        before += get_u32(r);
        keywords[i] = before;
    }
    out->keywords_len = (uint8_t)len;
    out->keywords = keywords;
}

#define MESSAGE_RAW_BIT 0x80u

static void put_message(struct buf *out, const struct index_message *message)
{
    put_byte(out, message->state | (message->raw ? MESSAGE_RAW_BIT : 0));
    put_byte(out, message->flags.system);
    put_keywords(out, &message->flags);
    put_str(out, message->base);
    put_number(out, message->modseq);
    put_number(out, message->wire_size);
    put_signed(out, message->internal_date_s);
    put_digest(out, &message->header_digest);
    put_digest(out, &message->body_digest);
    put_str(out, message->email_id);
}

static void get_message(struct reader *r, uint32_t *keywords, struct index_message *out)
{
    unsigned first = get_byte(r);
    unsigned state = first & ~MESSAGE_RAW_BIT;
    r->failed = r->failed || state > MESSAGE_HELD;
    *out = (struct index_message){.state = state, .raw = (first & MESSAGE_RAW_BIT) != 0};
    out->flags.system = (uint8_t)get_byte(r);
    get_keywords(r, keywords, &out->flags);
    out->base = get_str(r);
    out->modseq = get_number(r);
    out->wire_size = get_number(r);
    out->internal_date_s = get_signed(r);
    get_digest(r, &out->header_digest);
    get_digest(r, &out->body_digest);
    out->email_id = get_str(r);
}

void index_encode_message(struct buf *out, const struct index_message *message)
{
    put_byte(out, RECORD_VERSION);
    put_message(out, message);
}

bool index_decode_message(struct str value, uint32_t *keywords, struct index_message *out)
{
    struct reader r = record_open(value);
    get_message(&r, keywords, out);
    return record_done(&r);
}

void index_encode_intent(struct buf *out, const struct index_intent *intent)
{
    put_byte(out, RECORD_VERSION);
    put_byte(out, intent->kind);
    put_number(out, intent->uidvalidity);
    put_number(out, intent->uidnext);
    put_signed(out, intent->begun_ms);
    put_signed(out, intent->looked_ms);
    put_number(out, intent->message.mailbox);
    put_number(out, intent->message.uid);
    put_message(out, &intent->message);
    put_number(out, intent->from_mailbox);
    put_number(out, intent->from_uid);
}

bool index_decode_intent(struct str value, uint32_t *keywords, struct index_intent *out)
{
    struct reader r = record_open(value);
    *out = (struct index_intent){.kind = get_kind(&r, INTENT_EXPUNGE)};
    out->uidvalidity = get_u32(&r);
    out->uidnext = get_u32(&r);
    out->begun_ms = get_signed(&r);
    out->looked_ms = get_signed(&r);
    uint32_t mailbox = get_u32(&r);
    uint32_t uid = get_u32(&r);
    get_message(&r, keywords, &out->message);
    out->message.mailbox = mailbox;
    out->message.uid = uid;
    out->from_mailbox = get_u32(&r);
    out->from_uid = get_u32(&r);
    return record_done(&r);
}

void index_encode_held(struct buf *out, const struct index_held *held)
{
    put_byte(out, RECORD_VERSION);
    put_byte(out, held->kind);
    put_byte(out, held->answer);
    put_number(out, held->mailbox);
    put_number(out, held->uid);
    put_str(out, held->base);
    put_str(out, held->reason);
    put_signed(out, held->since_ms);
    put_signed(out, held->retry_ms);
    put_number(out, held->tries);
}

bool index_decode_held(struct str value, struct index_held *out)
{
    struct reader r = record_open(value);
    *out = (struct index_held){.kind = get_kind(&r, HELD_DELETE_REMOTE)};
    out->answer = get_kind(&r, HELD_KEPT);
    out->mailbox = get_u32(&r);
    out->uid = get_u32(&r);
    out->base = get_str(&r);
    out->reason = get_str(&r);
    out->since_ms = get_signed(&r);
    out->retry_ms = get_signed(&r);
    out->tries = get_u32(&r);
    return record_done(&r);
}

void index_encode_event(struct buf *out, const struct index_event *event)
{
    put_byte(out, RECORD_VERSION);
    put_signed(out, event->time_ms);
    put_str(out, event->mailbox);
    put_number(out, event->uid);
    put_str(out, event->what);
    put_str(out, event->why);
    put_str(out, event->base);
    put_str(out, event->from);
    put_byte(out, event->flags);
    if (event->from_base.len > 0) {
        put_str(out, event->from_base);
    }
}

bool index_decode_event(struct str value, struct index_event *out)
{
    struct reader r = record_open(value);
    *out = (struct index_event){.time_ms = get_signed(&r)};
    out->mailbox = get_str(&r);
    out->uid = get_u32(&r);
    out->what = get_str(&r);
    out->why = get_str(&r);
    out->base = get_str(&r);
    out->from = get_str(&r);
    out->flags = (uint8_t)get_byte(&r);
    if (r.rest.len > 0) {
        out->from_base = get_str(&r);
    }
    return record_done(&r);
}
