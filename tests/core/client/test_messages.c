/* FETCH, STORE, COPY, MOVE, EXPUNGE in the forms that test_change and test_fetch have not. */
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void select_inbox(struct fixture *f)
{
    struct client_select h;
    assert_ok(f, client_select_begin(f->c, &h, STR("INBOX"), false, NULL, f->arena, &f->err));
    assert_ok(f, client_select_end(f->c, &h, &f->err));
}

static int fetch(struct fixture *f, struct client_fetch *h, enum client_numbers numbers,
                 const char *set, const struct fetch_request *request,
                 const struct fetch_sink *sink)
{
    struct seqset asked = {.saved = strcmp(set, "$") == 0};
    if (!asked.saved) {
        asked = set_of(set);
    }
    int result = numbers == CLIENT_UIDS
                     ? client_fetch_begin(f->c, h, &asked, request, sink, f->arena, &f->err)
                     : client_seq_fetch_begin(f->c, h, &asked, request, sink, f->arena, &f->err);
    seqset_free(&asked);
    return result;
}

static struct fetch_data next(struct fixture *f, struct client_fetch *h)
{
    struct fetch_data data;
    assert_int_equal(client_fetch_next(f->c, h, &data, &f->err), 1);
    return data;
}

static void end(struct fixture *f, struct client_fetch *h)
{
    struct fetch_data data;
    assert_int_equal(client_fetch_next(f->c, h, &data, &f->err), 0);
    assert_ok(f, client_fetch_end(f->c, h, &f->err));
    client_fetch_free(h);
}

static void by_seq(struct fixture *f)
{
    const struct fetch_request envelopes = {.items = FETCH_UID | FETCH_FLAGS | FETCH_ENVELOPE};
    const struct fetch_request structures = {.items = FETCH_BODYSTRUCTURE};
    struct client_fetch h;
    struct fetch_data data;
    struct client_event event;
    select_inbox(f);
    assert_ok(f, fetch(f, &h, CLIENT_SEQS, "2:4,9:*", &envelopes, NULL));
    data = next(f, &h);
    assert_int_equal(data.seq, 2);
    assert_text(data.envelope->from.items[0].mailbox, "gray");
    assert_text(data.envelope->subject, "subject");
    data = next(f, &h);
    assert_int_equal(data.seq, 3);
    assert_int_equal(data.uid, 0);
    assert_text(data.envelope->subject, "no UID");
    end(f, &h);
    assert_ok(f, fetch(f, &h, CLIENT_SEQS, "*", &structures, NULL));
    data = next(f, &h);
    assert_int_equal(data.structure->children_len, 2);
    assert_text(data.structure->children->next->description, "Compiler diff");
    assert_text(body_param_find(&data.structure->children->params, STR("charset")), "US-ASCII");
    end(f, &h);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_EXISTS);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_FETCH);
    assert_int_equal(event.number, 4);
}

struct keeper {
    char text[40];
    size_t len;
    unsigned bodies;
};

static bool keeper_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                         uint64_t size, struct error *err)
{
    struct keeper *k = self;
    (void)err;
    assert_int_equal(so_far->uid, 5);
    assert_int_equal(section->item, k->bodies == 0 ? SECTION_BODY : SECTION_BINARY);
    assert_int_equal(size, k->bodies == 0 ? 6 : 4);
    k->bodies++;
    return true;
}

static bool keeper_piece(void *self, struct str data, struct error *err)
{
    struct keeper *k = self;
    (void)err;
    memcpy(k->text + k->len, data.ptr, data.len);
    k->len += data.len;
    return true;
}

static bool keeper_end(void *self, struct error *err)
{
    (void)self;
    (void)err;
    return true;
}

static void sections(struct fixture *f)
{
    const struct section wanted[] = {
        {.part = SECTION_HEADER},
        {.path = {2}, .path_len = 1, .item = SECTION_BINARY, .has_partial = true, .count = 4},
        {.path = {2}, .path_len = 1, .item = SECTION_BINARY_SIZE},
    };
    const struct fetch_request request = {
        .items = FETCH_UID | FETCH_BODY_SECTION, .section = wanted, .sections_len = 3};
    struct keeper keeper = {0};
    const struct fetch_sink sink = {keeper_begin, keeper_piece, keeper_end, &keeper};
    struct client_fetch h;
    select_inbox(f);
    assert_ok(f, fetch(f, &h, CLIENT_UIDS, "5", &request, &sink));
    struct fetch_data data = next(f, &h);
    assert_int_equal(data.binary_sizes_len, 1);
    assert_int_equal(data.binary_sizes[0].size, 77);
    assert_int_equal(keeper.len, 10);
    assert_memory_equal(keeper.text, "A: b\r\na\0bc", 10);
    end(f, &h);
}

static void item_needs(struct fixture *f)
{
    static const struct section binary = {.path = {1}, .path_len = 1, .item = SECTION_BINARY};
    const struct {
        enum client_numbers numbers;
        const char *set;
        struct fetch_request request;
        enum error_code code;
        const char *words;
    } rows[] = {
        {CLIENT_UIDS, "1", {.items = FETCH_PREVIEW}, ERR_CAPABILITY, "PREVIEW"},
        {CLIENT_UIDS, "1", {.items = FETCH_SAVEDATE}, ERR_CAPABILITY, "SAVEDATE"},
        {CLIENT_SEQS, "1", {.items = FETCH_EMAILID}, ERR_CAPABILITY, "OBJECTID"},
        {CLIENT_SEQS, "1", {.items = FETCH_GM_LABELS}, ERR_CAPABILITY, "X-GM-EXT-1"},
        {CLIENT_SEQS, "1", {.items = FETCH_MODSEQ}, ERR_CAPABILITY, "CONDSTORE"},
        {CLIENT_UIDS,
         "1",
         {.items = FETCH_BODY_SECTION, .section = &binary},
         ERR_CAPABILITY,
         "BINARY"},
        {CLIENT_UIDS,
         "1",
         {.items = FETCH_FLAGS, .partial = {false, 1, 2}},
         ERR_CAPABILITY,
         "PARTIAL"},
        {CLIENT_SEQS, "1", {.items = FETCH_FLAGS, .partial = {false, 1, 2}}, ERR_STATE, "PARTIAL"},
        {CLIENT_UIDS,
         "1",
         {.items = FETCH_FLAGS, .changed_since = 5},
         ERR_CAPABILITY,
         "CHANGEDSINCE"},
        {CLIENT_UIDS, "$", {.items = FETCH_FLAGS}, ERR_CAPABILITY, "SEARCHRES"},
        {CLIENT_SEQS, "", {.items = FETCH_FLAGS}, ERR_STATE, "no message"},
    };
    struct client_fetch h;
    select_inbox(f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_error(f, fetch(f, &h, rows[i].numbers, rows[i].set, &rows[i].request, NULL),
                     rows[i].code, SCOPE_MAILBOX, rows[i].words);
    }
    assert_int_equal(client_counters(f->c).commands, 1);
}

static void partial(struct fixture *f)
{
    const struct fetch_request window = {.items = FETCH_UID | FETCH_FLAGS,
                                         .partial = {.from_end = true, .first = 1, .last = 3}};
    const struct fetch_request flags = {.items = FETCH_UID | FETCH_FLAGS};
    struct client_fetch h;
    select_inbox(f);
    assert_ok(f, fetch(f, &h, CLIENT_UIDS, "25900:26600", &window, NULL));
    assert_int_equal(next(f, &h).uid, 25996);
    end(f, &h);
    assert_ok(f, fetch(f, &h, CLIENT_UIDS, "$", &flags, NULL));
    assert_int_equal(next(f, &h).uid, 3);
    end(f, &h);
}

static int store(struct fixture *f, struct client_store *h, enum client_numbers numbers,
                 const char *set, const struct store_params *params)
{
    struct seqset asked = set_of(set);
    int result = client_store_request_begin(f->c, h, numbers, &asked, params, f->arena, &f->err);
    if (result == 0) {
        result = client_store_end(f->c, h, &f->err);
    }
    seqset_free(&asked);
    return result;
}

static void stores(struct fixture *f)
{
    struct str work[] = {STR_INIT("work")};
    const struct store_params add = {.mode = STORE_ADD, .flags = {.system = FLAG_DELETED}};
    const struct store_params clear = {.mode = STORE_SET, .silent = true};
    const struct store_params take = {
        .mode = STORE_REMOVE, .has_unchanged_since = true, .flags = {FLAG_RECENT, work, 1}};
    struct client_store h;
    struct client_event event;
    select_inbox(f);
    assert_ok(f, store(f, &h, CLIENT_SEQS, "2:4", &add));
    assert_int_equal(h.changed_len, 2);
    assert_int_equal(h.changed[0].flags.system, FLAG_DELETED | FLAG_SEEN);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.number, 9);
    assert_ok(f, store(f, &h, CLIENT_UIDS, "7", &clear));
    assert_error(f, store(f, &h, CLIENT_UIDS, "7:9", &take), ERR_NO, SCOPE_MAILBOX, "not all");
    assert_string_equal(set_text(&h.modified), "7,9");
    assert_int_equal(h.changed_len, 1);
    assert_int_equal(h.changed[0].uid, 8);
    client_store_free(&h);
}

static void store_refusals(struct fixture *f)
{
    struct str words[] = {STR_INIT("two words")};
    const struct store_params recent = {.mode = STORE_ADD, .flags = {.system = FLAG_RECENT}};
    const struct store_params bad = {.mode = STORE_ADD, .flags = {0, words, 1}};
    const struct store_params since = {
        .mode = STORE_ADD, .has_unchanged_since = true, .flags = {.system = FLAG_SEEN}};
    struct client_store h;
    select_inbox(f);
    assert_error(f, store(f, &h, CLIENT_UIDS, "1", &recent), ERR_STATE, SCOPE_MAILBOX, "nothing");
    assert_error(f, store(f, &h, CLIENT_UIDS, "1", &bad), ERR_STATE, SCOPE_MAILBOX, "a flag");
    assert_error(f, store(f, &h, CLIENT_UIDS, "1", &since), ERR_CAPABILITY, SCOPE_MAILBOX,
                 "CONDSTORE");
}

static void copy_and_move(struct fixture *f)
{
    struct seqset copied = set_of("2:4");
    struct seqset moved = set_of("1:2");
    struct client_copy h;
    select_inbox(f);
    assert_ok(f, client_seq_copy_begin(f->c, &h, &copied, STR("MEETING"), f->arena, &f->err));
    assert_ok(f, client_copy_end(f->c, &h, &f->err));
    assert_int_equal(copyuid_map(&h.copyuid, 320), 3958);
    client_copy_free(&h);
    assert_ok(f, client_seq_move_begin(f->c, &h, &moved, STR("MEETING"), f->arena, &f->err));
    assert_ok(f, client_copy_end(f->c, &h, &f->err));
    assert_int_equal(copyuid_map(&h.copyuid, 8), 2);
    assert_int_equal(h.gone.seqs_len, 2);
    assert_int_equal(h.gone.seqs[1], 1);
    client_copy_free(&h);
    seqset_free(&copied);
    seqset_free(&moved);
}

static int move(struct fixture *f, struct client_copy *h)
{
    bool has_move = client_has(f->c, CAP_MOVE);
    struct seqset uids = set_of(has_move ? "7:9" : "7:8");
    select_inbox(f);
    int result = client_uid_move(f->c, h, &uids, STR("Away"), f->arena, &f->err);
    seqset_free(&uids);
    return result;
}

static void move_vanished(struct fixture *f)
{
    struct client_copy h;
    struct client_event event;
    assert_ok(f, move(f, &h));
    assert_string_equal(set_text(&h.gone.uids), "7:9");
    while (client_next_event(f->c, &event)) {
        assert_int_equal(event.kind, EVENT_VANISHED);
        seqset_free(&event.uids);
    }
}

static void move_in_steps(struct fixture *f)
{
    struct client_copy h;
    assert_ok(f, move(f, &h));
    assert_true(h.copied);
    assert_int_equal(copyuid_map(&h.copyuid, 8), 2);
    assert_int_equal(h.gone.seqs_len, 2);
    client_copy_free(&h);
}

static void law1_copy_refused(struct fixture *f)
{
    struct client_copy h;
    assert_error(f, move(f, &h), ERR_NO, SCOPE_MAILBOX, "no");
    assert_false(h.copied);
}

static void law1_copied_in_part(struct fixture *f)
{
    struct client_copy h;
    assert_error(f, move(f, &h), ERR_NO, SCOPE_MAILBOX, "not moved");
}

static void mark_refused(struct fixture *f)
{
    struct client_copy h;
    assert_error(f, move(f, &h), ERR_NO, SCOPE_MAILBOX, "copied, but the originals");
    assert_true(h.copied);
}

static void move_impossible(struct fixture *f)
{
    struct client_copy h;
    assert_error(f, move(f, &h), ERR_CAPABILITY, SCOPE_MAILBOX, "MOVE");
    assert_int_equal(client_counters(f->c).commands, 1);
}

static void drain(struct fixture *f)
{
    struct client_event event;
    while (client_next_event(f->c, &event)) {
        seqset_free(&event.uids);
    }
}

static void expunge_tells(struct fixture *f)
{
    static const uint32_t seqs[] = {3, 3, 5};
    struct seqset uids = set_of("30:40");
    struct client_expunge h;
    select_inbox(f);
    assert_ok(f, client_expunge_begin(f->c, &h, f->arena, &f->err));
    assert_ok(f, client_expunge_end(f->c, &h, &f->err));
    assert_int_equal(h.gone.seqs_len, 3);
    assert_memory_equal(h.gone.seqs, seqs, sizeof seqs);
    assert_ok(f, client_uid_expunge_begin(f->c, &h, &uids, f->arena, &f->err));
    assert_ok(f, client_expunge_end(f->c, &h, &f->err));
    assert_string_equal(set_text(&h.gone.uids), "31:32,38:40");
    drain(f);
    seqset_free(&uids);
}

static int expunge_in_steps(struct fixture *f, struct client_expunge *h)
{
    struct seqset uids = set_of("7:8");
    select_inbox(f);
    int result = client_uid_expunge_in_steps(f->c, h, &uids, f->arena, &f->err);
    seqset_free(&uids);
    return result;
}

static void steps(struct fixture *f)
{
    struct client_expunge h;
    assert_ok(f, expunge_in_steps(f, &h));
}

static void steps_fail(struct fixture *f)
{
    struct client_expunge h;
    assert_error(f, expunge_in_steps(f, &h), ERR_NO, SCOPE_MAILBOX, "not now");
}

static const struct fixture_case cases[] = {
    {"FETCH by sequence number", by_seq, 0},
    {"several sections, binary ones among them", sections, 0},
    {"what items need", item_needs, 0},
    {"PARTIAL", partial, 0},
    {"STORE in all forms", stores, 0},
    {"what STORE does not send", store_refusals, 0},
    {"COPY and MOVE by sequence number", copy_and_move, 0},
    {"MOVE that tells UIDs", move_vanished, 0},
    {"MOVE without MOVE", move_in_steps, 0},
    {"MOVE without MOVE, the copy refused", law1_copy_refused, 0},
    {"MOVE without MOVE, the copy in part", law1_copied_in_part, 0},
    {"MOVE without MOVE, the mark refused", mark_refused, 0},
    {"MOVE without MOVE and UIDPLUS", move_impossible, 0},
    {"EXPUNGE tells what went", expunge_tells, 0},
    {"EXPUNGE in steps", steps, 0},
    {"EXPUNGE in steps, no others", steps, 0},
    {"EXPUNGE in steps, the others keep their marks when it fails", steps_fail, 0},
};

int main(void)
{
    return fixture_main("messages.txt", cases, sizeof cases / sizeof cases[0]);
}
