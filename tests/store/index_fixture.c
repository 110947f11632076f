#include "base/alloc.h"
#include "store/index_fixture.h"

int index_enter(void **state)
{
    struct fixture *base;
    (void)fixture_enter((void **)&base);
    struct index_fixture *f = xcalloc(1, sizeof *f);
    f->base = base;
    f->arena = base->arena;
    f->err = &base->err;
    enum index_opened opened;
    ok(base, index_open(base->state, &f->index, &opened, f->err));
    begin_write(f);
    f->mailbox = add_mailbox(f, "INBOX");
    commit(f);
    *state = f;
    return 0;
}

int index_leave(void **state)
{
    struct index_fixture *f = *state;
    index_abort(&f->txn);
    index_close(&f->index);
    (void)fixture_leave((void **)&f->base);
    xfree(&f);
    return 0;
}

void begin_read(struct index_fixture *f)
{
    ok(f->base, index_begin_read(f->index, &f->txn, f->err));
}

void begin_write(struct index_fixture *f)
{
    ok(f->base, index_begin_write(f->index, &f->txn, f->err));
}

void commit(struct index_fixture *f)
{
    ok(f->base, index_commit(&f->txn, f->err));
}

void reopen(struct index_fixture *f)
{
    enum index_opened opened;
    index_close(&f->index);
    ok(f->base, index_open(f->base->state, &f->index, &opened, f->err));
}

uint32_t add_mailbox(struct index_fixture *f, const char *name)
{
    struct index_mailbox mailbox = {
        .name = str_from(name), .utf8 = str_from(name), .path = str_from(name)};
    ok(f->base, index_mailbox_put(f->txn, &mailbox, f->err));
    return mailbox.id;
}

struct index_message sample_message(struct index_fixture *f, uint32_t uid, bool with_file)
{
    struct index_message message = {
        .mailbox = f->mailbox,
        .uid = uid,
        .base = with_file ? str_from(arena_printf(f->arena, "%u.base", uid)) : STR_EMPTY,
        .wire_size = 1000 + uid,
        .internal_date_s = 1700000000 + (int64_t)uid,
        .modseq = 5,
    };
    struct digester *digester = digester_new();
    digester_add(digester, &uid, sizeof uid);
    message.header_digest = digester_finish(digester);
    digester_add(digester, "body", 4);
    digester_add(digester, &uid, sizeof uid);
    message.body_digest = digester_finish(digester);
    digester_free(&digester);
    return message;
}

void put_message(struct index_fixture *f, const struct index_message *message)
{
    ok(f->base, index_message_put(f->txn, message, f->err));
}
