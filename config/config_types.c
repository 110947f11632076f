#include "config/config_private.h"
#include "config/suggest.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

bool config_value_wrong(const struct config_value *value, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config_problem(value->ctx, value->node->file, value->node->line, "%s%s%s: %s", value->where,
                   value->where[0] == '\0' ? "" : ".", value->key->name, text);
    return false;
}

static bool config_value_is_text(const struct config_value *value)
{
    if (value->node->kind == NODE_SCALAR) {
        return true;
    }
    return config_value_wrong(value, "a single value is needed here, not a %s",
                              value->node->kind == NODE_LIST ? "list" : "map");
}

/* "implicit, starttls, off". */
static const char *words_list(struct arena *arena, const struct config_word *words)
{
    const char *list = "";
    for (; words->word != NULL; words++) {
        list = arena_printf(arena, "%s%s%s", list, list[0] == '\0' ? "" : ", ", words->word);
    }
    return list;
}

const struct config_word *config_value_word(const struct config_value *value, const char *text)
{
    struct suggest near;
    suggest_begin(&near, text);
    for (const struct config_word *w = value->key->words; w->word != NULL; w++) {
        if (strcmp(w->word, text) == 0) {
            return w;
        }
        suggest_offer(&near, w->word);
    }
    const char *list = words_list(value->ctx->arena, value->key->words);
    if (near.best == NULL) {
        (void)config_value_wrong(value, "'%s' is none of %s", text, list);
    } else {
        (void)config_value_wrong(value, "'%s' is none of %s; did you mean '%s'?", text, list,
                                 near.best);
    }
    return NULL;
}

/* ---- texts ---- */

static bool has_control(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool parse_text(const struct config_value *value, void *field)
{
    const char *text = value->node->text;
    if (has_control(text)) {
        return config_value_wrong(value, "a line break or another control character in the text");
    }
    if (value->key->check != NULL) {
        const char *expected = value->key->check(text);
        if (expected != NULL) {
            return config_value_wrong(value, "'%s' is not %s", text, expected);
        }
    }
    if (value->key->words != NULL && config_value_word(value, text) == NULL) {
        return false;
    }
    *(const char **)field = text;
    return true;
}

static bool parse_shell(const struct config_value *value, void *field)
{
    *(const char **)field = value->node->text;
    return true;
}

static bool parse_path(const struct config_value *value, void *field)
{
    const char *text = value->node->text;
    const char *path = config_path_resolve(value->ctx->arena, value->node->file->name, text);
    if (text[0] == '\0' || has_control(text)) {
        return config_value_wrong(value, "not a path");
    }
    if (path == NULL) {
        return config_value_wrong(value,
                                  "'%s': only ~ and ~/… are understood, not another user's "
                                  "home; write the path in full",
                                  text);
    }
    *(const char **)field = path;
    return true;
}

static bool parse_inbox(const struct config_value *value, void *field)
{
    const char *text = value->node->text;
    struct str s = str_from(text);
    if (text[0] == '/' || text[0] == '~' || str_starts(s, STR("./")) || str_starts(s, STR("../"))) {
        return parse_path(value, field);
    }
    struct str part;
    while (str_split(&s, '/', &part)) {
        if (part.len == 0 || str_eq(part, STR(".")) || str_eq(part, STR(".."))) {
            return config_value_wrong(value, "'%s' is neither a folder's name nor a path", text);
        }
    }
    return parse_text(value, field);
}

static bool parse_prefix(const struct config_value *value, void *field)
{
    bool is_auto = strcmp(value->node->text, "auto") == 0;
    if (!is_auto) {
        return parse_text(value, field);
    }
    *(const char **)field = NULL;
    return true;
}

static bool parse_char(const struct config_value *value, void *field)
{
    const char *text;
    if (!parse_text(value, &text)) {
        return false;
    }
    *(char *)field = text[0];
    return true;
}

/* ---- words and numbers ---- */

static bool parse_bool(const struct config_value *value, void *field)
{
    bool is_true = strcmp(value->node->text, "true") == 0;
    if (!is_true && strcmp(value->node->text, "false") != 0) {
        return config_value_wrong(value, "'%s' is neither true nor false", value->node->text);
    }
    *(bool *)field = is_true;
    return true;
}

static bool parse_word(const struct config_value *value, void *field)
{
    const struct config_word *word = config_value_word(value, value->node->text);
    if (word == NULL) {
        return false;
    }
    memcpy(field, &word->value, sizeof word->value);
    return true;
}

static bool parse_choice(const struct config_value *value, void *field)
{
    const struct config_word *word = config_value_word(value, value->node->text);
    if (word == NULL) {
        return false;
    }
    *(bool *)field = word->value != 0;
    return true;
}

/* Sets keys of the block it stands in; these, where they are given too, are read after it. */
static bool parse_direction(const struct config_value *value, void *field)
{
    static const char *const names[] = {"new", "flags", "deletions", "create", "rename"};
    const struct config_word *word = config_value_word(value, value->node->text);
    if (word == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct config_key *key = config_key_find(&config_sync_keys, names[i]);
        assert(key != NULL);
        memcpy((char *)field + key->offset, &word->value, sizeof word->value);
    }
    return true;
}

static bool read_number(const struct config_value *value, int64_t min, int64_t max,
                        uint32_t *number_out)
{
    if (!str_to_u32(str_from(value->node->text), number_out) || *number_out < min ||
        *number_out > max) {
        return config_value_wrong(value, "'%s' is not a number from %" PRId64 " to %" PRId64,
                                  value->node->text, min, max);
    }
    return true;
}

static bool parse_number(const struct config_value *value, void *field)
{
    uint32_t number;
    if (!read_number(value, value->key->min, value->key->max, &number)) {
        return false;
    }
    *(uint32_t *)field = number;
    return true;
}

static bool parse_port(const struct config_value *value, void *field)
{
    uint32_t number;
    if (!read_number(value, 1, UINT16_MAX, &number)) {
        return false;
    }
    *(uint16_t *)field = (uint16_t)number;
    return true;
}

/* ---- times and sizes ---- */

static const struct {
    char letter;
    int64_t seconds;
} time_units[] = {{'y', 365 * 86400}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

bool config_duration_parse(const char *text, int64_t *seconds_out)
{
    struct str s = str_from(text);
    uint32_t number;
    if (str_eq(s, STR("0"))) {
        *seconds_out = 0;
        return true;
    }
    for (size_t i = 0; s.len > 1 && i < sizeof time_units / sizeof *time_units; i++) {
        if (s.ptr[s.len - 1] == time_units[i].letter &&
            str_to_u32(str_sub(s, 0, s.len - 1), &number)) {
            *seconds_out = number * time_units[i].seconds;
            return true;
        }
    }
    return false;
}

void config_duration_show(struct buf *out, int64_t seconds)
{
    for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++) {
        if (seconds > 0 && seconds % time_units[i].seconds == 0) {
            buf_addf(out, "%" PRId64 "%c", seconds / time_units[i].seconds, time_units[i].letter);
            return;
        }
    }
    buf_add_cstr(out, "0");
}

static bool read_duration(const struct config_value *value, int64_t *seconds_out)
{
    const struct config_key *key = value->key;
    const char *text = value->node->text;
    if (!config_duration_parse(text, seconds_out)) {
        uint32_t number;
        bool bare = str_to_u32(str_from(text), &number);
        return config_value_wrong(value, "'%s' %s; write %s%s, %s", text,
                                  bare ? "has no unit" : "is not a time", bare ? text : "90", "s",
                                  bare ? "or with m, h, d or y" : "5m, 2h, 7d or 2y");
    }
    if (*seconds_out < key->min || *seconds_out > key->max) {
        char words[64];
        struct buf bounds = BUF_INIT(sizeof words);
        config_duration_show(&bounds, key->min);
        buf_add_cstr(&bounds, " to ");
        config_duration_show(&bounds, key->max);
        (void)config_value_wrong(value, "'%s' is out of bounds: from %s", text, bounds.data);
        buf_free(&bounds);
        return false;
    }
    return true;
}

static bool parse_seconds(const struct config_value *value, void *field)
{
    return read_duration(value, field);
}

static bool parse_milliseconds(const struct config_value *value, void *field)
{
    int64_t seconds;
    if (!read_duration(value, &seconds)) {
        return false;
    }
    *(int64_t *)field = seconds * 1000;
    return true;
}

static bool parse_bytes(const struct config_value *value, void *field)
{
    static const char units[] = "KMG";
    struct str s = str_from(value->node->text);
    const char *unit = s.len > 1 ? strchr(units, s.ptr[s.len - 1]) : NULL;
    unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);
    uint32_t number;
    if (!str_to_u32(unit == NULL ? s : str_sub(s, 0, s.len - 1), &number)) {
        return config_value_wrong(value, "'%s' is not a size; write 10K, 50M or 2G", s.ptr);
    }
    *(uint64_t *)field = (uint64_t)number << shift;
    return true;
}

/* ---- blocks ---- */

static bool parse_guard(const struct config_value *value, void *field)
{
    struct config_guard *guard = field;
    const struct config_node *node = value->node;
    if (node->kind == NODE_SCALAR && strcmp(node->text, "off") == 0) {
        guard->on = false;
        return true;
    }
    if (node->kind != NODE_MAP) {
        return config_value_wrong(value, "a map of messages, percent and all is needed, or off");
    }
    guard->on = true;
    const char *where = arena_printf(value->ctx->arena, "%s.%s", value->where, value->key->name);
    config_layer(value->ctx, value->key->block, where, node, guard, NULL);
    return true;
}

static bool parse_block(const struct config_value *value, void *field)
{
    if (value->node->kind != NODE_MAP) {
        return config_value_wrong(value, "keys are needed below it");
    }
    const char *where = value->where[0] == '\0' ? value->key->name
                                                : arena_printf(value->ctx->arena, "%s.%s",
                                                               value->where, value->key->name);
    config_layer(value->ctx, value->key->block, where, value->node, field, NULL);
    return true;
}

/* ---- all types ---- */

static const struct {
    config_parse_fn *parse;
    size_t size;
    bool scalar; /* takes a single value only */
} types[TYPE_COUNT] = {
    [TYPE_TEXT] = {parse_text, sizeof(char *), true},
    [TYPE_SHELL] = {parse_shell, sizeof(char *), true},
    [TYPE_PROVIDER] = {config_parse_provider, sizeof(char *), true},
    [TYPE_PROXY] = {config_parse_proxy, sizeof(char *), true},
    [TYPE_PATH] = {parse_path, sizeof(char *), true},
    [TYPE_INBOX] = {parse_inbox, sizeof(char *), true},
    [TYPE_PREFIX] = {parse_prefix, sizeof(char *), true},
    [TYPE_CHAR] = {parse_char, sizeof(char), true},
    [TYPE_BOOL] = {parse_bool, sizeof(bool), true},
    [TYPE_NUMBER] = {parse_number, sizeof(uint32_t), true},
    [TYPE_PORT] = {parse_port, sizeof(uint16_t), true},
    [TYPE_WORD] = {parse_word, sizeof(int), true},
    [TYPE_CHOICE] = {parse_choice, sizeof(bool), true},
    [TYPE_SECONDS] = {parse_seconds, sizeof(int64_t), true},
    [TYPE_MILLISECONDS] = {parse_milliseconds, sizeof(int64_t), true},
    [TYPE_BYTES] = {parse_bytes, sizeof(uint64_t), true},
    [TYPE_SINCE] = {config_parse_since, sizeof(struct config_since), true},
    [TYPE_STRINGS] = {config_parse_strings, sizeof(struct config_strings), false},
    [TYPE_WORDS] = {config_parse_words, sizeof(struct config_strings), false},
    [TYPE_EXTENSIONS] = {config_parse_extensions, sizeof(struct config_strings), false},
    [TYPE_PAIRS] = {config_parse_pairs, sizeof(struct config_pairs), false},
    [TYPE_COMMAND] = {config_parse_command, sizeof(struct config_secret), false},
    [TYPE_SECRET_FILE] = {config_parse_secret_file, sizeof(struct config_secret), true},
    [TYPE_SECRET_TEXT] = {config_parse_secret_text, sizeof(struct config_secret), true},
    [TYPE_SECRET_CREDENTIAL] = {config_parse_secret_credential, sizeof(struct config_secret), true},
    [TYPE_BLOCK] = {parse_block, 0, false},
    [TYPE_GUARD] = {parse_guard, sizeof(struct config_guard), false},
    [TYPE_DIRECTION] = {parse_direction, 0, true},
};
_Static_assert(sizeof(enum direction) == sizeof(int), "words are stored as int");

size_t config_type_size(enum config_type type)
{
    return types[type].size;
}

bool config_value_read(const struct config_value *value, void *target)
{
    enum config_type type = value->key->type;
    assert(types[type].parse != NULL);
    if (types[type].scalar && !config_value_is_text(value)) {
        return false;
    }
    return types[type].parse(value, (char *)target + value->key->offset);
}
