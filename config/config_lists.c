/* Lists, maps, commands and the sources of secrets; dates. */
#include "net/socks.h"
#include "imap/capability.h"
#include "config/config_private.h"
#include "config/provider.h"
#include "config/suggest.h"

/* ---- dates ---- */

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int past = year - 1; /* whole years since the year 1 */
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t days = 365LL * past + past / 4 - past / 100 + past / 400;
    days += before[month - 1] + (leap && month > 2 ? 1 : 0) + day - 1;
    return days - 719162;
}

static bool read_date(struct str s, int64_t *out)
{
    uint32_t year, month, day;
    bool dashes = s.len == 10 && s.ptr[4] == '-' && s.ptr[7] == '-';
    if (!dashes || !str_to_u32(str_sub(s, 0, 4), &year) || !str_to_u32(str_sub(s, 5, 2), &month) ||
        !str_to_u32(str_sub(s, 8, 2), &day)) {
        return false;
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) {
        return false;
    }
    int64_t days = days_of((int)year, (int)month, (int)day);
    int64_t next_month =
        month == 12 ? days_of((int)year + 1, 1, 1) : days_of((int)year, (int)month + 1, 1);
    *out = days * 86400;
    return days < next_month;
}

bool config_parse_since(const struct config_value *value, void *field)
{
    struct config_since since = {0};
    const char *text = value->node->text;
    if (!config_duration_parse(text, &since.age_s) && !read_date(str_from(text), &since.date_s)) {
        return config_value_wrong(value, "'%s' is neither an age (2y) nor a date (2015-04-01)",
                                  text);
    }
    *(struct config_since *)field = since;
    return true;
}

/* ---- providers ---- */

bool config_parse_provider(const struct config_value *value, void *field)
{
    struct suggest near;
    const char *name = value->node->text;
    const char *list = "";
    suggest_begin(&near, name);
    for (const struct provider *p = providers; p->name != NULL; p++) {
        suggest_offer(&near, p->name);
        list =
            arena_printf(value->ctx->arena, "%s%s%s", list, list[0] == '\0' ? "" : ", ", p->name);
    }
    if (provider_find(name) != NULL) {
        *(const char **)field = name;
        return true;
    }
    if (near.best != NULL) {
        return config_value_wrong(value, "'%s' is not known; did you mean '%s'?", name, near.best);
    }
    return config_value_wrong(value, "'%s' is not known; give host, or one of %s", name, list);
}

/* ---- lists ---- */

static bool is_list_of_texts(const struct config_value *value)
{
    const struct config_node *node = value->node;
    if (node->kind != NODE_LIST) {
        return config_value_wrong(value, "a list is needed here: [%s]",
                                  node->kind == NODE_SCALAR ? node->text : "…");
    }
    for (size_t i = 0; i < node->len; i++) {
        const struct config_node *item = node->entries[i].value;
        if (item->kind != NODE_SCALAR || config_node_is_null(item)) {
            return config_value_wrong(value, "the list takes texts only");
        }
    }
    return true;
}

static struct config_strings strings_of(struct arena *arena, const struct config_node *list)
{
    struct config_strings out = {.len = list->len};
    out.items = arena_array(arena, list->len + 1, sizeof *out.items);
    for (size_t i = 0; i < list->len; i++) {
        out.items[i] = list->entries[i].value->text;
    }
    return out;
}

static bool passes_check(const struct config_value *value, const char *text)
{
    const char *expected = value->key->check != NULL ? value->key->check(text) : NULL;
    return expected == NULL || config_value_wrong(value, "'%s' is not %s", text, expected);
}

bool config_parse_strings(const struct config_value *value, void *field)
{
    if (!is_list_of_texts(value)) {
        return false;
    }
    for (size_t i = 0; i < value->node->len; i++) {
        if (!passes_check(value, value->node->entries[i].value->text)) {
            return false;
        }
    }
    *(struct config_strings *)field = strings_of(value->ctx->arena, value->node);
    return true;
}

bool config_parse_words(const struct config_value *value, void *field)
{
    const struct config_node *node = value->node;
    if (node->kind == NODE_SCALAR && strcmp(node->text, "auto") == 0) {
        *(struct config_strings *)field = (struct config_strings){0};
        return true;
    }
    if (!is_list_of_texts(value)) {
        return false;
    }
    if (node->len == 0) {
        return config_value_wrong(value, "the list is empty; write auto, or the words");
    }
    for (size_t i = 0; i < node->len; i++) {
        if (config_value_word(value, node->entries[i].value->text) == NULL) {
            return false;
        }
    }
    *(struct config_strings *)field = strings_of(value->ctx->arena, node);
    return true;
}

static bool check_extension(const struct config_value *value, const char *name)
{
    enum capability cap;
    if (capability_parse(str_from(name), &cap)) {
        return true;
    }
    struct suggest near;
    suggest_begin(&near, name);
    for (int i = 0; i < CAP_COUNT; i++) {
        suggest_offer(&near, capability_name((enum capability)i));
    }
    if (near.best == NULL) {
        return config_value_wrong(value, "'%s' is no extension that is known here", name);
    }
    return config_value_wrong(value, "'%s' is no extension that is known here; did you mean '%s'?",
                              name, near.best);
}

bool config_parse_extensions(const struct config_value *value, void *field)
{
    if (!is_list_of_texts(value)) {
        return false;
    }
    for (size_t i = 0; i < value->node->len; i++) {
        if (!check_extension(value, value->node->entries[i].value->text)) {
            return false;
        }
    }
    *(struct config_strings *)field = strings_of(value->ctx->arena, value->node);
    return true;
}

bool config_parse_pairs(const struct config_value *value, void *field)
{
    const struct config_node *node = value->node;
    if (node->kind != NODE_MAP) {
        return config_value_wrong(value, "a map is needed here: {…: …}");
    }
    struct config_pairs out = {.len = node->len};
    out.items = arena_array(value->ctx->arena, node->len, sizeof *out.items);
    for (size_t i = 0; i < node->len; i++) {
        const struct config_node *item = node->entries[i].value;
        if (item->kind != NODE_SCALAR || config_node_is_null(item)) {
            return config_value_wrong(value, "'%s' needs a text", node->entries[i].key);
        }
        if (!passes_check(value, node->entries[i].key)) {
            return false;
        }
        out.items[i] = (struct config_pair){node->entries[i].key, item->text};
    }
    *(struct config_pairs *)field = out;
    return true;
}

/* ---- commands and secrets ---- */

static const char *origin_of(const struct config_value *value)
{
    return arena_printf(value->ctx->arena, "%s:%u", value->node->file->name, value->node->line);
}

bool config_parse_command(const struct config_value *value, void *field)
{
    const struct config_node *node = value->node;
    struct config_secret out = {.origin = origin_of(value)};
    if (node->kind == NODE_SCALAR) {
        out.shell = node->text;
    } else if (!is_list_of_texts(value)) {
        return false;
    } else if (node->len == 0) {
        return config_value_wrong(value, "the list is empty; write the command and its arguments");
    } else {
        out.argv = strings_of(value->ctx->arena, node);
    }
    *(struct config_secret *)field = out;
    return true;
}

bool config_parse_secret_file(const struct config_value *value, void *field)
{
    const char *text = value->node->text;
    struct config_secret out = {.origin = origin_of(value)};
    out.file = config_path_resolve(value->ctx->arena, value->node->file->name, text);
    if (out.file == NULL) {
        return config_value_wrong(value, "'%s': write the path in full", text);
    }
    *(struct config_secret *)field = out;
    return true;
}

/* False where others may read a secret; reported. */
static bool is_kept_secret(const struct config_value *value)
{
    const struct config_file *file = value->node->file;
    return !file->open_to_others ||
           config_value_wrong(value,
                              "others may read this file and the secret in it; run: chmod 600 %s",
                              file->name);
}

bool config_parse_proxy(const struct config_value *value, void *field)
{
    struct socks_proxy proxy;
    struct error err = ERROR_INIT;
    if (socks_proxy_parse(value->node->text, &proxy, &err) < 0) {
        return config_value_wrong(value, "%s", err.text);
    }
    bool good = proxy.password == NULL || is_kept_secret(value);
    socks_proxy_free(&proxy);
    *(const char **)field = value->node->text;
    return good;
}

bool config_parse_secret_text(const struct config_value *value, void *field)
{
    struct config_secret out = {.origin = origin_of(value), .text = value->node->text};
    if (!is_kept_secret(value)) {
        return false;
    }
    *(struct config_secret *)field = out;
    return true;
}

bool config_parse_secret_credential(const struct config_value *value, void *field)
{
    struct config_secret out = {.origin = origin_of(value), .credential = value->node->text};
    const char *expected = value->key->check(value->node->text);
    if (expected != NULL) {
        return config_value_wrong(value, "'%s' is not %s", value->node->text, expected);
    }
    *(struct config_secret *)field = out;
    return true;
}
