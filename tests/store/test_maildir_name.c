#include "store/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void law8_names_are_read_as_other_programs_write_them(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name, *base;
        uint8_t flags;
        const char *letters;
        const char *built; /* NULL: the same name */
    } cases[] = {
        {"1.h", "1.h", 0, "", "1.h:2,"},
        {"1.h:2,", "1.h", 0, "", NULL},
        {"1.h:2,S", "1.h", MAILDIR_SEEN, "", NULL},
        {"1.h:2,DFPRST", "1.h", 63, "", NULL},
        {"1.h:2,TSRPFD", "1.h", 63, "", "1.h:2,DFPRST"},
        {"1.h:2,SS", "1.h", MAILDIR_SEEN, "", "1.h:2,S"},
        {"1.h:2,Sab", "1.h", MAILDIR_SEEN, "ab", NULL},
        {"1.h:2,baSba", "1.h", MAILDIR_SEEN, "ab", "1.h:2,Sab"},
        {"1.h:2,AFXSZ", "1.h", MAILDIR_SEEN | MAILDIR_FLAGGED, "AXZ", "1.h:2,AFSXZ"},
        {"1.h:2,S,x=ba", "1.h", MAILDIR_SEEN, ",x=ba", NULL},
        {"1.h:2,bSa,x=ba", "1.h", MAILDIR_SEEN, "ab,x=ba", "1.h:2,Sab,x=ba"},
        {"1.h:1,S", "1.h:1,S", 0, "", "1.h:1,S:2,"},
        {"1.h:", "1.h:", 0, "", "1.h::2,"},
        {"1.h:2", "1.h:2", 0, "", "1.h:2:2,"},
        {"1.h!2,S", "1.h!2,S", 0, "", "1.h!2,S:2,"},
        {"1.h,U=5,FMD5=x:2,F", "1.h,U=5,FMD5=x", MAILDIR_FLAGGED, "", NULL},
        {":2,S", "", MAILDIR_SEEN, "", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct maildir_name name;
        maildir_name_parse(f->md, f->arena, str_from(cases[i].name), &name);
        assert_true(str_eq(name.base, str_from(cases[i].base)));
        assert_int_equal(name.flags, cases[i].flags);
        assert_true(str_eq(name.letters, str_from(cases[i].letters)));
        const char *built = cases[i].built == NULL ? cases[i].name : cases[i].built;
        assert_string_equal(maildir_name_build(f->md, f->arena, &name), built);
    }
    assert_string_equal(maildir_flags_text(f->arena, 63), "DFPRST");
    assert_string_equal(maildir_flags_text(f->arena, MAILDIR_SEEN | MAILDIR_FLAGGED), "FS");
    assert_string_equal(maildir_flags_text(f->arena, 0), "");
}

static void another_separator_serves_where_a_colon_may_not_stand(void **state)
{
    struct maildir_options options = {
        .root = "/nowhere", .layout = MAILDIR_NESTED, .info_separator = '!', .inbox = "INBOX"};
    struct maildir *md = maildir_new(&options);
    struct arena *arena = arena_new();
    struct maildir_name name;
    maildir_name_parse(md, arena, STR("1.h!2,S"), &name);
    assert_true(str_eq(name.base, STR("1.h")));
    assert_string_equal(maildir_name_build(md, arena, &name), "1.h!2,S");
    arena_free(&arena);
    maildir_free(&md);
}

static void unique_names_are_unique_and_carry_the_sizes(void **state)
{
    struct fixture *f = *state;
    const char *last = "";
    for (int i = 0; i < 1000; i++) {
        const char *base = maildir_unique_base(f->md, f->arena, 10, 12);
        assert_string_not_equal(base, last);
        assert_true(str_ends(str_from(base), STR(".test.example,S=10,W=12")));
        assert_null(strpbrk(base, "/:"));
        last = base;
    }
}

static void a_host_name_is_made_fit(void **state)
{
    static const struct {
        const char *host, *end;
    } cases[] = {
        {"a/b:c", ".a\\057b\\072c,S=1,W=1"},
        {"a b,c\n", ".a_b_c_,S=1,W=1"},
        {"", ".localhost,S=1,W=1"},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct maildir_options options = {.root = "/nowhere",
                                          .layout = MAILDIR_NESTED,
                                          .info_separator = ':',
                                          .inbox = "INBOX",
                                          .host = cases[i].host};
        struct maildir *md = maildir_new(&options);
        const char *base = maildir_unique_base(md, arena, 1, 1);
        assert_true(str_ends(str_from(base), str_from(cases[i].end)));
        maildir_free(&md);
    }
    arena_free(&arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(law8_names_are_read_as_other_programs_write_them),
        TEST(unique_names_are_unique_and_carry_the_sizes),
        cmocka_unit_test(another_separator_serves_where_a_colon_may_not_stand),
        cmocka_unit_test(a_host_name_is_made_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
