#pragma once
/*
 * Transcripts: conversations written down in tests/transcripts, played to a client or a server.
 *
 *     # a comment
 *     == name of a case
 *     S: * OK hello
 *     C: A1 NOOP
 *     S: A1 OK done
 *
 * Each line ends with CRLF on the wire. `$(0d00)` stands for these bytes, `$(61*5000)` for 5000
 * times the byte, `$(-)` at the end for no CRLF. The server's side can do more than talk: `S!
 * close` ends the connection, `S! silence` says nothing until the client's wait times out, `S!
 * cancel` is the moment when the client's wake is signalled; the conversation may go on behind
 * both.
 */
#include "base/str.h"
#include "net/stream.h"

enum transcript_kind {
    TRANSCRIPT_CLIENT,
    TRANSCRIPT_SERVER,
    TRANSCRIPT_CLOSE,
    TRANSCRIPT_SILENCE,
    TRANSCRIPT_CANCEL
};
struct transcript_step {
    enum transcript_kind kind;
    struct str bytes;
    unsigned line; /* in the file */
};

struct transcript;

/* The case `name` of tests/transcripts/`file`. Ends the program when there is none. */
struct transcript *transcript_load(const char *file, const char *name);
void transcript_free(struct transcript **t);

const struct transcript_step *transcript_steps(const struct transcript *t, size_t *len_out);

/* A stream to the server of the transcript, which says its lines when the client has said all that
 * comes before them, and accepts no other words. `read_max`: bytes a read gives at most, 0: all.
 * `t` must outlive the stream. */
struct stream *transcript_stream(struct transcript *t, size_t read_max, const struct wake *wake,
                                 const struct clock *clock);
/* NULL when the conversation went as written, to its end; else what did not. */
const char *transcript_problem(struct transcript *t);
