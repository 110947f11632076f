#pragma once
/* A scratch directory with a Maildir below it, for the tests of the store. */
#include "store/index.h"
#include "store/maildir.h"

struct fixture {
    char *dir;   /* holds everything */
    char *root;  /* DIR/mail */
    char *state; /* DIR/state; not made */
    struct maildir *md;
    struct arena *arena;
    struct error err;
};

/* For cmocka: *state becomes a struct fixture with a nested Maildir whose root was made. */
int fixture_enter(void **state);
int fixture_leave(void **state);
/* Another layout over the same root. `inbox` and `separator` may be NULL. */
void fixture_layout(struct fixture *f, enum maildir_layout layout, const char *separator,
                    const char *inbox);

/* Fails the test with the error's text unless rc >= 0. */
void ok(struct fixture *f, int rc);
/* Fails the test unless rc is -code; forgets the error. */
void fails(struct fixture *f, int rc, enum error_code code);

/* Paths are relative to the fixture's directory. */
void put_file(const struct fixture *f, const char *path, struct str bytes);
bool file_exists(const struct fixture *f, const char *path);
void assert_file(const struct fixture *f, const char *path, struct str bytes);
size_t count_files(const struct fixture *f, const char *path);
/* Sets the mtime, in seconds from now. */
void set_age(const struct fixture *f, const char *path, int seconds);

/* `count` copies of `piece`, in the arena. */
struct str repeated(struct fixture *f, const char *piece, size_t count);

/* A small generator, so that a failure can be seen again. */
struct random {
    uint64_t state;
};
uint32_t random_below(struct random *r, uint32_t end);
