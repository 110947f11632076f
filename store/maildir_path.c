/*
 * Names of mailboxes as paths.
 *
 * The way there and the way back are exact opposites: whatever a server calls its mailboxes, two
 * names never share a path, and a path leads back to its name. What is not such a path (a folder
 * that someone named with a lone `%`, say) leads to none. The one exception is a part too long for
 * a directory: it is cut and gets the name's digest, so that it stays distinct, and the index knows
 * the rest.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "store/maildir_private.h"

/* Ends a part that was cut: "%-" and a digest in hexadecimal. No escape looks like it. */
#define CUT_MARK "%-"
#define CUT_BYTES (sizeof CUT_MARK - 1 + 2 * sizeof(struct digest))
/* Stands for a part without any bytes. No escape ends so early. */
#define EMPTY_PART "%"
/* The marker in the root is no folder, whatever a server's mailbox is called. */
#define RESERVED_PATH ".maildird"
/* Far above what fits: three bytes for each of a name that is itself bounded by the protocol. */
#define PATH_BYTES_MAX ((size_t)1 << 24)

static void add_escaped(struct buf *out, char c)
{
    buf_addf(out, "%%%02X", (unsigned char)c);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool maildir_never_in_name(unsigned char c)
{
    return c == '/' || c < 0x20 || c == 0x7f;
}

size_t maildir_name_escape(struct str name, size_t at)
{
    size_t end = at + 1;
    if (at >= name.len || name.ptr[at] != '%')
        return 0;
    while (str_starts(str_from_offset(name, end), STR("25")))
        end += 2;
    int high = end < name.len ? hex_value(name.ptr[end]) : -1;
    int low = end + 1 < name.len ? hex_value(name.ptr[end + 1]) : -1;
    bool is_one = high >= 0 && low >= 0 && maildir_never_in_name((unsigned char)(high * 16 + low));
    return is_one ? end + 2 - at : 0;
}

/* Where these are the same on the disk: not where a part holds slashes as such, nor where the
 * separator would be in one. */
static bool keeps_escapes(const struct maildir *md, unsigned depth)
{
    bool flat = md->layout != MAILDIR_NESTED;
    return depth < MAILDIR_DEPTH_MAX &&
           !(flat && strchr("%0123456789ABCDEF", md->separator[0]) != NULL);
}

/* ---- one part of a name ---- */

static bool is_sub_name(struct str part)
{
    return str_eq(part, STR("cur")) || str_eq(part, STR("new")) || str_eq(part, STR("tmp"));
}

/* `first` marks the byte that is escaped in any case. */
static void add_part(const struct maildir *md, struct buf *out, struct str part, bool first,
                     unsigned depth)
{
    if (part.len == 0) {
        buf_add_cstr(out, EMPTY_PART);
        return;
    }
    bool flat = md->layout != MAILDIR_NESTED;
    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.ptr[i];
        size_t escape = keeps_escapes(md, depth) ? maildir_name_escape(part, i) : 0;
        if (escape > 0) {
            buf_add_str(out, str_sub(part, i, escape));
            i += escape - 1;
            continue;
        }
        bool at_start = i == 0 && (first || c == '.' || is_sub_name(part));
        if (at_start || maildir_never_in_name(c) || c == '%' ||
            (flat && part.ptr[i] == md->separator[0])) {
            add_escaped(out, part.ptr[i]);
        } else {
            buf_add_byte(out, part.ptr[i]);
        }
    }
}

/* Cuts the file name that `out` ends in, from `start`, if no directory can have it. */
static void cut_long(struct buf *out, size_t start, struct str name)
{
    if (out->len - start <= MAILDIR_FILE_NAME_MAX) {
        return;
    }
    struct digester *digester = digester_new();
    digester_add(digester, name.ptr, name.len);
    struct digest digest = digester_finish(digester);
    digester_free(&digester);
    char hex[33];
    digest_to_hex(&digest, hex);
    size_t end = start + MAILDIR_FILE_NAME_MAX - CUT_BYTES;
    /* Not within a character (of at most four bytes), nor within an escape. */
    for (size_t i = 0; i < 3 && (out->data[end] & 0xc0) == 0x80; i++) {
        end--;
    }
    if (out->data[end - 1] == '%') {
        end -= 1;
    } else if (out->data[end - 2] == '%') {
        end -= 2;
    }
    out->len = end;
    buf_add_cstr(out, CUT_MARK);
    buf_add_cstr(out, hex);
}

/* ---- a whole name ---- */

static void encode(const struct maildir *md, struct buf *out, struct str mailbox, bool escape_first)
{
    bool flat = md->layout != MAILDIR_NESTED;
    struct str rest = mailbox;
    unsigned depth = 0;
    if (md->layout == MAILDIR_PLUSPLUS) {
        buf_add_byte(out, '.');
    }
    for (;;) {
        depth++;
        ptrdiff_t slash = depth < MAILDIR_DEPTH_MAX ? str_find(rest, '/') : -1;
        struct str part = slash < 0 ? rest : str_sub(rest, 0, (size_t)slash);
        size_t start = out->len;
        add_part(md, out, part, escape_first && depth == 1, depth);
        if (!flat) {
            cut_long(out, start, part);
        }
        if (slash < 0) {
            break;
        }
        buf_add_cstr(out, flat ? md->separator : "/");
        rest = str_from_offset(rest, (size_t)slash + 1);
    }
    if (flat) {
        cut_long(out, 0, mailbox);
    }
}

const char *maildir_path(const struct maildir *md, struct arena *arena, struct str mailbox)
{
    if (str_eq_nocase(mailbox, STR("INBOX"))) {
        return arena_strdup(arena, md->inbox);
    }
    AUTO_BUF struct buf out = BUF_INIT(PATH_BYTES_MAX);
    encode(md, &out, mailbox, false);
    if (strcmp(out.data, md->inbox) == 0 || strcmp(out.data, RESERVED_PATH) == 0) {
        buf_clear(&out);
        encode(md, &out, mailbox, true);
    }
    return arena_strdup(arena, out.data);
}

/* ---- the way back ---- */

static bool decode_part(const struct maildir *md, struct buf *out, struct str part, unsigned depth)
{
    if (str_eq(part, STR(EMPTY_PART))) {
        return true;
    }
    for (size_t i = 0; i < part.len; i++) {
        size_t escape = keeps_escapes(md, depth) ? maildir_name_escape(part, i) : 0;
        if (escape > 0) {
            buf_add_str(out, str_sub(part, i, escape));
            i += escape - 1;
            continue;
        }
        if (part.ptr[i] != '%') {
            buf_add_byte(out, part.ptr[i]);
            continue;
        }
        int high = i + 1 < part.len ? hex_value(part.ptr[i + 1]) : -1;
        int low = i + 2 < part.len ? hex_value(part.ptr[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        buf_add_byte(out, (char)(high * 16 + low));
        i += 2;
    }
    return true;
}

static bool decode(const struct maildir *md, struct buf *out, struct str path)
{
    struct str separator = md->layout == MAILDIR_NESTED ? STR("/") : str_from(md->separator);
    if (md->layout == MAILDIR_PLUSPLUS) {
        if (!str_starts(path, STR("."))) {
            return false;
        }
        path = str_from_offset(path, 1);
    }
    for (unsigned depth = 1;; depth++) {
        /* No part holds the separator's first byte. */
        ptrdiff_t end = str_find(path, separator.ptr[0]);
        if (!decode_part(md, out, end < 0 ? path : str_sub(path, 0, (size_t)end), depth)) {
            return false;
        }
        if (end < 0) {
            return true;
        }
        path = str_from_offset(path, (size_t)end);
        if (!str_starts(path, separator)) {
            return false;
        }
        path = str_from_offset(path, separator.len);
        buf_add_byte(out, '/');
    }
}

bool maildir_mailbox(const struct maildir *md, struct arena *arena, struct str path,
                     struct str *out)
{
    if (str_eq(path, str_from(md->inbox))) {
        *out = STR("INBOX");
        return true;
    }
    AUTO_BUF struct buf name = BUF_INIT(PATH_BYTES_MAX);
    if (!decode(md, &name, path)) {
        return false;
    }
    /* Only what the way there makes: each mailbox has one path. */
    struct str mailbox = arena_str(arena, buf_str(&name));
    if (!str_eq(path, str_from(maildir_path(md, arena, mailbox)))) {
        return false;
    }
    *out = mailbox;
    return true;
}
