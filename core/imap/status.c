#include "imap/status.h"
#include "wire/chars.h"
#include "imap/modseq.h"
#include <assert.h>

struct status_row {
    enum status_item item;
    const char *name;
};
static const struct status_row status_rows[] = {
    {STATUS_MESSAGES, "MESSAGES"},
    {STATUS_UIDNEXT, "UIDNEXT"},
    {STATUS_UIDVALIDITY, "UIDVALIDITY"},
    {STATUS_UNSEEN, "UNSEEN"},
    {STATUS_RECENT, "RECENT"},
    {STATUS_DELETED, "DELETED"},
    {STATUS_SIZE, "SIZE"},
    {STATUS_HIGHESTMODSEQ, "HIGHESTMODSEQ"},
    {STATUS_MAILBOXID, "MAILBOXID"},
    {STATUS_APPENDLIMIT, "APPENDLIMIT"},
    {STATUS_DELETED_STORAGE, "DELETED-STORAGE"},
};
#define STATUS_ROWS (sizeof status_rows / sizeof status_rows[0])

static unsigned status_item_lookup(struct str name)
{
    for (size_t i = 0; i < STATUS_ROWS; i++) {
        if (str_eq_nocase(name, str_from(status_rows[i].name))) {
            return status_rows[i].item;
        }
    }
    return 0;
}

/* Where a plain 32-bit number goes. */
static uint32_t *status_number(struct status_data *data, unsigned item)
{
    switch (item) {
    case STATUS_MESSAGES:
        return &data->messages;
    case STATUS_UIDNEXT:
        return &data->uidnext;
    case STATUS_UIDVALIDITY:
        return &data->uidvalidity;
    case STATUS_UNSEEN:
        return &data->unseen;
    case STATUS_RECENT:
        return &data->recent;
    default:
        assert(item == STATUS_DELETED);
        return &data->deleted;
    }
}

/* A number or NIL, which takes the item back. */
static bool status_read_append_limit(struct reader *r, struct status_data *out)
{
    if (reader_accept_word(r, "NIL")) {
        out->have &= ~(unsigned)STATUS_APPENDLIMIT;
        return true;
    }
    return reader_expect_number64(r, &out->append_limit);
}

static bool is_object_id(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (!char_is(id.ptr[i], CHAR_NAME)) {
            return false;
        }
    }
    return id.len > 0 && id.len <= 255;
}

/* RFC 8474 section 4.3. Cyrus 3.6 tells memory that it has freed, with any bytes in it: what is no
 * id counts as not told, and goes up to a parenthesis that the next item or the end can follow. */
static bool status_read_mailboxid(struct reader *r, struct status_data *out)
{
    struct str id = STR_EMPTY;
    bool plain = true;
    if (!reader_expect(r, '(')) {
        return false;
    }
    do {
        struct str piece = STR_EMPTY;
        if (reader_peek(r) != ')' && !reader_expect_until(r, ")", &piece)) {
            return false;
        }
        plain = plain && id.len == 0 && is_object_id(piece);
        id = piece;
        if (!reader_expect(r, ')')) {
            return false;
        }
    } while (reader_peek(r) != ' ' && reader_peek(r) != ')' && !reader_at_crlf(r));
    if (plain) {
        out->mailboxid = id;
    } else {
        out->have &= ~(unsigned)STATUS_MAILBOXID;
        out->mailboxid_broken = true;
    }
    return true;
}

/* NIL, as some tell of an empty mailbox, is none. */
static bool status_read_modseq(struct reader *r, struct status_data *out)
{
    if (reader_accept_word(r, "NIL")) {
        out->have &= ~(unsigned)STATUS_HIGHESTMODSEQ;
        return true;
    }
    return modseq_read(r, &out->highestmodseq);
}

static bool status_read_value(struct reader *r, unsigned item, struct status_data *out)
{
    out->have |= item;
    switch (item) {
    case 0:
        return reader_skip_value(r);
    case STATUS_SIZE:
        return reader_expect_size(r, &out->size);
    case STATUS_HIGHESTMODSEQ:
        return status_read_modseq(r, out);
    case STATUS_MAILBOXID:
        return status_read_mailboxid(r, out);
    case STATUS_APPENDLIMIT:
        return status_read_append_limit(r, out);
    case STATUS_DELETED_STORAGE:
        return reader_expect_number64(r, &out->deleted_storage);
    default:
        return reader_expect_number(r, status_number(out, item));
    }
}

bool status_data_read(struct reader *r, struct status_data *out)
{
    *out = (struct status_data){0};
    (void)reader_accept_sp(r);
    if (!reader_expect_list_mailbox(r, &out->mailbox) || !reader_expect_sp(r) ||
        !reader_expect(r, '(')) {
        return false;
    }
    while (!reader_list_ended(r)) {
        struct str name;
        if (!reader_expect_view(r, CHAR_ATOM | CHAR_8BIT, &name)) {
            return false;
        }
        unsigned item = status_item_lookup(name);
        if (!reader_expect_sp(r) || !status_read_value(r, item, out)) {
            return false;
        }
    }
    return true;
}

static void status_write_value(struct writer *w, unsigned item, const struct status_data *data)
{
    switch (item) {
    case STATUS_SIZE:
        writer_number(w, data->size);
        break;
    case STATUS_HIGHESTMODSEQ:
        writer_number(w, data->highestmodseq);
        break;
    case STATUS_MAILBOXID:
        writer_byte(w, '(');
        writer_atom(w, data->mailboxid);
        writer_byte(w, ')');
        break;
    case STATUS_APPENDLIMIT:
        writer_number(w, data->append_limit);
        break;
    case STATUS_DELETED_STORAGE:
        writer_number(w, data->deleted_storage);
        break;
    default: {
        struct status_data copy = *data;
        writer_number(w, *status_number(&copy, item));
        break;
    }
    }
}

void status_data_write(struct writer *w, const struct status_data *data)
{
    const char *before = "";
    writer_cstr(w, "STATUS ");
    writer_astring(w, data->mailbox);
    writer_cstr(w, " (");
    for (size_t i = 0; i < STATUS_ROWS; i++) {
        if ((data->have & status_rows[i].item) != 0) {
            writer_cstr(w, before);
            writer_cstr(w, status_rows[i].name);
            writer_sp(w);
            status_write_value(w, status_rows[i].item, data);
            before = " ";
        }
    }
    writer_byte(w, ')');
}

bool status_items_read(struct reader *r, unsigned *items)
{
    *items = 0;
    if (!reader_expect(r, '(')) {
        return false;
    }
    while (!reader_list_ended(r)) {
        struct str name;
        if (!reader_expect_view(r, CHAR_NAME, &name)) {
            return false;
        }
        unsigned item = status_item_lookup(name);
        if (item == 0) {
            return reader_fail(r, "the STATUS item \"%.*s\"", STR_ARG(name));
        }
        *items |= item;
    }
    return true;
}

void status_items_write(struct writer *w, unsigned items)
{
    const char *before = "(";
    for (size_t i = 0; i < STATUS_ROWS; i++) {
        if ((items & status_rows[i].item) != 0) {
            writer_cstr(w, before);
            writer_cstr(w, status_rows[i].name);
            before = " ";
        }
    }
    writer_cstr(w, items != 0 ? ")" : "()");
}
