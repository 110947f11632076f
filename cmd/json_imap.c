/* What IMAP's values are made of, and response codes, as JSON. */
#include "cmd/json_imap.h"
#include "base/alloc.h"
#include "base/base64.h"

json_t *json_byte_count(uint64_t count)
{
    return json_pack("{s:o}", "bytes", json_u64(count));
}

json_t *json_bytes(struct str bytes)
{
    if (bytes.ptr == NULL) {
        return json_null();
    }
    if (str_is_utf8(bytes)) {
        return json_stringn_nocheck(bytes.ptr, bytes.len);
    }
    struct buf text = BUF_INIT(SIZE_MAX / 2);
    base64_encode(&text, bytes);
    json_t *out = json_pack("{s:o}", "base64", json_stringn(text.data, text.len));
    buf_free(&text);
    return out;
}

json_t *json_literal(struct str bytes, size_t most)
{
    return bytes.ptr != NULL && bytes.len > most ? json_byte_count(bytes.len) : json_bytes(bytes);
}

json_t *json_u64(uint64_t number)
{
    if (number <= INT64_MAX) {
        return json_integer((json_int_t)number);
    }
    return json_sprintf("%llu", (unsigned long long)number);
}

json_t *json_strings(const struct str_list *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list->len; i++) {
        json_array_append_new(out, json_bytes(list->items[i]));
    }
    return out;
}

/* What was written, and an end to the writer. */
static json_t *take_written(struct writer *w)
{
    json_t *out = json_bytes(str_make(w->buf.len > 0 ? w->buf.data : "", w->buf.len));
    writer_free(w);
    return out;
}

json_t *json_set(const struct seqset *set)
{
    struct writer w;
    writer_init(&w, WRITER_LITERAL_SERVER, true, SIZE_MAX / 2);
    if (!seqset_is_empty(set) || set->saved) {
        seqset_write(&w, set);
    }
    return take_written(&w);
}

json_t *json_partial(const struct partial_range *range)
{
    struct writer w;
    writer_init(&w, WRITER_LITERAL_SERVER, true, SIZE_MAX / 2);
    partial_range_write(&w, range);
    return take_written(&w);
}

json_t *json_bits(unsigned bits, const struct json_bit *names, size_t len)
{
    json_t *out = json_array();
    for (size_t i = 0; i < len; i++) {
        if ((bits & names[i].bit) != 0) {
            json_array_append_new(out, json_string(names[i].name));
        }
    }
    return out;
}

json_t *json_flags(const struct imap_flags *flags)
{
    static const struct json_bit names[] = {
        {FLAG_ANSWERED, "\\Answered"}, {FLAG_FLAGGED, "\\Flagged"}, {FLAG_DELETED, "\\Deleted"},
        {FLAG_SEEN, "\\Seen"},         {FLAG_DRAFT, "\\Draft"},     {FLAG_RECENT, "\\Recent"},
        {FLAG_WILDCARD, "\\*"},
    };
    json_t *out = json_bits(flags->system, names, sizeof names / sizeof *names);
    for (size_t i = 0; i < flags->keywords_len; i++) {
        json_array_append_new(out, json_bytes(flags->keywords[i]));
    }
    return out;
}

json_t *json_date(const struct imap_date *date)
{
    int year;
    unsigned month, day, hour, minute, second;
    unsigned zone = (unsigned)(date->zone_s < 0 ? -date->zone_s : date->zone_s) / 60;
    date_to_civil(date->unix_s + date->zone_s, &year, &month, &day, &hour, &minute, &second);
    return json_sprintf("%04d-%02u-%02uT%02u:%02u:%02u%c%02u:%02u", year, month, day, hour, minute,
                        second, date->zone_s < 0 ? '-' : '+', zone / 60, zone % 60);
}

/* "APPENDLIMIT=1024" where the number was told. */
static json_t *capability_json(const struct capabilities *caps, enum capability cap)
{
    uint64_t number = cap == CAP_APPENDLIMIT    ? caps->append_limit
                      : cap == CAP_MESSAGELIMIT ? caps->message_limit
                                                : 0;
    return number == 0 ? json_string(capability_name(cap))
                       : json_sprintf("%s=%llu", capability_name(cap), (unsigned long long)number);
}

json_t *json_capabilities(const struct capabilities *caps)
{
    json_t *out = json_array();
    for (int cap = 0; cap < CAP_COUNT; cap++) {
        if (capabilities_have(caps, (enum capability)cap)) {
            json_array_append_new(out, capability_json(caps, (enum capability)cap));
        }
    }
    return out;
}

json_t *json_status_items(unsigned items)
{
    static const struct json_bit names[] = {
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
    return json_bits(items, names, sizeof names / sizeof *names);
}

/* ---- response codes ---- */

static json_t *copyuid_data(const struct copyuid *c)
{
    json_t *out = json_pack("{s:I, s:o}", "uidvalidity", (json_int_t)c->uidvalidity, "dest",
                            json_set(&c->dest));
    if (!seqset_is_empty(&c->source)) {
        json_object_set_new(out, "source", json_set(&c->source));
    }
    return out;
}

static json_t *metadata_data(const struct imap_response_status *s)
{
    static const char *const names[] = {
        [METADATA_CODE_NONE] = "",
        [METADATA_CODE_LONGENTRIES] = "LONGENTRIES",
        [METADATA_CODE_MAXSIZE] = "MAXSIZE",
        [METADATA_CODE_TOOMANY] = "TOOMANY",
        [METADATA_CODE_NOPRIVATE] = "NOPRIVATE",
    };
    return json_pack("{s:s, s:o}", "what", names[s->metadata], "number", json_u64(s->number));
}

static json_t *progress_data(const struct imap_progress *p)
{
    return json_pack("{s:o, s:o, s:o}", "tag", p->tag.len > 0 ? json_bytes(p->tag) : json_null(),
                     "done", p->has_done ? json_u64(p->done) : json_null(), "goal",
                     p->has_goal ? json_u64(p->goal) : json_null());
}

json_t *json_code_data(const struct imap_response_status *s)
{
    switch (s->code) {
    case CODE_CAPABILITY:
        return json_capabilities(&s->capabilities);
    case CODE_PERMANENTFLAGS:
        return json_flags(&s->flags);
    case CODE_UIDNEXT:
    case CODE_UIDVALIDITY:
    case CODE_UNSEEN:
    case CODE_HIGHESTMODSEQ:
        return json_u64(s->number);
    case CODE_MODIFIED:
        return json_set(&s->set);
    case CODE_APPENDUID:
    case CODE_COPYUID:
        return copyuid_data(&s->copyuid);
    case CODE_METADATA:
        return metadata_data(s);
    case CODE_MESSAGELIMIT:
        return json_pack("{s:o, s:I}", "number", json_u64(s->number), "uid", (json_int_t)s->uid);
    case CODE_INPROGRESS:
        return progress_data(&s->progress);
    case CODE_BADCHARSET:
        return json_strings(&s->charsets);
    default:
        return s->id.len > 0 ? json_bytes(s->id) : NULL;
    }
}
