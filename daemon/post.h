#pragma once
/* What the threads tell the main thread: a queue, and a descriptor that says when to look. */
#include "base/error.h"
#include "base/wake.h"
#include <stddef.h>
#include <stdint.h>

struct account; /* of the supervisor */
struct watcher;
struct pass_result;
struct plan_line;
struct message_event;

enum note_kind {
    NOTE_PASS_DONE,     /* result: the taker's */
    NOTE_PLAN_LINE,     /* line: the taker's */
    NOTE_EVENT,         /* event: the taker's; only while some are wanted */
    NOTE_WATCH_LISTENS, /* of `watcher`, as what follows */
    NOTE_PUSHED,        /* mailbox: the taker's; repeated ones are one */
    NOTE_IDLE_BORNE,
    NOTE_ALIVE,       /* the answer to a probe */
    NOTE_WATCH_ENDED, /* error: the taker's; the thread's last act */
};
struct note {
    enum note_kind kind;
    struct account *account;
    struct watcher *watcher;
    struct pass_result *result;
    struct plan_line *line;
    struct message_event *event;
    struct error *error;
    char *mailbox; /* as the server has its name; NULL: not known */
    int64_t took_ms, silent_ms;
    bool reached;
};

/* A line of a plan, or of what was done. */
struct plan_line {
    char *mailbox, *what, *subject, *why; /* NULL where there is none */
};
void plan_line_free(struct plan_line **line);

/* As struct index_event. */
struct message_event {
    int64_t time_ms;
    char *mailbox, *what, *why;
    char *base, *from; /* NULL where there is none */
    uint32_t uid;
    uint8_t flags;
    size_t messages; /* that it stands for */
};
void message_event_free(struct message_event **event);

struct post;
int post_new(struct post **out, struct error *err);
/* Empty. */
void post_free(struct post **post);
/* From any thread. */
void post_put(struct post *post, const struct note *note);
/* Whether somebody listens to what happens to messages. From any thread. */
void post_want_events(struct post *post, bool wanted);
bool post_wants_events(const struct post *post);
/* The oldest; false if there is none. */
bool post_take(struct post *post, struct note *out);
/* Readable while there is a note. */
int post_fd(const struct post *post);
