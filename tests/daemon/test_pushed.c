#include "daemon/pushed.h"

#include "base/alloc.h"
#include "daemon/post.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void free_names(char ***names)
{
    for (char **name = *names; *name != NULL; name++)
        xfree(name);
    xfree(names);
}

static void each_name_is_told_once(void **state)
{
    struct pushed pushed = {0};
    assert_null(pushed_take(&pushed));
    pushed_add(&pushed, NULL);
    assert_null(pushed_take(&pushed));
    pushed_add(&pushed, xstrdup("INBOX"));
    pushed_add(&pushed, xstrdup("Lists/C"));
    pushed_add(&pushed, xstrdup("INBOX"));
    char **names = pushed_take(&pushed);
    assert_string_equal(names[0], "INBOX");
    assert_string_equal(names[1], "Lists/C");
    assert_null(names[2]);
    assert_null(pushed_take(&pushed));
    free_names(&names);
}

static void there_is_a_bound(void **state)
{
    struct pushed pushed = {0};
    for (unsigned i = 0; i < 1000; i++)
        pushed_add(&pushed, xasprintf("box%u", i));
    assert_in_range(pushed.names.len, 1, 100);
    char **names = pushed_take(&pushed);
    free_names(&names);
    pushed_add(&pushed, xstrdup("left"));
    pushed_free(&pushed);
    assert_int_equal(pushed.names.len, 0);
}

static void put(struct post *post, const char *mailbox)
{
    const struct note note = {.kind = NOTE_PUSHED,
                              .mailbox = mailbox != NULL ? xstrdup(mailbox) : NULL};
    post_put(post, &note);
}

/* A burst of one mailbox is one note; another mailbox is another. */
static void a_burst_is_one_note(void **state)
{
    static const char *const told[] = {"INBOX", "INBOX", NULL, "box", "box", "INBOX"};
    static const char *const kept[] = {"INBOX", "box", "INBOX"};
    struct error err = ERROR_INIT;
    struct post *post;
    struct note note;
    assert_int_equal(post_new(&post, &err), 0);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        put(post, told[i]);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        assert_true(post_take(post, &note));
        assert_string_equal(note.mailbox, kept[i]);
        xfree(&note.mailbox);
    }
    assert_false(post_take(post, &note));
    post_free(&post);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_is_told_once),
        cmocka_unit_test(there_is_a_bound),
        cmocka_unit_test(a_burst_is_one_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
