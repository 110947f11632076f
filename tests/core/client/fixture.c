#include "base/alloc.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static size_t read_max;

struct stream *fixture_stream(struct fixture *f)
{
    return transcript_stream(f->transcript, read_max, NULL, &clock_system);
}

int fixture_open(struct fixture *f, struct stream *stream)
{
    return client_open(stream, &f->options, &f->c, &f->err);
}

static void run_once(const char *file, const struct fixture_case *one)
{
    struct fixture f = {.file = file};
    f.transcript = transcript_load(file, one->name);
    f.arena = arena_new();
    f.options = (struct client_options){
        .host = "mail.example",
        .security = SECURITY_NONE,
        .plaintext_ok = true,
        .timeout_ms = 1000,
        .clock = &clock_system,
    };
    if ((one->flags & FIXTURE_UNOPENED) == 0) {
        assert_ok(&f, fixture_open(&f, fixture_stream(&f)));
    }
    one->run(&f);
    client_close(&f.c);
    const char *problem = transcript_problem(f.transcript);
    if (problem != NULL) {
        fail_msg("%s (reads of %zu)", problem, read_max);
    }
    arena_free(&f.arena);
    transcript_free(&f.transcript);
}

static const char *current_file;

static void run_case(void **state)
{
    static const size_t sizes[] = {0, 1, 7};
    const struct fixture_case *one = *state;
    size_t len = (one->flags & FIXTURE_WHOLE) != 0 ? 1 : sizeof sizes / sizeof sizes[0];
    for (size_t i = 0; i < len; i++) {
        read_max = sizes[i];
        run_once(current_file, one);
    }
}

int fixture_main(const char *file, const struct fixture_case *cases, size_t len)
{
    struct CMUnitTest *tests = xcalloc(len, sizeof *tests);
    current_file = file;
    for (size_t i = 0; i < len; i++) {
        const struct fixture_case *one = &cases[i];
        tests[i] = (struct CMUnitTest){.name = one->name, .test_func = run_case};
        memcpy(&tests[i].initial_state, &one, sizeof one);
    }
    int failed = _cmocka_run_group_tests(file, tests, len, NULL, NULL);
    free(tests);
    return failed;
}

const char *set_text(const struct seqset *set)
{
    static char text[1000];
    struct writer w;
    writer_init(&w, WRITER_LITERAL_SERVER, false, sizeof text - 1);
    if (!seqset_is_empty(set)) {
        seqset_write(&w, set);
    }
    snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&w.buf)));
    writer_free(&w);
    return text;
}

struct seqset set_of(const char *text)
{
    struct seqset set = {0};
    struct str rest = str_from(text);
    struct str range;
    while (str_split(&rest, ',', &range)) {
        struct str last = range;
        struct str first;
        uint32_t a = 0;
        uint32_t b = 0;
        (void)str_split(&last, ':', &first);
        bool is_star = str_eq(last, STR("*"));
        if (str_eq(first, STR("*"))) {
            seqset_add(&set, SEQ_STAR);
            continue;
        }
        assert_true(str_to_u32(first, &a));
        assert_true(last.len == 0 || is_star || str_to_u32(last, &b));
        seqset_add_range(&set, a, is_star ? SEQ_STAR : last.len == 0 ? a : b);
    }
    return set;
}

void assert_ok_at(const struct fixture *f, int result, const char *call, const char *file, int line)
{
    if (result < 0) {
        const char *problem = transcript_problem(f->transcript);
        print_error("%s: %s\n%s\n", call, f->err.text, problem != NULL ? problem : "");
    }
    _assert_true(result >= 0, call, file, line);
}

void assert_error_at(const struct fixture *f, int result, enum error_code code,
                     enum error_scope scope, const char *words, const char *file, int line)
{
    bool matches = result == -(int)code && f->err.code == code && f->err.scope == scope &&
                   strstr(f->err.text, words) != NULL;
    if (!matches) {
        print_error("result %d, %s, scope %s: %s\n", result, error_code_name(f->err.code),
                    error_scope_name(f->err.scope), f->err.text);
    }
    _assert_true(matches, words, file, line);
}

void assert_text(struct str got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.ptr, expected, got.len);
}
