#pragma once
/*
 * Conversations with sessions of the embedded server, straight over session_feed.
 *
 *     1> a1 NOOP         session 1 hears this line; `$` is a line end within, `\$` itself
 *     1< a1 OK …         its next line: all of it, or up to the …
 *     1+ new             as `1>`, but without the line end
 *     1~ a1 SELECT x     as `1>`; what it says is passed over, but must end with a1 OK
 *     1?                 session 1 is asked for news
 *     1.                 nothing more was said
 *     1!                 the session has ended
 *     # a comment
 *
 * A session comes into being when it is first named, and has been greeted and logged in by then
 * unless `raw`. What a session says must all be expected before it hears the next line.
 */
#include "support/lockstep_env.h"

struct conversation {
    struct lockstep_env env;
    const struct backend *backend; /* NULL: the environment's */
    bool raw;
    struct session *sessions[10];
    struct buf said[10];
    bool ended[10];
};

void conversation_init(struct conversation *c);
void conversation_free(struct conversation *c);
/* Fails the test where it goes otherwise, naming `name` and the line. */
void conversation_play(struct conversation *c, const char *name, const char *script);
/* Init, play, free. */
void conversation_run(const char *name, const char *script);

struct script {
    const char *name;
    const char *text;
};
/* Each by itself, after `before`, which may be NULL. */
void conversation_run_all(const struct script *scripts, size_t len, const char *before);
#define RUN_AFTER(before, scripts)                                                                 \
    conversation_run_all(scripts, sizeof scripts / sizeof *(scripts), before)

/* Each by itself, on a server that lacks this; the capability's name is that of the script. */
struct script_without {
    enum capability capability;
    const char *text;
};
void conversation_run_without(const struct script_without *scripts, size_t len);
