/* LIST-EXTENDED and what stands beside it. */
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void extended(struct fixture *f)
{
    struct str patterns[] = {STR_INIT("INBOX"), STR_INIT("Sent/%")};
    struct str entries[] = {STR_INIT("/shared/comment")};
    const struct list_request request = {
        .has_select = true,
        .select = LIST_SELECT_SUBSCRIBED | LIST_SELECT_RECURSIVEMATCH,
        .reference = STR(""),
        .patterns = {patterns, 2, 2},
        .has_return = true,
        .returns = LIST_RETURN_CHILDREN | LIST_RETURN_SUBSCRIBED | LIST_RETURN_SPECIAL_USE |
                   LIST_RETURN_STATUS | LIST_RETURN_MYRIGHTS | LIST_RETURN_METADATA,
        .status_items = STATUS_MESSAGES | STATUS_UNSEEN,
        .metadata = {entries, 1, 1},
    };
    struct client_mailboxes found;
    assert_ok(f, client_list_request(f->c, &request, f->arena, &found, &f->err));
    assert_int_equal(found.len, 2);
    const struct client_mailbox *inbox = &found.items[0];
    assert_int_equal(inbox->entry.attributes, LIST_SUBSCRIBED | LIST_HASNOCHILDREN);
    assert_int_equal(inbox->status.unseen, 16);
    assert_true(inbox->has_rights);
    assert_true(acl_rights_have(&inbox->rights, 'x'));
    assert_int_equal(inbox->metadata.len, 1);
    assert_text(inbox->metadata.items[0].value, "mine");
    assert_true((found.items[1].entry.attributes & LIST_NONEXISTENT) != 0);
    assert_int_equal(found.items[1].entry.child_info, LIST_SELECT_SUBSCRIBED);
    assert_false(found.items[1].has_rights);
}

static void needs(struct fixture *f)
{
    struct str patterns[] = {STR_INIT("a"), STR_INIT("b")};
    const struct {
        struct list_request request;
        enum error_code code;
        const char *words;
    } rows[] = {
        {{.patterns = {patterns, 2, 2}}, ERR_CAPABILITY, "LIST-EXTENDED"},
        {{.patterns = {patterns, 1, 1}, .select = LIST_SELECT_SUBSCRIBED},
         ERR_CAPABILITY,
         "LIST-EXTENDED"},
        {{.patterns = {patterns, 1, 1}, .select = LIST_SELECT_SPECIAL_USE},
         ERR_CAPABILITY,
         "SPECIAL-USE"},
        {{.patterns = {patterns, 1, 1}, .returns = LIST_RETURN_CHILDREN},
         ERR_CAPABILITY,
         "LIST-EXTENDED"},
        {{.patterns = {patterns, 1, 1}, .returns = LIST_RETURN_STATUS},
         ERR_CAPABILITY,
         "LIST-STATUS"},
        {{.patterns = {patterns, 1, 1}, .returns = LIST_RETURN_MYRIGHTS},
         ERR_CAPABILITY,
         "LIST-MYRIGHTS"},
        {{.patterns = {patterns, 1, 1}, .returns = LIST_RETURN_METADATA},
         ERR_CAPABILITY,
         "LIST-METADATA"},
        {{.patterns = {patterns, 1, 1}, .select = LIST_SELECT_RECURSIVEMATCH},
         ERR_STATE,
         "RECURSIVEMATCH"},
        {{.patterns = {0}}, ERR_STATE, "without a pattern"},
    };
    struct client_mailboxes found;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_error(f, client_list_request(f->c, &rows[i].request, f->arena, &found, &f->err),
                     rows[i].code, SCOPE_MAILBOX, rows[i].words);
    }
    assert_int_equal(client_counters(f->c).commands, 0);
}

static void lsub(struct fixture *f)
{
    struct client_mailboxes found;
    struct client_event event;
    assert_ok(f, client_lsub(f->c, STR("#news."), STR("comp.mail.*"), f->arena, &found, &f->err));
    assert_int_equal(found.len, 2);
    assert_text(found.items[1].entry.name, "#news.comp.mail");
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_LIST);
    assert_text(event.text, "News");
}

static void special(struct fixture *f)
{
    struct client_mailboxes found;
    assert_ok(f, client_list_special(f->c, STR("%"), f->arena, &found, &f->err));
    assert_true(found.len > 0);
    assert_int_equal(found.items[found.len - 1].entry.attributes, LIST_SENT);
    assert_true(found.len == 1 || (found.items[0].entry.attributes & LIST_INBOX) != 0);
}

/* It tells them in every answer, and does not know how to be asked. */
static void special_in_answers(struct fixture *f)
{
    struct str pattern = STR("%");
    const struct list_request request = {
        .patterns = {&pattern, 1, 1}, .has_return = true, .returns = LIST_RETURN_SPECIAL_USE};
    struct client_mailboxes found;
    assert_error(f, client_list_request(f->c, &request, f->arena, &found, &f->err), ERR_CAPABILITY,
                 SCOPE_MAILBOX, "LIST-EXTENDED");
    special(f);
}

static const struct fixture_case cases[] = {
    {"selection, patterns and return options", extended, 0},
    {"what an option needs", needs, 0},
    {"LSUB", lsub, 0},
    {"special uses by LIST-EXTENDED", special, 0},
    {"special uses by XLIST", special, 0},
    {"special uses by plain LIST", special, 0},
    {"special uses without LIST-EXTENDED", special_in_answers, 0},
};

int main(void)
{
    return fixture_main("list.txt", cases, sizeof cases / sizeof cases[0]);
}
