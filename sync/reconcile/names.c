#include "reconcile/names.h"

#include "base/buf.h"
#include "imap/limits.h"
#include "imap/list.h"
#include "imap/mailbox_name.h"
#include "store/maildir.h"

static const char INBOX[] = "INBOX";

/* One component, decoded; what cannot stand in a name is %XX. */
static void add_component(const struct names_space *space, struct arena *arena, struct str raw,
                          struct buf *out)
{
    struct str text = raw;
    bool clean = space->utf8 ? str_is_utf8(raw) : mailbox_name_decode(arena, raw, &text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (maildir_name_escape(text, i) > 0 || maildir_never_in_name(c) || (!clean && c >= 0x80))
            buf_addf(out, "%%%02X", c);
        else
            buf_add_byte(out, (char)c);
    }
}

bool names_to_utf8(const struct names_space *space, struct arena *arena, struct str remote,
                   struct str *out)
{
    if (mailbox_name_is_inbox(remote)) {
        *out = str_from(INBOX);
        return true;
    }
    if (!str_starts(remote, space->prefix))
        return false;
    struct str rest = str_from_offset(remote, space->prefix.len);
    AUTO_BUF struct buf name = BUF_INIT(4 * LIMIT_MAILBOX_NAME_BYTES);
    struct str component;
    while (space->delimiter != 0 ? str_split(&rest, space->delimiter, &component)
                                 : (component = rest, rest = STR_EMPTY, component.len > 0)) {
        if (name.len > 0)
            buf_add_byte(&name, '/');
        add_component(space, arena, component, &name);
    }
    if (name.len == 0 || name.overflowed)
        return false;
    *out = arena_str(arena, buf_str(&name));
    return true;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c != 0 ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Undoes the %XX that add_component makes: `/`, control characters, and the `%` of what looks like
 * these. */
static struct str unescape(struct arena *arena, struct str component)
{
    char *out = arena_alloc(arena, component.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < component.len; i++) {
        char c = component.ptr[i];
        if (maildir_name_escape(component, i) > 3) {
            i += 2;
        } else if (c == '%' && i + 2 < component.len) {
            int high = hex_digit(component.ptr[i + 1]);
            int low = hex_digit(component.ptr[i + 2]);
            int value = high * 16 + low;
            if (high >= 0 && low >= 0 && maildir_never_in_name((unsigned char)value)) {
                c = (char)value;
                i += 2;
            }
        }
        out[len++] = c;
    }
    return str_make(out, len);
}

bool names_to_remote(const struct names_space *space, struct arena *arena, struct str utf8,
                     struct str *out)
{
    if (mailbox_name_is_inbox(utf8)) {
        *out = str_from(INBOX);
        return true;
    }
    AUTO_BUF struct buf name = BUF_INIT(LIMIT_MAILBOX_NAME_BYTES);
    buf_add_str(&name, space->prefix);
    struct str rest = utf8;
    struct str component;
    bool first = true;
    while (str_split(&rest, '/', &component)) {
        component = unescape(arena, component);
        if (!first && space->delimiter == 0)
            return false;
        if (space->delimiter != 0 && str_find(component, space->delimiter) >= 0)
            return false;
        if (!first)
            buf_add_byte(&name, space->delimiter);
        first = false;
        struct str encoded = component;
        if (!space->utf8 && !mailbox_name_encode(arena, component, &encoded))
            return false;
        buf_add_str(&name, encoded);
    }
    *out = arena_str(arena, buf_str(&name));
    return !name.overflowed && name.len > space->prefix.len;
}

/* ---- `mailboxes.rename` ---- */

/* `text` against a pattern of at most one `*`; what that stands for. */
static bool star_matches(struct str pattern, struct str text, struct str *middle_out)
{
    ptrdiff_t star = str_find(pattern, '*');
    *middle_out = STR_EMPTY;
    if (star < 0)
        return str_eq(pattern, text);
    struct str before = str_sub(pattern, 0, (size_t)star);
    struct str behind = str_from_offset(pattern, (size_t)star + 1);
    if (text.len < before.len + behind.len || !str_starts(text, before) ||
        !str_eq(str_from_offset(text, text.len - behind.len), behind))
        return false;
    *middle_out = str_sub(text, before.len, text.len - behind.len);
    return middle_out->len > 0;
}

static struct str star_fill(struct arena *arena, struct str pattern, struct str middle)
{
    ptrdiff_t star = str_find(pattern, '*');
    if (star < 0)
        return pattern;
    struct str before = str_sub(pattern, 0, (size_t)star);
    struct str behind = str_from_offset(pattern, (size_t)star + 1);
    return str_from(
        arena_printf(arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(middle), STR_ARG(behind)));
}

static bool is_use(struct str key)
{
    return key.len > 0 && key.ptr[0] == '\\';
}

static bool has_use(struct str key, uint32_t attributes)
{
    uint32_t use;
    return is_use(key) && list_attribute_parse(key, &use) && (attributes & use) != 0;
}

struct str names_to_local(const struct config_pairs *rename, struct arena *arena, struct str utf8,
                          uint32_t attributes)
{
    struct str middle;
    for (size_t i = rename->len; i-- > 0 && !mailbox_name_is_inbox(utf8);) {
        struct str key = str_from(rename->items[i].key);
        struct str value = str_from(rename->items[i].value);
        if (has_use(key, attributes))
            return value;
        if (!is_use(key) && star_matches(key, utf8, &middle))
            return star_fill(arena, value, middle);
    }
    return utf8;
}

/* The mailbox that this line of the map gives the name `local`. */
static bool undo_line(const struct config_pair *line, const struct names_use *uses, size_t uses_len,
                      struct arena *arena, struct str local, struct names_use *out)
{
    struct str key = str_from(line->key);
    struct str middle;
    for (size_t i = 0; is_use(key) && i < uses_len; i++) {
        if (has_use(key, uses[i].attributes) && str_eq(local, str_from(line->value))) {
            *out = uses[i];
            return true;
        }
    }
    if (is_use(key) || !star_matches(str_from(line->value), local, &middle))
        return false;
    *out = (struct names_use){.utf8 = star_fill(arena, key, middle)};
    return true;
}

bool names_from_local(const struct config_pairs *rename, const struct names_use *uses,
                      size_t uses_len, struct arena *arena, struct str local, struct str *out)
{
    struct names_use found;
    for (size_t i = rename->len; i-- > 0;) {
        if (!undo_line(&rename->items[i], uses, uses_len, arena, local, &found))
            continue;
        for (size_t k = 0; k < uses_len; k++) {
            if (str_eq(uses[k].utf8, found.utf8))
                found.attributes = uses[k].attributes;
        }
        *out = found.utf8;
        if (str_eq(names_to_local(rename, arena, found.utf8, found.attributes), local))
            return true;
    }
    *out = local;
    uint32_t attributes = 0;
    for (size_t k = 0; k < uses_len; k++) {
        if (str_eq(uses[k].utf8, local))
            attributes = uses[k].attributes;
    }
    return str_eq(names_to_local(rename, arena, local, attributes), local);
}

static bool pattern_matches(struct str pattern, struct str utf8, uint32_t attributes)
{
    if (pattern.len > 0 && pattern.ptr[0] == '\\') {
        uint32_t use;
        return list_attribute_parse(pattern, &use) && (attributes & use) != 0;
    }
    return mailbox_name_matches(utf8, pattern, '/');
}

bool names_selected(const struct config_strings *patterns, struct str utf8, uint32_t attributes)
{
    bool selected = false;
    for (size_t i = 0; i < patterns->len; i++) {
        struct str pattern = str_from(patterns->items[i]);
        bool in = true;
        if (pattern.len > 0 && pattern.ptr[0] == '!') {
            in = false;
            pattern = str_from_offset(pattern, 1);
        }
        if (pattern_matches(pattern, utf8, attributes))
            selected = in;
    }
    return selected;
}

bool names_targeted(const char *const *targets, struct str utf8)
{
    if (targets == NULL || targets[0] == NULL)
        return true;
    for (size_t i = 0; targets[i] != NULL; i++) {
        if (mailbox_name_matches(utf8, str_from(targets[i]), '/'))
            return true;
    }
    return false;
}
