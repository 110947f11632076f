#include "imap/flags.h"
#include "imap/limits.h"

struct flag_row {
    enum imap_flag flag;
    struct str name;
};
static const struct flag_row flag_rows[] = {
    {FLAG_ANSWERED, {"\\Answered", 9}}, {FLAG_FLAGGED, {"\\Flagged", 8}},
    {FLAG_DELETED, {"\\Deleted", 8}},   {FLAG_SEEN, {"\\Seen", 5}},
    {FLAG_DRAFT, {"\\Draft", 6}},       {FLAG_RECENT, {"\\Recent", 7}},
    {FLAG_WILDCARD, {"\\*", 2}},
};
#define FLAG_ROWS (sizeof flag_rows / sizeof flag_rows[0])

/* What is gathered of a list, before its length is known. */
struct flags_draft {
    unsigned system;
    struct str keywords[LIMIT_FLAGS];
    size_t len;
};

static unsigned flag_lookup(struct str name)
{
    for (size_t i = 0; name.ptr[0] == '\\' && i < FLAG_ROWS; i++) {
        if (name.len == flag_rows[i].name.len && str_eq_nocase(name, flag_rows[i].name)) {
            return flag_rows[i].flag;
        }
    }
    return 0;
}

static bool flag_read(struct reader *r, struct arena *arena, struct flags_draft *draft)
{
    struct str name;
    bool quoted = reader_peek(r) == '"';
    if (quoted ? !reader_expect_string(r, &name) : !reader_expect_view(r, CHAR_WORD, &name)) {
        return false;
    }
    if (name.len == 0) {
        return true;
    }
    unsigned flag = flag_lookup(name);
    draft->system |= flag;
    if (flag != 0) {
        return true;
    }
    if (draft->len == LIMIT_FLAGS) {
        return reader_fail(r, "more than %d flags", LIMIT_FLAGS);
    }
    draft->keywords[draft->len++] = arena_str(arena, name);
    return true;
}

static void draft_finish(const struct flags_draft *draft, struct arena *arena,
                         struct imap_flags *out)
{
    *out = (struct imap_flags){.system = draft->system, .keywords_len = draft->len};
    if (draft->len > 0) {
        out->keywords = arena_array(arena, draft->len, sizeof *out->keywords);
        memcpy(out->keywords, draft->keywords, draft->len * sizeof *out->keywords);
    }
}

bool flags_read(struct reader *r, struct arena *arena, struct imap_flags *out)
{
    struct flags_draft draft;
    draft.system = 0;
    draft.len = 0;
    if (!reader_expect(r, '(')) {
        return false;
    }
    while (!reader_list_ended(r)) {
        if (!flag_read(r, arena, &draft)) {
            return false;
        }
    }
    draft_finish(&draft, arena, out);
    return true;
}

bool flags_read_bare(struct reader *r, struct arena *arena, struct imap_flags *out)
{
    if (reader_peek(r) == '(') {
        return flags_read(r, arena, out);
    }
    struct flags_draft draft;
    draft.system = 0;
    draft.len = 0;
    do {
        if (!flag_read(r, arena, &draft)) {
            return false;
        }
    } while (reader_accept_sp(r) && !reader_at_crlf(r));
    draft_finish(&draft, arena, out);
    return true;
}

bool flags_have_keyword(const struct imap_flags *flags, struct str keyword)
{
    for (size_t i = 0; i < flags->keywords_len; i++) {
        if (str_eq_nocase(flags->keywords[i], keyword)) {
            return true;
        }
    }
    return false;
}

bool flags_keyword_is_valid(struct str keyword)
{
    struct str rest = str_from_offset(keyword, str_starts(keyword, STR("\\")) ? 1 : 0);
    for (size_t i = 0; i < rest.len; i++) {
        if (!char_is(rest.ptr[i], CHAR_ASTRING)) {
            return false;
        }
    }
    return rest.len > 0;
}

static void flags_write_set(struct writer *w, const struct imap_flags *flags, unsigned system)
{
    const char *before = "(";
    for (size_t i = 0; i < FLAG_ROWS; i++) {
        if ((system & flag_rows[i].flag) != 0 && flag_rows[i].flag != FLAG_WILDCARD) {
            writer_cstr(w, before);
            writer_raw(w, flag_rows[i].name);
            before = " ";
        }
    }
    for (size_t i = 0; i < flags->keywords_len; i++) {
        struct str keyword = flags->keywords[i];
        if (!flags_keyword_is_valid(keyword)) {
            writer_fail(w, "the keyword \"%.*s\"", STR_ARG(keyword));
        }
        writer_cstr(w, before);
        writer_raw(w, keyword);
        before = " ";
    }
    if ((system & FLAG_WILDCARD) != 0) {
        writer_cstr(w, before);
        writer_cstr(w, "\\*");
        before = " ";
    }
    writer_cstr(w, before[0] == '(' ? "()" : ")");
}

void flags_write(struct writer *w, const struct imap_flags *flags)
{
    flags_write_set(w, flags, flags->system & ~(unsigned)(FLAG_RECENT | FLAG_WILDCARD));
}

void flags_write_told(struct writer *w, const struct imap_flags *flags)
{
    flags_write_set(w, flags, flags->system & ~(unsigned)FLAG_WILDCARD);
}

void flags_write_permanent(struct writer *w, const struct imap_flags *flags)
{
    flags_write_set(w, flags, flags->system & ~(unsigned)FLAG_RECENT);
}
