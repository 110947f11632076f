#pragma once
/* A client whose server is a transcript. */
#include "client/client.h"
#include "support/transcript.h"

struct fixture {
    const char *file;
    struct transcript *transcript;
    struct client_options options;
    struct client *c; /* opened: the greeting has been read */
    struct arena *arena;
    struct error err;
};

enum fixture_flag {
    FIXTURE_UNOPENED = 1, /* the function calls fixture_open itself */
    FIXTURE_WHOLE = 2, /* only with reads of any size: the client gives up before it has read all */
};

struct fixture_case {
    const char *name; /* in the file */
    void (*run)(struct fixture *f);
    unsigned flags; /* enum fixture_flag */
};

/* A test program: each case's function runs several times over its transcript, with reads of any
 * size and of a few bytes; the conversation must go exactly as written. The options are
 * SECURITY_NONE and plaintext_ok. Returns how many failed. */
int fixture_main(const char *file, const struct fixture_case *cases, size_t len);
/* client_open over the transcript; f->c on success. */
int fixture_open(struct fixture *f, struct stream *stream);
struct stream *fixture_stream(struct fixture *f);

/* The words of a set: "1:3,7". Valid until the next call. */
const char *set_text(const struct seqset *set);
/* A set from its words; the caller frees. */
struct seqset set_of(const char *text);
#define assert_ok(f, call) assert_ok_at((f), (call), #call, __FILE__, __LINE__)
void assert_ok_at(const struct fixture *f, int result, const char *call, const char *file,
                  int line);
/* The call failed with `code` and `scope`, and the text holds `words`. */
#define assert_error(f, result, code, scope, words)                                                \
    assert_error_at((f), (result), (code), (scope), (words), __FILE__, __LINE__)
void assert_error_at(const struct fixture *f, int result, enum error_code code,
                     enum error_scope scope, const char *words, const char *file, int line);
void assert_text(struct str got, const char *expected);
