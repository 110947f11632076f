/* FETCH: what is told. */
#include "imap/fetch_items.h"
#include "imap/limits.h"
#include "imap/modseq.h"
#include <assert.h>

struct fetch_reader {
    struct reader *r;
    struct arena *arena;
    const struct fetch_sink *sink; /* NULL from its first false on */
    struct error *sink_error;
    struct fetch_data *out;
    size_t binary_sizes_cap;
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

/* Behind the section. */
static bool body_read(struct fetch_reader *f, const struct section *section)
{
    struct reader_literal literal;
    if (!reader_expect_sp(f->r)) {
        return false;
    }
    f->out->have |= FETCH_BODY_SECTION;
    if (reader_accept_literal(f->r, &literal)) {
        return body_read_literal(f, section, literal.size);
    }
    if (reader_accept_word(f->r, "NIL")) {
        f->out->body_is_nil = true;
        return true;
    }
    return body_read_string(f, section);
}

/* Behind "BINARY.SIZE[1.2]". */
static bool binary_size_read(struct fetch_reader *f, const struct section *section)
{
    struct fetch_data *out = f->out;
    if (out->binary_sizes_len == LIMIT_FETCH_SECTIONS) {
        return reader_fail(f->r, "more than %d sizes of body parts", LIMIT_FETCH_SECTIONS);
    }
    out->binary_sizes = arena_grow(f->arena, out->binary_sizes, out->binary_sizes_len,
                                   &f->binary_sizes_cap, sizeof *out->binary_sizes);
    struct fetch_binary_size *size = &out->binary_sizes[out->binary_sizes_len++];
    size->section = *section;
    out->have |= FETCH_BODY_SECTION;
    return reader_expect_sp(f->r) && reader_expect_size(f->r, &size->size);
}

/* Behind the name of one of enum section_item; `section` is what the name tells of it. */
static bool section_item_read(struct fetch_reader *f, struct section *section)
{
    enum section_item item = section->item;
    if (section_item_has_section(item)) {
        if (!section_read(f->r, f->arena, section)) {
            return false;
        }
        section->item = item;
    }
    return item == SECTION_BINARY_SIZE ? binary_size_read(f, section) : body_read(f, section);
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

static bool save_date_read(struct reader *r, struct fetch_data *out)
{
    struct str text;
    if (!reader_expect_nstring(r, &text)) {
        return false;
    }
    out->has_save_date = text.ptr != NULL && imap_date_parse(text, &out->save_date);
    return true;
}

/* Names unquoted too, as Gmail sends them. */
static bool labels_read(struct reader *r, struct arena *arena, struct str_list *out)
{
    struct str label;
    *out = (struct str_list){0};
    if (reader_accept_word(r, "NIL")) {
        return true;
    }
    if (!reader_expect(r, '(')) {
        return false;
    }
    (void)reader_accept_sp(r);
    while (!reader_accept(r, ')')) {
        if (out->len == LIMIT_LABELS) {
            return reader_fail(r, "more than %d labels", LIMIT_LABELS);
        }
        if (!reader_expect_list_mailbox(r, &label)) {
            return false;
        }
        str_list_add(arena, out, label);
        (void)reader_accept_sp(r);
    }
    return true;
}

/* Where both are told, BODYSTRUCTURE stays, which has more. */
static bool structure_read(struct fetch_reader *f, unsigned item)
{
    bool known = item == FETCH_BODY_STRUCTURE_SHORT && f->out->structure != NULL;
    struct body_part *structure = arena_alloc(f->arena, sizeof *structure);
    f->out->structure = known ? f->out->structure : structure;
    return bodystructure_read(f->r, f->arena, structure);
}

static bool value_read(struct fetch_reader *f, unsigned item)
{
    struct fetch_data *out = f->out;
    out->have |= item;
    switch (item) {
    case FETCH_UID:
        return seqset_read_number(f->r, &out->uid);
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
        return save_date_read(f->r, out);
    case FETCH_GM_LABELS:
        return labels_read(f->r, f->arena, &out->gm_labels);
    case FETCH_ENVELOPE:
        out->envelope = arena_alloc(f->arena, sizeof *out->envelope);
        return envelope_read(f->r, f->arena, out->envelope);
    case FETCH_BODYSTRUCTURE:
    case FETCH_BODY_STRUCTURE_SHORT:
        return structure_read(f, item);
    case FETCH_PREVIEW:
        return reader_expect_nstring(f->r, &out->preview);
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
    struct section section;
    bool peek;
    if (!reader_expect_view(f->r, CHAR_NAME, &name)) {
        return false;
    }
    unsigned item = fetch_item_find(name);
    bool is_section = section_item_parse(name, &section, &peek);
    if (is_section && (item == 0 || reader_peek(f->r) == '[')) {
        return section_item_read(f, &section);
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
    struct fetch_reader f = {r, arena, sink, sink_error, out, 0};
    *out = (struct fetch_data){.seq = out->seq};
    (void)reader_accept_sp(r);
    if (!reader_expect(r, '(')) {
        return false;
    }
    while (!reader_list_ended(r)) {
        if (!item_read(&f)) {
            return false;
        }
    }
    return true;
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

static void labels_write(struct writer *w, const struct str_list *labels)
{
    writer_byte(w, '(');
    for (size_t i = 0; i < labels->len; i++) {
        writer_cstr(w, i > 0 ? " " : "");
        writer_astring(w, labels->items[i]);
    }
    writer_byte(w, ')');
}

static void value_write(struct writer *w, unsigned item, const struct fetch_data *data)
{
    switch (item) {
    case FETCH_UID:
        writer_number(w, data->uid);
        break;
    case FETCH_FLAGS:
        flags_write_told(w, &data->flags);
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
    case FETCH_SAVEDATE:
        if (data->has_save_date) {
            imap_date_write(w, &data->save_date);
        } else {
            writer_cstr(w, "NIL");
        }
        break;
    case FETCH_GM_LABELS:
        labels_write(w, &data->gm_labels);
        break;
    case FETCH_ENVELOPE:
        envelope_write(w, data->envelope);
        break;
    case FETCH_BODYSTRUCTURE:
    case FETCH_BODY_STRUCTURE_SHORT:
        bodystructure_write(w, data->structure, item == FETCH_BODYSTRUCTURE);
        break;
    default:
        assert(item == FETCH_PREVIEW);
        writer_nstring(w, data->preview);
        break;
    }
}

void fetch_data_write_items(struct writer *w, const struct fetch_data *data)
{
    const char *before = "";
    for (size_t i = 0; i < FETCH_ITEM_ROWS; i++) {
        unsigned item = fetch_item_rows[i].item;
        if ((data->have & item) != 0) {
            writer_cstr(w, before);
            writer_raw(w, fetch_item_rows[i].name);
            writer_sp(w);
            value_write(w, item, data);
            before = " ";
        }
    }
    for (size_t i = 0; i < data->binary_sizes_len; i++) {
        writer_cstr(w, before);
        section_item_write(w, &data->binary_sizes[i].section, true);
        writer_sp(w);
        writer_number(w, data->binary_sizes[i].size);
        before = " ";
    }
}
