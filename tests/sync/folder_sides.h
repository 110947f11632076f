#pragma once
/* Mailboxes and folders renamed, removed and subscribed behind the engine's back. */
#include "sync/engine.h"

void server_rename(struct engine *e, const char *from, const char *to);
void server_remove(struct engine *e, const char *mailbox);
void server_subscribe(struct engine *e, const char *mailbox, bool on);
bool server_is_subscribed(struct engine *e, const char *mailbox);
void server_create_special(struct engine *e, const char *mailbox, uint32_t use);
/* Flags and keywords, as a whole. */
void server_set_flags(struct engine *e, const char *mailbox, uint32_t uid,
                      const struct imap_flags *flags);
/* With everything in it. */
void local_rename(struct engine *e, const char *from, const char *to);
bool local_has(struct engine *e, const char *path);
/* Fails unless the last pass moved no message and fetched no body. */
void assert_nothing_moved(const struct engine *e);
/* Takes extensions from the server, up to the first CAP_IMAP4REV1. */
void server_lacks(struct engine *e, const enum capability *caps);
