#include "imap/fetch.h"
#include "imap/limits.h"
#include "imap/modseq.h"
#include <assert.h>

struct item_row {
    enum fetch_item item;
    struct str name;
};
/* In the order in which items are written. */
static const struct item_row item_rows[] = {
    {FETCH_UID, {"UID", 3}},
    {FETCH_FLAGS, {"FLAGS", 5}},
    {FETCH_INTERNALDATE, {"INTERNALDATE", 12}},
    {FETCH_SIZE, {"RFC822.SIZE", 11}},
    {FETCH_MODSEQ, {"MODSEQ", 6}},
    {FETCH_EMAILID, {"EMAILID", 7}},
    {FETCH_THREADID, {"THREADID", 8}},
    {FETCH_GM_MSGID, {"X-GM-MSGID", 10}},
    {FETCH_GM_THRID, {"X-GM-THRID", 10}},
    {FETCH_SAVEDATE, {"SAVEDATE", 8}},
    {FETCH_ENVELOPE, {"ENVELOPE", 8}},
    {FETCH_BODYSTRUCTURE, {"BODYSTRUCTURE", 13}},
    {FETCH_BODY_STRUCTURE_SHORT, {"BODY", 4}},
};
#define ITEM_ROWS (sizeof item_rows / sizeof item_rows[0])
#define ITEMS_WITHOUT_VALUE                                                                        \
    (FETCH_ENVELOPE | FETCH_BODYSTRUCTURE | FETCH_BODY_STRUCTURE_SHORT | FETCH_BODY_SECTION)

static unsigned item_lookup(struct str name)
{
    for (size_t i = 0; i < ITEM_ROWS; i++) {
        if (name.len == item_rows[i].name.len && str_eq_nocase(name, item_rows[i].name)) {
            return item_rows[i].item;
        }
    }
    return 0;
}

/* ---- asking ---- */

void fetch_request_write(struct writer *w, const struct fetch_request *request)
{
    static const struct section whole = {.part = SECTION_WHOLE};
    const char *before = "(";
    for (size_t i = 0; i < ITEM_ROWS; i++) {
        if ((request->items & item_rows[i].item) != 0) {
            writer_cstr(w, before);
            writer_raw(w, item_rows[i].name);
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
    if (request->changed_since != 0) {
        writer_cstr(w, " (CHANGEDSINCE ");
        writer_number(w, request->changed_since);
        writer_cstr(w, request->vanished ? " VANISHED)" : ")");
    }
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
    unsigned item = item_lookup(name);
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
    } while (!reader_accept(r, ')'));
    return true;
}

/* " (CHANGEDSINCE 12 VANISHED)", if it is there. */
static bool request_read_modifiers(struct reader *r, struct fetch_request *out)
{
    if (!reader_accept_sp(r) || reader_at_crlf(r)) {
        return !reader_failed(r);
    }
    if (!reader_expect(r, '(')) {
        return false;
    }
    do {
        (void)reader_accept_sp(r);
        if (reader_accept_word(r, "VANISHED")) {
            out->vanished = true;
        } else if (!reader_accept_word(r, "CHANGEDSINCE")) {
            return reader_expected(r, "CHANGEDSINCE or VANISHED");
        } else if (!reader_expect_sp(r) || !modseq_read(r, &out->changed_since)) {
            return false;
        }
        (void)reader_accept_sp(r);
    } while (!reader_accept(r, ')'));
    return true;
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

/* ---- telling ---- */

struct fetch_reader {
    struct reader *r;
    struct arena *arena;
    const struct fetch_sink *sink; /* NULL from its first false on */
    struct error *sink_error;
    struct fetch_data *out;
};

/* A body as one string, or as a literal whose pieces are passed on as they come. */
static bool body_read_string(struct fetch_reader *f, const struct section *section)
{
    struct str body;
    if (!reader_expect_string(f->r, &body)) {
        return false;
    }
    f->out->body_size = body.len;
    const struct fetch_sink *sink = f->sink;
    if (sink != NULL && (!sink->begin(sink->self, f->out, section, body.len, f->sink_error) ||
                         (body.len > 0 && !sink->piece(sink->self, body, f->sink_error)) ||
                         !sink->end(sink->self, f->sink_error))) {
        f->sink = NULL;
    }
    return true;
}

static bool body_read_literal(struct fetch_reader *f, const struct section *section, uint64_t size)
{
    struct str piece;
    f->out->body_size = size;
    if (f->sink != NULL && !f->sink->begin(f->sink->self, f->out, section, size, f->sink_error)) {
        f->sink = NULL;
    }
    for (;;) {
        if (!reader_literal_piece(f->r, &piece)) {
            return false;
        }
        if (piece.len == 0) {
            break;
        }
        if (f->sink != NULL && !f->sink->piece(f->sink->self, piece, f->sink_error)) {
            f->sink = NULL;
        }
    }
    if (f->sink != NULL && !f->sink->end(f->sink->self, f->sink_error)) {
        f->sink = NULL;
    }
    return true;
}

/* From the `[` behind BODY. */
static bool body_read(struct fetch_reader *f)
{
    struct section section;
    struct reader_literal literal;
    if (!section_read(f->r, f->arena, &section) || !reader_expect_sp(f->r)) {
        return false;
    }
    f->out->have |= FETCH_BODY_SECTION;
    if (reader_accept_literal(f->r, &literal)) {
        return body_read_literal(f, &section, literal.size);
    }
    if (reader_accept_word(f->r, "NIL")) {
        f->out->body_is_nil = true;
        return true;
    }
    return body_read_string(f, &section);
}

/* "(M6d99ac3275bb4e)" or NIL. */
static bool object_id_read(struct reader *r, struct str *out)
{
    *out = STR_EMPTY;
    if (reader_accept_word(r, "NIL")) {
        return true;
    }
    return reader_expect(r, '(') && reader_expect_astring(r, out) && reader_expect(r, ')');
}

static bool fetch_read_modseq(struct reader *r, struct fetch_data *out)
{
    if (!reader_expect(r, '(') || !modseq_read(r, &out->modseq) || !reader_expect(r, ')')) {
        return false;
    }
    if (out->modseq == 0) {
        out->have &= ~(unsigned)FETCH_MODSEQ;
    }
    return true;
}

static bool save_date_read(struct reader *r)
{
    struct imap_date ignored;
    return imap_date_read(r, &ignored);
}

static bool value_read(struct fetch_reader *f, unsigned item)
{
    struct fetch_data *out = f->out;
    out->have |= item;
    switch (item) {
    case FETCH_UID:
        return reader_expect_nz_number(f->r, &out->uid);
    case FETCH_FLAGS:
        return flags_read(f->r, f->arena, &out->flags);
    case FETCH_INTERNALDATE:
        return imap_date_read(f->r, &out->internal_date);
    case FETCH_SIZE:
        return reader_expect_size(f->r, &out->size);
    case FETCH_MODSEQ:
        return fetch_read_modseq(f->r, out);
    case FETCH_EMAILID:
        return object_id_read(f->r, &out->email_id);
    case FETCH_THREADID:
        return object_id_read(f->r, &out->thread_id);
    case FETCH_GM_MSGID:
        return reader_expect_number64(f->r, &out->gm_msgid);
    case FETCH_GM_THRID:
        return reader_expect_number64(f->r, &out->gm_thrid);
    case FETCH_SAVEDATE:
        return save_date_read(f->r);
    default:
        return reader_skip_value(f->r);
    }
}

/* "[1]<0>" behind the name of an item that is passed over. */
static bool skip_item_suffix(struct reader *r)
{
    struct str ignored;
    if (reader_accept(r, '[') && reader_peek(r) != ']' && !reader_expect_until(r, "]", &ignored)) {
        return false;
    }
    (void)reader_accept(r, ']');
    if (reader_accept(r, '<') && !reader_expect_until(r, ">", &ignored)) {
        return false;
    }
    (void)reader_accept(r, '>');
    return !reader_failed(r);
}

static bool item_read(struct fetch_reader *f)
{
    struct str name;
    if (!reader_expect_view(f->r, CHAR_NAME, &name)) {
        return false;
    }
    unsigned item = item_lookup(name);
    bool is_body = item == FETCH_BODY_STRUCTURE_SHORT || str_eq_nocase(name, STR("BODY.PEEK"));
    if (is_body && reader_peek(f->r) == '[') {
        return body_read(f);
    }
    if (item == 0 && !skip_item_suffix(f->r)) {
        return false;
    }
    return reader_expect_sp(f->r) && value_read(f, item);
}

bool fetch_data_read(struct reader *r, struct arena *arena, const struct fetch_sink *sink,
                     struct fetch_data *out, struct error *sink_error)
{
    assert(sink == NULL || sink_error != NULL);
    struct fetch_reader f = {r, arena, sink, sink_error, out};
    *out = (struct fetch_data){.seq = out->seq};
    (void)reader_accept_sp(r);
    if (!reader_expect(r, '(')) {
        return false;
    }
    for (;;) {
        (void)reader_accept_sp(r);
        if (reader_accept(r, ')')) {
            return true;
        }
        if (!item_read(&f)) {
            return false;
        }
    }
}

static void object_id_write(struct writer *w, struct str id)
{
    if (id.len == 0) {
        writer_cstr(w, "NIL");
        return;
    }
    writer_byte(w, '(');
    writer_atom(w, id);
    writer_byte(w, ')');
}

static void value_write(struct writer *w, unsigned item, const struct fetch_data *data)
{
    switch (item) {
    case FETCH_UID:
        writer_number(w, data->uid);
        break;
    case FETCH_FLAGS:
        flags_write(w, &data->flags);
        break;
    case FETCH_INTERNALDATE:
        imap_date_write(w, &data->internal_date);
        break;
    case FETCH_SIZE:
        writer_number(w, data->size);
        break;
    case FETCH_MODSEQ:
        writer_byte(w, '(');
        writer_number(w, data->modseq);
        writer_byte(w, ')');
        break;
    case FETCH_EMAILID:
        object_id_write(w, data->email_id);
        break;
    case FETCH_THREADID:
        object_id_write(w, data->thread_id);
        break;
    case FETCH_GM_MSGID:
        writer_number(w, data->gm_msgid);
        break;
    case FETCH_GM_THRID:
        writer_number(w, data->gm_thrid);
        break;
    default:
        writer_cstr(w, "NIL"); /* SAVEDATE is not kept */
        break;
    }
}

void fetch_data_write_items(struct writer *w, const struct fetch_data *data)
{
    const char *before = "";
    for (size_t i = 0; i < ITEM_ROWS; i++) {
        unsigned item = item_rows[i].item;
        if ((data->have & item & ~(unsigned)ITEMS_WITHOUT_VALUE) != 0) {
            writer_cstr(w, before);
            writer_raw(w, item_rows[i].name);
            writer_sp(w);
            value_write(w, item, data);
            before = " ";
        }
    }
}
