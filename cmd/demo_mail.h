#pragma once
/* The sample mail of `maildird demo`. */
#include "server/mem_backend.h"

#define DEMO_USER "demo"
/* Of a server that lives for a moment and listens to this computer only. */
#define DEMO_PASSWORD "demo"

#define DEMO_ARCHIVE "Archive/2024"
#define DEMO_DRAFTS "Entwürfe"

extern const char *const demo_mailboxes[]; /* ends in NULL */

/* The user, the mailboxes and their messages; *count_out of these. */
int demo_mail_fill(struct mem_backend *backend, int64_t now_s, size_t *count_out,
                   struct error *err);
/* A message as it stands on the server, with CRLF. */
void demo_mail_compose(struct buf *out, const char *from, const char *subject, const char *text,
                       int64_t date_s);
