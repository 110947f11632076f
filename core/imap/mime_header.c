/* Header fields: found, unfolded, taken apart. */
#include "wire/chars.h"
#include "imap/date.h"
#include "imap/limits.h"
#include "imap/mime_private.h"

/* ---- fields ---- */

/* Up to and with the next line end; false at the end of `rest`. */
static bool next_line(struct str *rest, struct str *line)
{
    if (rest->len == 0) {
        return false;
    }
    ptrdiff_t end = str_find(*rest, '\n');
    *line = end < 0 ? *rest : str_sub(*rest, 0, (size_t)end + 1);
    *rest = str_from_offset(*rest, line->len);
    return true;
}

bool mime_next_field(struct str *header, struct str *name, struct str *field)
{
    struct str line;
    struct str start = *header;
    if (!next_line(header, &line) || str_eq(line, STR("\n")) || str_eq(line, STR("\r\n"))) {
        return false;
    }
    ptrdiff_t colon = str_find(line, ':');
    *name = colon < 0 ? STR_EMPTY : str_trim(str_sub(line, 0, (size_t)colon));
    while (header->len > 0 && (header->ptr[0] == ' ' || header->ptr[0] == '\t')) {
        (void)next_line(header, &line);
    }
    *field = str_sub(start, 0, start.len - header->len);
    return true;
}

struct str mime_unfold(struct arena *arena, struct str field)
{
    struct str value = str_trim(str_from_offset(field, (size_t)(str_find(field, ':') + 1)));
    value = str_sub(value, 0, LIMIT_MIME_FIELD_BYTES);
    char *out = arena_alloc(arena, value.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c != '\r' && c != '\n' && c != '\0') {
            out[len++] = c;
        }
    }
    return str_make(out, len);
}

struct str mime_field(struct arena *arena, struct str header, struct str wanted)
{
    struct str name;
    struct str field;
    while (mime_next_field(&header, &name, &field)) {
        if (str_eq_nocase(name, wanted)) {
            return mime_unfold(arena, field);
        }
    }
    return str_make(NULL, 0);
}

/* ---- values ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Behind the opening parenthesis; a comment that is not closed goes to the end. */
static struct str skip_comment(struct str s, struct str *comment)
{
    size_t depth = 1;
    size_t i = 0;
    while (i < s.len && depth > 0) {
        char c = s.ptr[i++];
        if (c == '\\' && i < s.len) {
            i++;
        } else if (c == '(') {
            depth++;
        } else if (c == ')') {
            depth--;
        }
    }
    if (comment != NULL) {
        *comment = str_trim(str_sub(s, 0, depth == 0 ? i - 1 : i));
    }
    return str_from_offset(s, i);
}

struct str mime_skip_comments(struct str s, struct str *comment)
{
    while (s.len > 0 && (is_space(s.ptr[0]) || s.ptr[0] == '(')) {
        bool space = is_space(s.ptr[0]);
        s = str_from_offset(s, 1);
        s = space ? s : skip_comment(s, comment);
    }
    return s;
}

struct str mime_take_quoted(struct arena *arena, struct str *s)
{
    size_t end = 1;
    while (end < s->len && s->ptr[end] != '"') {
        end += s->ptr[end] == '\\' && end + 1 < s->len ? 2 : 1;
    }
    char *out = arena_alloc(arena, end);
    size_t len = 0;
    for (size_t i = 1; i < end; i++) {
        i += s->ptr[i] == '\\' && i + 1 < end ? 1 : 0;
        out[len++] = s->ptr[i];
    }
    *s = str_from_offset(*s, end + 1);
    return str_make(out, len);
}

/* Up to one of `stops`, trimmed. */
static struct str take_until(struct str *s, const char *stops)
{
    size_t n = 0;
    while (n < s->len && strchr(stops, s->ptr[n]) == NULL) {
        n++;
    }
    struct str word = str_sub(*s, 0, n);
    *s = str_from_offset(*s, n);
    return str_trim(word);
}

/* Behind a semicolon; false for what is no parameter, which is passed over. */
static bool take_param(struct arena *arena, struct str *s, struct body_param *out)
{
    *s = mime_skip_comments(*s, NULL);
    out->name = take_until(s, "=;");
    if (s->len == 0 || s->ptr[0] != '=') {
        return false;
    }
    *s = mime_skip_comments(str_from_offset(*s, 1), NULL);
    if (s->len > 0 && s->ptr[0] == '"') {
        out->value = mime_take_quoted(arena, s);
        (void)take_until(s, ";");
    } else {
        out->value = take_until(s, "; \t(");
        (void)take_until(s, ";");
    }
    return out->name.len > 0;
}

bool mime_value_parse(struct arena *arena, struct str value, struct mime_value *out)
{
    size_t cap = 0;
    *out = (struct mime_value){0};
    struct str s = mime_skip_comments(value, NULL);
    out->type = take_until(&s, "/; \t(");
    s = mime_skip_comments(s, NULL);
    if (s.len > 0 && s.ptr[0] == '/') {
        s = mime_skip_comments(str_from_offset(s, 1), NULL);
        out->subtype = take_until(&s, "; \t(");
    }
    (void)take_until(&s, ";");
    while (s.len > 0 && out->params.len < LIMIT_BODY_PARAMS) {
        struct body_param param;
        s = str_from_offset(s, 1);
        if (take_param(arena, &s, &param)) {
            out->params.items = arena_grow(arena, out->params.items, out->params.len, &cap,
                                           sizeof *out->params.items);
            out->params.items[out->params.len++] = param;
        }
    }
    return out->type.len > 0;
}

/* ---- dates ---- */

/* RFC 5322 section 4.3. */
static bool zone_parse(struct str zone, int32_t *out)
{
    static const struct {
        const char *name;
        int hours;
    } names[] = {{"UT", 0},   {"GMT", 0},  {"Z", 0},    {"UTC", 0},  {"EST", -5}, {"EDT", -4},
                 {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    uint32_t hhmm;
    *out = 0;
    if (zone.len == 5 && (zone.ptr[0] == '+' || zone.ptr[0] == '-') &&
        str_to_u32(str_from_offset(zone, 1), &hhmm) && hhmm % 100 < 60) {
        *out = (int32_t)(hhmm / 100 * 3600 + hhmm % 100 * 60) * (zone.ptr[0] == '-' ? -1 : 1);
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq_nocase(zone, str_from(names[i].name))) {
            *out = names[i].hours * 3600;
        }
    }
    return true; /* all others are of unknown zone: UTC */
}

/* "02:44" or "02:44:25". */
static bool clock_parse(struct str text, int64_t *out)
{
    uint32_t parts[3] = {0, 0, 0};
    struct str part;
    size_t len = 0;
    while (len < 3 && str_split(&text, ':', &part)) {
        if (!str_to_u32(part, &parts[len++])) {
            return false;
        }
    }
    *out = (int64_t)parts[0] * 3600 + parts[1] * 60 + parts[2];
    return len >= 2 && text.len == 0 && parts[0] < 24 && parts[1] < 60 && parts[2] <= 60;
}

/* The next word, without comments. */
static struct str date_word(struct str *s)
{
    *s = mime_skip_comments(*s, NULL);
    return take_until(s, " \t(");
}

bool mime_date(struct str value, int64_t *unix_s, int32_t *zone_s)
{
    char text[64];
    uint32_t year;
    int64_t day_s;
    int64_t clock_s;
    size_t at = 0;
    ptrdiff_t comma = str_find(value, ',');
    struct str s = str_from_offset(value, (size_t)(comma + 1));
    struct str day = date_word(&s);
    struct str month = date_word(&s);
    struct str year_word = date_word(&s);
    if (!str_to_u32(year_word, &year) || day.len > 2 || month.len < 3 || year > 9999) {
        return false;
    }
    if (year_word.len <= 3) { /* RFC 5322 section 4.3 */
        year += year_word.len == 2 && year < 50 ? 2000 : 1900;
    }
    memcpy(text, day.ptr, day.len);
    at = day.len;
    text[at++] = '-';
    memcpy(text + at, month.ptr, 3);
    at += 3;
    text[at++] = '-';
    for (uint32_t factor = 1000; factor > 0; factor /= 10) {
        text[at++] = (char)('0' + year / factor % 10);
    }
    if (!imap_day_parse(str_make(text, at), &day_s) || !clock_parse(date_word(&s), &clock_s) ||
        !zone_parse(date_word(&s), zone_s)) {
        return false;
    }
    *unix_s = day_s + clock_s - *zone_s;
    return true;
}
