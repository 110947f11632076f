/*
 * Which messages a search means. Texts are compared decoded: encoded words and charsets to UTF-8,
 * transfer encodings undone, ASCII letters in any case (RFC 9051 section 6.4.4).
 */
#include "imap/mime.h"
#include "imap/mime_decode.h"
#include "server/session_private.h"

#define DAY_S ((int64_t)86400)

struct subject {
    struct session *s;
    uint32_t index;
    struct backend_message message;
    int64_t now_s;
    struct arena *arena;
    struct mime_part *mime; /* taken apart when first looked at */
    struct str headers;     /* all of them decoded; ptr NULL: not yet */
    struct str texts;       /* of all text parts */
    bool fuzzy;
};

/* ---- the message's texts ---- */

static struct mime_part *subject_mime(struct subject *t)
{
    struct error err = ERROR_INIT;
    struct str body = STR_EMPTY;
    if (t->mime == NULL) {
        (void)t->s->backend.ops->body(t->s->tracker.mailbox, t->message.uid, &body, &err);
        t->mime = mime_parse(t->arena, body);
    }
    return t->mime;
}

static struct str decode_part(struct arena *arena, const struct mime_part *part,
                              const struct body_part *structure)
{
    struct str bytes = part->body;
    struct str charset = body_param_find(&structure->params, STR("charset"));
    if (str_eq_nocase(part->encoding, STR("BASE64"))) {
        if (!mime_decode_base64(arena, part->body, &bytes)) {
            return part->body;
        }
    } else if (str_eq_nocase(part->encoding, STR("QUOTED-PRINTABLE"))) {
        bytes = mime_decode_quoted_printable(arena, part->body);
    }
    return mime_to_utf8(arena, charset.ptr != NULL ? charset : STR("US-ASCII"), bytes);
}

/* Headers of the parts (that of the message too) into `headers`, text parts into `texts`. Both
 * trees have the same shape and a bounded depth. */
static void collect(struct subject *t, const struct mime_part *part,
                    const struct body_part *structure, struct buf *headers, struct buf *texts)
{
    struct str rest = part->header;
    struct str name;
    struct str field;
    while (mime_next_field(&rest, &name, &field)) {
        buf_add_str(headers, mime_decode_words(t->arena, field));
    }
    if (part->kind == BODY_TEXT) {
        buf_add_str(texts, decode_part(t->arena, part, structure));
        buf_add_byte(texts, '\n');
    }
    const struct body_part *child = structure->children;
    for (const struct mime_part *i = part->children; i != NULL && child != NULL; i = i->next) {
        collect(t, i, child, headers, texts);
        child = child->next;
    }
}

static void load_texts(struct subject *t)
{
    struct buf headers AUTO_BUF = BUF_INIT(2 * (size_t)LIMIT_SERVER_LITERAL_BYTES);
    struct buf texts AUTO_BUF = BUF_INIT(2 * (size_t)LIMIT_SERVER_LITERAL_BYTES);
    struct body_part structure = {0};
    if (t->headers.ptr != NULL) {
        return;
    }
    mime_bodystructure(t->arena, subject_mime(t), &structure);
    collect(t, subject_mime(t), &structure, &headers, &texts);
    t->headers = arena_str(t->arena, buf_str(&headers));
    t->texts = arena_str(t->arena, buf_str(&texts));
}

static char fold(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool contains(struct str text, struct str part)
{
    if (part.len == 0) {
        return true;
    }
    char first = fold(part.ptr[0]);
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (fold(text.ptr[i]) == first && str_eq_nocase(str_make(text.ptr + i, part.len), part)) {
            return true;
        }
    }
    return false;
}

/* FUZZY (RFC 6203): every word somewhere, in any order. */
static bool text_matches(const struct subject *t, struct str text, struct str wanted)
{
    struct str rest = wanted;
    struct str word;
    if (!t->fuzzy) {
        return contains(text, wanted);
    }
    while (str_split(&rest, ' ', &word)) {
        if (!contains(text, word)) {
            return false;
        }
    }
    return true;
}

static bool header_matches(struct subject *t, struct str wanted, struct str text)
{
    struct str header = subject_mime(t)->header;
    struct str name;
    struct str field;
    while (mime_next_field(&header, &name, &field)) {
        if (!str_eq_nocase(name, wanted)) {
            continue;
        }
        struct str value = mime_field(t->arena, field, wanted);
        if (value.ptr != NULL && text_matches(t, mime_decode_words(t->arena, value), text)) {
            return true;
        }
    }
    return false;
}

static bool anywhere_matches(struct subject *t, struct str text, bool headers)
{
    load_texts(t);
    return text_matches(t, t->texts, text) || (headers && text_matches(t, t->headers, text));
}

/* ---- days ---- */

/* The day of the Date field without regard to its zone; false where there is none. */
static bool sent_day(struct subject *t, int64_t *out)
{
    struct str value = mime_field(t->arena, subject_mime(t)->header, STR("Date"));
    int32_t zone_s = 0;
    if (value.ptr == NULL || !mime_date(value, out, &zone_s)) {
        return false;
    }
    *out += zone_s;
    return true;
}

static bool day_matches(const struct search_key *key, struct subject *t)
{
    static const struct {
        enum search_kind before, on;
    } kinds[] = {
        {SEARCH_BEFORE, SEARCH_ON},
        {SEARCH_SENTBEFORE, SEARCH_SENTON},
        {SEARCH_SAVEDBEFORE, SEARCH_SAVEDON},
    };
    int64_t when = t->message.internal_date_s;
    if (key->kind >= SEARCH_SENTBEFORE && key->kind <= SEARCH_SENTSINCE && !sent_day(t, &when)) {
        return false;
    }
    if (key->kind >= SEARCH_SAVEDBEFORE && key->kind <= SEARCH_SAVEDSINCE) {
        when = t->message.save_date_s;
        if (when == BACKEND_DATE_NONE) {
            when = t->message.internal_date_s; /* RFC 8514 section 4.3 */
        }
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (key->kind == kinds[i].before) {
            return when < key->day_s;
        }
        if (key->kind == kinds[i].on) {
            return when >= key->day_s && when < key->day_s + DAY_S;
        }
    }
    return when >= key->day_s;
}

/* ---- the tree ---- */

static bool matches(const struct search_key *key, struct subject *t);

static bool tree_matches(const struct search_key *key, struct subject *t)
{
    bool any = key->kind == SEARCH_OR;
    for (const struct search_key *child = key->children; child != NULL; child = child->next) {
        if (matches(child, t) == any) {
            return any;
        }
    }
    return !any;
}

/* `*` is the last message, whatever stands before the colon. */
static bool set_matches(const struct search_key *key, const struct subject *t)
{
    const struct tracker *view = &t->s->tracker;
    if (key->set.saved) {
        return seqset_contains(&t->s->saved, t->message.uid);
    }
    if (t->index + 1 == view->uids.len && seqset_has_star(&key->set)) {
        return true;
    }
    return seqset_contains(&key->set, key->kind == SEARCH_UIDS ? t->message.uid : t->index + 1);
}

static bool fuzzy_matches(const struct search_key *key, struct subject *t)
{
    bool before = t->fuzzy;
    t->fuzzy = true;
    bool found = matches(key->children, t);
    t->fuzzy = before;
    return found;
}

static bool has_label(struct subject *t, struct str label)
{
    struct str_list labels = {0};
    fetch_gm_labels(t->s, t->arena, t->message.email_id, &labels);
    return str_list_has_nocase(&labels, label);
}

static bool texts_match(const struct search_key *key, struct subject *t)
{
    switch (key->kind) {
    case SEARCH_HEADER:
        return header_matches(t, key->field, key->text);
    case SEARCH_BODY:
        return anywhere_matches(t, key->text, false);
    case SEARCH_TEXT:
    case SEARCH_GM_RAW:
        return anywhere_matches(t, key->text, true);
    case SEARCH_GM_LABELS:
        return has_label(t, key->text);
    case SEARCH_EMAILID:
        return str_eq(t->message.email_id, key->text);
    case SEARCH_THREADID:
        return str_eq(t->message.thread_id, key->text);
    case SEARCH_KEYWORD:
        return flags_have_keyword(&t->message.flags, key->text);
    case SEARCH_UNKEYWORD:
        return !flags_have_keyword(&t->message.flags, key->text);
    default:
        return day_matches(key, t);
    }
}

static bool numbers_match(const struct search_key *key, const struct subject *t)
{
    const struct backend_message *message = &t->message;
    int64_t age_s = t->now_s - message->internal_date_s;
    switch (key->kind) {
    case SEARCH_LARGER:
        return message->size > key->number;
    case SEARCH_SMALLER:
        return message->size < key->number;
    case SEARCH_MODSEQ:
        return message->modseq >= key->number;
    case SEARCH_OLDER:
        return age_s >= 0 && (uint64_t)age_s >= key->number;
    case SEARCH_YOUNGER:
        return age_s < 0 || (uint64_t)age_s <= key->number;
    case SEARCH_UIDBEFORE:
        return message->uid < key->number;
    case SEARCH_UIDAFTER:
        return message->uid > key->number;
    case SEARCH_GM_MSGID:
        return fetch_gm_number(message->email_id) == key->number;
    case SEARCH_GM_THRID:
        return fetch_gm_number(message->thread_id) == key->number;
    default:
        return false;
    }
}

static bool is_number(enum search_kind kind)
{
    return kind == SEARCH_LARGER || kind == SEARCH_SMALLER || kind == SEARCH_MODSEQ ||
           kind == SEARCH_OLDER || kind == SEARCH_YOUNGER || kind == SEARCH_UIDBEFORE ||
           kind == SEARCH_UIDAFTER || kind == SEARCH_GM_MSGID || kind == SEARCH_GM_THRID;
}

static bool matches(const struct search_key *key, struct subject *t)
{
    bool recent = seqset_contains(&t->s->tracker.recent, t->message.uid);
    unsigned system = t->message.flags.system | (recent ? FLAG_RECENT : 0u);
    switch (key->kind) {
    case SEARCH_ALL:
    case SEARCH_SAVEDATESUPPORTED:
        return true;
    case SEARCH_AND:
    case SEARCH_OR:
        return tree_matches(key, t);
    case SEARCH_NOT:
        return !matches(key->children, t);
    case SEARCH_FUZZY:
        return fuzzy_matches(key, t);
    case SEARCH_SEQS:
    case SEARCH_UIDS:
        return set_matches(key, t);
    case SEARCH_FLAG:
        return (system & key->flag) != 0;
    case SEARCH_NO_FLAG:
        return (system & key->flag) == 0;
    case SEARCH_NEW:
        return (system & FLAG_RECENT) != 0 && (system & FLAG_SEEN) == 0;
    default:
        return is_number(key->kind) ? numbers_match(key, t) : texts_match(key, t);
    }
}

/* ---- what is on offer ---- */

static bool kind_offered(const struct session *s, enum search_kind kind)
{
    static const struct {
        enum search_kind first, last;
        enum capability capability;
    } rows[] = {
        {SEARCH_FUZZY, SEARCH_FUZZY, CAP_SEARCH_FUZZY},
        {SEARCH_SAVEDBEFORE, SEARCH_SAVEDATESUPPORTED, CAP_SAVEDATE},
        {SEARCH_OLDER, SEARCH_YOUNGER, CAP_WITHIN},
        {SEARCH_EMAILID, SEARCH_THREADID, CAP_OBJECTID},
        {SEARCH_UIDBEFORE, SEARCH_UIDAFTER, CAP_MESSAGELIMIT},
        {SEARCH_GM_RAW, SEARCH_GM_LABELS, CAP_X_GM_EXT_1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (kind >= rows[i].first && kind <= rows[i].last) {
            return session_offers(s, rows[i].capability);
        }
    }
    return kind != SEARCH_MODSEQ || session_has_condstore(s);
}

bool search_check(struct session *s, struct command *c, const struct search_key *key)
{
    struct tracker_ranges ranges;
    if (!kind_offered(s, key->kind)) {
        reply_bad(c, "A key of the search is not on offer");
        return false;
    }
    if ((key->kind == SEARCH_SEQS || key->kind == SEARCH_UIDS) &&
        !select_resolve(s, c, &key->set, key->kind == SEARCH_UIDS, &ranges)) {
        return false;
    }
    for (const struct search_key *child = key->children; child != NULL; child = child->next) {
        if (!search_check(s, c, child)) {
            return false;
        }
    }
    return true;
}

static bool reads_bodies(const struct search_key *key)
{
    bool reads = key->kind == SEARCH_HEADER || key->kind == SEARCH_BODY ||
                 key->kind == SEARCH_TEXT || key->kind == SEARCH_GM_RAW;
    for (const struct search_key *child = key->children; !reads && child != NULL;
         child = child->next) {
        reads = reads_bodies(child);
    }
    return reads;
}

void search_run(struct session *s, struct command *c, const struct search_key *key,
                struct search_hits *out)
{
    struct arena *arena AUTO_ARENA = arena_new();
    struct tracker_range all = {0, (uint32_t)s->tracker.uids.len};
    struct tracker_ranges ranges = {&all, all.end > 0 ? 1 : 0};
    bool slow = reads_bodies(key);
    int64_t now_s = s->backend.ops->now_s(s->backend.self);
    select_limit(s, c, &ranges);
    for (uint32_t i = all.begin; i < all.end; i++) {
        struct subject subject = {.s = s, .index = i, .now_s = now_s, .arena = arena};
        arena_reset(arena);
        if (tracker_message(&s->tracker, s->backend.ops, i, &subject.message) &&
            !fault_hides(s, subject.message.uid) && matches(key, &subject)) {
            vec_push(out, i);
        }
        if (slow) {
            select_progress(s, c, i + 1 - all.begin, all.end - all.begin);
        }
    }
}
