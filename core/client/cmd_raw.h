#pragma once
/* Any command line, with what came back as it came. */
#include "client/client.h"

struct client_raw {
    struct client_op op;
    struct command_row row; /* made of the line's first word */
    struct arena *arena;
    struct str *untagged; /* the responses before the tagged one, each without its last line end */
    size_t untagged_len, untagged_cap;
    struct str tagged; /* the same of the tagged one; empty: none came */
    bool cut;          /* more came than LIMIT_RESPONSE_BYTES, and is not there */
};
/*
 * `line` without tag and line end; literals stand in it as on the wire, `{3}` CRLF abc, and are
 * sent in the form that the server has. Everything is in the arena, the answers also when the
 * result is ERR_NO or ERR_BAD. Nothing may be in flight. What the server tells counts as ever too:
 * events, capabilities, the mailbox selected.
 *
 * ERR_STATE for a line that is none, and for commands that change what is under the conversation:
 * STARTTLS, AUTHENTICATE, LOGIN, COMPRESS, IDLE and UNAUTHENTICATE have functions of their own.
 */
int client_raw(struct client *c, struct client_raw *h, struct str line, struct arena *arena,
               struct error *err);
