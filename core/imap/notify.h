#pragma once
/* NOTIFY (RFC 5465). */
#include "imap/fetch.h"
#include "imap/str_list.h"

enum notify_event {
    NOTIFY_MESSAGE_NEW = 1,
    NOTIFY_MESSAGE_EXPUNGE = 2,
    NOTIFY_FLAG_CHANGE = 4,
    NOTIFY_ANNOTATION_CHANGE = 8,
    NOTIFY_MAILBOX_NAME = 16,
    NOTIFY_SUBSCRIPTION_CHANGE = 32,
    NOTIFY_MAILBOX_METADATA_CHANGE = 64,
    NOTIFY_SERVER_METADATA_CHANGE = 128,
};
enum notify_filter {
    NOTIFY_SELECTED,
    NOTIFY_SELECTED_DELAYED,
    NOTIFY_INBOXES,
    NOTIFY_PERSONAL,
    NOTIFY_SUBSCRIBED,
    NOTIFY_SUBTREE,   /* mailboxes */
    NOTIFY_MAILBOXES, /* mailboxes */
    NOTIFY_FILTERS
};
struct notify_group {
    enum notify_filter filter;
    struct str_list mailboxes;
    unsigned events; /* enum notify_event; 0: NONE */
    bool fetches;    /* MessageNew names what is told of new messages, in the selected mailbox */
    struct fetch_request fetch;
};
struct notify_request {
    bool none;   /* NOTIFY NONE; else SET */
    bool status; /* STATUS of each mailbox first */
    struct notify_group *groups;
    size_t groups_len;
};
/* Behind "NOTIFY ", up to the line end. An event that is not known is kept out, and *unknown tells
 * it, so that the server can answer BADEVENT. */
bool notify_request_read(struct reader *r, struct arena *arena, struct notify_request *out,
                         bool *unknown);
void notify_request_write(struct writer *w, const struct notify_request *request);
/* "(MessageNew FlagChange)", as BADEVENT has it. */
void notify_events_write(struct writer *w, unsigned events);
const char *notify_filter_name(enum notify_filter filter);
const char *notify_event_name(enum notify_event event);
