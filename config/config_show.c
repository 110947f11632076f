/* Settings back to YAML. */
#include "config/config_private.h"
#include <inttypes.h>
#include <time.h>

/* Always quoted, so that no text is taken for anything else. */
static void config_show_text(struct buf *out, const char *text)
{
    buf_add_byte(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            buf_add_byte(out, '\\');
            buf_add_byte(out, *c);
        } else if ((unsigned char)*c < ' ' || *c == 0x7f) {
            buf_addf(out, "\\x%02x", (unsigned char)*c);
        } else {
            buf_add_byte(out, *c);
        }
    }
    buf_add_byte(out, '"');
}

static bool show_text(const char *text, struct buf *out)
{
    if (text == NULL) {
        return false;
    }
    config_show_text(out, text);
    return true;
}

static bool show_word(const struct config_word *words, int value, struct buf *out)
{
    while (words->word != NULL && words->value != value) {
        words++;
    }
    buf_add_cstr(out, words->word == NULL ? "?" : words->word);
    return true;
}

static bool show_strings(const struct config_strings *strings, struct buf *out)
{
    buf_add_byte(out, '[');
    for (size_t i = 0; i < strings->len; i++) {
        buf_add_cstr(out, i == 0 ? "" : ", ");
        config_show_text(out, strings->items[i]);
    }
    buf_add_byte(out, ']');
    return true;
}

static bool show_pairs(const struct config_pairs *pairs, struct buf *out)
{
    buf_add_byte(out, '{');
    for (size_t i = 0; i < pairs->len; i++) {
        buf_add_cstr(out, i == 0 ? "" : ", ");
        config_show_text(out, pairs->items[i].key);
        buf_add_cstr(out, ": ");
        config_show_text(out, pairs->items[i].value);
    }
    buf_add_byte(out, '}');
    return true;
}

static bool show_command(const struct config_secret *command, struct buf *out)
{
    if (command->argv.len > 0) {
        return show_strings(&command->argv, out);
    }
    return show_text(command->shell, out);
}

static bool show_bytes(uint64_t bytes, struct buf *out)
{
    static const char units[] = "GMK";
    for (unsigned i = 0; bytes > 0 && i < 3; i++) {
        uint64_t unit = UINT64_C(1) << (30 - 10 * i);
        if (bytes % unit == 0) {
            buf_addf(out, "%" PRIu64 "%c", bytes / unit, units[i]);
            return true;
        }
    }
    buf_addf(out, "%" PRIu64, bytes);
    return true;
}

static bool show_since(const struct config_since *since, struct buf *out)
{
    if (since->date_s == 0) {
        config_duration_show(out, since->age_s);
        return true;
    }
    char date[16];
    time_t time = (time_t)since->date_s;
    struct tm parts;
    if (gmtime_r(&time, &parts) == NULL || strftime(date, sizeof date, "%Y-%m-%d", &parts) == 0) {
        return false;
    }
    buf_add_cstr(out, date);
    return true;
}

static bool show_guard(const struct config_guard *guard, struct buf *out)
{
    if (guard->on) {
        buf_addf(out, "{messages: %u, percent: %u, all: %u}", guard->messages, guard->percent,
                 guard->all);
    } else {
        buf_add_cstr(out, "off");
    }
    return true;
}

static bool show_duration(int64_t seconds, struct buf *out)
{
    config_duration_show(out, seconds);
    return true;
}

static bool show_number(uint32_t number, struct buf *out)
{
    buf_addf(out, "%u", number);
    return true;
}

static bool show_bool(bool value, struct buf *out)
{
    buf_add_cstr(out, value ? "true" : "false");
    return true;
}

static bool show_prefix(const char *prefix, struct buf *out)
{
    return prefix == NULL ? (buf_add_cstr(out, "auto"), true) : show_text(prefix, out);
}

/* "socks5://alice:…@host" */
static bool show_proxy(const char *proxy, struct buf *out)
{
    const char *end = proxy == NULL ? NULL : strrchr(proxy, '@');
    const char *scheme = end == NULL ? NULL : strstr(proxy, "//");
    const char *colon = scheme == NULL ? NULL : strchr(scheme + 2, ':');
    if (colon == NULL || colon > end) {
        return show_text(proxy, out);
    }
    AUTO_BUF struct buf shown = BUF_INIT(CONFIG_FILE_BYTES_MAX);
    buf_add(&shown, proxy, (size_t)(colon + 1 - proxy));
    buf_add_cstr(&shown, "…");
    buf_add_cstr(&shown, end);
    return show_text(shown.data, out);
}

static int stored_word(const void *field)
{
    int value;
    memcpy(&value, field, sizeof value);
    return value;
}

/* What a secret is stays here; where it comes from is told. */
static bool show_secret(const struct config_key *key, const struct config_secret *secret,
                        struct buf *out)
{
    switch (key->type) {
    case TYPE_COMMAND:
        return show_command(secret, out);
    case TYPE_SECRET_FILE:
        return show_text(secret->file, out);
    case TYPE_SECRET_CREDENTIAL:
        return show_text(secret->credential, out);
    default:
        return show_text(secret->text == NULL ? NULL : "…", out);
    }
}

static bool show_list(const struct config_key *key, const void *field, struct buf *out)
{
    const struct config_strings *strings = field;
    if (key->type == TYPE_PAIRS) {
        return show_pairs(field, out);
    }
    if (key->type == TYPE_WORDS && strings->len == 0) {
        buf_add_cstr(out, "auto");
        return true;
    }
    return show_strings(strings, out);
}

/* A value as YAML on one line; false (and nothing) where it is not set. */
static bool config_show_value(const struct config_key *key, const void *field, struct buf *out)
{
    switch (key->type) {
    case TYPE_TEXT:
    case TYPE_SHELL:
    case TYPE_PATH:
    case TYPE_INBOX:
    case TYPE_PROVIDER:
        return show_text(*(const char *const *)field, out);
    case TYPE_PROXY:
        return show_proxy(*(const char *const *)field, out);
    case TYPE_PREFIX:
        return show_prefix(*(const char *const *)field, out);
    case TYPE_CHAR:
        return show_text((const char[]){*(const char *)field, '\0'}, out);
    case TYPE_BOOL:
        return show_bool(*(const bool *)field, out);
    case TYPE_NUMBER:
        return show_number(*(const uint32_t *)field, out);
    case TYPE_PORT:
        return show_number(*(const uint16_t *)field, out);
    case TYPE_WORD:
        return show_word(key->words, stored_word(field), out);
    case TYPE_CHOICE:
        return show_word(key->words, *(const bool *)field, out);
    case TYPE_SECONDS:
        return show_duration(*(const int64_t *)field, out);
    case TYPE_MILLISECONDS:
        return show_duration(*(const int64_t *)field / 1000, out);
    case TYPE_BYTES:
        return show_bytes(*(const uint64_t *)field, out);
    case TYPE_SINCE:
        return show_since(field, out);
    case TYPE_STRINGS:
    case TYPE_WORDS:
    case TYPE_EXTENSIONS:
    case TYPE_PAIRS:
        return show_list(key, field, out);
    case TYPE_COMMAND:
    case TYPE_SECRET_FILE:
    case TYPE_SECRET_TEXT:
    case TYPE_SECRET_CREDENTIAL:
        return show_secret(key, field, out);
    case TYPE_GUARD:
        return show_guard(field, out);
    default:
        return false;
    }
}

static void show_table(const struct config_table *table, const void *base, int indent,
                       struct buf *out);

static void show_overrides(const struct config_key *key, const struct config_overrides *overrides,
                           int indent, struct buf *out)
{
    if (overrides->len == 0) {
        buf_addf(out, "%*s%s: []\n", indent, "", key->name);
        return;
    }
    buf_addf(out, "%*s%s:\n", indent, "", key->name);
    for (size_t i = 0; i < overrides->len; i++) {
        buf_addf(out, "%*s-\n", indent + 2, "");
        show_table(key->block, &overrides->items[i], indent + 4, out);
    }
}

static void show_table(const struct config_table *table, const void *base, int indent,
                       struct buf *out)
{
    for (size_t i = 0; i < table->len; i++) {
        const struct config_key *key = &table->keys[i];
        const void *field = (const char *)base + key->offset;
        if (key->type == TYPE_BLOCK) {
            buf_addf(out, "%*s%s:\n", indent, "", key->name);
            show_table(key->block, field, indent + 2, out);
        } else if (key->type == TYPE_OVERRIDES) {
            show_overrides(key, field, indent, out);
        } else {
            struct buf value = BUF_INIT(CONFIG_FILE_BYTES_MAX);
            if (config_show_value(key, field, &value)) {
                buf_addf(out, "%*s%s: ", indent, "", key->name);
                buf_add_str(out, buf_str(&value));
                buf_add_byte(out, '\n');
            }
            buf_free(&value);
        }
    }
}

void config_show(const struct config *config, struct buf *out)
{
    show_table(&config_top_keys, config, 0, out);
    buf_add_cstr(out, "accounts:\n");
    for (size_t i = 0; i < config->accounts_len; i++) {
        buf_addf(out, "  ");
        config_show_text(out, config->accounts[i].name);
        buf_add_cstr(out, ":\n");
        show_table(&config_account_keys, &config->accounts[i], 4, out);
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_hooks(const struct config_hooks *a, const struct config_hooks *b)
{
    return same_text(a->before_sync, b->before_sync) && same_text(a->new_mail, b->new_mail) &&
           same_text(a->changed, b->changed) && same_text(a->failed, b->failed) &&
           a->timeout_ms == b->timeout_ms;
}

bool config_account_same(const struct config *a, const struct config_account *in_a,
                         const struct config *b, const struct config_account *in_b)
{
    if (!same_text(a->state_dir, b->state_dir) || !same_hooks(&a->hooks, &b->hooks) ||
        !same_text(in_a->name, in_b->name) || !same_text(in_a->proxy, in_b->proxy) ||
        !same_text(in_a->password.text, in_b->password.text)) {
        return false;
    }
    AUTO_BUF struct buf shown_a = BUF_INIT(CONFIG_FILE_BYTES_MAX);
    AUTO_BUF struct buf shown_b = BUF_INIT(CONFIG_FILE_BYTES_MAX);
    show_table(&config_account_keys, in_a, 0, &shown_a);
    show_table(&config_account_keys, in_b, 0, &shown_b);
    return str_eq(buf_str(&shown_a), buf_str(&shown_b));
}
