#include "wire/line_tail.h"

void line_tail_clear(struct line_tail *tail)
{
    tail->len = 0;
}

void line_tail_add(struct line_tail *tail, struct str piece)
{
    if (piece.len > sizeof tail->bytes) {
        piece = str_from_offset(piece, piece.len - sizeof tail->bytes);
    }
    size_t room = sizeof tail->bytes - piece.len;
    size_t keep = tail->len < room ? tail->len : room;
    memmove(tail->bytes, tail->bytes + tail->len - keep, keep);
    memcpy(tail->bytes + keep, piece.ptr, piece.len);
    tail->len = keep + piece.len;
}

bool line_tail_literal(const struct line_tail *tail, uint64_t *size, bool *sync)
{
    struct str line = str_make(tail->bytes, tail->len);
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r')) {
        line.len--;
    }
    ptrdiff_t open = str_rfind(line, '{');
    if (open < 0 || !str_ends(line, STR("}"))) {
        return false;
    }
    struct str digits = str_sub(line, (size_t)open + 1, line.len - (size_t)open - 2);
    *sync = !str_ends(digits, STR("+"));
    digits.len -= *sync ? 0 : 1;
    return str_to_u64(digits, size);
}
