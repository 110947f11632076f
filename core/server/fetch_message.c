/* What FETCH tells of one message. Whatever needs its bytes has them taken apart once. */
#include "imap/mime.h"
#include "server/session_private.h"

/* The message under way; all in the arena. */
struct telling {
    struct session *s;
    const struct fetch_request *request;
    struct arena *arena;
    struct backend_message message;
    struct str body;        /* ptr NULL: not asked for yet, or hidden */
    struct mime_part *mime; /* NULL: not taken apart yet */
    bool unknown_cte;
};

uint64_t fetch_gm_number(struct str id)
{
    return str_hash(id) & INT64_MAX;
}

void fetch_gm_labels(struct session *s, struct arena *arena, struct str email_id,
                     struct str_list *out)
{
    struct backend_list_entry *entries = NULL;
    struct error err = ERROR_INIT;
    size_t len = 0;
    if (s->backend.ops->list(s->user, arena, &entries, &len, &err) < 0) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        struct backend_mailbox *mailbox = NULL;
        struct backend_message message;
        bool found = false;
        if (str_eq(entries[i].name, str_from(s->tracker.name)) ||
            s->backend.ops->open(s->user, entries[i].name, &mailbox, &err) < 0) {
            continue;
        }
        for (uint32_t j = 0; !found && s->backend.ops->message(mailbox, j, &message); j++) {
            found = str_eq(message.email_id, email_id);
        }
        if (found) {
            bool inbox = str_eq(entries[i].name, STR("INBOX"));
            str_list_add(arena, out,
                         inbox ? STR("\\Inbox") : names_to_wire(s, arena, entries[i].name));
        }
        s->backend.ops->close(mailbox);
    }
}

static bool load_body(struct telling *t)
{
    const struct fault *hide = fault_of_kind(t->s->options.faults, FAULT_HIDE_UID);
    struct error err = ERROR_INIT;
    if (t->body.ptr != NULL) {
        return true;
    }
    return (hide == NULL || hide->value != t->message.uid) &&
           t->s->backend.ops->body(t->s->tracker.mailbox, t->message.uid, &t->body, &err) == 0;
}

/* Once load_body has been good. */
static struct mime_part *parts_of(struct telling *t)
{
    if (t->mime == NULL) {
        t->mime = mime_parse(t->arena, t->body);
    }
    return t->mime;
}

/* ---- the items with a value of their own ---- */

static void fill(const struct telling *t, unsigned items, struct fetch_data *out)
{
    const struct backend_message *message = &t->message;
    *out = (struct fetch_data){
        .have = items,
        .uid = message->uid,
        .flags = message->flags,
        .internal_date = {.unix_s = message->internal_date_s},
        .size = fault_lie(t->s, FAULT_LIE_SIZE, message->size),
        .modseq = message->modseq,
        .email_id = message->email_id,
        .thread_id = message->thread_id,
        .gm_msgid = fetch_gm_number(message->email_id),
        .gm_thrid = fetch_gm_number(message->thread_id),
        .has_save_date = message->save_date_s != BACKEND_DATE_NONE,
        .save_date = {.unix_s = message->save_date_s},
    };
    if (seqset_contains(&t->s->tracker.recent, message->uid)) {
        out->flags.system |= FLAG_RECENT;
    }
}

/* What is computed from the message's bytes; false where there are none. */
static bool fill_computed(struct telling *t, struct fetch_data *out)
{
    const unsigned structures = FETCH_BODYSTRUCTURE | FETCH_BODY_STRUCTURE_SHORT;
    const unsigned computed = FETCH_ENVELOPE | FETCH_PREVIEW | structures;
    if ((out->have & FETCH_GM_LABELS) != 0) {
        fetch_gm_labels(t->s, t->arena, t->message.email_id, &out->gm_labels);
    }
    if ((out->have & computed) == 0) {
        return true;
    }
    if (!load_body(t)) {
        out->have &= ~computed;
        return false;
    }
    if ((out->have & FETCH_ENVELOPE) != 0) {
        out->envelope = arena_alloc(t->arena, sizeof *out->envelope);
        mime_envelope(t->arena, parts_of(t), out->envelope);
    }
    if ((out->have & structures) != 0) {
        out->structure = arena_alloc(t->arena, sizeof *out->structure);
        mime_bodystructure(t->arena, parts_of(t), out->structure);
    }
    if ((out->have & FETCH_PREVIEW) != 0) {
        out->preview = mime_preview(t->arena, parts_of(t));
    }
    return true;
}

/* ---- sections ---- */

static void tell_literal(struct session *s, struct str bytes, bool binary)
{
    bool has_nul = binary && bytes.len > 0 && memchr(bytes.ptr, '\0', bytes.len) != NULL;
    writer_literal_header(&s->out, bytes.len, has_nul);
    writer_raw(&s->out, bytes);
}

/* The section's bytes; ptr NULL where there is no such part. */
static struct str cut(struct telling *t, const struct section *section)
{
    struct str bytes = {NULL, 0};
    bool binary = section->item == SECTION_BINARY || section->item == SECTION_BINARY_SIZE;
    if (!binary && section->path_len == 0 && section->part == SECTION_WHOLE) {
        return t->body; /* most bodies are asked for whole */
    }
    if (!binary) {
        return mime_section(t->arena, parts_of(t), section, &bytes) ? bytes : (struct str){NULL, 0};
    }
    switch (mime_binary(t->arena, parts_of(t), section, &bytes)) {
    case MIME_BINARY_OK:
        return bytes;
    case MIME_BINARY_UNKNOWN_CTE:
        t->unknown_cte = true;
        break;
    case MIME_BINARY_NO_PART:
        break;
    }
    return (struct str){NULL, 0};
}

static void tell_section(struct telling *t, const struct section *section)
{
    struct session *s = t->s;
    struct section told = *section;
    struct str part = cut(t, section);
    told.count = 0;
    section_item_write(&s->out, &told, section->item == SECTION_BINARY_SIZE);
    writer_sp(&s->out);
    if (section->item == SECTION_BINARY_SIZE) {
        writer_number(&s->out, part.len);
    } else if (part.ptr == NULL) {
        writer_cstr(&s->out, "NIL");
    } else {
        tell_literal(s, mime_partial(part, section), section->item == SECTION_BINARY);
    }
}

/* `before` stands before the first, if there is one. */
static void tell_sections(struct telling *t, const char *before)
{
    if (t->request->sections_len == 0 || !load_body(t)) {
        return;
    }
    for (size_t i = 0; i < t->request->sections_len; i++) {
        writer_cstr(&t->s->out, i == 0 ? before : " ");
        tell_section(t, &t->request->section[i]);
    }
}

/* ---- the message ---- */

static void begin_line(struct session *s, uint32_t seq, uint32_t uid)
{
    if (s->uidonly) {
        writer_format(&s->out, "* %u UIDFETCH (", uid);
    } else {
        writer_format(&s->out, "* %u FETCH (", seq);
    }
}

/* RFC 9586: the UID stands in front already. */
static unsigned told_items(const struct session *s, unsigned items)
{
    return s->uidonly ? items & ~(unsigned)FETCH_UID : items;
}

void fetch_tell_flags(struct session *s, uint32_t seq, const struct backend_message *message,
                      bool with_uid, bool with_flags)
{
    struct telling t = {.s = s, .message = *message};
    struct fetch_data data;
    unsigned items = (with_uid ? FETCH_UID : 0u) | (with_flags ? FETCH_FLAGS : 0u) |
                     (s->condstore ? FETCH_MODSEQ : 0u);
    fill(&t, told_items(s, items), &data);
    begin_line(s, seq, message->uid);
    fetch_data_write_items(&s->out, &data);
    writer_cstr(&s->out, ")\r\n");
}

/* BODY[] sets \Seen and tells so. True when it was not set before. */
static bool mark_seen(struct telling *t)
{
    struct session *s = t->s;
    struct error err = ERROR_INIT;
    struct imap_flags flags = t->message.flags;
    uint32_t uid = t->message.uid;
    if (!t->request->mark_seen || s->tracker.read_only || (flags.system & FLAG_SEEN) != 0 ||
        !acl_rights_have(&s->tracker.rights, 's')) {
        return false;
    }
    flags.system |= FLAG_SEEN;
    return s->backend.ops->set_flags(s->tracker.mailbox, uid, &flags, &err) == 0 &&
           s->backend.ops->find(s->tracker.mailbox, uid, &t->message);
}

bool fetch_tell_message(struct session *s, struct arena *arena, const struct fetch_request *request,
                        uint32_t index)
{
    struct telling t = {.s = s, .request = request, .arena = arena};
    struct fetch_data data;
    unsigned items = request->items & ~(unsigned)FETCH_BODY_SECTION;
    if (!tracker_message(&s->tracker, s->backend.ops, index, &t.message) ||
        t.message.modseq <= request->changed_since || fault_hides(s, t.message.uid)) {
        return true;
    }
    if (mark_seen(&t)) {
        items |= FETCH_FLAGS | (s->condstore ? FETCH_MODSEQ : 0u);
        tracker_told(&s->tracker, t.message.uid);
    }
    fill(&t, told_items(s, items), &data);
    (void)fill_computed(&t, &data);
    begin_line(s, index + 1, t.message.uid);
    fetch_data_write_items(&s->out, &data);
    tell_sections(&t, data.have != 0 ? " " : "");
    writer_cstr(&s->out, ")\r\n");
    return !t.unknown_cte;
}

const char *fetch_refusal(const struct session *s, const struct fetch_request *request)
{
    static const struct {
        unsigned items;
        enum capability capability;
    } rows[] = {
        {FETCH_EMAILID | FETCH_THREADID, CAP_OBJECTID},
        {FETCH_SAVEDATE, CAP_SAVEDATE},
        {FETCH_PREVIEW, CAP_PREVIEW},
        {FETCH_GM_MSGID | FETCH_GM_THRID | FETCH_GM_LABELS, CAP_X_GM_EXT_1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((request->items & rows[i].items) != 0 && !session_offers(s, rows[i].capability)) {
            return "These items are not on offer";
        }
    }
    for (size_t i = 0; i < request->sections_len; i++) {
        enum section_item item = request->section[i].item;
        if ((item == SECTION_BINARY || item == SECTION_BINARY_SIZE) &&
            !session_offers(s, CAP_BINARY)) {
            return "BINARY is not on offer";
        }
    }
    if (((request->items & FETCH_MODSEQ) != 0 || request->changed_since != 0) &&
        !session_has_condstore(s)) {
        return "CONDSTORE is not on offer";
    }
    return NULL;
}
