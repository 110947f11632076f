/* Each type with random values: what the writer writes the reader reads back equal, and the writer
 * writes the same bytes again. Seeded, so that a failure can be repeated. */
#include "imap/append.h"
#include "imap/fetch.h"
#include "imap/id.h"
#include "imap/list.h"
#include "imap/namespace.h"
#include "imap/response.h"
#include "imap/select.h"
#include "imap/status.h"
#include "imap/vanished.h"
#include "core/wire/dice.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ROUNDS 400

struct trip {
    struct dice dice;
    struct arena *arena; /* of the random value */
    struct writer w;
    struct wire_input in;
    const char *name;
};

static void trip_open(struct trip *t, const char *name, uint64_t seed)
{
    *t = (struct trip){.dice = {seed}, .arena = arena_new(), .name = name};
    writer_init(&t->w, WRITER_LITERAL_SERVER, false, 100000);
}

/* What was written becomes the input. */
static void trip_turn(struct trip *t)
{
    struct error err = ERROR_INIT;
    writer_crlf(&t->w);
    if (writer_finish(&t->w, &err) != 0) {
        fail_msg("%s: %s", t->name, err.text);
    }
    wire_open(&t->in, buf_str(&t->w.buf), wire_chunks[dice_below(&t->dice, 4)]);
}

static void trip_close(struct trip *t)
{
    (void)reader_expect_crlf(t->in.reader);
    if (reader_failed(t->in.reader)) {
        wire_assert_good(&t->in, t->w.buf.data);
    }
    assert_true(reader_at_end(t->in.reader));
    wire_close(&t->in);
    writer_free(&t->w);
    arena_free(&t->arena);
}

static bool coin(struct trip *t)
{
    return dice_below(&t->dice, 2) == 0;
}

static uint32_t random_u32(struct trip *t)
{
    return (uint32_t)(dice_next(&t->dice) >> 32 >> dice_below(&t->dice, 32));
}

static uint32_t random_uid(struct trip *t)
{
    uint32_t n = random_u32(t);
    return n == 0 || n == SEQ_STAR ? 1 : n;
}

static uint64_t random_modseq(struct trip *t)
{
    return (dice_next(&t->dice) >> 1 >> dice_below(&t->dice, 63)) | 1;
}

static struct str random_text(struct trip *t, const char *alphabet, size_t min)
{
    size_t len = min + dice_below(&t->dice, 12);
    char text[16];
    for (size_t i = 0; i < len; i++) {
        text[i] = alphabet[dice_below(&t->dice, (uint32_t)strlen(alphabet))];
    }
    return arena_str(t->arena, str_make(text, len));
}

static struct str random_string(struct trip *t)
{
    return random_text(t, "ab \"\\{}()%*&\r\n\xc3\xa9/.", 0);
}

static struct str random_id(struct trip *t)
{
    return random_text(t, "abcXYZ019-_", 1);
}

static struct imap_flags random_flags(struct trip *t, unsigned mask)
{
    struct imap_flags flags = {.system = random_u32(t) & mask};
    flags.keywords_len = dice_below(&t->dice, 4);
    flags.keywords = arena_array(t->arena, flags.keywords_len + 1, sizeof *flags.keywords);
    for (size_t i = 0; i < flags.keywords_len; i++) {
        struct str name = random_text(t, "abc$]-", 1);
        flags.keywords[i] =
            coin(t) ? name : str_from(arena_printf(t->arena, "\\Q%.*s", STR_ARG(name)));
    }
    return flags;
}

static void assert_flags_equal(const struct imap_flags *a, const struct imap_flags *b)
{
    assert_int_equal(a->system, b->system);
    assert_int_equal(a->keywords_len, b->keywords_len);
    for (size_t i = 0; i < a->keywords_len; i++) {
        assert_true(str_eq(a->keywords[i], b->keywords[i]));
    }
}

static struct imap_date random_date(struct trip *t)
{
    return (struct imap_date){
        .unix_s = (int64_t)(dice_next(&t->dice) % 20000000000) - 10000000000,
        .zone_s = ((int32_t)dice_below(&t->dice, 1681) - 840) * 60,
    };
}

static struct seqset random_set(struct trip *t, bool star_ok)
{
    struct seqset set = {0};
    for (uint32_t left = 1 + dice_below(&t->dice, 10); left > 0; left--) {
        uint32_t first = random_uid(t);
        uint32_t last = coin(t) ? first : random_uid(t);
        seqset_add_range(&set, first < last ? first : last, first < last ? last : first);
    }
    if (star_ok && coin(t)) {
        seqset_add_range(&set, coin(t) ? SEQ_STAR : random_uid(t), SEQ_STAR);
    }
    return set;
}

static void sets(void **state)
{
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct trip t;
        struct seqset back;
        bool earlier;
        trip_open(&t, "set", seed);
        struct seqset set = random_set(&t, true);
        struct seqset uids = random_set(&t, false);
        seqset_write(&t.w, &set);
        writer_sp(&t.w);
        vanished_write(&t.w, coin(&t), &uids);
        trip_turn(&t);
        assert_true(seqset_read(t.in.reader, &back));
        assert_true(seqset_eq(&set, &back));
        seqset_free(&back);
        assert_true(reader_expect_sp(t.in.reader));
        assert_true(reader_accept_word(t.in.reader, "VANISHED"));
        assert_true(reader_expect_sp(t.in.reader));
        assert_true(vanished_read(t.in.reader, &earlier, &back));
        assert_true(seqset_eq(&uids, &back));
        seqset_free(&back);
        seqset_free(&uids);
        seqset_free(&set);
        trip_close(&t);
    }
}

static void mailboxes(void **state)
{
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct trip t;
        struct list_entry back;
        trip_open(&t, "list", seed);
        struct list_entry entry = {
            .attributes = random_u32(&t) & (LIST_INBOX * 2 - 1),
            .delimiter = "/.\\\"\0"[dice_below(&t.dice, 5)],
            .name = random_string(&t),
        };
        if ((entry.attributes & LIST_NONEXISTENT) != 0) {
            entry.attributes |= LIST_NOSELECT;
        }
        list_entry_write(&t.w, "LIST", &entry);
        trip_turn(&t);
        assert_true(reader_accept_word(t.in.reader, "LIST"));
        assert_true(list_entry_read(t.in.reader, &back));
        assert_int_equal(back.attributes, entry.attributes);
        assert_int_equal(back.delimiter, entry.delimiter);
        assert_true(str_eq(back.name, entry.name));
        trip_close(&t);
    }
}

static void statuses(void **state)
{
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct trip t;
        struct status_data back;
        trip_open(&t, "status", seed);
        struct status_data data = {
            .have = random_u32(&t) & (STATUS_APPENDLIMIT * 2 - 1),
            .mailbox = random_string(&t),
            .messages = random_u32(&t),
            .uidnext = random_u32(&t),
            .uidvalidity = random_u32(&t),
            .unseen = random_u32(&t),
            .recent = random_u32(&t),
            .deleted = random_u32(&t),
            .size = dice_next(&t.dice),
            .highestmodseq = random_modseq(&t),
            .append_limit = dice_next(&t.dice),
            .mailboxid = random_id(&t),
        };
        status_data_write(&t.w, &data);
        trip_turn(&t);
        assert_true(reader_accept_word(t.in.reader, "STATUS"));
        assert_true(status_data_read(t.in.reader, &back));
        assert_int_equal(back.have, data.have);
        assert_true(str_eq(back.mailbox, data.mailbox));
        struct writer again;
        writer_init(&again, WRITER_LITERAL_SERVER, false, 100000);
        status_data_write(&again, &back);
        writer_crlf(&again);
        assert_string_equal(again.buf.data, t.w.buf.data);
        writer_free(&again);
        if ((data.have & STATUS_SIZE) != 0) {
            assert_true(back.size == data.size);
        }
        if ((data.have & STATUS_UIDNEXT) != 0) {
            assert_int_equal(back.uidnext, data.uidnext);
        }
        trip_close(&t);
    }
}

static struct namespace_group random_namespaces(struct trip *t)
{
    struct namespace_group group = {.len = dice_below(&t->dice, 3)};
    group.items = arena_array(t->arena, group.len + 1, sizeof *group.items);
    for (size_t i = 0; i < group.len; i++) {
        group.items[i].prefix = random_string(t);
        group.items[i].delimiter = "/.\0"[dice_below(&t->dice, 3)];
    }
    return group;
}

static void assert_namespaces_equal(const struct namespace_group *a,
                                    const struct namespace_group *b)
{
    assert_int_equal(a->len, b->len);
    for (size_t i = 0; i < a->len; i++) {
        assert_true(str_eq(a->items[i].prefix, b->items[i].prefix));
        assert_int_equal(a->items[i].delimiter, b->items[i].delimiter);
    }
}

static void namespaces_and_ids(void **state)
{
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct trip t;
        struct namespaces back;
        struct id_fields id_back;
        trip_open(&t, "namespace", seed);
        struct namespaces ns = {random_namespaces(&t), random_namespaces(&t),
                                random_namespaces(&t)};
        struct id_fields id = {.len = dice_below(&t.dice, 4)};
        id.items = arena_array(t.arena, id.len + 1, sizeof *id.items);
        for (size_t i = 0; i < id.len; i++) {
            id.items[i].name = random_string(&t);
            id.items[i].value = coin(&t) ? random_string(&t) : str_make(NULL, 0);
        }
        namespaces_write(&t.w, &ns);
        writer_sp(&t.w);
        id_write(&t.w, &id);
        trip_turn(&t);
        assert_true(namespaces_read(t.in.reader, t.in.arena, &back));
        assert_namespaces_equal(&ns.personal, &back.personal);
        assert_namespaces_equal(&ns.other, &back.other);
        assert_namespaces_equal(&ns.shared, &back.shared);
        assert_true(id_read(t.in.reader, t.in.arena, &id_back));
        assert_int_equal(id.len, id_back.len);
        for (size_t i = 0; i < id.len; i++) {
            assert_true(str_eq(id.items[i].name, id_back.items[i].name));
            assert_int_equal(id.items[i].value.ptr == NULL, id_back.items[i].value.ptr == NULL);
            assert_true(str_eq(id.items[i].value, id_back.items[i].value));
        }
        trip_close(&t);
    }
}

static void messages(void **state)
{
    const unsigned items = FETCH_UID | FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE |
                           FETCH_MODSEQ | FETCH_EMAILID | FETCH_THREADID | FETCH_GM_MSGID |
                           FETCH_GM_THRID;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct trip t;
        struct fetch_data back = {0};
        trip_open(&t, "fetch", seed);
        struct fetch_data data = {
            .have = random_u32(&t) & items,
            .uid = random_uid(&t),
            .flags = random_flags(&t, FLAG_RECENT - 1),
            .internal_date = random_date(&t),
            .size = dice_next(&t.dice),
            .modseq = random_modseq(&t),
            .email_id = random_id(&t),
            .thread_id = coin(&t) ? random_id(&t) : STR_EMPTY,
            .gm_msgid = dice_next(&t.dice),
            .gm_thrid = dice_next(&t.dice),
        };
        writer_byte(&t.w, '(');
        fetch_data_write_items(&t.w, &data);
        writer_byte(&t.w, ')');
        trip_turn(&t);
        assert_true(fetch_data_read(t.in.reader, t.in.arena, NULL, &back, NULL));
        assert_int_equal(back.have, data.have);
        if ((data.have & FETCH_FLAGS) != 0) {
            assert_flags_equal(&data.flags, &back.flags);
        }
        if ((data.have & FETCH_INTERNALDATE) != 0) {
            assert_true(back.internal_date.unix_s == data.internal_date.unix_s);
            assert_int_equal(back.internal_date.zone_s, data.internal_date.zone_s);
        }
        struct writer again;
        writer_init(&again, WRITER_LITERAL_SERVER, false, 100000);
        writer_byte(&again, '(');
        fetch_data_write_items(&again, &back);
        writer_cstr(&again, ")\r\n");
        assert_string_equal(again.buf.data, t.w.buf.data);
        writer_free(&again);
        trip_close(&t);
    }
}

static struct section random_section(struct trip *t)
{
    struct section section = {.path_len = dice_below(&t->dice, 5)};
    for (unsigned i = 0; i < section.path_len; i++) {
        section.path[i] = random_uid(t);
    }
    section.part = (enum section_part)dice_below(&t->dice, section.path_len > 0 ? SECTION_MIME + 1
                                                                                : SECTION_MIME);
    if (section.part == SECTION_HEADER_FIELDS || section.part == SECTION_HEADER_FIELDS_NOT) {
        section.fields_len = 1 + dice_below(&t->dice, 3);
        section.fields = arena_array(t->arena, section.fields_len, sizeof *section.fields);
        for (size_t i = 0; i < section.fields_len; i++) {
            section.fields[i] = random_string(t);
        }
    }
    section.has_partial = coin(t);
    section.offset = section.has_partial ? random_u32(t) : 0;
    section.count = section.has_partial && coin(t) ? random_uid(t) : 0;
    return section;
}

static void assert_sections_equal(const struct section *a, const struct section *b)
{
    assert_int_equal(a->path_len, b->path_len);
    assert_memory_equal(a->path, b->path, sizeof a->path);
    assert_int_equal(a->part, b->part);
    assert_int_equal(a->fields_len, b->fields_len);
    for (size_t i = 0; i < a->fields_len; i++) {
        assert_true(str_eq(a->fields[i], b->fields[i]));
    }
    assert_int_equal(a->has_partial, b->has_partial);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->count, b->count);
}

static void requests(void **state)
{
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct trip t;
        struct fetch_request back;
        trip_open(&t, "fetch request", seed);
        struct section section = random_section(&t);
        struct fetch_request request = {
            .items = (random_u32(&t) & (FETCH_BODY_SECTION * 2 - 1)) | FETCH_UID,
            .section = &section,
            .changed_since = coin(&t) ? random_modseq(&t) : 0,
        };
        request.mark_seen = (request.items & FETCH_BODY_SECTION) != 0 && coin(&t);
        request.vanished = request.changed_since != 0 && coin(&t);
        fetch_request_write(&t.w, &request);
        trip_turn(&t);
        assert_true(fetch_request_read(t.in.reader, t.in.arena, &back));
        assert_int_equal(back.items, request.items);
        assert_int_equal(back.mark_seen, request.mark_seen);
        assert_true(back.changed_since == request.changed_since);
        assert_int_equal(back.vanished, request.vanished);
        if ((request.items & FETCH_BODY_SECTION) != 0) {
            assert_int_equal(back.sections_len, 1);
            assert_sections_equal(back.section, &section);
        } else {
            assert_null(back.section);
        }
        trip_close(&t);
    }
}

static void select_and_append(void **state)
{
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct trip t;
        struct select_params back;
        struct append_params append_back;
        trip_open(&t, "select", seed);
        struct select_params params = {.condstore = coin(&t), .qresync = coin(&t)};
        if (params.qresync) {
            params.condstore = false;
            params.uidvalidity = random_uid(&t);
            params.modseq = random_modseq(&t);
            params.known_uids = coin(&t) ? random_set(&t, false) : (struct seqset){0};
        }
        struct append_params append = {.flags = random_flags(&t, FLAG_RECENT - 1),
                                       .has_date = coin(&t)};
        append.date = append.has_date ? random_date(&t) : (struct imap_date){0};
        append_params_write(&t.w, &append);
        writer_cstr(&t.w, "x");
        select_params_write(&t.w, &params);
        trip_turn(&t);
        assert_true(append_params_read(t.in.reader, t.in.arena, &append_back));
        assert_flags_equal(&append.flags, &append_back.flags);
        assert_int_equal(append.has_date, append_back.has_date);
        assert_true(append.date.unix_s == append_back.date.unix_s);
        assert_true(reader_expect(t.in.reader, 'x'));
        assert_true(select_params_read(t.in.reader, &back));
        assert_int_equal(back.condstore, params.condstore);
        assert_int_equal(back.qresync, params.qresync);
        assert_int_equal(back.uidvalidity, params.uidvalidity);
        assert_true(back.modseq == params.modseq);
        assert_true(seqset_eq(&back.known_uids, &params.known_uids));
        seqset_free(&back.known_uids);
        seqset_free(&params.known_uids);
        trip_close(&t);
    }
}

/* The argument that belongs to the code, as far as it has one of its own. */
static void random_code_argument(struct trip *t, struct imap_response_status *status)
{
    switch (status->code) {
    case CODE_CAPABILITY:
        status->capabilities.bits[0] = dice_next(&t->dice);
        status->capabilities.bits[1] =
            dice_next(&t->dice) & ((UINT64_C(1) << (CAP_COUNT - 64)) - 1);
        capabilities_set(&status->capabilities, CAP_CONDSTORE, true);
        capabilities_set(&status->capabilities, CAP_METADATA_SERVER, true);
        break;
    case CODE_PERMANENTFLAGS:
        status->flags = random_flags(t, (FLAG_RECENT - 1) | FLAG_WILDCARD);
        break;
    case CODE_UIDNEXT:
    case CODE_UIDVALIDITY:
    case CODE_UNSEEN:
    case CODE_MAXCONVERTMESSAGES:
    case CODE_MAXCONVERTPARTS:
        status->number = random_u32(t);
        break;
    case CODE_MESSAGELIMIT:
        status->number = random_u32(t);
        status->uid = coin(t) ? random_uid(t) : 0;
        break;
    case CODE_METADATA:
        status->metadata = coin(t) ? METADATA_CODE_MAXSIZE : METADATA_CODE_TOOMANY;
        status->number = status->metadata == METADATA_CODE_MAXSIZE ? random_u32(t) : 0;
        break;
    case CODE_INPROGRESS:
        status->progress.tag = coin(t) ? random_id(t) : STR_EMPTY;
        status->progress.has_goal = coin(t);
        status->progress.goal = status->progress.has_goal ? random_modseq(t) : 0;
        status->progress.has_done = status->progress.has_goal;
        status->progress.done = status->progress.goal / 2;
        break;
    case CODE_BADCHARSET:
        str_list_add(t->arena, &status->charsets, STR("UTF-8"));
        break;
    case CODE_HIGHESTMODSEQ:
        status->number = random_modseq(t);
        break;
    case CODE_MODIFIED:
        status->set = random_set(t, false);
        break;
    case CODE_COPYUID:
        status->copyuid.source = random_set(t, false);
        /* fall through */
    case CODE_APPENDUID:
        status->copyuid.dest = random_set(t, false);
        status->copyuid.uidvalidity = random_u32(t);
        break;
    case CODE_MAILBOXID:
        status->id = random_id(t);
        break;
    case CODE_OTHER:
        status->code_name = str_from(arena_printf(t->arena, "X-%.*s", STR_ARG(random_id(t))));
        break;
    default:
        break;
    }
}

static void responses(void **state)
{
    _Static_assert(CAP_COUNT > 64 && CAP_COUNT < 128, "random_code_argument fills two words");
    for (uint64_t seed = 0; seed < 4 * ROUNDS; seed++) {
        struct trip t;
        struct response_head head;
        struct imap_response_status back;
        trip_open(&t, "response", seed);
        struct imap_response_status status = {
            .status = (enum imap_status)(STATUS_OK + dice_below(&t.dice, STATUS_BYE)),
            .code = (enum response_code)dice_below(&t.dice, CODE_COUNT),
            .text = random_text(&t, "abc]) {}5", 1),
        };
        status.text.len -= status.text.ptr[0] == ' ' ? status.text.len : 0;
        random_code_argument(&t, &status);
        writer_cstr(&t.w, "a7 ");
        imap_response_status_write(&t.w, &status);
        writer_cstr(&t.w, "* 5 EXISTS");
        trip_turn(&t);
        assert_true(response_head_read(t.in.reader, t.in.arena, &head));
        assert_int_equal(head.kind, RESPONSE_TAGGED);
        assert_true(str_eq(head.tag, STR("a7")));
        assert_int_equal(head.status, status.status);
        assert_true(imap_response_status_read(t.in.reader, t.in.arena, head.status, &back));
        assert_int_equal(back.code, status.code);
        assert_true(str_eq(back.text, status.text));
        assert_true(str_eq(back.id, status.id));
        assert_true(back.number == status.number);
        assert_true(seqset_eq(&back.set, &status.set));
        assert_int_equal(back.copyuid.uidvalidity, status.copyuid.uidvalidity);
        assert_true(seqset_eq(&back.copyuid.source, &status.copyuid.source));
        assert_true(seqset_eq(&back.copyuid.dest, &status.copyuid.dest));
        assert_flags_equal(&back.flags, &status.flags);
        assert_true(back.capabilities.bits[0] == status.capabilities.bits[0]);
        assert_true(back.capabilities.bits[1] == status.capabilities.bits[1]);
        assert_int_equal(back.metadata, status.metadata);
        assert_int_equal(back.uid, status.uid);
        assert_true(str_eq(back.progress.tag, status.progress.tag));
        assert_true(back.progress.done == status.progress.done);
        assert_true(back.progress.goal == status.progress.goal);
        assert_int_equal(back.charsets.len, status.charsets.len);
        imap_response_status_free(&back);
        imap_response_status_free(&status);
        assert_true(response_head_read(t.in.reader, t.in.arena, &head));
        assert_int_equal(head.number, 5);
        trip_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets),      cmocka_unit_test(mailboxes),
        cmocka_unit_test(statuses),  cmocka_unit_test(namespaces_and_ids),
        cmocka_unit_test(messages),  cmocka_unit_test(requests),
        cmocka_unit_test(responses), cmocka_unit_test(select_and_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
