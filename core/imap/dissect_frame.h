#pragma once
/*
 * The input of the dissector as units: where one begins, whose it is, and where it ends, found by
 * line ends and literals alone, so that no unit that cannot be parsed spoils the next. For the
 * dissect*.c files only.
 *
 * What one side says in the middle of the other's unit (the server's `+` before a literal) waits
 * until that unit has ended.
 */
#include "base/vec.h"
#include "wire/line_tail.h"
#include "imap/dissect.h"

/* What a line begins like. */
enum frame_head {
    HEAD_UNTAGGED, /* server */
    HEAD_STATUS,   /* server: untagged OK and the like */
    HEAD_TAGGED,   /* server */
    HEAD_CONTINUE, /* server: `+` */
    HEAD_COMMAND,  /* client */
    HEAD_ANSWER,   /* client: DONE, or a line of base64 */
    HEAD_UNKNOWN,
};
/* `line` may be cut off. */
enum frame_head frame_head_of(struct str line);
bool frame_head_is_server(enum frame_head head);

enum frame_state {
    FRAME_BETWEEN, /* no unit is under way */
    FRAME_LINE,
    FRAME_LITERAL_BEGIN,
    FRAME_LITERAL,
    FRAME_DONE,
};

/* A line that waits for its turn. */
struct frame_waiting {
    uint64_t offset;
    enum dissect_direction direction;
    char *bytes;
    size_t len;
};

struct frame {
    const struct reader_source *source; /* NULL: all is in the window */
    char *memory;                       /* the window's own, with a source */
    const char *pos, *end;              /* the window */
    uint64_t end_offset;
    bool ended;
    bool prefixed;
    bool begun;
    bool line_start; /* the last byte was a line end */
    bool crlf;       /* the line end was CRLF */
    bool server_seen;
    struct error *err; /* of the source */
    bool failed;
    enum frame_state state;
    /* the unit under way */
    enum dissect_direction direction;
    enum frame_head head;
    uint64_t offset;
    bool misled; /* a line without a prefix where all have one */
    uint64_t literal_left;
    bool literal_sync;
    bool literal_prefixed;
    bool literal_elided; /* its bytes were left out */
    struct line_tail tail;
    VEC(struct frame_waiting) waiting;
};

void frame_open(struct frame *f, const struct reader_source *source, struct str memory,
                struct error *err);
void frame_close(struct frame *f);
/* The next unit of the input, but for what waits. False at the end and on an error of the source.
 */
bool frame_begin(struct frame *f);
/* The unit's next bytes, a view until the next call; false at its end. */
bool frame_next(struct frame *f, struct str *out);
/* To the unit's end. */
void frame_drain(struct frame *f);
uint64_t frame_offset(const struct frame *f);
