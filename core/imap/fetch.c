/* FETCH: what is asked for. */
#include "imap/fetch.h"
#include "imap/fetch_items.h"
#include "imap/limits.h"
#include "imap/modseq.h"

const struct fetch_item_row fetch_item_rows[FETCH_ITEM_ROWS] = {
    {FETCH_UID, {"UID", 3}},
    {FETCH_FLAGS, {"FLAGS", 5}},
    {FETCH_INTERNALDATE, {"INTERNALDATE", 12}},
    {FETCH_SIZE, {"RFC822.SIZE", 11}},
    {FETCH_MODSEQ, {"MODSEQ", 6}},
    {FETCH_EMAILID, {"EMAILID", 7}},
    {FETCH_THREADID, {"THREADID", 8}},
    {FETCH_GM_MSGID, {"X-GM-MSGID", 10}},
    {FETCH_GM_THRID, {"X-GM-THRID", 10}},
    {FETCH_GM_LABELS, {"X-GM-LABELS", 11}},
    {FETCH_SAVEDATE, {"SAVEDATE", 8}},
    {FETCH_ENVELOPE, {"ENVELOPE", 8}},
    {FETCH_BODYSTRUCTURE, {"BODYSTRUCTURE", 13}},
    {FETCH_BODY_STRUCTURE_SHORT, {"BODY", 4}},
    {FETCH_PREVIEW, {"PREVIEW", 7}},
};

unsigned fetch_item_find(struct str name)
{
    for (size_t i = 0; i < FETCH_ITEM_ROWS; i++) {
        if (name.len == fetch_item_rows[i].name.len &&
            str_eq_nocase(name, fetch_item_rows[i].name)) {
            return fetch_item_rows[i].item;
        }
    }
    return 0;
}

static void modifiers_write(struct writer *w, const struct fetch_request *request)
{
    const char *before = " (";
    if (request->changed_since != 0) {
        writer_cstr(w, " (CHANGEDSINCE ");
        writer_number(w, request->changed_since);
        writer_cstr(w, request->vanished ? " VANISHED" : "");
        before = " ";
    }
    if (request->partial.first != 0) {
        writer_cstr(w, before);
        writer_cstr(w, "PARTIAL ");
        partial_range_write(w, &request->partial);
        before = " ";
    }
    writer_cstr(w, before[1] == '\0' ? ")" : "");
}

void fetch_request_write(struct writer *w, const struct fetch_request *request)
{
    static const struct section whole = {.part = SECTION_WHOLE};
    const char *before = "(";
    for (size_t i = 0; i < FETCH_ITEM_ROWS; i++) {
        if ((request->items & fetch_item_rows[i].item) != 0) {
            writer_cstr(w, before);
            writer_raw(w, fetch_item_rows[i].name);
            if (fetch_item_rows[i].item == FETCH_PREVIEW && request->preview_lazy) {
                writer_cstr(w, " (LAZY)");
            }
            before = " ";
        }
    }
    if ((request->items & FETCH_BODY_SECTION) != 0) {
        const struct section *section = request->section != NULL ? request->section : &whole;
        size_t len =
            request->section == NULL || request->sections_len == 0 ? 1 : request->sections_len;
        for (size_t i = 0; i < len; i++) {
            writer_cstr(w, before);
            section_item_write(w, &section[i], !request->mark_seen);
            before = " ";
        }
    }
    if (before[0] == '(') {
        writer_fail(w, "a FETCH that asks for nothing");
    }
    writer_byte(w, ')');
    modifiers_write(w, request);
}

/* Names that stand for several items. */
struct macro_row {
    struct str name;
    unsigned items;
};
static const struct macro_row macro_rows[] = {
    {{"FAST", 4}, FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE},
    {{"ALL", 3}, FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE | FETCH_ENVELOPE},
    {{"FULL", 4},
     FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE | FETCH_ENVELOPE | FETCH_BODY_STRUCTURE_SHORT},
};

struct request_draft {
    struct arena *arena;
    struct fetch_request *request;
    struct section sections[LIMIT_FETCH_SECTIONS];
    size_t len;
};

static bool request_read_name(struct reader *r, struct request_draft *draft, struct str name)
{
    for (size_t i = 0; i < sizeof macro_rows / sizeof macro_rows[0]; i++) {
        if (str_eq_nocase(name, macro_rows[i].name)) {
            draft->request->items |= macro_rows[i].items;
            return true;
        }
    }
    unsigned item = fetch_item_find(name);
    draft->request->items |= item;
    return item != 0 || reader_fail(r, "the FETCH item \"%.*s\"", STR_ARG(name));
}

static bool request_add_section(struct reader *r, struct request_draft *draft,
                                const struct section *section, bool peek)
{
    if (draft->len == LIMIT_FETCH_SECTIONS) {
        return reader_fail(r, "more than %d body sections", LIMIT_FETCH_SECTIONS);
    }
    draft->sections[draft->len++] = *section;
    draft->request->items |= FETCH_BODY_SECTION;
    draft->request->mark_seen |= !peek;
    return true;
}

static bool request_read_item(struct reader *r, struct request_draft *draft)
{
    struct str name;
    struct section section;
    bool peek;
    if (!reader_expect_view(r, CHAR_NAME, &name)) {
        return false;
    }
    if (!section_item_parse(name, &section, &peek)) {
        return request_read_name(r, draft, name);
    }
    if (section_item_has_section(section.item)) {
        enum section_item item = section.item;
        if (item == SECTION_BODY && !peek && reader_peek(r) != '[') {
            draft->request->items |= FETCH_BODY_STRUCTURE_SHORT;
            return true;
        }
        if (!section_read(r, draft->arena, &section)) {
            return false;
        }
        section.item = item;
    }
    return request_add_section(r, draft, &section, peek);
}

/* "(LAZY)" behind PREVIEW, if it is there. */
static bool request_read_lazy(struct reader *r, struct fetch_request *request)
{
    if ((request->items & FETCH_PREVIEW) == 0 || !reader_accept(r, '(')) {
        return !reader_failed(r);
    }
    do {
        (void)reader_accept_sp(r);
        if (!reader_accept_word(r, "LAZY")) {
            return reader_expected(r, "LAZY");
        }
        request->preview_lazy = true;
        (void)reader_accept_sp(r);
    } while (!reader_accept(r, ')'));
    (void)reader_accept_sp(r);
    return true;
}

static bool request_read_items(struct reader *r, struct request_draft *draft)
{
    if (!reader_accept(r, '(')) {
        return request_read_item(r, draft);
    }
    do {
        (void)reader_accept_sp(r);
        if (!request_read_item(r, draft)) {
            return false;
        }
        (void)reader_accept_sp(r);
        if (!request_read_lazy(r, draft->request)) {
            return false;
        }
    } while (!reader_accept(r, ')'));
    return true;
}

static bool request_read_modifier(struct reader *r, struct fetch_request *out)
{
    if (reader_accept_word(r, "VANISHED")) {
        out->vanished = true;
        return true;
    }
    if (reader_accept_word(r, "CHANGEDSINCE")) {
        return reader_expect_sp(r) && modseq_read(r, &out->changed_since);
    }
    if (reader_accept_word(r, "PARTIAL")) {
        return reader_expect_sp(r) && partial_range_read(r, &out->partial);
    }
    if ((out->items & FETCH_PREVIEW) != 0 && reader_accept_word(r, "LAZY")) {
        out->preview_lazy = true; /* behind PREVIEW without parentheses */
        return true;
    }
    return reader_expected(r, "CHANGEDSINCE, VANISHED or PARTIAL");
}

/* " (CHANGEDSINCE 12 VANISHED)", if it is there. */
static bool request_read_modifiers(struct reader *r, struct fetch_request *out)
{
    while (reader_accept_sp(r) && !reader_at_crlf(r)) {
        if (!reader_expect(r, '(')) {
            return false;
        }
        do {
            (void)reader_accept_sp(r);
            if (!request_read_modifier(r, out)) {
                return false;
            }
            (void)reader_accept_sp(r);
        } while (!reader_accept(r, ')'));
    }
    return !reader_failed(r);
}

bool fetch_items_read(struct reader *r, struct arena *arena, struct fetch_request *out)
{
    struct request_draft draft;
    draft.arena = arena;
    draft.request = out;
    draft.len = 0;
    *out = (struct fetch_request){0};
    if (!request_read_items(r, &draft)) {
        return false;
    }
    if (draft.len > 0) {
        struct section *sections = arena_array(arena, draft.len, sizeof *sections);
        memcpy(sections, draft.sections, draft.len * sizeof *sections);
        out->section = sections;
        out->sections_len = draft.len;
    }
    return true;
}

bool fetch_request_read(struct reader *r, struct arena *arena, struct fetch_request *out)
{
    return fetch_items_read(r, arena, out) && request_read_modifiers(r, out);
}
