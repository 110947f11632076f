#include "cmd/columns.h"
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Unicode's wide and full-width blocks (UAX 11), and marks that stand over another character. */
static const struct {
    uint32_t first, last;
    unsigned columns;
} unusual[] = {
    {0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},   {0x20d0, 0x20ff, 0},
    {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
    {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},
    {0x1f300, 0x1f64f, 2}, {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2},
};

static unsigned columns_of_character(uint32_t c)
{
    for (size_t i = 0; i < sizeof unusual / sizeof *unusual; i++) {
        if (c >= unusual[i].first && c <= unusual[i].last) {
            return unusual[i].columns;
        }
    }
    return 1;
}

/* Cuts the first character off; a byte that is none counts as one. */
static unsigned next(struct str *rest, struct str *character)
{
    size_t len = str_utf8_char(*rest);
    unsigned char first = (unsigned char)rest->ptr[0];
    uint32_t code = first;
    if (len > 1) {
        code = first & (0x7fU >> len);
        for (size_t i = 1; i < len; i++) {
            code = code << 6 | ((unsigned char)rest->ptr[i] & 0x3f);
        }
    }
    *character = str_sub(*rest, 0, len == 0 ? 1 : len);
    *rest = str_from_offset(*rest, len == 0 ? 1 : len);
    return columns_of_character(code);
}

size_t columns_of(const char *text)
{
    struct str rest = str_from(text);
    struct str character;
    size_t columns = 0;
    while (rest.len > 0) {
        columns += next(&rest, &character);
    }
    return columns;
}

static void columns_cut(struct buf *out, const char *text, size_t width)
{
    if (columns_of(text) <= width) {
        buf_add_cstr(out, text);
        return;
    }
    struct str rest = str_from(text);
    struct str character;
    size_t used = 1; /* the ellipsis */
    while (rest.len > 0) {
        used += next(&rest, &character);
        if (used > width) {
            break;
        }
        buf_add_str(out, character);
    }
    buf_add_cstr(out, width == 0 ? "" : "…");
}

void columns_pad(struct buf *out, const char *text, size_t width)
{
    size_t before = out->len;
    columns_cut(out, text, width);
    size_t used = out->data == NULL ? 0 : columns_of(out->data + before);
    while (used++ < width) {
        buf_add_byte(out, ' ');
    }
}

bool columns_terminal(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) == 1 && term != NULL && strcmp(term, "dumb") != 0 && term[0] != '\0';
}

bool columns_colour(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    return columns_terminal(fd) && (no_color == NULL || no_color[0] == '\0');
}

size_t columns_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0) {
        return 80;
    }
    return size.ws_col;
}

size_t columns_rows(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0) {
        return 24;
    }
    return size.ws_row;
}
