/* SEARCH and UID SEARCH with the keys of RFC 3501 and MODSEQ (RFC 7162 section 3.1.5) */
#include "imap/modseq.h"
#include "server/message.h"
#include "server/session_private.h"
#include <stdio.h>

enum search_kind {
    SEARCH_ALL,
    SEARCH_AND, /* children */
    SEARCH_OR,
    SEARCH_NOT,
    SEARCH_SEQS,
    SEARCH_UIDS,
    SEARCH_FLAG,    /* system flag set */
    SEARCH_NO_FLAG, /* not set */
    SEARCH_KEYWORD,
    SEARCH_UNKEYWORD,
    SEARCH_NOTHING, /* NEW and RECENT: this server has no \Recent */
    SEARCH_LARGER,
    SEARCH_SMALLER,
    SEARCH_BEFORE, /* INTERNALDATE */
    SEARCH_ON,
    SEARCH_SINCE,
    SEARCH_SENTBEFORE, /* the Date field */
    SEARCH_SENTON,
    SEARCH_SENTSINCE,
    SEARCH_HEADER,
    SEARCH_BODY,
    SEARCH_TEXT,
    SEARCH_MODSEQ,
};

struct search_key {
    enum search_kind kind;
    struct search_key *children; /* AND OR NOT: a list by `next` */
    struct search_key *next;
    unsigned flag;
    struct str field; /* HEADER */
    struct str text;  /* HEADER BODY TEXT KEYWORD */
    uint64_t number;
    int64_t day_s; /* its begin, UTC */
    struct tracker_ranges ranges;
};

/* How a key's arguments are read. */
enum search_argument {
    ARGUMENT_NONE,
    ARGUMENT_ONE_KEY,
    ARGUMENT_TWO_KEYS,
    ARGUMENT_UIDS,
    ARGUMENT_KEYWORD,
    ARGUMENT_SIZE,
    ARGUMENT_DATE,
    ARGUMENT_TEXT,
    ARGUMENT_FIELD_TEXT,
    ARGUMENT_FIXED_FIELD, /* FROM and the like: the row names the field */
    ARGUMENT_MODSEQ,
};

struct search_row {
    const char *name;
    enum search_kind kind;
    enum search_argument argument;
    unsigned flag;
    const char *field;
};
static const struct search_row search_rows[] = {
    {"ALL", SEARCH_ALL, ARGUMENT_NONE, 0, NULL},
    {"ANSWERED", SEARCH_FLAG, ARGUMENT_NONE, FLAG_ANSWERED, NULL},
    {"BCC", SEARCH_HEADER, ARGUMENT_FIXED_FIELD, 0, "Bcc"},
    {"BEFORE", SEARCH_BEFORE, ARGUMENT_DATE, 0, NULL},
    {"BODY", SEARCH_BODY, ARGUMENT_TEXT, 0, NULL},
    {"CC", SEARCH_HEADER, ARGUMENT_FIXED_FIELD, 0, "Cc"},
    {"DELETED", SEARCH_FLAG, ARGUMENT_NONE, FLAG_DELETED, NULL},
    {"DRAFT", SEARCH_FLAG, ARGUMENT_NONE, FLAG_DRAFT, NULL},
    {"FLAGGED", SEARCH_FLAG, ARGUMENT_NONE, FLAG_FLAGGED, NULL},
    {"FROM", SEARCH_HEADER, ARGUMENT_FIXED_FIELD, 0, "From"},
    {"HEADER", SEARCH_HEADER, ARGUMENT_FIELD_TEXT, 0, NULL},
    {"KEYWORD", SEARCH_KEYWORD, ARGUMENT_KEYWORD, 0, NULL},
    {"LARGER", SEARCH_LARGER, ARGUMENT_SIZE, 0, NULL},
    {"MODSEQ", SEARCH_MODSEQ, ARGUMENT_MODSEQ, 0, NULL},
    {"NEW", SEARCH_NOTHING, ARGUMENT_NONE, 0, NULL},
    {"NOT", SEARCH_NOT, ARGUMENT_ONE_KEY, 0, NULL},
    {"OLD", SEARCH_ALL, ARGUMENT_NONE, 0, NULL},
    {"ON", SEARCH_ON, ARGUMENT_DATE, 0, NULL},
    {"OR", SEARCH_OR, ARGUMENT_TWO_KEYS, 0, NULL},
    {"RECENT", SEARCH_NOTHING, ARGUMENT_NONE, 0, NULL},
    {"SEEN", SEARCH_FLAG, ARGUMENT_NONE, FLAG_SEEN, NULL},
    {"SENTBEFORE", SEARCH_SENTBEFORE, ARGUMENT_DATE, 0, NULL},
    {"SENTON", SEARCH_SENTON, ARGUMENT_DATE, 0, NULL},
    {"SENTSINCE", SEARCH_SENTSINCE, ARGUMENT_DATE, 0, NULL},
    {"SINCE", SEARCH_SINCE, ARGUMENT_DATE, 0, NULL},
    {"SMALLER", SEARCH_SMALLER, ARGUMENT_SIZE, 0, NULL},
    {"SUBJECT", SEARCH_HEADER, ARGUMENT_FIXED_FIELD, 0, "Subject"},
    {"TEXT", SEARCH_TEXT, ARGUMENT_TEXT, 0, NULL},
    {"TO", SEARCH_HEADER, ARGUMENT_FIXED_FIELD, 0, "To"},
    {"UID", SEARCH_UIDS, ARGUMENT_UIDS, 0, NULL},
    {"UNANSWERED", SEARCH_NO_FLAG, ARGUMENT_NONE, FLAG_ANSWERED, NULL},
    {"UNDELETED", SEARCH_NO_FLAG, ARGUMENT_NONE, FLAG_DELETED, NULL},
    {"UNDRAFT", SEARCH_NO_FLAG, ARGUMENT_NONE, FLAG_DRAFT, NULL},
    {"UNFLAGGED", SEARCH_NO_FLAG, ARGUMENT_NONE, FLAG_FLAGGED, NULL},
    {"UNKEYWORD", SEARCH_UNKEYWORD, ARGUMENT_KEYWORD, 0, NULL},
    {"UNSEEN", SEARCH_NO_FLAG, ARGUMENT_NONE, FLAG_SEEN, NULL},
};

/* ---- reading ---- */

struct search_reader {
    struct session *s;
    struct command *c;
    unsigned depth;
    size_t keys;
    bool modseq; /* MODSEQ was asked for */
};

static struct search_key *read_key(struct search_reader *sr);

static bool read_set(struct search_reader *sr, bool uid, struct search_key *key)
{
    struct seqset set AUTO_SEQSET = {0};
    if (!seqset_read(sr->c->reader, &set)) {
        return false;
    }
    return tracker_resolve(&sr->s->tracker, &set, uid, sr->c->arena, &key->ranges) ||
           reader_fail(sr->c->reader, "there is no such message number");
}

/* "1-Feb-1994", quoted or not. */
static bool read_date(struct reader *r, int64_t *day_out)
{
    struct str word;
    struct imap_date date;
    char text[40];
    if (!reader_expect_astring(r, &word)) {
        return false;
    }
    int len = snprintf(text, sizeof text, "%.*s 00:00:00 +0000", STR_ARG(word));
    if (len < 0 || (size_t)len >= sizeof text || !imap_date_parse(str_from(text), &date)) {
        return reader_fail(r, "%.*s is no date", STR_ARG(word));
    }
    *day_out = date.unix_s;
    return true;
}

/* "MODSEQ 5" or "MODSEQ "/flags/\\draft" all 5", whose entry makes no difference here. */
static bool read_modseq(struct search_reader *sr, struct search_key *key)
{
    struct str ignored;
    if (reader_peek(sr->c->reader) == '"' &&
        (!reader_expect_string(sr->c->reader, &ignored) || !reader_expect_sp(sr->c->reader) ||
         !reader_expect_atom(sr->c->reader, &ignored) || !reader_expect_sp(sr->c->reader))) {
        return false;
    }
    if (!session_has_condstore(sr->s)) {
        return reader_fail(sr->c->reader, "CONDSTORE is not on offer");
    }
    sr->modseq = true;
    return modseq_read(sr->c->reader, &key->number);
}

static bool read_argument(struct search_reader *sr, const struct search_row *row,
                          struct search_key *key)
{
    struct reader *r = sr->c->reader;
    if (row->argument == ARGUMENT_NONE) {
        return true;
    }
    if (!reader_expect_sp(r)) {
        return false;
    }
    switch (row->argument) {
    case ARGUMENT_ONE_KEY:
        return (key->children = read_key(sr)) != NULL;
    case ARGUMENT_TWO_KEYS:
        return (key->children = read_key(sr)) != NULL && reader_expect_sp(r) &&
               (key->children->next = read_key(sr)) != NULL;
    case ARGUMENT_UIDS:
        return read_set(sr, true, key);
    case ARGUMENT_SIZE:
        return reader_expect_number64(r, &key->number);
    case ARGUMENT_DATE:
        return read_date(r, &key->day_s);
    case ARGUMENT_FIELD_TEXT:
        return reader_expect_astring(r, &key->field) && reader_expect_sp(r) &&
               reader_expect_astring(r, &key->text);
    case ARGUMENT_FIXED_FIELD:
        key->field = str_from(row->field);
        return reader_expect_astring(r, &key->text);
    case ARGUMENT_KEYWORD:
    case ARGUMENT_TEXT:
        return reader_expect_astring(r, &key->text);
    case ARGUMENT_MODSEQ:
        return read_modseq(sr, key);
    case ARGUMENT_NONE:
        break;
    }
    return false;
}

static bool read_named(struct search_reader *sr, struct search_key *key)
{
    struct str name;
    if (!reader_expect_atom(sr->c->reader, &name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof search_rows / sizeof *search_rows; i++) {
        const struct search_row *row = &search_rows[i];
        if (str_eq_nocase(name, str_from(row->name))) {
            key->kind = row->kind;
            key->flag = row->flag;
            return read_argument(sr, row, key);
        }
    }
    return reader_fail(sr->c->reader, "%.*s is no search key", STR_ARG(name));
}

/* Keys up to `)` or the line end. */
static bool read_list(struct search_reader *sr, struct search_key *out)
{
    struct search_key **tail = &out->children;
    out->kind = SEARCH_AND;
    do {
        *tail = read_key(sr);
        if (*tail == NULL) {
            return false;
        }
        tail = &(*tail)->next;
    } while (reader_accept_sp(sr->c->reader) && !reader_at_crlf(sr->c->reader));
    return !reader_failed(sr->c->reader);
}

static struct search_key *read_key(struct search_reader *sr)
{
    struct reader *r = sr->c->reader;
    struct search_key *key = arena_alloc(sr->c->arena, sizeof *key);
    bool good;
    if (sr->depth >= LIMIT_DEPTH || ++sr->keys > LIMIT_SERVER_LINE_BYTES) {
        (void)reader_fail(r, "the search is too deep");
        return NULL;
    }
    sr->depth++;
    int first = reader_peek(r);
    if (reader_accept(r, '(')) {
        good = read_list(sr, key) && reader_expect(r, ')');
    } else if ((first >= '0' && first <= '9') || first == '*') {
        key->kind = SEARCH_SEQS;
        good = read_set(sr, false, key);
    } else {
        good = read_named(sr, key);
    }
    sr->depth--;
    return good ? key : NULL;
}

/* ---- matching ---- */

struct search_subject {
    struct session *s;
    uint32_t index;
    struct backend_message message;
    struct str body; /* fetched when first looked at; ptr NULL before */
    struct buf *scratch;
};

static bool in_ranges(const struct tracker_ranges *ranges, uint32_t index)
{
    size_t low = 0;
    size_t high = ranges->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->items[middle].end <= index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ranges->len && index >= ranges->items[low].begin;
}

static bool contains_nocase(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (str_eq_nocase(str_make(text.ptr + i, part.len), part)) {
            return true;
        }
    }
    return false;
}

static struct str subject_body(struct search_subject *subject)
{
    struct error err = ERROR_INIT;
    struct session *s = subject->s;
    if (subject->body.ptr == NULL &&
        s->backend.ops->body(s->tracker.mailbox, subject->message.uid, &subject->body, &err) < 0) {
        subject->body = STR_EMPTY;
    }
    return subject->body;
}

static bool header_matches(struct search_subject *subject, struct str wanted, struct str text)
{
    struct str header = message_header(subject_body(subject));
    struct str name;
    struct str field;
    while (message_next_field(&header, &name, &field)) {
        if (!str_eq_nocase(name, wanted)) {
            continue;
        }
        buf_clear(subject->scratch);
        message_field_value(field, subject->scratch);
        if (contains_nocase(buf_str(subject->scratch), text)) {
            return true;
        }
    }
    return false;
}

#define DAY_S ((int64_t)86400)

/* The day of the Date field without regard to its zone; false where there is none. */
static bool sent_day(struct search_subject *subject, int64_t *out)
{
    struct str header = message_header(subject_body(subject));
    struct str name;
    struct str field;
    struct str word;
    struct str parts[3] = {STR_EMPTY, STR_EMPTY, STR_EMPTY};
    size_t len = 0;
    while (message_next_field(&header, &name, &field) && !str_eq_nocase(name, STR("Date"))) {
        field = STR_EMPTY;
    }
    buf_clear(subject->scratch);
    if (!str_starts_nocase(field, STR("Date"))) {
        return false;
    }
    message_field_value(field, subject->scratch);
    struct str rest = buf_str(subject->scratch);
    while (len < 3 && str_split(&rest, ' ', &word)) {
        if (word.len > 0 && !str_ends(word, STR(","))) {
            parts[len++] = word;
        }
    }
    char text[64];
    struct imap_date date;
    int size = snprintf(text, sizeof text, "%.*s-%.*s-%.*s 00:00:00 +0000", STR_ARG(parts[0]),
                        STR_ARG(parts[1]), STR_ARG(parts[2]));
    if (size < 0 || (size_t)size >= sizeof text || !imap_date_parse(str_from(text), &date)) {
        return false;
    }
    *out = date.unix_s;
    return true;
}

static bool date_matches(const struct search_key *key, struct search_subject *subject)
{
    int64_t when = subject->message.internal_date_s;
    bool sent = key->kind == SEARCH_SENTBEFORE || key->kind == SEARCH_SENTON ||
                key->kind == SEARCH_SENTSINCE;
    if (sent && !sent_day(subject, &when)) {
        return false;
    }
    if (key->kind == SEARCH_BEFORE || key->kind == SEARCH_SENTBEFORE) {
        return when < key->day_s;
    }
    if (key->kind == SEARCH_SINCE || key->kind == SEARCH_SENTSINCE) {
        return when >= key->day_s;
    }
    return when >= key->day_s && when < key->day_s + DAY_S;
}

static bool matches(const struct search_key *key, struct search_subject *subject);

static bool tree_matches(const struct search_key *key, struct search_subject *subject)
{
    bool any = key->kind == SEARCH_OR;
    for (const struct search_key *child = key->children; child != NULL; child = child->next) {
        if (matches(child, subject) == any) {
            return any;
        }
    }
    return !any;
}

static bool matches(const struct search_key *key, struct search_subject *subject)
{
    const struct backend_message *message = &subject->message;
    switch (key->kind) {
    case SEARCH_ALL:
        return true;
    case SEARCH_NOTHING:
        return false;
    case SEARCH_AND:
    case SEARCH_OR:
        return tree_matches(key, subject);
    case SEARCH_NOT:
        return !matches(key->children, subject);
    case SEARCH_SEQS:
    case SEARCH_UIDS:
        return in_ranges(&key->ranges, subject->index);
    case SEARCH_FLAG:
        return (message->flags.system & key->flag) != 0;
    case SEARCH_NO_FLAG:
        return (message->flags.system & key->flag) == 0;
    case SEARCH_KEYWORD:
        return flags_have_keyword(&message->flags, key->text);
    case SEARCH_UNKEYWORD:
        return !flags_have_keyword(&message->flags, key->text);
    case SEARCH_LARGER:
        return message->size > key->number;
    case SEARCH_SMALLER:
        return message->size < key->number;
    case SEARCH_BEFORE:
    case SEARCH_ON:
    case SEARCH_SINCE:
    case SEARCH_SENTBEFORE:
    case SEARCH_SENTON:
    case SEARCH_SENTSINCE:
        return date_matches(key, subject);
    case SEARCH_HEADER:
        return header_matches(subject, key->field, key->text);
    case SEARCH_BODY:
        return contains_nocase(message_text(subject_body(subject)), key->text);
    case SEARCH_TEXT:
        return contains_nocase(subject_body(subject), key->text);
    case SEARCH_MODSEQ:
        return message->modseq >= key->number;
    }
    return false;
}

/* ---- the command ---- */

static void search(struct session *s, struct command *c, const struct search_key *key, bool modseq)
{
    struct buf scratch AUTO_BUF = BUF_INIT(LIMIT_SERVER_LITERAL_BYTES);
    uint64_t highest = 0;
    writer_cstr(&s->out, "* SEARCH");
    for (uint32_t i = 0; i < s->tracker.uids.len; i++) {
        struct search_subject subject = {.s = s, .index = i, .scratch = &scratch};
        if (!tracker_message(&s->tracker, s->backend.ops, i, &subject.message) ||
            !matches(key, &subject)) {
            continue;
        }
        writer_format(&s->out, " %u", c->uid ? subject.message.uid : i + 1);
        if (subject.message.modseq > highest) {
            highest = subject.message.modseq;
        }
    }
    if (modseq && highest > 0) {
        writer_format(&s->out, " (MODSEQ %llu)", (unsigned long long)highest);
    }
    writer_crlf(&s->out);
    reply_ok(c, "SEARCH done");
}

static bool charset_known(struct str charset)
{
    return str_eq_nocase(charset, STR("US-ASCII")) || str_eq_nocase(charset, STR("UTF-8"));
}

void handle_search(struct session *s, struct command *c)
{
    struct search_reader sr = {.s = s, .c = c};
    struct search_key all = {0};
    struct str charset = STR("US-ASCII");
    if (!reader_expect_sp(c->reader)) {
        return;
    }
    if (reader_accept_word(c->reader, "CHARSET") &&
        (!reader_expect_sp(c->reader) || !reader_expect_astring(c->reader, &charset) ||
         !reader_expect_sp(c->reader))) {
        return;
    }
    if (!charset_known(charset)) {
        reader_skip_line(c->reader);
        reply_no(c, CODE_BADCHARSET, "US-ASCII and UTF-8 are known");
        return;
    }
    if (!read_list(&sr, &all) || !reader_expect_crlf(c->reader)) {
        return;
    }
    s->condstore = s->condstore || sr.modseq;
    search(s, c, &all, sr.modseq);
}
