/* The criteria tree: builders, and its words on the wire. */
#include "imap/search.h"
#include "imap/limits.h"
#include "imap/modseq.h"
#include "imap/search_rows.h"
#include <assert.h>

static const struct search_row search_rows[] = {
    {"ALL", SEARCH_ALL, SEARCH_ARGUMENT_NONE, 0, NULL},
    {"ANSWERED", SEARCH_FLAG, SEARCH_ARGUMENT_NONE, FLAG_ANSWERED, NULL},
    {"BCC", SEARCH_HEADER, SEARCH_ARGUMENT_TEXT, 0, "Bcc"},
    {"BEFORE", SEARCH_BEFORE, SEARCH_ARGUMENT_DAY, 0, NULL},
    {"BODY", SEARCH_BODY, SEARCH_ARGUMENT_TEXT, 0, NULL},
    {"CC", SEARCH_HEADER, SEARCH_ARGUMENT_TEXT, 0, "Cc"},
    {"DELETED", SEARCH_FLAG, SEARCH_ARGUMENT_NONE, FLAG_DELETED, NULL},
    {"DRAFT", SEARCH_FLAG, SEARCH_ARGUMENT_NONE, FLAG_DRAFT, NULL},
    {"EMAILID", SEARCH_EMAILID, SEARCH_ARGUMENT_ID, 0, NULL},
    {"FLAGGED", SEARCH_FLAG, SEARCH_ARGUMENT_NONE, FLAG_FLAGGED, NULL},
    {"FROM", SEARCH_HEADER, SEARCH_ARGUMENT_TEXT, 0, "From"},
    {"FUZZY", SEARCH_FUZZY, SEARCH_ARGUMENT_ONE_KEY, 0, NULL},
    {"HEADER", SEARCH_HEADER, SEARCH_ARGUMENT_FIELD_TEXT, 0, NULL},
    {"KEYWORD", SEARCH_KEYWORD, SEARCH_ARGUMENT_KEYWORD, 0, NULL},
    {"LARGER", SEARCH_LARGER, SEARCH_ARGUMENT_SIZE, 0, NULL},
    {"MODSEQ", SEARCH_MODSEQ, SEARCH_ARGUMENT_MODSEQ, 0, NULL},
    {"NEW", SEARCH_NEW, SEARCH_ARGUMENT_NONE, 0, NULL},
    {"NOT", SEARCH_NOT, SEARCH_ARGUMENT_ONE_KEY, 0, NULL},
    {"OLD", SEARCH_NO_FLAG, SEARCH_ARGUMENT_NONE, FLAG_RECENT, NULL},
    {"OLDER", SEARCH_OLDER, SEARCH_ARGUMENT_SECONDS, 0, NULL},
    {"ON", SEARCH_ON, SEARCH_ARGUMENT_DAY, 0, NULL},
    {"OR", SEARCH_OR, SEARCH_ARGUMENT_TWO_KEYS, 0, NULL},
    {"RECENT", SEARCH_FLAG, SEARCH_ARGUMENT_NONE, FLAG_RECENT, NULL},
    {"SAVEDATESUPPORTED", SEARCH_SAVEDATESUPPORTED, SEARCH_ARGUMENT_NONE, 0, NULL},
    {"SAVEDBEFORE", SEARCH_SAVEDBEFORE, SEARCH_ARGUMENT_DAY, 0, NULL},
    {"SAVEDON", SEARCH_SAVEDON, SEARCH_ARGUMENT_DAY, 0, NULL},
    {"SAVEDSINCE", SEARCH_SAVEDSINCE, SEARCH_ARGUMENT_DAY, 0, NULL},
    {"SEEN", SEARCH_FLAG, SEARCH_ARGUMENT_NONE, FLAG_SEEN, NULL},
    {"SENTBEFORE", SEARCH_SENTBEFORE, SEARCH_ARGUMENT_DAY, 0, NULL},
    {"SENTON", SEARCH_SENTON, SEARCH_ARGUMENT_DAY, 0, NULL},
    {"SENTSINCE", SEARCH_SENTSINCE, SEARCH_ARGUMENT_DAY, 0, NULL},
    {"SINCE", SEARCH_SINCE, SEARCH_ARGUMENT_DAY, 0, NULL},
    {"SMALLER", SEARCH_SMALLER, SEARCH_ARGUMENT_SIZE, 0, NULL},
    {"SUBJECT", SEARCH_HEADER, SEARCH_ARGUMENT_TEXT, 0, "Subject"},
    {"TEXT", SEARCH_TEXT, SEARCH_ARGUMENT_TEXT, 0, NULL},
    {"THREADID", SEARCH_THREADID, SEARCH_ARGUMENT_ID, 0, NULL},
    {"TO", SEARCH_HEADER, SEARCH_ARGUMENT_TEXT, 0, "To"},
    {"UID", SEARCH_UIDS, SEARCH_ARGUMENT_SET, 0, NULL},
    {"UIDAFTER", SEARCH_UIDAFTER, SEARCH_ARGUMENT_UID, 0, NULL},
    {"UIDBEFORE", SEARCH_UIDBEFORE, SEARCH_ARGUMENT_UID, 0, NULL},
    {"UNANSWERED", SEARCH_NO_FLAG, SEARCH_ARGUMENT_NONE, FLAG_ANSWERED, NULL},
    {"UNDELETED", SEARCH_NO_FLAG, SEARCH_ARGUMENT_NONE, FLAG_DELETED, NULL},
    {"UNDRAFT", SEARCH_NO_FLAG, SEARCH_ARGUMENT_NONE, FLAG_DRAFT, NULL},
    {"UNFLAGGED", SEARCH_NO_FLAG, SEARCH_ARGUMENT_NONE, FLAG_FLAGGED, NULL},
    {"UNKEYWORD", SEARCH_UNKEYWORD, SEARCH_ARGUMENT_KEYWORD, 0, NULL},
    {"UNSEEN", SEARCH_NO_FLAG, SEARCH_ARGUMENT_NONE, FLAG_SEEN, NULL},
    {"X-GM-LABELS", SEARCH_GM_LABELS, SEARCH_ARGUMENT_TEXT, 0, NULL},
    {"X-GM-MSGID", SEARCH_GM_MSGID, SEARCH_ARGUMENT_SIZE, 0, NULL},
    {"X-GM-RAW", SEARCH_GM_RAW, SEARCH_ARGUMENT_TEXT, 0, NULL},
    {"X-GM-THRID", SEARCH_GM_THRID, SEARCH_ARGUMENT_SIZE, 0, NULL},
    {"YOUNGER", SEARCH_YOUNGER, SEARCH_ARGUMENT_SECONDS, 0, NULL},
};
#define SEARCH_ROWS (sizeof search_rows / sizeof search_rows[0])

const struct search_row *search_row_find(struct str name)
{
    for (size_t i = 0; i < SEARCH_ROWS; i++) {
        if (str_eq_nocase(name, str_from(search_rows[i].name))) {
            return &search_rows[i];
        }
    }
    return NULL;
}

/* ---- builders ---- */

static struct search_key *search_new(struct arena *arena, enum search_kind kind)
{
    struct search_key *key = arena_alloc(arena, sizeof *key);
    key->kind = kind;
    key->field = key->text = STR_EMPTY;
    return key;
}

struct search_key *search_all(struct arena *arena)
{
    return search_new(arena, SEARCH_ALL);
}

static struct search_key *search_pair(struct arena *arena, enum search_kind kind,
                                      struct search_key *a, struct search_key *b)
{
    struct search_key *key = search_new(arena, kind);
    assert(a->next == NULL && b->next == NULL);
    key->children = a;
    a->next = b;
    return key;
}

/* The parts of an AND on the left are its own: a chain of them does not grow deep. */
struct search_key *search_and(struct arena *arena, struct search_key *a, struct search_key *b)
{
    if (a->kind != SEARCH_AND) {
        return search_pair(arena, SEARCH_AND, a, b);
    }
    struct search_key *last = a->children;
    while (last->next != NULL) {
        last = last->next;
    }
    assert(b->next == NULL);
    last->next = b;
    return a;
}

struct search_key *search_or(struct arena *arena, struct search_key *a, struct search_key *b)
{
    return search_pair(arena, SEARCH_OR, a, b);
}

static struct search_key *search_around(struct arena *arena, enum search_kind kind,
                                        struct search_key *a)
{
    struct search_key *key = search_new(arena, kind);
    assert(a->next == NULL);
    key->children = a;
    return key;
}

struct search_key *search_not(struct arena *arena, struct search_key *a)
{
    return search_around(arena, SEARCH_NOT, a);
}

struct search_key *search_fuzzy(struct arena *arena, struct search_key *a)
{
    return search_around(arena, SEARCH_FUZZY, a);
}

struct search_key *search_flag(struct arena *arena, enum imap_flag flag, bool set)
{
    struct search_key *key = search_new(arena, set ? SEARCH_FLAG : SEARCH_NO_FLAG);
    key->flag = flag;
    return key;
}

struct search_key *search_keyword(struct arena *arena, struct str keyword, bool set)
{
    return search_text(arena, set ? SEARCH_KEYWORD : SEARCH_UNKEYWORD, keyword);
}

struct search_key *search_set(struct arena *arena, const struct seqset *set, bool uids)
{
    struct search_key *key = search_new(arena, uids ? SEARCH_UIDS : SEARCH_SEQS);
    key->set = seqset_in_arena(arena, set);
    return key;
}

struct search_key *search_day(struct arena *arena, enum search_kind kind, int year, unsigned month,
                              unsigned day)
{
    struct search_key *key = search_new(arena, kind);
    key->day_s = date_from_civil(year, month, day, 0, 0, 0);
    return key;
}

struct search_key *search_number(struct arena *arena, enum search_kind kind, uint64_t number)
{
    struct search_key *key = search_new(arena, kind);
    key->number = number;
    return key;
}

struct search_key *search_text(struct arena *arena, enum search_kind kind, struct str text)
{
    struct search_key *key = search_new(arena, kind);
    key->text = text;
    return key;
}

struct search_key *search_header(struct arena *arena, struct str field, struct str text)
{
    struct search_key *key = search_text(arena, SEARCH_HEADER, text);
    key->field = field;
    return key;
}

/* ---- looking ---- */

/* Whether `test` holds anywhere; deeper than can be written is not looked at. */
static bool search_any(const struct search_key *key, unsigned depth,
                       bool (*test)(const struct search_key *key))
{
    if (test(key)) {
        return true;
    }
    if (depth == LIMIT_SEARCH_DEPTH) {
        return false;
    }
    for (const struct search_key *child = key->children; child != NULL; child = child->next) {
        if (search_any(child, depth + 1, test)) {
            return true;
        }
    }
    return false;
}

static bool is_modseq(const struct search_key *key)
{
    return key->kind == SEARCH_MODSEQ;
}

static bool is_8bit(const struct search_key *key)
{
    return !str_is_ascii(key->text) || !str_is_ascii(key->field);
}

bool search_uses_modseq(const struct search_key *key)
{
    return search_any(key, 0, is_modseq);
}

bool search_is_8bit(const struct search_key *key)
{
    return search_any(key, 0, is_8bit);
}

/* ---- reading ---- */

struct search_reader {
    struct reader *r;
    struct arena *arena;
    unsigned depth;
    size_t keys;
};

static struct search_key *key_read(struct search_reader *s);

static bool read_day(struct reader *r, int64_t *out)
{
    struct str word;
    return reader_expect_astring(r, &word) &&
           (imap_day_parse(word, out) || reader_fail(r, "\"%.*s\" is no date", STR_ARG(word)));
}

static bool read_set(struct search_reader *s, struct search_key *key)
{
    struct seqset set AUTO_SEQSET = {0};
    if (!seqset_read(s->r, &set)) {
        return false;
    }
    key->set = seqset_in_arena(s->arena, &set);
    return true;
}

/* "5", or ""/flags/\\draft" all 5". */
static bool read_modseq(struct reader *r, struct search_key *key)
{
    int c = reader_peek(r);
    if ((c == '"' || c == '{') && (!reader_expect_string(r, &key->field) || !reader_expect_sp(r) ||
                                   !reader_expect_atom(r, &key->text) || !reader_expect_sp(r))) {
        return false;
    }
    return modseq_read(r, &key->number);
}

static bool read_number32(struct reader *r, struct search_key *key)
{
    uint32_t number;
    if (!reader_expect_nz_number(r, &number)) {
        return false;
    }
    key->number = number;
    return true;
}

static bool read_children(struct search_reader *s, struct search_key *key, bool two)
{
    key->children = key_read(s);
    if (key->children == NULL || !two) {
        return key->children != NULL;
    }
    return reader_expect_sp(s->r) && (key->children->next = key_read(s)) != NULL;
}

static bool read_argument(struct search_reader *s, const struct search_row *row,
                          struct search_key *key)
{
    struct reader *r = s->r;
    if (row->argument == SEARCH_ARGUMENT_NONE) {
        return true;
    }
    if (!reader_expect_sp(r)) {
        return false;
    }
    switch (row->argument) {
    case SEARCH_ARGUMENT_ONE_KEY:
    case SEARCH_ARGUMENT_TWO_KEYS:
        return read_children(s, key, row->argument == SEARCH_ARGUMENT_TWO_KEYS);
    case SEARCH_ARGUMENT_SET:
        return read_set(s, key);
    case SEARCH_ARGUMENT_SIZE:
        return reader_expect_number64(r, &key->number);
    case SEARCH_ARGUMENT_SECONDS:
    case SEARCH_ARGUMENT_UID:
        return read_number32(r, key);
    case SEARCH_ARGUMENT_DAY:
        return read_day(r, &key->day_s);
    case SEARCH_ARGUMENT_FIELD_TEXT:
        return reader_expect_astring(r, &key->field) && reader_expect_sp(r) &&
               reader_expect_astring(r, &key->text);
    case SEARCH_ARGUMENT_KEYWORD:
    case SEARCH_ARGUMENT_ID:
    case SEARCH_ARGUMENT_TEXT:
        return reader_expect_astring(r, &key->text);
    case SEARCH_ARGUMENT_MODSEQ:
        return read_modseq(r, key);
    case SEARCH_ARGUMENT_NONE:
        break;
    }
    return false;
}

static bool named_read(struct search_reader *s, struct search_key *key)
{
    struct str name;
    if (!reader_expect_view(s->r, CHAR_ATOM, &name)) {
        return false;
    }
    const struct search_row *row = search_row_find(name);
    if (row == NULL) {
        return reader_fail(s->r, "\"%.*s\" is no search key", STR_ARG(name));
    }
    search_row_fill(row, key);
    return read_argument(s, row, key);
}

void search_row_fill(const struct search_row *row, struct search_key *key)
{
    key->kind = row->kind;
    key->flag = row->flag;
    if (row->field != NULL) {
        key->field = str_from(row->field);
    }
}

/* Keys up to `)` or the line end. */
static bool keys_read(struct search_reader *s, struct search_key *out)
{
    struct search_key **tail = &out->children;
    out->kind = SEARCH_AND;
    do {
        *tail = key_read(s);
        if (*tail == NULL) {
            return false;
        }
        tail = &(*tail)->next;
    } while (reader_accept_sp(s->r) && reader_peek(s->r) != ')' && !reader_at_crlf(s->r));
    return !reader_failed(s->r);
}

static struct search_key *key_read(struct search_reader *s)
{
    struct search_key *key = search_new(s->arena, SEARCH_ALL);
    bool good;
    if (s->depth == LIMIT_SEARCH_DEPTH || s->keys == LIMIT_SEARCH_KEYS) {
        (void)reader_fail(s->r, "a search with too many keys, or nested too deep");
        return NULL;
    }
    s->keys++;
    s->depth++;
    int first = reader_peek(s->r);
    if (reader_accept(s->r, '(')) {
        good = keys_read(s, key) && reader_expect(s->r, ')');
    } else if ((first >= '0' && first <= '9') || first == '*' || first == '$') {
        key->kind = SEARCH_SEQS;
        good = read_set(s, key);
    } else {
        good = named_read(s, key);
    }
    s->depth--;
    if (!good) {
        return NULL;
    }
    /* "(SEEN)" is SEEN. */
    return key->kind == SEARCH_AND && key->children->next == NULL ? key->children : key;
}

bool search_keys_read(struct reader *r, struct arena *arena, const struct search_key **out)
{
    struct search_reader s = {r, arena, 0, 0};
    struct search_key *all = search_new(arena, SEARCH_AND);
    *out = NULL;
    if (!keys_read(&s, all)) {
        return false;
    }
    *out = all->children->next == NULL ? all->children : all;
    return true;
}

/* ---- writing ---- */

/* The row by which a key is written: the one of its flag or field, else of its kind. */
static const struct search_row *row_of(const struct search_key *key)
{
    const struct search_row *found = NULL;
    for (size_t i = 0; i < SEARCH_ROWS; i++) {
        const struct search_row *row = &search_rows[i];
        if (row->kind != key->kind || row->flag != key->flag) {
            continue;
        }
        if (row->field != NULL && str_eq_nocase(key->field, str_from(row->field))) {
            return row;
        }
        if (row->field == NULL) {
            found = row;
        }
    }
    return found;
}

static void key_write(struct writer *w, const struct search_key *key, unsigned depth);

static void children_write(struct writer *w, const struct search_key *key, unsigned depth)
{
    for (const struct search_key *child = key->children; child != NULL; child = child->next) {
        key_write(w, child, depth);
        if (child->next != NULL) {
            writer_sp(w);
        }
    }
}

static void modseq_key_write(struct writer *w, const struct search_key *key)
{
    if (key->field.len > 0) {
        writer_string(w, key->field);
        writer_sp(w);
        writer_atom(w, key->text);
        writer_sp(w);
    }
    writer_number(w, key->number);
}

static void argument_write(struct writer *w, const struct search_row *row,
                           const struct search_key *key, unsigned depth)
{
    if (row->argument == SEARCH_ARGUMENT_NONE) {
        return;
    }
    writer_sp(w);
    switch (row->argument) {
    case SEARCH_ARGUMENT_ONE_KEY:
    case SEARCH_ARGUMENT_TWO_KEYS:
        children_write(w, key, depth);
        break;
    case SEARCH_ARGUMENT_SET:
        seqset_write(w, &key->set);
        break;
    case SEARCH_ARGUMENT_SIZE:
    case SEARCH_ARGUMENT_SECONDS:
    case SEARCH_ARGUMENT_UID:
        writer_number(w, key->number);
        break;
    case SEARCH_ARGUMENT_DAY:
        imap_day_write(w, key->day_s);
        break;
    case SEARCH_ARGUMENT_FIELD_TEXT:
        writer_astring(w, key->field);
        writer_sp(w);
        writer_string(w, key->text);
        break;
    case SEARCH_ARGUMENT_TEXT:
        writer_string(w, key->text);
        break;
    case SEARCH_ARGUMENT_KEYWORD:
    case SEARCH_ARGUMENT_ID:
        writer_atom(w, key->text);
        break;
    case SEARCH_ARGUMENT_MODSEQ:
        modseq_key_write(w, key);
        break;
    case SEARCH_ARGUMENT_NONE:
        break;
    }
}

static void key_write(struct writer *w, const struct search_key *key, unsigned depth)
{
    if (depth == LIMIT_SEARCH_DEPTH) {
        writer_fail(w, "a search nested deeper than %d", LIMIT_SEARCH_DEPTH);
        return;
    }
    if (key->kind == SEARCH_AND) {
        writer_byte(w, '(');
        children_write(w, key, depth + 1);
        writer_byte(w, ')');
        return;
    }
    if (key->kind == SEARCH_SEQS) {
        seqset_write(w, &key->set);
        return;
    }
    const struct search_row *row = row_of(key);
    if (row == NULL) {
        writer_fail(w, "a search key that there is not");
        return;
    }
    writer_cstr(w, row->name);
    argument_write(w, row, key, depth + 1);
}

void search_keys_write(struct writer *w, const struct search_key *key)
{
    if (key->kind == SEARCH_AND) {
        children_write(w, key, 1);
    } else {
        key_write(w, key, 0);
    }
}
