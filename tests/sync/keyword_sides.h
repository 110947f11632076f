#pragma once
/* Keywords of the messages in INBOX: words on the server, letters of the folder's table here. */
#include "sync/engine.h"

/* "work later": the keywords that the message has from now on, besides \Seen. */
void server_words(struct engine *e, const char *subject, const char *words);
/* "SF work later": flags and keywords, each in order. */
void assert_words(struct engine *e, const char *subject, const char *words);

/* What stands behind ":2," in the name of the message's file. */
void assert_info(struct engine *e, const char *subject, const char *info);
void set_info(struct engine *e, const char *subject, const char *info);
const char *table_path(struct engine *e);
void set_table(struct engine *e, const char *text);
void assert_table(struct engine *e, const char *text);
