/* What a person writes, to criteria. */
#include "imap/limits.h"
#include "imap/modseq.h"
#include "imap/search.h"
#include "imap/search_rows.h"
#include <stdarg.h>
#include <stdio.h>

#define DAY_S ((int64_t)86400)

struct search_parser {
    struct arena *arena;
    struct str rest;
    struct str word; /* the one under way; without its quotes */
    bool quoted;
    bool ended; /* there is no word under way */
    int64_t now_s;
    unsigned depth;
    size_t keys;
    struct error *err;
    bool failed;
};

static struct search_key *parse_failed(struct search_parser *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct search_key *parse_failed(struct search_parser *p, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!p->failed) {
        (void)error_set(p->err, ERR_USAGE, SCOPE_MESSAGE, "the search cannot be read: %s", text);
    }
    p->failed = true;
    return NULL;
}

/* ---- words ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the opening quote. */
static void next_quoted(struct search_parser *p)
{
    char *text = arena_alloc(p->arena, p->rest.len + 1);
    size_t len = 0;
    size_t i = 0;
    while (i < p->rest.len && p->rest.ptr[i] != '"') {
        if (p->rest.ptr[i] == '\\' && i + 1 < p->rest.len) {
            i++;
        }
        text[len++] = p->rest.ptr[i++];
    }
    if (i == p->rest.len) {
        (void)parse_failed(p, "the closing quote is missing behind \"%.*s", (int)len, text);
    }
    p->rest = str_from_offset(p->rest, i + 1);
    p->word = str_make(text, len);
    p->quoted = true;
}

static void next_word(struct search_parser *p)
{
    while (p->rest.len > 0 && is_space(p->rest.ptr[0])) {
        p->rest = str_from_offset(p->rest, 1);
    }
    p->quoted = false;
    p->word = STR_EMPTY;
    p->ended = p->rest.len == 0;
    if (p->ended) {
        return;
    }
    char first = p->rest.ptr[0];
    if (first == '"') {
        p->rest = str_from_offset(p->rest, 1);
        next_quoted(p);
        return;
    }
    size_t n = 0;
    if (first == '(' || first == ')') {
        n = 1;
    } else {
        while (n < p->rest.len && !is_space(p->rest.ptr[n]) && p->rest.ptr[n] != '(' &&
               p->rest.ptr[n] != ')') {
            n++;
        }
    }
    p->word = str_sub(p->rest, 0, n);
    p->rest = str_from_offset(p->rest, n);
}

static bool at_word(const struct search_parser *p, const char *word)
{
    return !p->ended && !p->quoted && str_eq_nocase(p->word, str_from(word));
}

/* The argument of `key`; false where there is none. */
static bool take_argument(struct search_parser *p, const char *key, struct str *out)
{
    if (p->ended || at_word(p, "(") || at_word(p, ")")) {
        (void)parse_failed(p, "something must follow \"%s\"", key);
        return false;
    }
    *out = p->word;
    next_word(p);
    return !p->failed;
}

/* ---- arguments ---- */

/* "10K": a number and a letter of `units`, each with its factor. */
static bool parse_scaled(struct str text, const char *units, const uint64_t *factors, uint64_t *out)
{
    uint64_t factor = 1;
    if (text.len == 0) {
        return false;
    }
    char last = text.ptr[text.len - 1];
    for (size_t i = 0; units[i] != '\0'; i++) {
        if (char_upper((unsigned char)last) == char_upper((unsigned char)units[i])) {
            factor = factors[i];
            text.len--;
            break;
        }
    }
    return str_to_u64(text, out) && !__builtin_mul_overflow(*out, factor, out);
}

static bool parse_size(struct str text, uint64_t *out)
{
    static const uint64_t factors[] = {1, 1024, 1024 * 1024, 1024 * 1024 * 1024};
    return parse_scaled(text, "BKMG", factors, out);
}

static bool parse_seconds(struct str text, uint64_t *out)
{
    static const uint64_t factors[] = {1, 60, 3600, 86400, 7 * 86400};
    return parse_scaled(text, "smhdw", factors, out) && *out > 0 && *out <= UINT32_MAX;
}

/* "2026-01-31". */
static bool parse_iso_day(struct str text, int64_t *out)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint32_t year, month, day;
    char imap[32];
    if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        !str_to_u32(str_sub(text, 0, 4), &year) || !str_to_u32(str_sub(text, 5, 2), &month) ||
        !str_to_u32(str_sub(text, 8, 2), &day) || month < 1 || month > 12) {
        return false;
    }
    (void)snprintf(imap, sizeof imap, "%u-%s-%04u", day, months[month - 1], year);
    return imap_day_parse(str_from(imap), out);
}

static bool parse_day(const struct search_parser *p, struct str text, int64_t *out)
{
    static const uint64_t factors[] = {1, 7};
    uint64_t days;
    int64_t today = p->now_s - ((p->now_s % DAY_S) + DAY_S) % DAY_S;
    if (str_eq_nocase(text, STR("today")) || str_eq_nocase(text, STR("yesterday"))) {
        *out = today - (text.len == 5 ? 0 : DAY_S);
        return true;
    }
    char last = text.len > 0 ? text.ptr[text.len - 1] : '\0';
    bool unit = last == 'd' || last == 'D' || last == 'w' || last == 'W';
    if (unit && parse_scaled(text, "dw", factors, &days) && days < 100000) {
        *out = today - (int64_t)days * DAY_S;
        return true;
    }
    return parse_iso_day(text, out) || imap_day_parse(text, out);
}

static bool parse_set(struct search_parser *p, struct str text, struct search_key *key)
{
    static const struct reader_limits limits = {.token_bytes = LIMIT_COMMAND_LINE_BYTES,
                                                .depth = 1};
    struct seqset set AUTO_SEQSET = {0};
    struct reader *r = reader_new_memory(text, &limits);
    reader_begin(r, p->arena);
    bool good = seqset_read(r, &set) && reader_at_end(r);
    reader_free(&r);
    if (good) {
        key->set = seqset_in_arena(p->arena, &set);
    }
    return good;
}

/* ---- keys ---- */

static struct search_key *parse_key(struct search_parser *p);

/* Keys up to a closing parenthesis or the end, joined by AND. */
static struct search_key *parse_list(struct search_parser *p)
{
    struct search_key *first = parse_key(p);
    struct search_key *last = first;
    while (last != NULL && !p->ended && !at_word(p, ")")) {
        last->next = parse_key(p);
        last = last->next;
    }
    if (last == NULL || last == first) {
        return last;
    }
    struct search_key *all = search_all(p->arena);
    all->kind = SEARCH_AND;
    all->children = first;
    return all;
}

static bool parse_text_argument(struct search_parser *p, const struct search_row *row,
                                struct search_key *key)
{
    if (row->argument == SEARCH_ARGUMENT_FIELD_TEXT && !take_argument(p, row->name, &key->field)) {
        return false;
    }
    return take_argument(p, row->name, &key->text);
}

static bool parse_value(struct search_parser *p, const struct search_row *row,
                        struct search_key *key)
{
    struct str text;
    bool good = false;
    if (!take_argument(p, row->name, &text)) {
        return false;
    }
    switch (row->argument) {
    case SEARCH_ARGUMENT_SIZE:
        good = parse_size(text, &key->number);
        break;
    case SEARCH_ARGUMENT_SECONDS:
        good = parse_seconds(text, &key->number);
        break;
    case SEARCH_ARGUMENT_DAY:
        good = parse_day(p, text, &key->day_s);
        break;
    case SEARCH_ARGUMENT_SET:
        good = parse_set(p, text, key);
        break;
    case SEARCH_ARGUMENT_UID:
        good = str_to_u64(text, &key->number) && key->number > 0 && key->number <= UINT32_MAX;
        break;
    case SEARCH_ARGUMENT_MODSEQ:
        good = str_to_u64(text, &key->number) && key->number <= MODSEQ_MAX;
        break;
    default:
        good = str_to_u64(text, &key->number);
        break;
    }
    if (!good) {
        (void)parse_failed(p, "\"%.*s\" does not fit \"%s\"", STR_ARG(text), row->name);
    }
    return good;
}

static bool parse_children(struct search_parser *p, const struct search_row *row,
                           struct search_key *key)
{
    bool two = row->argument == SEARCH_ARGUMENT_TWO_KEYS;
    if (p->ended) {
        (void)parse_failed(p, "%s must follow \"%s\"", two ? "two keys" : "a key", row->name);
        return false;
    }
    key->children = parse_key(p);
    if (key->children == NULL || !two) {
        return key->children != NULL;
    }
    if (p->ended || at_word(p, ")")) {
        (void)parse_failed(p, "\"or\" takes the two keys that follow it, and there is one");
        return false;
    }
    key->children->next = parse_key(p);
    return key->children->next != NULL;
}

static bool parse_argument(struct search_parser *p, const struct search_row *row,
                           struct search_key *key)
{
    switch (row->argument) {
    case SEARCH_ARGUMENT_NONE:
        return true;
    case SEARCH_ARGUMENT_ONE_KEY:
    case SEARCH_ARGUMENT_TWO_KEYS:
        return parse_children(p, row, key);
    case SEARCH_ARGUMENT_TEXT:
    case SEARCH_ARGUMENT_KEYWORD:
    case SEARCH_ARGUMENT_ID:
    case SEARCH_ARGUMENT_FIELD_TEXT:
        return parse_text_argument(p, row, key);
    default:
        return parse_value(p, row, key);
    }
}

static bool is_set(struct str word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        if (!char_is(c, CHAR_DIGIT) && c != ':' && c != ',' && c != '*') {
            return str_eq(word, STR("$"));
        }
    }
    return word.len > 0;
}

static struct search_key *parse_plain(struct search_parser *p)
{
    struct search_key *key = search_all(p->arena);
    const struct search_row *row = p->quoted ? NULL : search_row_find(p->word);
    struct str word = p->word;
    bool set = row == NULL && !p->quoted && is_set(word);
    next_word(p);
    if (row != NULL) {
        search_row_fill(row, key);
        return parse_argument(p, row, key) ? key : NULL;
    }
    if (set) {
        key->kind = SEARCH_SEQS;
        return parse_set(p, word, key)
                   ? key
                   : parse_failed(p, "\"%.*s\" is no set of messages", STR_ARG(word));
    }
    key->kind = SEARCH_TEXT;
    key->text = word;
    return p->failed ? NULL : key;
}

static struct search_key *parse_group(struct search_parser *p)
{
    next_word(p);
    if (p->ended || at_word(p, ")")) {
        return parse_failed(p, "nothing stands in the parentheses");
    }
    struct search_key *inner = parse_list(p);
    if (inner != NULL && !at_word(p, ")")) {
        return parse_failed(p, "a closing parenthesis is missing");
    }
    next_word(p);
    return inner;
}

static struct search_key *parse_key(struct search_parser *p)
{
    struct search_key *key;
    if (p->depth == LIMIT_SEARCH_DEPTH || p->keys == LIMIT_SEARCH_KEYS) {
        return parse_failed(p, "too many keys, or nested too deep");
    }
    p->depth++;
    p->keys++;
    while (at_word(p, "and")) {
        next_word(p);
    }
    if (p->failed || p->ended) {
        key = parse_failed(p, "it ends where a key was expected");
    } else if (at_word(p, ")")) {
        key = parse_failed(p, "a closing parenthesis that nothing opened");
    } else {
        key = at_word(p, "(") ? parse_group(p) : parse_plain(p);
    }
    p->depth--;
    return key;
}

int search_parse(struct arena *arena, struct str words, int64_t now_s,
                 const struct search_key **out, struct error *err)
{
    struct search_parser p = {.arena = arena, .rest = words, .now_s = now_s, .err = err};
    *out = NULL;
    if (!str_is_utf8(words) || str_find(words, '\0') >= 0) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "the search is no UTF-8 text");
    }
    next_word(&p);
    if (p.ended) {
        *out = search_all(arena);
        return 0;
    }
    const struct search_key *all = parse_list(&p);
    if (all != NULL && !p.ended) {
        all = parse_failed(&p, "a closing parenthesis that nothing opened");
    }
    *out = all;
    return p.failed ? -(int)err->code : 0;
}
