#include "imap/response.h"
#include "imap/modseq.h"
#include <assert.h>

static const struct str status_names[] = {
    [STATUS_NONE] = {"", 0},   [STATUS_OK] = {"OK", 2},           [STATUS_NO] = {"NO", 2},
    [STATUS_BAD] = {"BAD", 3}, [STATUS_PREAUTH] = {"PREAUTH", 7}, [STATUS_BYE] = {"BYE", 3},
};
#define STATUSES (sizeof status_names / sizeof status_names[0])

/* What follows the name of a code. Text behind it, or all of it where none is known, goes to id. */
enum code_argument {
    ARGUMENT_NONE,
    ARGUMENT_NUMBER, /* 32 bits */
    ARGUMENT_MODSEQ,
    ARGUMENT_CAPABILITIES,
    ARGUMENT_FLAGS,
    ARGUMENT_SET,
    ARGUMENT_APPENDUID,
    ARGUMENT_COPYUID,
    ARGUMENT_ID,           /* in parentheses */
    ARGUMENT_MESSAGELIMIT, /* "1000 23221", the UID may be missing */
    ARGUMENT_METADATA,     /* "LONGENTRIES 2199" */
    ARGUMENT_PROGRESS,     /* "("A001" 175 1000)", each may be NIL */
    ARGUMENT_CHARSETS,     /* "(UTF-8 US-ASCII)" */
};

struct code_row {
    const char *name;
    enum code_argument argument;
};
static const struct code_row code_rows[CODE_COUNT] = {
    [CODE_NONE] = {"", ARGUMENT_NONE},
    [CODE_OTHER] = {"", ARGUMENT_NONE},
    [CODE_ALERT] = {"ALERT", ARGUMENT_NONE},
    [CODE_CAPABILITY] = {"CAPABILITY", ARGUMENT_CAPABILITIES},
    [CODE_PERMANENTFLAGS] = {"PERMANENTFLAGS", ARGUMENT_FLAGS},
    [CODE_READ_ONLY] = {"READ-ONLY", ARGUMENT_NONE},
    [CODE_READ_WRITE] = {"READ-WRITE", ARGUMENT_NONE},
    [CODE_TRYCREATE] = {"TRYCREATE", ARGUMENT_NONE},
    [CODE_UIDNEXT] = {"UIDNEXT", ARGUMENT_NUMBER},
    [CODE_UIDVALIDITY] = {"UIDVALIDITY", ARGUMENT_NUMBER},
    [CODE_UNSEEN] = {"UNSEEN", ARGUMENT_NUMBER},
    [CODE_APPENDUID] = {"APPENDUID", ARGUMENT_APPENDUID},
    [CODE_COPYUID] = {"COPYUID", ARGUMENT_COPYUID},
    [CODE_UIDNOTSTICKY] = {"UIDNOTSTICKY", ARGUMENT_NONE},
    [CODE_HIGHESTMODSEQ] = {"HIGHESTMODSEQ", ARGUMENT_MODSEQ},
    [CODE_NOMODSEQ] = {"NOMODSEQ", ARGUMENT_NONE},
    [CODE_MODIFIED] = {"MODIFIED", ARGUMENT_SET},
    [CODE_CLOSED] = {"CLOSED", ARGUMENT_NONE},
    [CODE_MAILBOXID] = {"MAILBOXID", ARGUMENT_ID},
    [CODE_AUTHENTICATIONFAILED] = {"AUTHENTICATIONFAILED", ARGUMENT_NONE},
    [CODE_AUTHORIZATIONFAILED] = {"AUTHORIZATIONFAILED", ARGUMENT_NONE},
    [CODE_UNAVAILABLE] = {"UNAVAILABLE", ARGUMENT_NONE},
    [CODE_EXPIRED] = {"EXPIRED", ARGUMENT_NONE},
    [CODE_LIMIT] = {"LIMIT", ARGUMENT_NONE},
    [CODE_OVERQUOTA] = {"OVERQUOTA", ARGUMENT_NONE},
    [CODE_TOOBIG] = {"TOOBIG", ARGUMENT_NONE},
    [CODE_NONEXISTENT] = {"NONEXISTENT", ARGUMENT_NONE},
    [CODE_ALREADYEXISTS] = {"ALREADYEXISTS", ARGUMENT_NONE},
    [CODE_INUSE] = {"INUSE", ARGUMENT_NONE},
    [CODE_NOPERM] = {"NOPERM", ARGUMENT_NONE},
    [CODE_CANNOT] = {"CANNOT", ARGUMENT_NONE},
    [CODE_EXPUNGEISSUED] = {"EXPUNGEISSUED", ARGUMENT_NONE},
    [CODE_CORRUPTION] = {"CORRUPTION", ARGUMENT_NONE},
    [CODE_SERVERBUG] = {"SERVERBUG", ARGUMENT_NONE},
    [CODE_CLIENTBUG] = {"CLIENTBUG", ARGUMENT_NONE},
    [CODE_CONTACTADMIN] = {"CONTACTADMIN", ARGUMENT_NONE},
    [CODE_PRIVACYREQUIRED] = {"PRIVACYREQUIRED", ARGUMENT_NONE},
    [CODE_NOTIFICATIONOVERFLOW] = {"NOTIFICATIONOVERFLOW", ARGUMENT_NONE},
    [CODE_BADCHARSET] = {"BADCHARSET", ARGUMENT_CHARSETS},
    [CODE_PARSE] = {"PARSE", ARGUMENT_NONE},
    [CODE_HASCHILDREN] = {"HASCHILDREN", ARGUMENT_NONE},
    [CODE_UNKNOWN_CTE] = {"UNKNOWN-CTE", ARGUMENT_NONE},
    [CODE_MESSAGELIMIT] = {"MESSAGELIMIT", ARGUMENT_MESSAGELIMIT},
    [CODE_UIDREQUIRED] = {"UIDREQUIRED", ARGUMENT_NONE},
    [CODE_COMPRESSIONACTIVE] = {"COMPRESSIONACTIVE", ARGUMENT_NONE},
    [CODE_REFERRAL] = {"REFERRAL", ARGUMENT_NONE},
    [CODE_INPROGRESS] = {"INPROGRESS", ARGUMENT_PROGRESS},
    [CODE_METADATA] = {"METADATA", ARGUMENT_METADATA},
    [CODE_BADEVENT] = {"BADEVENT", ARGUMENT_NONE},
    [CODE_NOTSAVED] = {"NOTSAVED", ARGUMENT_NONE},
    [CODE_NOUPDATE] = {"NOUPDATE", ARGUMENT_NONE},
    [CODE_USEATTR] = {"USEATTR", ARGUMENT_NONE},
    [CODE_NEWNAME] = {"NEWNAME", ARGUMENT_NONE},
    [CODE_BADCOMPARATOR] = {"BADCOMPARATOR", ARGUMENT_NONE},
    [CODE_URLMECH] = {"URLMECH", ARGUMENT_NONE},
    [CODE_BADURL] = {"BADURL", ARGUMENT_NONE},
    [CODE_UNDEFINED_FILTER] = {"UNDEFINED-FILTER", ARGUMENT_NONE},
    [CODE_TEMPFAIL] = {"TEMPFAIL", ARGUMENT_NONE},
    [CODE_MAXCONVERTMESSAGES] = {"MAXCONVERTMESSAGES", ARGUMENT_NUMBER},
    [CODE_MAXCONVERTPARTS] = {"MAXCONVERTPARTS", ARGUMENT_NUMBER},
};

const char *imap_status_name(enum imap_status status)
{
    assert(status < STATUSES);
    return status_names[status].ptr;
}

const char *response_code_name(enum response_code code)
{
    assert(code < CODE_COUNT);
    return code_rows[code].name;
}

static enum imap_status status_lookup(struct str name)
{
    for (unsigned i = STATUS_OK; i < STATUSES; i++) {
        if (str_eq(name, status_names[i])) {
            return (enum imap_status)i;
        }
    }
    return STATUS_NONE;
}

static enum response_code code_lookup(struct str name)
{
    for (unsigned i = CODE_ALERT; i < CODE_COUNT; i++) {
        if (str_eq_nocase(name, str_from(code_rows[i].name))) {
            return (enum response_code)i;
        }
    }
    return CODE_OTHER;
}

void imap_response_status_free(struct imap_response_status *status)
{
    seqset_free(&status->set);
    copyuid_free(&status->copyuid);
}

/* ---- reading ---- */

static bool code_read_number(struct reader *r, uint64_t *out)
{
    uint32_t number;
    if (!reader_expect_number(r, &number)) {
        return false;
    }
    *out = number;
    return true;
}

static bool code_read_id(struct reader *r, struct str *out)
{
    return reader_expect(r, '(') && reader_expect_astring(r, out) && reader_expect(r, ')');
}

struct metadata_code_row {
    const char *name;
    bool has_number;
};
static const struct metadata_code_row metadata_rows[] = {
    [METADATA_CODE_NONE] = {"", false},
    [METADATA_CODE_LONGENTRIES] = {"LONGENTRIES", true},
    [METADATA_CODE_MAXSIZE] = {"MAXSIZE", true},
    [METADATA_CODE_TOOMANY] = {"TOOMANY", false},
    [METADATA_CODE_NOPRIVATE] = {"NOPRIVATE", false},
};
#define METADATA_ROWS (sizeof metadata_rows / sizeof metadata_rows[0])

/* What is not known is left for the rest of the code. */
static bool code_read_metadata(struct reader *r, struct imap_response_status *out)
{
    for (unsigned i = METADATA_CODE_LONGENTRIES; i < METADATA_ROWS; i++) {
        if (reader_accept_word(r, metadata_rows[i].name)) {
            out->metadata = (enum metadata_code)i;
            return !metadata_rows[i].has_number ||
                   (reader_expect_sp(r) && code_read_number(r, &out->number));
        }
    }
    return !reader_failed(r);
}

static bool code_read_message_limit(struct reader *r, struct imap_response_status *out)
{
    if (!code_read_number(r, &out->number)) {
        return false;
    }
    (void)reader_accept_sp(r);
    int c = reader_peek(r);
    return c < '0' || c > '9' || reader_expect_nz_number(r, &out->uid);
}

/* A number or NIL. */
static bool code_read_nnumber(struct reader *r, bool *has, uint64_t *out)
{
    *has = !reader_accept_word(r, "NIL");
    return !reader_failed(r) && (!*has || reader_expect_number64(r, out));
}

static bool code_read_progress(struct reader *r, struct imap_progress *out)
{
    return reader_expect(r, '(') && reader_expect_string(r, &out->tag) && reader_expect_sp(r) &&
           code_read_nnumber(r, &out->has_done, &out->done) && reader_expect_sp(r) &&
           code_read_nnumber(r, &out->has_goal, &out->goal) && reader_expect(r, ')');
}

static bool code_read_charsets(struct reader *r, struct arena *arena, struct str_list *out)
{
    struct str charset;
    if (!reader_expect(r, '(')) {
        return false;
    }
    (void)reader_accept_sp(r);
    while (!reader_accept(r, ')')) {
        if (!reader_expect_astring(r, &charset)) {
            return false;
        }
        str_list_add(arena, out, charset);
        (void)reader_accept_sp(r);
    }
    return true;
}

static bool code_read_argument(struct reader *r, struct arena *arena, enum code_argument argument,
                               struct imap_response_status *out)
{
    switch (argument) {
    case ARGUMENT_NUMBER:
        return code_read_number(r, &out->number);
    case ARGUMENT_MODSEQ:
        return modseq_read(r, &out->number);
    case ARGUMENT_CAPABILITIES:
        return capabilities_read(r, &out->capabilities);
    case ARGUMENT_FLAGS:
        return flags_read(r, arena, &out->flags);
    case ARGUMENT_SET:
        return seqset_read_uids(r, &out->set);
    case ARGUMENT_APPENDUID:
        return appenduid_read(r, &out->copyuid);
    case ARGUMENT_COPYUID:
        return copyuid_read(r, &out->copyuid);
    case ARGUMENT_ID:
        return code_read_id(r, &out->id);
    case ARGUMENT_MESSAGELIMIT:
        return code_read_message_limit(r, out);
    case ARGUMENT_METADATA:
        return code_read_metadata(r, out);
    case ARGUMENT_PROGRESS:
        return reader_peek(r) != '(' || code_read_progress(r, &out->progress);
    case ARGUMENT_CHARSETS:
        return reader_peek(r) != '(' || code_read_charsets(r, arena, &out->charsets);
    case ARGUMENT_NONE:
        break;
    }
    return true;
}

/* At the end of a code, or of a line that forgot it. */
static bool at_code_end(struct reader *r)
{
    return reader_peek(r) == ']' || reader_at_crlf(r);
}

/* Behind `[`, to behind `]`. */
static bool code_read(struct reader *r, struct arena *arena, struct imap_response_status *out)
{
    out->code = CODE_OTHER;
    out->code_name = STR_EMPTY;
    (void)reader_accept_sp(r);
    if (char_is((char)reader_peek(r), CHAR_ATOM)) {
        if (!reader_expect_atom(r, &out->code_name)) {
            return false;
        }
        out->code = code_lookup(out->code_name);
    }
    (void)reader_accept_sp(r);
    if (!at_code_end(r) && !code_read_argument(r, arena, code_rows[out->code].argument, out)) {
        return false;
    }
    (void)reader_accept_sp(r);
    if (!at_code_end(r)) {
        struct str rest;
        if (!reader_expect_until(r, "]", &rest)) {
            return false;
        }
        out->id = out->id.len == 0 ? rest : out->id;
    }
    (void)reader_accept(r, ']');
    return !reader_failed(r);
}

bool imap_response_status_read(struct reader *r, struct arena *arena, enum imap_status status,
                               struct imap_response_status *out)
{
    *out = (struct imap_response_status){.status = status};
    (void)reader_accept_sp(r);
    if (reader_accept(r, '[') && !code_read(r, arena, out)) {
        imap_response_status_free(out);
        return false;
    }
    (void)reader_accept_sp(r);
    if (!reader_expect_text(r, &out->text) || !reader_expect_crlf(r)) {
        imap_response_status_free(out);
        return false;
    }
    return true;
}

/* ---- writing ---- */

static void code_write_rest(struct writer *w, struct str rest)
{
    if (rest.len == 0) {
        return;
    }
    if (str_find(rest, ']') >= 0) {
        writer_fail(w, "a `]` in a response code");
    }
    writer_sp(w);
    writer_text(w, rest);
}

static void code_write_nnumber(struct writer *w, bool has, uint64_t number)
{
    writer_sp(w);
    if (has) {
        writer_number(w, number);
    } else {
        writer_cstr(w, "NIL");
    }
}

/* A bare code is one of them. */
static void code_write_progress(struct writer *w, const struct imap_progress *progress)
{
    if (progress->tag.len == 0 && !progress->has_done && !progress->has_goal) {
        return;
    }
    writer_cstr(w, " (");
    if (progress->tag.len > 0) {
        writer_byte(w, '"'); /* never a literal: what is in a tag can be quoted */
        writer_atom(w, progress->tag);
        writer_byte(w, '"');
    } else {
        writer_cstr(w, "NIL");
    }
    code_write_nnumber(w, progress->has_done, progress->done);
    code_write_nnumber(w, progress->has_goal, progress->goal);
    writer_byte(w, ')');
}

static void code_write_metadata(struct writer *w, const struct imap_response_status *status)
{
    if (status->metadata == METADATA_CODE_NONE) {
        return;
    }
    writer_sp(w);
    writer_cstr(w, metadata_rows[status->metadata].name);
    if (metadata_rows[status->metadata].has_number) {
        writer_sp(w);
        writer_number(w, status->number);
    }
}

/* A list of none is written where what was not understood behind it would be taken for the list. */
static void code_write_charsets(struct writer *w, const struct str_list *charsets, struct str rest)
{
    if (charsets->len == 0 && str_starts(rest, STR("("))) {
        writer_cstr(w, " ()");
    }
    for (size_t i = 0; i < charsets->len; i++) {
        writer_cstr(w, i == 0 ? " (" : " ");
        writer_atom(w, charsets->items[i]);
    }
    writer_cstr(w, charsets->len > 0 ? ")" : "");
}

static void code_write_argument(struct writer *w, enum code_argument argument,
                                const struct imap_response_status *status)
{
    switch (argument) {
    case ARGUMENT_NUMBER:
    case ARGUMENT_MODSEQ:
    case ARGUMENT_MESSAGELIMIT:
        writer_sp(w);
        writer_number(w, status->number);
        if (argument == ARGUMENT_MESSAGELIMIT && status->uid != 0) {
            writer_sp(w);
            writer_number(w, status->uid);
        }
        break;
    case ARGUMENT_CAPABILITIES:
        writer_sp(w);
        capabilities_write(w, &status->capabilities);
        break;
    case ARGUMENT_FLAGS:
        writer_sp(w);
        flags_write_permanent(w, &status->flags);
        break;
    case ARGUMENT_SET:
        writer_sp(w);
        seqset_write(w, &status->set);
        break;
    case ARGUMENT_ID:
        writer_cstr(w, " (");
        writer_atom(w, status->id);
        writer_byte(w, ')');
        break;
    case ARGUMENT_METADATA:
        code_write_metadata(w, status);
        break;
    case ARGUMENT_PROGRESS:
        code_write_progress(w, &status->progress);
        break;
    case ARGUMENT_CHARSETS:
        code_write_charsets(w, &status->charsets, status->id);
        break;
    case ARGUMENT_APPENDUID:
    case ARGUMENT_COPYUID:
    case ARGUMENT_NONE:
        break;
    }
}

static void code_write(struct writer *w, const struct imap_response_status *status)
{
    enum code_argument argument = code_rows[status->code].argument;
    if (argument == ARGUMENT_COPYUID) {
        copyuid_write(w, &status->copyuid);
        return;
    }
    if (argument == ARGUMENT_APPENDUID) {
        appenduid_write(w, &status->copyuid);
        return;
    }
    if (status->code == CODE_OTHER) {
        writer_atom(w, status->code_name);
    } else {
        writer_cstr(w, code_rows[status->code].name);
    }
    code_write_argument(w, argument, status);
    if (argument != ARGUMENT_ID) {
        code_write_rest(w, status->id);
    }
}

void imap_response_status_write(struct writer *w, const struct imap_response_status *status)
{
    assert(status->status != STATUS_NONE);
    writer_raw(w, status_names[status->status]);
    writer_sp(w);
    if (status->code != CODE_NONE) {
        writer_byte(w, '[');
        code_write(w, status);
        writer_cstr(w, "] ");
    }
    writer_text(w, status->text);
    writer_crlf(w);
}

/* ---- heads ---- */

/* The name that follows, in upper case; empty if there is none. */
static bool head_read_name(struct reader *r, struct arena *arena, struct response_head *out)
{
    struct str name;
    out->name = STR_EMPTY;
    int c = reader_peek(r);
    if (c < 0 || !char_is((char)c, CHAR_NAME)) {
        return !reader_failed(r);
    }
    if (!reader_expect_view(r, CHAR_NAME, &name)) {
        return false;
    }
    char *upper = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        upper[i] = (char)char_upper((unsigned char)name.ptr[i]);
    }
    out->name = str_make(upper, name.len);
    out->status = out->has_number ? STATUS_NONE : status_lookup(out->name);
    return true;
}

/* Behind `*` and its space. */
static bool head_read_untagged(struct reader *r, struct arena *arena, struct response_head *out)
{
    int c = reader_peek(r);
    if (c == '[') {
        out->name = status_names[STATUS_OK];
        out->status = STATUS_OK;
        return true;
    }
    if (c >= '0' && c <= '9') {
        out->has_number = true;
        if (!reader_expect_number(r, &out->number)) {
            return false;
        }
        (void)reader_accept_sp(r);
    }
    return head_read_name(r, arena, out);
}

bool response_head_read(struct reader *r, struct arena *arena, struct response_head *out)
{
    *out = (struct response_head){.name = STR_EMPTY};
    if (reader_accept(r, '+')) {
        out->kind = RESPONSE_CONTINUE;
        return true;
    }
    out->kind = RESPONSE_UNTAGGED;
    if (reader_peek(r) == '[') {
        return head_read_untagged(r, arena, out);
    }
    if (reader_accept(r, '*')) {
        return reader_expect_sp(r) && head_read_untagged(r, arena, out);
    }
    out->kind = RESPONSE_TAGGED;
    return reader_expect_tag(r, &out->tag) && reader_expect_sp(r) && head_read_name(r, arena, out);
}
