#include "sync/names.h"

#include "base/buf.h"
#include "imap/limits.h"
#include "imap/list.h"
#include "imap/mailbox_name.h"

static const char INBOX[] = "INBOX";

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* One component, decoded; what cannot stand in a name is %XX. */
static void add_component(const struct names_space *space, struct arena *arena, struct str raw,
                          struct buf *out)
{
    struct str text = raw;
    bool clean = space->utf8 ? str_is_utf8(raw) : mailbox_name_decode(arena, raw, &text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '/' || needs_escape(c) || (!clean && c >= 0x80))
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

/* Undoes the %XX that add_component makes: `/` and control characters only. */
static struct str unescape(struct arena *arena, struct str component)
{
    char *out = arena_alloc(arena, component.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < component.len; i++) {
        char c = component.ptr[i];
        if (c == '%' && i + 2 < component.len) {
            int high = hex_digit(component.ptr[i + 1]);
            int low = hex_digit(component.ptr[i + 2]);
            int value = high * 16 + low;
            if (high >= 0 && low >= 0 && (value == '/' || needs_escape((unsigned char)value))) {
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
