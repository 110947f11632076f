#include "base/buf.h"
#include "base/clock.h"
#include "store/maildir.h"
#include "store/maildir_private.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* In ASCII order. */
static const struct {
    char letter;
    enum maildir_flag flag;
} flag_letters[] = {
    {'D', MAILDIR_DRAFT},   {'F', MAILDIR_FLAGGED}, {'P', MAILDIR_PASSED},
    {'R', MAILDIR_REPLIED}, {'S', MAILDIR_SEEN},    {'T', MAILDIR_TRASHED},
};
#define FLAG_COUNT (sizeof flag_letters / sizeof *flag_letters)
#define INFO_BYTES_MAX 4096

static uint8_t flag_of(char letter)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (flag_letters[i].letter == letter) {
            return flag_letters[i].flag;
        }
    }
    return 0;
}

const char *maildir_flags_text(struct arena *arena, uint8_t flags)
{
    char text[FLAG_COUNT + 1];
    size_t len = 0;
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if ((flags & flag_letters[i].flag) != 0) {
            text[len++] = flag_letters[i].letter;
        }
    }
    text[len] = '\0';
    return arena_strdup(arena, text);
}

/* ---- parse ---- */

/* Where the info begins, "SEPARATOR2,"; -1 where there is none: then the whole name is the base. */
static ptrdiff_t find_info(const struct maildir *md, struct str name)
{
    for (size_t i = 0; i + 2 < name.len; i++) {
        if (name.ptr[i] == md->info_separator && name.ptr[i + 1] == '2' && name.ptr[i + 2] == ',') {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static int compare_letters(const void *a, const void *b)
{
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

/* Sorts `letters`, each once; gives the new length. */
static size_t sort_letters(char *letters, size_t len)
{
    if (len == 0) {
        return 0;
    }
    qsort(letters, len, 1, compare_letters);
    size_t kept = 1;
    for (size_t i = 1; i < len; i++) {
        if (letters[i] != letters[kept - 1]) {
            letters[kept++] = letters[i];
        }
    }
    return kept;
}

/* The letters of an info, up to a comma, behind which a program may have put fields of its own. */
static struct str letters_of(struct str info)
{
    ptrdiff_t comma = str_find(info, ',');
    return comma < 0 ? info : str_sub(info, 0, (size_t)comma);
}

/* The letters that are no flags, in order, and what stands behind a comma as it is. */
static struct str other_letters(struct arena *arena, struct str info)
{
    struct str letters = letters_of(info);
    char *others = arena_alloc(arena, info.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < letters.len; i++) {
        if (flag_of(letters.ptr[i]) == 0) {
            others[len++] = letters.ptr[i];
        }
    }
    len = sort_letters(others, len);
    size_t rest = info.len - letters.len;
    memcpy(others + len, info.ptr + letters.len, rest);
    return str_make(others, len + rest);
}

void maildir_name_parse(const struct maildir *md, struct arena *arena, struct str file_name,
                        struct maildir_name *out)
{
    *out = (struct maildir_name){.base = file_name, .letters = STR_EMPTY};
    ptrdiff_t at = find_info(md, file_name);
    if (at < 0) {
        return;
    }
    out->base = str_sub(file_name, 0, (size_t)at);
    struct str info = str_from_offset(file_name, (size_t)at + 3);
    struct str letters = letters_of(info);
    bool others = letters.len < info.len;
    for (size_t i = 0; i < letters.len; i++) {
        uint8_t flag = flag_of(letters.ptr[i]);
        out->flags |= flag;
        others = others || flag == 0;
    }
    if (others) {
        out->letters = other_letters(arena, info);
    }
}

/* ---- build ---- */

const char *maildir_name_build(const struct maildir *md, struct arena *arena,
                               const struct maildir_name *name)
{
    AUTO_BUF struct buf letters = BUF_INIT(INFO_BYTES_MAX);
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if ((name->flags & flag_letters[i].flag) != 0) {
            buf_add_byte(&letters, flag_letters[i].letter);
        }
    }
    struct str others = letters_of(name->letters);
    buf_add_str(&letters, others);
    size_t len = letters.data == NULL ? 0 : sort_letters(letters.data, letters.len);
    struct str rest = str_from_offset(name->letters, others.len);
    return arena_printf(arena, "%.*s%c2,%.*s%.*s", STR_ARG(name->base), md->info_separator,
                        (int)len, len == 0 ? "" : letters.data, STR_ARG(rest));
}

static char *unique_part(const struct maildir *md, struct arena *arena)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return arena_printf(arena, "%" PRId64 ".M%06ldP%ldQ%" PRIu64 ".%s", (int64_t)now.tv_sec,
                        now.tv_nsec / 1000, (long)getpid(), maildir_next_number(md), md->host);
}

const char *maildir_unique_base(const struct maildir *md, struct arena *arena, uint64_t stored_size,
                                uint64_t wire_size)
{
    return arena_printf(arena, "%s,S=%" PRIu64 ",W=%" PRIu64, unique_part(md, arena), stored_size,
                        wire_size);
}

/* ",S=123" of a base name, or nothing. */
static struct str size_field(struct str base, char letter)
{
    for (size_t i = 0; i + 3 < base.len; i++) {
        size_t end = i + 3;
        if (base.ptr[i] != ',' || base.ptr[i + 1] != letter || base.ptr[i + 2] != '=') {
            continue;
        }
        while (end < base.len && base.ptr[end] >= '0' && base.ptr[end] <= '9') {
            end++;
        }
        return str_sub(base, i, end - i);
    }
    return STR_EMPTY;
}

const char *maildir_renewed_base(const struct maildir *md, struct arena *arena, struct str base)
{
    struct str stored = size_field(base, 'S');
    struct str wire = size_field(base, 'W');
    return arena_printf(arena, "%s%.*s%.*s", unique_part(md, arena), STR_ARG(stored),
                        STR_ARG(wire));
}
